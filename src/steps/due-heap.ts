/** Ids by the time at which they are due, earliest first; of the same time, the smaller id. 16 bytes each. */
export class DueHeap {
  #due: Float64Array;
  #ids: Float64Array;
  #size = 0;

  constructor(room = 64) {
    this.#due = new Float64Array(room);
    this.#ids = new Float64Array(room);
  }

  /** When the earliest is due. */
  get nextMs(): number | undefined {
    return this.#size === 0 ? undefined : (this.#due[0] as number);
  }

  push(due: number, id: number): void {
    if (this.#size === this.#due.length) this.#grow();
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(due, id, parent)) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#put(at, due, id);
  }

  /** Takes the earliest out, if it is due by then. */
  takeDue(nowMs: number): number | undefined {
    if (this.#size === 0 || (this.#due[0] as number) > nowMs) return undefined;
    const id = this.#ids[0] as number;
    const last = --this.#size;
    if (last > 0) this.#sink(this.#due[last] as number, this.#ids[last] as number);
    return id;
  }

  /** Puts it in the place of the first, and lets it go down to where it belongs. */
  #sink(due: number, id: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(this.#due[child + 1] as number, this.#ids[child + 1] as number, child)) child++;
      if (this.#isBefore(due, id, child)) break;
      this.#copy(child, at);
      at = child;
    }
    this.#put(at, due, id);
  }

  #isBefore(due: number, id: number, other: number): boolean {
    const otherDue = this.#due[other] as number;
    return due < otherDue || (due === otherDue && id < (this.#ids[other] as number));
  }

  #copy(from: number, to: number): void {
    this.#put(to, this.#due[from] as number, this.#ids[from] as number);
  }

  #put(at: number, due: number, id: number): void {
    this.#due[at] = due;
    this.#ids[at] = id;
  }

  #grow(): void {
    const [due, ids] = [this.#due, this.#ids];
    this.#due = new Float64Array(due.length * 2);
    this.#ids = new Float64Array(ids.length * 2);
    this.#due.set(due);
    this.#ids.set(ids);
  }
}
