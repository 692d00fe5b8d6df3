/** Which reply is the answer to which call, and which calls wait no longer. */
import { randomBytes } from 'node:crypto';
import type { Message } from '../../message.ts';
import { DueHeap } from '../../steps/due-heap.ts';
import type { Keeper, Kept, Release, Remembers, StageTime } from '../stage/keeper.ts';
import type { Call } from './calls.ts';

export interface AnswerRules {
  /** What names the call that a reply answers. Throws STEP_FAILED. */
  nameIn(reply: Message): string;
  /** Throws STEP_FAILED for a reply that nobody waits for, and nobody ever did. */
  stranger(): void;
  answer(call: Message, reply: Message): Message;
  /** A reply to what has waited too long. Null: nothing leaves. */
  late(reply: Message): Message | null;
  /** Null: nothing leaves. */
  timeout(call: Message): Message | null;
}

interface Waiting {
  /** Of its record. */
  readonly id: number;
  readonly at: number;
}

type End = 'answered' | 'timedOut';

/** So many calls that have ended are remembered: copies of their replies are known for what they are. */
const endedMax = 10_000;

export class CallKeeper implements Keeper {
  readonly decides = true;
  readonly remembers: Remembers = {
    maxKeys: endedMax,
    keyOf: (why) => partsOf(why).name,
    recall: (why) => this.#recall(why),
    forget: (name) => void this.#ended.delete(name),
  };
  /** Told when a call has ended. */
  onEnded: () => void = () => undefined;
  timedOut = 0;
  readonly #rules: AnswerRules;
  /** By name, in the order in which they came. */
  readonly #open = new Map<string, Waiting>();
  /** Names by the ids of their records: what the timers know them by. */
  readonly #names = new Map<number, string>();
  readonly #timers = new DueHeap();
  #replies: { readonly id: number; readonly name: string; readonly at: number }[] = [];
  readonly #ended = new Map<string, End>();
  /** Calls that are not on disk yet. */
  readonly #coming = new WeakMap<Message, { readonly name: string; readonly timeoutMs: number }>();

  constructor(rules: AnswerRules) {
    this.#rules = rules;
  }

  /** Calls that wait. */
  get groups(): number {
    return this.#open.size;
  }

  get oldestAt(): number | undefined {
    const [call] = this.#open.values();
    const [reply] = this.#replies;
    if (!call || !reply) return (call ?? reply)?.at;
    return Math.min(call.at, reply.at);
  }

  /** Announces what comes next as a call: `record` is what is kept of it. Nobody can guess its name: who has it was asked. */
  call({ timeoutMs }: Call, record: Message): Message {
    this.#coming.set(record, { name: randomBytes(16).toString('base64url'), timeoutMs });
    return record;
  }

  nameOf(record: Message): string {
    return this.#coming.get(record)?.name as string;
  }

  note(message: Message): string {
    const call = this.#coming.get(message);
    if (call) return `call:${call.timeoutMs}:${call.name}`;
    const name = this.#rules.nameIn(message);
    if (!this.#open.has(name) && !this.#ended.has(name)) this.#rules.stranger();
    return `reply::${name}`;
  }

  add({ id, note, at }: Kept): void {
    const [, kind, timeoutMs, name] = /^(call|reply):(\d*):(.*)$/s.exec(note) as unknown as [string, string, string, string];
    if (kind === 'reply') return void this.#replies.push({ id, name, at });
    this.#open.set(name, { id, at });
    this.#names.set(id, name);
    this.#timers.push(at + Number(timeoutMs), id);
  }

  /** Replies first: one that has come in time is never too late. */
  take({ stage }: StageTime): Release | undefined {
    const reply = this.#replies.shift();
    if (reply) return this.#answered(reply.id, reply.name);
    for (let id = this.#timers.takeDue(stage); id !== undefined; id = this.#timers.takeDue(stage)) {
      const name = this.#names.get(id);
      if (name === undefined) continue; // it was answered
      this.timedOut++;
      this.#end(name, id, 'timedOut');
      return { members: [id], why: `timeout:${name}` };
    }
    return undefined;
  }

  waitMs({ stage }: StageTime): number | undefined {
    if (this.#replies.length > 0) return 0;
    const { nextMs } = this.#timers;
    return nextMs === undefined ? undefined : nextMs - stage;
  }

  make(members: readonly Message[], why: string): Message | null {
    const [first, second] = members as [Message, Message];
    const { how } = partsOf(why);
    if (how === 'answer') return this.#rules.answer(first, second);
    if (how === 'timeout') return this.#rules.timeout(first);
    return how === 'late' ? this.#rules.late(first) : null;
  }

  failed(members: readonly Message[], error: Error): Message {
    return (members.at(-1) as Message).change({ fault: error });
  }

  #answered(id: number, name: string): Release {
    const call = this.#open.get(name);
    if (!call) return { members: [id], why: `${this.#ended.get(name) === 'answered' ? 'copy' : 'late'}:${name}` };
    this.#end(name, call.id, 'answered');
    return { members: [call.id, id], why: `answer:${name}` };
  }

  #end(name: string, id: number, how: End): void {
    this.#open.delete(name);
    this.#names.delete(id);
    this.#ended.set(name, how);
    this.onEnded();
  }

  #recall(why: string): void {
    const { how, name } = partsOf(why);
    this.#ended.set(name, how === 'answer' || how === 'copy' ? 'answered' : 'timedOut');
  }
}

function partsOf(why: string): { readonly how: string; readonly name: string } {
  const colon = why.indexOf(':');
  return { how: why.slice(0, colon), name: why.slice(colon + 1) };
}
