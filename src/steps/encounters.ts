/** Messages of several sides that wait for each other, by key. */
import { DueHeap } from './due-heap.ts';

export interface EncounterLimits {
  /** How many sides there are. */
  readonly sides: number;
  readonly withinMs: number;
  /** That wait, at most. */
  readonly maxKeys: number;
}

export interface Comer {
  readonly id: number;
  readonly at: number;
  readonly key: string;
  readonly side: number;
  /** The same for copies. */
  readonly content: string;
}

interface Encounter {
  /** Of this one among all there were: a later one may have the same key. */
  readonly number: number;
  readonly key: string;
  readonly comers: Comer[];
  /** By side, the content that came first. */
  readonly contents: Map<number, string>;
}

export class Encounters {
  readonly #limits: EncounterLimits;
  /** The one that waits for longest first. */
  readonly #byKey = new Map<string, Encounter>();
  readonly #byNumber = new Map<number, Encounter>();
  readonly #timers = new DueHeap();
  readonly #over: (readonly Comer[])[] = [];
  #next = 1;

  constructor(limits: EncounterLimits) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#byKey.size;
  }

  add(comer: Comer): void {
    const { sides, maxKeys } = this.#limits;
    let encounter = this.#byKey.get(comer.key);
    const before = encounter?.contents.get(comer.side);
    if (encounter && before !== undefined && before !== comer.content) {
      this.#end(encounter);
      encounter = undefined;
    }
    encounter ??= this.#begin(comer);
    encounter.comers.push(comer);
    encounter.contents.set(comer.side, comer.content);
    if (encounter.contents.size === sides) this.#end(encounter);
    else if (this.#byKey.size > maxKeys) this.#end(this.#byKey.values().next().value as Encounter);
  }

  /** Those that leave together, the next ones. */
  take(nowMs: number): readonly Comer[] | undefined {
    if (this.#over.length === 0) {
      for (let number = this.#timers.takeDue(nowMs); number !== undefined; number = this.#timers.takeDue(nowMs)) {
        const encounter = this.#byNumber.get(number);
        if (encounter) this.#end(encounter);
      }
    }
    return this.#over.shift();
  }

  waitMs(nowMs: number): number | undefined {
    if (this.#over.length > 0) return 0;
    const { nextMs } = this.#timers;
    return nextMs === undefined ? undefined : nextMs - nowMs;
  }

  #begin({ key, at }: Comer): Encounter {
    const encounter: Encounter = { number: this.#next++, key, comers: [], contents: new Map() };
    this.#byKey.set(key, encounter);
    this.#byNumber.set(encounter.number, encounter);
    this.#timers.push(at + this.#limits.withinMs, encounter.number);
    return encounter;
  }

  #end({ number, key, comers }: Encounter): void {
    this.#byKey.delete(key);
    this.#byNumber.delete(number);
    this.#over.push(comers);
  }
}
