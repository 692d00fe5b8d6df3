/** A STOMP server of a few lines that does exactly what a test tells it to, right or wrong. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { FrameReader } from '../../../connectors/stomp/frame-reader.ts';
import { type Frame, headerOf } from '../../../connectors/stomp/frames.ts';

export interface FakeBroker {
  readonly port: number;
  /** All frames that came, over all connections. */
  readonly frames: Frame[];
  readonly sockets: Socket[];
  /** Bytes between frames that came: heart-beats. */
  beats(): number;
  of(command: string): Frame[];
  close(): Promise<void>;
}

export type Answer = (frame: Frame, socket: Socket, broker: FakeBroker) => void;

export const connected = (more = '') => `CONNECTED\nversion:1.2\nserver:RabbitMQ/3.10.8\n${more}\n\0`;

/** What a decent broker would answer: CONNECTED and receipts. */
export function decently(frame: Frame, socket: Socket): void {
  if (frame.command === 'CONNECT') socket.write(connected());
  const receipt = headerOf(frame, 'receipt');
  if (receipt !== undefined) socket.write(`RECEIPT\nreceipt-id:${receipt}\n\n\0`);
}

export async function fakeBroker(answer: Answer = decently, tls?: TlsOptions): Promise<FakeBroker> {
  const frames: Frame[] = [];
  const sockets: Socket[] = [];
  let beats = 0;
  const serve = (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const reader = new FrameReader({ headerBytes: 1e6, headers: 1e4, bodyBytes: 1e8 }, (frame) => {
      frames.push({ ...frame, body: Buffer.from(frame.body) });
      answer(frame, socket, broker);
    });
    socket.on('data', (chunk) => {
      if (chunk.toString() === '\n') beats++;
      reader.feed(chunk);
    });
  };
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const broker: FakeBroker = {
    port: (server.address() as { port: number }).port,
    frames,
    sockets,
    beats: () => beats,
    of: (command) => frames.filter((frame) => frame.command === command),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return broker;
}
