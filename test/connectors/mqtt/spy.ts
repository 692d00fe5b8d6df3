/** A TCP proxy that sees the client's packets, can withhold the broker's answers, and can cut. */
import { connect, createServer, type Socket } from 'node:net';

export interface Spy {
  readonly port: number;
  /** Packet ids of the PUBACKs that the client sent. */
  readonly pubacks: number[];
  /** Packets of each kind that the client sent: 3 is PUBLISH, 8 SUBSCRIBE, 12 PINGREQ. */
  count(kind: number): number;
  /** From now on nothing of the broker reaches the client; until `false`. */
  withhold(on: boolean): void;
  cut(): void;
  close(): void;
}

export async function spyOn(brokerPort: number): Promise<Spy> {
  const pubacks: number[] = [];
  const counts = new Map<number, number>();
  const sockets = new Set<Socket>();
  let withheld = false;
  const server = createServer((near) => {
    const far = connect(brokerPort, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        sockets.delete(one);
      });
    }
    const look = packets((kind, body) => {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (kind === 4) pubacks.push(body.readUInt16BE(0));
    });
    near.on('data', (chunk) => {
      look(chunk);
      far.write(chunk);
    });
    far.on('data', (chunk) => near.write(chunk));
    if (withheld) far.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    pubacks,
    count: (kind) => counts.get(kind) ?? 0,
    withhold(on) {
      withheld = on;
      for (const socket of sockets) {
        if (socket.remotePort !== brokerPort) continue;
        if (on) socket.pause();
        else socket.resume();
      }
    },
    cut,
    close() {
      server.close();
      cut();
    },
  };
}

/** Cuts a stream into MQTT packets. */
function packets(seen: (kind: number, body: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let head = header(rest); head && rest.length >= head.end; head = header(rest)) {
      seen((rest[0] as number) >> 4, rest.subarray(head.start, head.end));
      rest = rest.subarray(head.end);
    }
  };
}

function header(data: Buffer): { start: number; end: number } | undefined {
  let length = 0;
  for (let i = 1; i < data.length && i < 5; i++) {
    const byte = data[i] as number;
    length += (byte & 127) * 128 ** (i - 1);
    if (byte < 128) return { start: i + 1, end: i + 1 + length };
  }
  return undefined;
}
