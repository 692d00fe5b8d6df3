/** Brings to the disk, in good time, what is done with: the cursor says it of what is below, an entry of the rest. */
import type { Done } from './entry.ts';

export interface DoneSaverOptions {
  /** Ids that are done and may not be so on disk; what a crash repeats. */
  readonly unsavedMax: number;
  readonly saveDelayMs: number;
  /** What is done together is so on disk together, or not at all. */
  readonly isAtomic: boolean;
}

/** What it asks of the log, and tells it. */
interface Owner {
  /** Everything below is done with; on disk soon after. */
  readonly consumed: number;
  readonly isOver: boolean;
  /** Resolves once they are on disk. Rejects when the log has failed, or is closed. */
  write(entries: readonly Done[]): Promise<void>;
  /** It is not needed any more; returns where it stood. */
  free(id: number): number;
  /** What was to be written down is. */
  saved(): void;
}

const idsInEntry = 4096;

export class DoneSaver {
  readonly #owner: Owner;
  readonly #options: DoneSaverOptions;
  /** Done one by one: ids, and where they stood. */
  #singles: { readonly id: number; readonly at: number }[] = [];
  /** Done together: nothing of them is given up before it is written down. */
  #groups: (readonly number[])[] = [];
  /** The ids of all groups that are not freed yet, those on their way among them. */
  readonly #leaving = new Set<number>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;

  constructor(options: DoneSaverOptions, owner: Owner) {
    this.#options = options;
    this.#owner = owner;
  }

  /** Too much is done and not written down: a crash would repeat it all. */
  get lags(): boolean {
    return this.#count > this.#options.unsavedMax;
  }

  /** It is done, though it still stands in the log. A copy of it must not be written: it would stand behind the entry that says so. */
  isLeaving(id: number): boolean {
    return this.#leaving.has(id);
  }

  done(ids: readonly number[]): void {
    if (this.#options.isAtomic) {
      this.#groups.push(ids);
      for (const id of ids) this.#leaving.add(id);
    } else for (const id of ids) this.#singles.push({ id, at: this.#owner.free(id) });
    this.#count += ids.length;
    this.#schedule();
  }

  /** The copy of an id at this place was stored after the id was freed. */
  doneAt(id: number, at: number): void {
    this.#singles.push({ id, at });
    this.#count++;
    this.#schedule();
  }

  /** Resolves once all that is done by now is written down, or cannot be. */
  async save(): Promise<void> {
    await this.#saving; // may be one that had begun before
    await this.#saveNow();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#owner.isOver) return;
    if (this.#count * 2 >= this.#options.unsavedMax) void this.#saveNow();
    else this.#timer ??= setTimeout(() => void this.#saveNow(), this.#options.saveDelayMs);
  }

  #saveNow(): Promise<void> {
    this.stop();
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
      if (this.#count > 0) this.#schedule();
    });
    return this.#saving;
  }

  async #write(): Promise<void> {
    const [singles, groups] = [this.#singles, this.#groups];
    [this.#singles, this.#groups] = [[], []];
    const { consumed } = this.#owner;
    const ids = singles.filter(({ at }) => at >= consumed).map(({ id }) => id);
    const entries = groups.map((one): Done => ({ kind: 'done', ids: one }));
    for (let at = 0; at < ids.length; at += idsInEntry) entries.push({ kind: 'done', ids: ids.slice(at, at + idsInEntry) });
    try {
      if (entries.length > 0) await this.#owner.write(entries);
    } catch {
      return; // The log has failed, and says so to everybody; or it is closed, and what is not written down comes again.
    }
    this.#count -= singles.length + groups.reduce((sum, one) => sum + one.length, 0);
    for (const id of groups.flat()) {
      this.#leaving.delete(id);
      this.#owner.free(id);
    }
    this.#owner.saved();
  }
}
