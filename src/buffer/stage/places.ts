/** Where in the log each id of a stage stands, and which records are still needed. An id is the sequence of its first record; a copy stands further on. */
import type { Ledger } from './ledger.ts';

export interface Copy {
  readonly at: number;
  /** When its first came; undefined for a decision. */
  readonly cameMs: number | undefined;
}

export class Places {
  readonly ledger: Ledger;
  readonly #copies = new Map<number, Copy>();
  /** Whose copy stands at a sequence. */
  readonly #ids = new Map<number, number>();

  constructor(ledger: Ledger, copies: ReadonlyMap<number, Copy>) {
    this.ledger = ledger;
    for (const [id, copy] of copies) this.#put(id, copy);
  }

  of(id: number): number {
    return this.#copies.get(id)?.at ?? id;
  }

  idAt(sequence: number): number {
    return this.#ids.get(sequence) ?? sequence;
  }

  /** Returns where it stood. */
  free(id: number): number {
    const at = this.of(id);
    this.ledger.free(at);
    if (this.#copies.delete(id)) this.#ids.delete(at);
    return at;
  }

  /** A copy has been stored; false when its id was freed meanwhile, and the copy is needed no more than it. */
  move(id: number, copy: Copy): boolean {
    const before = this.of(id);
    if (!this.ledger.isNeeded(before)) {
      this.ledger.free(copy.at);
      return false;
    }
    this.free(id);
    this.#put(id, copy);
    return true;
  }

  /** When the oldest of what is needed came, or a little earlier. */
  get oldestMs(): number | undefined {
    let oldest = this.ledger.firstTimeMs;
    for (const { cameMs } of this.#copies.values()) if (cameMs !== undefined && cameMs < (oldest ?? 0)) oldest = cameMs;
    return oldest;
  }

  #put(id: number, copy: Copy): void {
    this.#copies.set(id, copy);
    this.#ids.set(copy.at, id);
  }
}
