/** Frames to bytes. */
const slabBytes = 64 * 1024;
/** From here on a body is cheaper to hand to the socket than to copy. */
const copyMax = 16 * 1024;

/**
 * Packs frames into large chunks: one write to the socket for many frames (a write for each costs more than the encoding).
 * What was put goes out, in order, with the next `flush` at the latest.
 */
export class FrameWriter {
  readonly #out: (chunk: Buffer) => void;
  #slab = Buffer.alloc(0);
  #sent = 0;
  #used = 0;

  constructor(out: (chunk: Buffer) => void) {
    this.#out = out;
  }

  /** `head` is the command and the header lines, each with its LF. The body's bytes must not change until they are on the wire. */
  put(head: string, body: Buffer | null): void {
    const length = body?.length ?? 0;
    const copied = length <= copyMax ? length : 0;
    this.#reserve(head.length * 3 + copied + 2);
    this.#used += this.#slab.write(head, this.#used);
    this.#slab[this.#used++] = 10;
    if (body && copied > 0) this.#used += body.copy(this.#slab, this.#used);
    if (body && length > copied) {
      this.flush();
      this.#out(body);
    }
    this.#slab[this.#used++] = 0;
  }

  flush(): void {
    if (this.#used > this.#sent) this.#out(this.#slab.subarray(this.#sent, this.#used));
    this.#sent = this.#used;
  }

  /** The slab is never written over, as the socket may still hold parts of it: a full one is left to the garbage collector. */
  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    this.flush();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.#sent = this.#used = 0;
  }
}
