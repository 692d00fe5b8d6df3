/** Messages that wait for those with lower numbers, of many keys. */
import { DueHeap } from './due-heap.ts';

export interface SequenceLimits {
  /** How long a missing number is waited for. */
  readonly gapMs: number;
  /** Of each key; undefined: the lowest that comes within `gapMs`. */
  readonly first: number | undefined;
  /** Messages of one key that wait, at most. */
  readonly capacity: number;
}

export interface Numbered {
  readonly id: number;
  readonly number: number;
  readonly key: string;
  readonly at: number;
}

export interface Taken {
  readonly id: number;
  readonly key: string;
  /** The number that is next for this key from now on. */
  readonly next: number;
  readonly isLate: boolean;
}

interface Sequence {
  readonly key: string;
  /** Of this one among all: what timers know it by. */
  readonly index: number;
  /** Undefined until the first has left. */
  next: number | undefined;
  /** The lowest number first; of one number, the one that came first. */
  readonly byNumber: DueHeap;
  /** Ids, and when they came: in that order. */
  readonly waiting: Map<number, number>;
}

export class Sequences {
  readonly #limits: SequenceLimits;
  readonly #byKey = new Map<string, Sequence>();
  readonly #byIndex = new Map<number, Sequence>();
  readonly #timers = new DueHeap();
  /** Something has come to these since they were looked at. */
  readonly #changed = new Set<Sequence>();
  #nextIndex = 1;
  waitingKeys = 0;

  constructor(limits: SequenceLimits) {
    this.#limits = limits;
  }

  /** When what waits for longest came. */
  get oldestAt(): number | undefined {
    let oldest: number | undefined;
    for (const { waiting } of this.#byKey.values()) {
      const [at] = waiting.values();
      if (at !== undefined && at < (oldest ?? Number.POSITIVE_INFINITY)) oldest = at;
    }
    return oldest;
  }

  add({ id, number, key, at }: Numbered): void {
    const sequence = this.#sequence(key);
    if (sequence.waiting.size === 0) this.waitingKeys++;
    sequence.byNumber.push(number, id);
    sequence.waiting.set(id, at);
    this.#changed.add(sequence);
  }

  /** So far this key had come. */
  recall(key: string, next: number): void {
    this.#sequence(key).next = next;
  }

  /** It begins anew with what comes; what waits, waits on. */
  forget(key: string): void {
    const sequence = this.#byKey.get(key);
    if (!sequence || sequence.waiting.size > 0) return;
    this.#byKey.delete(key);
    this.#byIndex.delete(sequence.index);
  }

  /** The next one that may leave by now. */
  take(nowMs: number): Taken | undefined {
    for (let index = this.#timers.takeDue(nowMs); index !== undefined; index = this.#timers.takeDue(nowMs)) {
      const sequence = this.#byIndex.get(index);
      if (sequence) this.#changed.add(sequence);
    }
    for (const sequence of this.#changed) {
      if (this.#mayLeave(sequence, nowMs)) return this.#takeFirst(sequence);
      this.#changed.delete(sequence);
      if (sequence.waiting.size > 0) this.#timers.push(this.#gapEnds(sequence), sequence.index);
    }
    return undefined;
  }

  waitMs(nowMs: number): number | undefined {
    if (this.#changed.size > 0) return 0;
    const { nextMs } = this.#timers;
    return nextMs === undefined ? undefined : nextMs - nowMs;
  }

  #sequence(key: string): Sequence {
    let sequence = this.#byKey.get(key);
    if (!sequence) {
      sequence = { key, index: this.#nextIndex++, next: this.#limits.first, byNumber: new DueHeap(4), waiting: new Map() };
      this.#byKey.set(key, sequence);
      this.#byIndex.set(sequence.index, sequence);
    }
    return sequence;
  }

  #mayLeave(sequence: Sequence, nowMs: number): boolean {
    const lowest = sequence.byNumber.nextMs;
    if (lowest === undefined) return false;
    if (sequence.next !== undefined && lowest <= sequence.next) return true;
    return sequence.waiting.size > this.#limits.capacity || this.#gapEnds(sequence) <= nowMs;
  }

  /** When what waits for longest has waited long enough. */
  #gapEnds({ waiting }: Sequence): number {
    return (waiting.values().next().value as number) + this.#limits.gapMs;
  }

  #takeFirst(sequence: Sequence): Taken {
    const number = sequence.byNumber.nextMs as number;
    const id = sequence.byNumber.takeDue(number) as number;
    sequence.waiting.delete(id);
    if (sequence.waiting.size === 0) this.waitingKeys--;
    const isLate = sequence.next !== undefined && number < sequence.next;
    if (!isLate) sequence.next = number + 1;
    return { id, key: sequence.key, next: sequence.next as number, isLate };
  }
}
