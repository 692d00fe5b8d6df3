/** How a test names the ends of a route. */
import type { EndModel } from '../config/model.ts';
import { didYouMean } from '../config/nearest.ts';
import type { Problems, Spot } from '../config/problems.ts';
import type { Fields } from '../connector.ts';
import { nameOf } from '../route/ends.ts';

interface NamedEnd {
  readonly name: string;
  readonly model: EndModel;
}

/** Where a name leads; one that leads to several ends says which they are. */
export type EndNames = ReadonlyMap<string, readonly number[]>;

/** The sinks of a route: by place, by connector and connection, by connector, and by what the config says of where they write to. */
export function sinkNames(sinks: readonly NamedEnd[]): EndNames {
  const names = new Map<string, number[]>();
  for (const [index, { name, model }] of sinks.entries())
    for (const alias of new Set([String(index + 1), name, nameOf(model), model.connector.name, ...placesOf(model)]))
      names.set(alias, [...(names.get(alias) ?? []), index]);
  for (const index of sinks.keys()) names.set(String(index + 1), [index]); // a place is a place, whatever a queue is called
  return names;
}

/** Sinks and dead-letter destinations in one: those of the latter count on from the sinks. */
export function allNames(sinks: readonly NamedEnd[], deadLetters: readonly NamedEnd[]): EndNames {
  const names = new Map(sinkNames(sinks));
  for (const [index, { name }] of deadLetters.entries()) {
    const place = [sinks.length + index];
    for (const alias of [name, `dead letter ${index + 1}`, ...(deadLetters.length === 1 ? ['dead letter'] : [])]) names.set(alias, place);
  }
  return names;
}

/** Undefined, and reported, when the name leads nowhere or to several. */
export function findEnd(name: string, names: EndNames, what: string, at: Spot, problems: Problems): number | undefined {
  const found = names.get(name) ?? [];
  if (found.length === 1) return found[0];
  const places = (found.length > 1 ? found : []).map((index) => `"${index + 1}"`);
  if (places.length > 0) problems.error(at, 'which-sink', `"${name}" is the name of several ${what}s`, `write ${places.join(' or ')}`);
  else {
    const hint =
      didYouMean(name, names.keys()) ?? (names.size === 0 ? `the route has no ${what}` : `there are: ${[...names.keys()].join(', ')}`);
    problems.error(at, 'unknown-sink', `there is no ${what} "${name}"`, hint);
  }
  return undefined;
}

/** Topics, queues, exchanges: what is the same for every message and no choice between fixed words. */
function placesOf({ connector, config }: EndModel): string[] {
  return Object.entries((connector.sink?.fields ?? {}) as Fields).flatMap(([name, { kind, options }]) => {
    const value = config[name];
    if (options.secret || options.advanced || value === undefined) return [];
    if (kind.kind === 'template') return (value as { constant?: string }).constant ?? [];
    return kind.kind === 'text' ? (value as string) : [];
  });
}
