import { deadDiskFields, isDeadDisk } from '../config/dead-disk.ts';
import type { EndModel, Place, RouteModel } from '../config/model.ts';
import type { AnyConnector } from '../connector.ts';
import type { Fault } from './fault.ts';
import { deadEndsOf } from './remedies.ts';
import { endsOf } from './share.ts';
import { tapsOf } from './taps.ts';

type End = Parameters<NonNullable<AnyConnector['misfits']>>[0][number];
type Placed = End & { readonly connector: AnyConnector; readonly at: Place };

/** The ends of a config that do not go with one another, as their connectors judge; each with the place of the other. */
export function disagreements(routes: readonly RouteModel[]): Fault[] {
  const faults: Fault[] = [];
  for (const [connector, ends] of Map.groupBy(routes.flatMap(endsOfRoute), (end) => end.connector)) {
    for (const { end, other, message } of connector.misfits?.(ends) ?? []) {
      const { file, line, col } = (other as Placed).at;
      const hint = `the other end is at ${file}:${line}:${col}`;
      faults.push({ at: (end as Placed).at, rule: 'misfit', message, hint });
    }
  }
  return [...faults, ...routes.flatMap(otherLimits)];
}

/** All entries of a route that say `disk` mean one log, so a limit is written once, or the same. */
function otherLimits(route: RouteModel): Fault[] {
  const ends = deadEndsOf(route).filter(isDeadDisk);
  return Object.keys(deadDiskFields).flatMap((name) => {
    const [first, ...rest] = ends.filter(({ config }) => config[name] !== undefined);
    const others = rest.filter(({ config }) => config[name] !== first?.config[name]);
    const { file, line, col } = first?.at ?? route.at;
    const hint = `the other one is at ${file}:${line}:${col}; write it once, or the same`;
    const message = `the dead letters of route ${route.name} have another ${name} here`;
    return others.map(({ at, places }): Fault => ({ at: places.get(name) ?? at, rule: 'misfit', message, hint }));
  });
}

function endsOfRoute(route: RouteModel): Placed[] {
  const taps = tapsOf(route).map(({ sink }) => sink.end);
  return [placed(route.source, 'source'), ...[...endsOf(route.sink), ...deadEndsOf(route), ...taps].map((end) => placed(end, 'sink'))];
}

function placed({ connector, config, at }: EndModel, side: 'source' | 'sink'): Placed {
  return { side, config: config as End['config'], connector, at };
}
