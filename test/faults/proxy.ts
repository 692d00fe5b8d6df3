/** A TCP proxy on the loopback that can cut, refuse, withhold and stall: the network of the fault tests. */
import { connect, createServer, type Socket } from 'node:net';

export type Direction = 'toClient' | 'toServer';

export interface TcpProxy {
  readonly port: number;
  /** Links that are up. */
  readonly links: number;
  /** Bytes passed on, in each direction. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Resets every link. */
  cut(): void;
  /** From now on new links are reset at once, or let through again. */
  refuse(isRefused: boolean): void;
  /** Keeps the bytes of one direction back, of links to come too; they are passed on when it ends. Nobody notices but by waiting. */
  hold(direction: Direction, isHeld: boolean): void;
  /** {@link hold} in both directions: a network that is neither up nor down. */
  stall(isStalled: boolean): void;
  /** Resets every link and listens no more. */
  close(): Promise<void>;
}

/** Starts a proxy in front of a port of 127.0.0.1; on a port of its own unless one is given. */
export async function startProxy(targetPort: number, port = 0): Promise<TcpProxy> {
  const links = new Set<Link>();
  const held = { toClient: false, toServer: false };
  const bytes = { toClient: 0, toServer: 0 };
  let isRefusing = false;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    if (isRefusing) return void client.resetAndDestroy();
    const link = new Link(client, connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true }), held, bytes, () =>
      links.delete(link),
    );
    links.add(link);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const proxy: TcpProxy = {
    port: (server.address() as { port: number }).port,
    get links() {
      return links.size;
    },
    bytes,
    cut() {
      for (const link of links) link.cut();
    },
    refuse(isRefused) {
      isRefusing = isRefused;
    },
    hold(direction, isHeld) {
      held[direction] = isHeld;
      for (const link of links) link.flow();
    },
    stall(isStalled) {
      proxy.hold('toClient', isStalled);
      proxy.hold('toServer', isStalled);
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
  readonly #held: Readonly<Record<Direction, boolean>>;

  constructor(client: Socket, server: Socket, held: Record<Direction, boolean>, bytes: Record<Direction, number>, gone: () => void) {
    this.#client = client;
    this.#server = server;
    this.#held = held;
    client.setNoDelay(true);
    server.setNoDelay(true);
    this.#pass(client, server, (count) => (bytes.toServer += count));
    this.#pass(server, client, (count) => (bytes.toClient += count));
    for (const socket of [client, server]) {
      socket.on('error', () => this.cut());
      socket.on('close', () => {
        this.#end(socket === client ? server : client);
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
    if (this.#held.toServer) this.#client.pause();
    else this.#client.resume();
    if (this.#held.toClient) this.#server.pause();
    else this.#server.resume();
  }

  /** One side has closed; what it had sent is passed on first. */
  #end(other: Socket): void {
    if (!other.destroyed) other.destroySoon();
  }

  /** Passes bytes on, no faster than they are taken. */
  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.on('data', (chunk) => {
      count(chunk.length);
      if (!to.destroyed && !to.write(chunk)) from.pause();
    });
    from.on('end', () => to.end());
    to.on('drain', () => this.flow());
  }
}
