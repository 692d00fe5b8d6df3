import type { PumpRecord } from '../buffer/lives.ts';
import type { Clock } from '../clock.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { Bell } from './bell.ts';
import { identify } from './identity.ts';
import type { Turns } from './turns.ts';

export interface GateOptions {
  /** Unclean stops in a row at which a message was under way: then it is not handled again. */
  readonly after: number;
  /** A message that has been under way for so long is not what ends the process. */
  readonly withinMs: number;
  /** It is careful with so many messages. */
  readonly careMessages: number;
  readonly turns: Turns;
  readonly clock: Clock;
  identityOf(message: Message): string;
  /** Resolves once the record is on disk. */
  save(): Promise<void>;
  /** The record has changed: in no hurry. */
  changed(): void;
}

/** Messages that were let in together, in one batch. */
interface Group {
  readonly ids: readonly string[];
  readonly size: number;
  readonly convicts: readonly Message[];
  readonly over: AbortController;
  readonly endTurn: () => void;
}

/** Under way at once while nobody is suspected: few enough to look at one by one should the process end, and the record costs each of them little. */
const underWayMax = 32;

/**
 * The way into a pump after an unclean stop: for few messages at a time, and on disk which ones.
 *
 * - *under way*: handled now. Found in the record after an unclean stop, they are suspects.
 * - *suspect*: was under way at the last unclean stop, perhaps at some before it, too. While there are suspects, messages pass one at a time. No
 *   longer one once it has ended, has been under way for `withinMs`, or was not under way at the next unclean stop.
 * - *convict*: a suspect of `after` unclean stops in a row. It is let in to be refused, and remembered until that has ended.
 *
 * A suspect that lacks one more stop is handled while nobody else in the process is: so only what ends the process comes to be a convict.
 */
export class Gate {
  readonly #o: GateOptions;
  readonly #bell = new Bell();
  readonly #suspects = new Map<string, number>();
  /** Those that have been let in, and have not ended. */
  readonly #convicts = new Map<Message, string>();
  readonly #underWay = new Set<Group>();
  /** Messages of these. */
  #count = 0;
  /** Messages that have yet to pass before it is careful no more. */
  #left = 0;
  isCareful = false;

  constructor(options: GateOptions) {
    this.#o = options;
  }

  /** So many messages may be let in now. */
  get room(): number {
    if (this.#left <= 0) return 0; // the last ones have to pass first
    return (this.#suspects.size > 0 || this.#o.after === 1 ? 1 : underWayMax) - this.#count;
  }

  get record(): PumpRecord {
    return { underWay: [...this.#underWay].flatMap(({ ids }) => ids), suspects: Object.fromEntries(this.#suspects) };
  }

  /** Takes over what the life before has left. */
  recall({ underWay = [], suspects = {} }: PumpRecord, isUnclean: boolean): void {
    const { after, careMessages } = this.#o;
    for (const [id, stops] of Object.entries(suspects)) if (!isUnclean || stops >= after) this.#suspects.set(id, stops);
    if (isUnclean) for (const id of underWay) this.#suspects.set(id, (suspects[id] ?? 0) + 1);
    this.isCareful = isUnclean || this.#suspects.size > 0;
    this.#left = careMessages;
  }

  /** Resolves when there is room, or it is careful no more; with false when the signal is aborted first. */
  hasRoom(signal: AbortSignal): Promise<boolean> {
    return this.#bell.untilOr(signal, () => !this.isCareful || this.room > 0);
  }

  /**
   * Lets messages in: what is known of them is on disk when this resolves, with what to call when they have ended. Throws QUARANTINED for one
   * that cannot even be refused.
   */
  async enter(messages: readonly Message[], signal: AbortSignal): Promise<() => void> {
    const { after, withinMs, turns, clock } = this.#o;
    const ids = messages.map((message) => this.#o.identityOf(message));
    const stops = ids.map((id) => this.#suspects.get(id) ?? 0);
    for (const [i, message] of messages.entries())
      if ((stops[i] as number) >= 2 * after) throw hopeless(message, stops[i] as number, after);
    const endTurn = await turns.take(Math.max(...stops) >= after - 1, signal);
    const convicts = messages.filter((_, i) => (stops[i] as number) >= after);
    for (const message of convicts) this.#convicts.set(message, this.#o.identityOf(message));
    const group: Group = { ids, size: messages.length, convicts, over: new AbortController(), endTurn };
    this.#underWay.add(group);
    this.#count += group.size;
    await this.#o.save();
    void clock.sleep(withinMs, group.over.signal).then(() => this.#outlived(group));
    return () => this.#ended(group);
  }

  /** These messages without those that must not be handled, which go to `refuse`. */
  sift(messages: readonly Message[], refuse: (message: Message, error: MqferryError) => void): readonly Message[] {
    if (this.#convicts.size === 0) return messages;
    return messages.filter((message) => {
      if (!this.#convicts.has(message.received)) return true;
      const text = `it was under way when the process had ended, ${this.#o.after} times in a row or more: it is not handled again`;
      refuse(message, new MqferryError('QUARANTINED', text));
      return false;
    });
  }

  /** Everything passes from now on. */
  open(): void {
    this.isCareful = false;
    const open = new Set(this.#convicts.values());
    for (const id of this.#suspects.keys()) if (!open.has(id)) this.#suspects.delete(id);
  }

  /** What has not ended is neither cleared nor blamed. */
  close(): void {
    for (const { over, endTurn } of this.#underWay) {
      over.abort();
      endTurn();
    }
    this.#underWay.clear();
  }

  #ended(group: Group): void {
    group.over.abort();
    for (const message of group.convicts) this.#convicts.delete(message);
    this.#clear(group.ids);
    this.#pass(group);
  }

  #outlived(group: Group): void {
    if (group.over.signal.aborted) return;
    if (group.convicts.length === 0) this.#clear(group.ids);
    this.#pass(group);
  }

  #clear(ids: readonly string[]): void {
    let isChanged = false;
    for (const id of ids) isChanged = this.#suspects.delete(id) || isChanged;
    if (!isChanged) return;
    this.#o.changed();
    this.#bell.ring();
  }

  #pass(group: Group): void {
    if (!this.#underWay.delete(group)) return;
    this.#count -= group.size;
    this.#left -= group.size;
    group.endTurn();
    if (this.isCareful && this.#left <= 0 && this.#count === 0) void this.#leave();
    this.#o.changed();
    this.#bell.ring();
  }

  /** What comes next has nobody to write it down: so first the record must name nobody any more. */
  async #leave(): Promise<void> {
    await this.#o.save();
    this.open();
    this.#o.changed();
    this.#bell.ring();
  }
}

function hopeless(message: Message, stops: number, after: number): MqferryError {
  const text = `message ${identify(message)} was under way at ${stops} unclean stops, at the last ${stops - after} of them when it was only to be refused`;
  return new MqferryError('QUARANTINED', `${text}: take it out of the source, or have it handled by quarantine: { after: 0 }`);
}
