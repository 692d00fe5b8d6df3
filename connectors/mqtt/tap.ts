import { Duplex } from 'node:stream';

/** What a {@link Tap} takes out of the stream for itself. */
export interface Taker {
  /** A PUBLISH: the low half of its first byte, and what follows its fixed header. False: nothing more until {@link Tap.proceed}. */
  publish(flags: number, body: Buffer): boolean;
  puback(body: Buffer): void;
}

const connack = 2;
const publish = 3;
const puback = 4;

/**
 * Stands between the socket and mqtt.js, which sees every packet but PUBLISH and PUBACK. Those are taken as they come, in order, without a
 * copy; what is held back is not read from the socket, so the broker has to wait (TCP).
 *
 * States: *flowing* → *held* (a packet was not wanted, or mqtt.js has not yet seen the CONNACK) → *flowing*, by `proceed`; *destroyed*.
 */
export class Tap extends Duplex {
  readonly socket: Duplex;
  readonly #taker: Taker;
  /** What was read and is not a whole packet yet. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** So many bytes make the next packet, as far as is known. */
  #need = 2;
  #isHeld = false;

  constructor(socket: Duplex, taker: Taker) {
    super();
    this.socket = socket;
    this.#taker = taker;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Goes on after something was held. */
  proceed(): void {
    if (!this.#isHeld || this.destroyed) return;
    this.#isHeld = false;
    this.#split();
    if (!this.#isHeld) this.socket.resume();
  }

  override _read(): void {
    // Control packets are few and small: they are pushed as they come.
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, encoding, done);
  }

  /** mqtt.js writes a packet in pieces, corked: they go out as one, or one of ours could come in between. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#pieces = [];
    this.socket.destroy(error ?? undefined);
    done(error);
  }

  #read(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    // A large packet comes in many pieces: they are put together once, when all are there.
    if (this.#isHeld || this.#bytes < this.#need) return;
    this.#split();
    if (this.#isHeld) this.socket.pause();
  }

  #split(): void {
    const buffer = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    let at = 0;
    this.#need = 2;
    try {
      while (!this.#isHeld && !this.destroyed) {
        const head = headOf(buffer, at);
        this.#need = head.total;
        if (at + head.total > buffer.length) break;
        this.#take(buffer, at, head);
        at += head.total;
        this.#need = 2;
      }
    } catch (error) {
      this.destroy(error as Error);
    }
    this.#pieces = at === buffer.length ? [] : [buffer.subarray(at)];
    this.#bytes = buffer.length - at;
  }

  #take(buffer: Buffer, at: number, { size, total }: Head): void {
    const first = buffer[at] as number;
    const type = first >> 4;
    if (type === publish) this.#isHeld = !this.#taker.publish(first & 15, buffer.subarray(at + size, at + total));
    else if (type === puback) this.#taker.puback(buffer.subarray(at + size, at + total));
    else {
      this.push(buffer.subarray(at, at + total));
      this.#isHeld = type === connack; // what stands behind it must find mqtt.js connected
    }
  }
}

interface Head {
  /** Bytes of the fixed header. */
  readonly size: number;
  /** Bytes of the packet, or how many must be there to know. */
  readonly total: number;
}

/** The fixed header that begins at `at` [MQTT5 2.1]. Throws when it is none. */
function headOf(buffer: Buffer, at: number): Head {
  let length = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = buffer[at + i];
    if (byte === undefined) return { size: i, total: i + 1 };
    length |= (byte & 127) << (7 * (i - 1));
    if (byte < 128) return { size: i + 1, total: i + 1 + length };
  }
  throw new RangeError('a packet with a length of more than four bytes');
}
