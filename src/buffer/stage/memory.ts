/** A stage that keeps nothing on disk: for tests of routes, where time is not real and nothing outlives the test. */
import type { Clock } from '../../clock.ts';
import type { Message } from '../../message.ts';
import { Changes } from '../waiting.ts';
import type { Keeper, Kept } from './keeper.ts';
import { type OpenStage, Stage, type StageOptions } from './stage.ts';
import type { Arriving, StageStore } from './store.ts';

export function memoryStage(name: string, keeper: Keeper, options: StageOptions, clock: Clock): OpenStage {
  const store = new MemoryStore(name, (kept) => stage.kept(kept));
  const stage = new Stage(store, keeper, options, clock, 0);
  return stage;
}

class MemoryStore implements StageStore {
  readonly id: string;
  readonly failed = undefined;
  readonly savesLag = false;
  isClosed = false;
  readonly #onKept: (kept: Kept) => void;
  readonly #changes = new Changes();
  readonly #kept = new Map<number, Message>();
  #next = 1;

  constructor(id: string, onKept: (kept: Kept) => void) {
    this.id = id;
    this.#onKept = onKept;
  }

  get bytes(): number {
    let sum = 0;
    for (const message of this.#kept.values()) sum += message.bytes;
    return sum;
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  get oldestMs(): undefined {
    return undefined;
  }

  hasRoom(): boolean {
    return true;
  }

  async append(arriving: readonly Arriving[]): Promise<readonly []> {
    for (const { message, note, at } of arriving) {
      const id = this.#next++;
      this.#kept.set(id, message.asStored({ ...message.origin, bufferId: this.id, bufferSequence: id }));
      this.#onKept({ id, note, at, bytes: message.bytes });
    }
    this.tell();
    return [];
  }

  async cancel(): Promise<void> {}

  async decide(releases: readonly unknown[]): Promise<readonly number[]> {
    return releases.map(() => this.#next++);
  }

  async load(ids: readonly number[]): Promise<readonly Message[]> {
    return this.recent(ids);
  }

  recent(ids: readonly number[]): readonly Message[] {
    return ids.map((id) => this.#kept.get(id) as Message);
  }

  done(groups: readonly (readonly number[])[]): void {
    for (const id of groups.flat()) this.#kept.delete(id);
    this.tell();
  }

  change(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }

  tell(): void {
    this.#changes.tell();
  }

  async save(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
    this.tell();
  }
}
