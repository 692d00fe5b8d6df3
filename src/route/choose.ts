import type { Value } from '../config/fields.ts';
import type { CaseModel } from '../config/model.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';

/** The branches that a message takes, by their places. Throws when it takes none: the message has failed. */
export type Choose = (message: Message) => readonly number[];

const shownNames = 20;

/** The first case that holds. */
export function caseOf(cases: readonly CaseModel[]): Choose {
  const places = cases.map((_, i) => [i]);
  return (message) => {
    for (let i = 0; i < cases.length; i++) {
      const { when } = cases[i] as CaseModel;
      if (when === undefined || when(message) === true) return places[i] as readonly number[];
    }
    throw new MqferryError('UNROUTABLE', 'no case of the switch takes this message, and it has no otherwise');
  };
}

/**
 * The places, among `names`, that `pick` names for a message: one, or several, each once. Throws UNROUTABLE when it names none, or one that is
 * not there; what it yields is the message's, so the error does not repeat it.
 */
export function recipientsOf(pick: Value, names: readonly string[]): Choose {
  const places = new Map(names.map((name, i) => [name, [i] as const]));
  const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : '';
  const allowed = `allowed: ${names.slice(0, shownNames).join(', ')}${more}`;
  const refuse = (what: string) => new MqferryError('UNROUTABLE', `oneOf yields ${what}; ${allowed}`);
  return (message) => {
    const found = pick(message);
    if (typeof found === 'string') {
      const place = places.get(found);
      if (!place) throw refuse('a name that is not allowed');
      return place;
    }
    if (!Array.isArray(found)) throw refuse(`${kindOf(found)}, neither a name nor a list of names`);
    if (found.length === 0) throw refuse('an empty list');
    const several = new Set<number>();
    for (const name of found as readonly unknown[]) {
      const place = typeof name === 'string' ? places.get(name) : undefined;
      if (!place) throw refuse(typeof name === 'string' ? 'a name that is not allowed' : `${kindOf(name)} in its list of names`);
      several.add(place[0]);
    }
    return [...several];
  };
}

function kindOf(found: unknown): string {
  if (found === null || found === undefined) return 'null';
  if (Array.isArray(found)) return 'a list';
  if (Buffer.isBuffer(found)) return 'bytes';
  return typeof found === 'object' ? 'a map' : `a ${typeof found === 'bigint' ? 'number' : typeof found}`;
}
