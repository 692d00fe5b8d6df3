import type { RouteModel, StepModel } from '../config/model.ts';
import { stepKinds } from '../steps/index.ts';
import type { Fault } from './fault.ts';
import { endsOf, stepsOf } from './share.ts';
import { tapsOf } from './taps.ts';

/** The tables that steps look into and that no route of the config feeds: all that is looked for there would be missing. */
export function unfedTables(routes: readonly RouteModel[]): Fault[] {
  const fed = new Set(
    routes
      .flatMap((route) => [...endsOf(route.sink), ...tapsOf(route).map(({ sink }) => sink.end)])
      .map(({ connector, config }) => connector.sink?.feeds?.(config as never)),
  );
  return routes
    .flatMap(({ steps, sink }) => [...steps, ...stepsOf(sink)])
    .flatMap((step) => {
      const name = tableOf(step);
      if (name === undefined || fed.has(name)) return [];
      const known = [...fed].filter((one) => one !== undefined);
      const hint = known.length > 0 ? `there are: ${known.join(', ')}` : `write a route with \`sink: { table: { name: ${name} } }\``;
      return [{ at: step.at, rule: 'unfed-table', message: `no route feeds the table ${name}`, hint }];
    });
}

function tableOf({ name, value }: StepModel): string | undefined {
  return stepKinds[name]?.table?.(value);
}
