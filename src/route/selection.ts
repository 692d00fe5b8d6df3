/** Which dead letters are sent again. */
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { reasonOf, toBeJudged } from './letter.ts';

export interface Choice {
  /** Only letters for which this is true. Throws what it throws. */
  readonly when?: ((letter: Message) => unknown) | undefined;
  /** Only letters of this route: a queue or topic may hold those of others. Absent: all there are. */
  readonly route?: string | undefined;
  /** Only letters that died before this, as ISO 8601: what fails again is not taken up at once. */
  readonly before?: string | undefined;
  /** Only letters that have failed behind this stage, the last one of the route: a replay goes past stages. */
  readonly behind?: string | undefined;
  /** A letter that was sent again so often stays where it is. */
  readonly maxReplays: number;
}

/** Undefined: chosen. `isOurs`: another choice might take it. */
export type Refused = { readonly why: string; readonly isOurs: boolean } | undefined;

/** Says of each letter whether it is chosen, and counts those that are not, by reason. */
export class Selection {
  readonly #choice: Choice;
  readonly #refused = new Map<string, number>();

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  /** How many letters were not chosen, by reason. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Counts anew. */
  reset(): void {
    this.#refused.clear();
  }

  /** Throws CONFIG_INVALID when the condition cannot be evaluated: that is no answer, so nothing goes on. */
  judge(letter: Message): Refused {
    const refused = this.#look(letter);
    if (refused) this.#refused.set(refused.why, (this.#refused.get(refused.why) ?? 0) + 1);
    return refused;
  }

  #look(letter: Message): Refused {
    const { when, route, before, behind, maxReplays } = this.#choice;
    const reason = reasonOf(letter);
    if (letter.fault !== undefined) return { why: 'cannot be read', isOurs: false };
    if (route !== undefined && reason.route !== route)
      return { why: reason.route === '' ? 'are no dead letters of mqferry' : 'are of another route', isOurs: false };
    if (reason.at === 'decoding') return { why: 'could not be decoded by the source, nor can they now', isOurs: true };
    if (before !== undefined && reason.time >= before) return { why: 'have come since it began', isOurs: true };
    if (behind !== undefined && reason.at !== behind)
      return { why: `failed before the stage ${behind}, which a replay goes past: export them, and give them to the source`, isOurs: true };
    if (when && !this.#holds(when, letter)) return { why: 'are not chosen by --when', isOurs: true };
    if (reason.replays >= maxReplays) return { why: `were replayed ${maxReplays} times or more (--max-replays)`, isOurs: true };
    return undefined;
  }

  #holds(when: (letter: Message) => unknown, letter: Message): boolean {
    try {
      return when(toBeJudged(letter)) === true;
    } catch (error) {
      const { code, time } = reasonOf(letter);
      const which = letter.id === undefined ? `of ${time} (${code})` : JSON.stringify(letter.id);
      throw new MqferryError('CONFIG_INVALID', `--when cannot judge the letter ${which}: ${describeError(error)}`, { cause: error });
    }
  }
}
