/** A TCP proxy on the loopback that can cut, refuse, withhold, stall, slow down and slice: the network of the fault tests. */
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Wire, WireReader } from './wire.ts';

export type Direction = 'toClient' | 'toServer';

/** How bytes are passed on. */
export interface Shape {
  /** Each chunk arrives so long after it was sent, in ms, and none before the one before it; asked anew for each. */
  readonly latencyMs?: () => number;
  /** No more than so many bytes are written at once; asked anew for each piece. */
  readonly sliceBytes?: () => number;
}

export interface TcpProxy {
  readonly port: number;
  /** Links that are up. */
  readonly links: number;
  /** Bytes passed on, in each direction. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Resets every link. */
  cut(): void;
  /** Resets the link that passes on the last of so many bytes, behind them: the rest of a frame never comes. Resolves then. */
  cutAfter(direction: Direction, bytes: number): Promise<void>;
  /**
   * Resets the link on which the n-th frame of this name ends from now on, before its first byte or behind its last. Resolves then. Needs the
   * `wire` that the proxy was started with.
   */
  cutAtFrame(trip: Omit<Trip, 'sprung'>): Promise<void>;
  /** From now on new links are reset at once, or let through again. */
  refuse(isRefused: boolean): void;
  /** Keeps the bytes of one direction back, of links to come too; they are passed on when it ends. Nobody notices but by waiting. */
  hold(direction: Direction, isHeld: boolean): void;
  /** {@link hold} in both directions: a network that is neither up nor down. */
  stall(isStalled: boolean): void;
  /** From now on, of links to come too. */
  shape(shape: Shape): void;
  /** Resets every link and listens no more. */
  close(): Promise<void>;
}

/** A frame that is waited for. */
interface Trip {
  readonly direction: Direction;
  readonly name: string;
  nth: number;
  readonly when: 'before' | 'behind';
  readonly sprung: () => void;
}

/** What all links of a proxy share. */
interface Network {
  readonly held: Record<Direction, boolean>;
  readonly bytes: Record<Direction, number>;
  /** Bytes that still go through before the cut. */
  readonly budget: Record<Direction, { left: number; readonly spent: () => void } | undefined>;
  shape: Shape;
  readonly wire: Wire | undefined;
  trip: Trip | undefined;
}

/** Starts a proxy in front of a port of 127.0.0.1; on a port of its own unless one is given. */
export async function startProxy(targetPort: number, port = 0, wire?: Wire): Promise<TcpProxy> {
  const links = new Set<Link>();
  const network: Network = {
    held: { toClient: false, toServer: false },
    bytes: { toClient: 0, toServer: 0 },
    budget: { toClient: undefined, toServer: undefined },
    shape: {},
    wire,
    trip: undefined,
  };
  let isRefusing = false;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    if (isRefusing) return void client.resetAndDestroy();
    const link = new Link(client, connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true }), network, () => links.delete(link));
    links.add(link);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const proxy: TcpProxy = {
    port: (server.address() as { port: number }).port,
    get links() {
      return links.size;
    },
    bytes: network.bytes,
    cut() {
      for (const link of links) link.cut();
    },
    cutAfter: (direction, bytes) =>
      new Promise((spent) => {
        network.budget[direction] = { left: bytes, spent };
      }),
    cutAtFrame: (trip) =>
      new Promise((sprung) => {
        network.trip = { ...trip, sprung };
      }),
    refuse(isRefused) {
      isRefusing = isRefused;
    },
    hold(direction, isHeld) {
      network.held[direction] = isHeld;
      for (const link of links) link.flow();
    },
    stall(isStalled) {
      proxy.hold('toClient', isStalled);
      proxy.hold('toServer', isStalled);
    },
    shape(shape) {
      network.shape = shape;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      proxy.cut();
      await closed;
    },
  };
  return proxy;
}

class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #network: Network;
  readonly #wire: WireReader | undefined;

  constructor(client: Socket, server: Socket, network: Network, gone: () => void) {
    this.#client = client;
    this.#server = server;
    this.#network = network;
    this.#wire = network.wire && new WireReader(network.wire);
    client.setNoDelay(true);
    server.setNoDelay(true);
    const ends = [this.#pass(client, server, 'toServer'), this.#pass(server, client, 'toClient')];
    for (const socket of [client, server]) {
      socket.on('error', () => this.cut());
      socket.on('close', () => {
        void Promise.all(ends.map((delivered) => delivered())).then(() => this.#end(socket === client ? server : client));
        gone();
      });
    }
    this.flow();
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** Reads from each side unless its direction is held. */
  flow(): void {
    const { held } = this.#network;
    if (held.toServer) this.#client.pause();
    else this.#client.resume();
    if (held.toClient) this.#server.pause();
    else this.#server.resume();
  }

  /** One side has closed; what it had sent is passed on first. */
  #end(other: Socket): void {
    if (!other.destroyed) other.destroySoon();
  }

  /** Passes bytes on, no faster than they are taken. Returns what resolves when all that has come is passed on. */
  #pass(from: Socket, to: Socket, direction: Direction): () => Promise<void> {
    const { bytes } = this.#network;
    let line: Promise<void> = Promise.resolve();
    let waiting = 0;
    let passed = 0;
    from.on('data', (all) => {
      const chunk = this.#spend(this.#trip(all, direction, passed), direction);
      passed += all.length;
      bytes[direction] += chunk.length;
      const isCut = chunk.length < all.length;
      if (!isCut && waiting === 0 && !this.#isShaped) {
        if (!to.destroyed && !to.write(chunk)) from.pause();
        return;
      }
      waiting++;
      const { latencyMs } = this.#network.shape;
      const due = performance.now() + (latencyMs?.() ?? 0);
      if (!latencyMs) from.pause();
      line = line.then(async () => {
        await sleep(Math.max(0, due - performance.now()));
        await this.#deliver(chunk, to);
        if (isCut) this.cut();
        if (--waiting === 0) this.flow();
      });
    });
    from.on('end', () => void line.then(() => to.end()));
    to.on('drain', () => this.flow());
    return () => line;
  }

  /** As much of a chunk as may go through before the frame that is waited for, which is told once it is reached. */
  #trip(chunk: Buffer, direction: Direction, passed: number): Buffer {
    for (const { name, start, end } of this.#wire?.feed(direction, chunk) ?? []) {
      const { trip } = this.#network;
      if (!trip || trip.direction !== direction || trip.name !== name || --trip.nth > 0) continue;
      this.#network.trip = undefined;
      trip.sprung();
      const to = (trip.when === 'before' ? start : end) - passed;
      // A frame that began in an earlier chunk has gone in part. Behind the last byte of a chunk there is nothing to hold back: the cut is all.
      if (to >= chunk.length) setImmediate(() => this.cut());
      return chunk.subarray(0, Math.max(0, to));
    }
    return chunk;
  }

  get #isShaped(): boolean {
    const { latencyMs, sliceBytes } = this.#network.shape;
    return latencyMs !== undefined || sliceBytes !== undefined;
  }

  /** As much of a chunk as may go through before the cut; the cut is told once it is reached. */
  #spend(chunk: Buffer, direction: Direction): Buffer {
    const budget = this.#network.budget[direction];
    if (!budget) return chunk;
    if (chunk.length < budget.left) {
      budget.left -= chunk.length;
      return chunk;
    }
    this.#network.budget[direction] = undefined;
    budget.spent();
    // At least one byte is missing, so that the cut is in the middle of something.
    return chunk.subarray(0, Math.min(budget.left, chunk.length - 1));
  }

  async #deliver(chunk: Buffer, to: Socket): Promise<void> {
    const { sliceBytes } = this.#network.shape;
    for (let at = 0; at < chunk.length && !to.destroyed; ) {
      const size = sliceBytes ? Math.max(1, sliceBytes()) : chunk.length;
      await new Promise<void>((resolve) => to.write(chunk.subarray(at, at + size), () => resolve()));
      at += size;
      if (sliceBytes) await nextTurn();
    }
  }
}
