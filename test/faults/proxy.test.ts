import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../brokers/broker.ts';
import { startProxy, type TcpProxy } from './proxy.ts';

let server: Server;
let accepted: Socket[];
let proxy: TcpProxy;

beforeEach(async () => {
  accepted = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(chunk)); // an echo
    socket.on('end', () => socket.end('bye'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startProxy((server.address() as { port: number }).port);
});

afterEach(async () => {
  await proxy.close();
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function client(): { socket: Socket; heard: () => string; end: () => string | undefined } {
  const socket = connect(proxy.port, '127.0.0.1');
  let heard = '';
  let end: string | undefined;
  socket.on('data', (chunk) => (heard += chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code));
  socket.on('close', () => (end ??= 'closed'));
  return { socket, heard: () => heard, end: () => end };
}

test('passes bytes both ways and counts them', async () => {
  const { socket, heard } = client();
  socket.write('x'.repeat(200_000));
  await until('all is echoed', () => heard().length === 200_000);
  expect(proxy.bytes).toEqual({ toClient: 200_000, toServer: 200_000 });
  expect(proxy.links).toBe(1);
});

test('passes on the end of one side, and what the other says after it', async () => {
  const { socket, heard, end } = client();
  socket.end('hello');
  await until('closed', () => end() !== undefined);
  expect(heard()).toBe('hellobye');
  await until('the link is forgotten', () => proxy.links === 0);
});

test('cuts with a reset', async () => {
  const { socket, heard, end } = client();
  socket.write('a');
  await until('echoed', () => heard() === 'a');
  proxy.cut();
  await until('cut', () => end() === 'ECONNRESET');
  const next = client();
  next.socket.write('b');
  await until('the next one works', () => next.heard() === 'b');
});

test('refuses new links until told otherwise', async () => {
  proxy.refuse(true);
  const { end } = client();
  await until('refused', () => end() !== undefined);
  expect(accepted).toHaveLength(0);
  proxy.refuse(false);
  const { socket, heard } = client();
  socket.write('a');
  await until('echoed', () => heard() === 'a');
});

test('withholds one direction and gives it out in full later', async () => {
  const { socket, heard } = client();
  proxy.hold('toClient', true);
  socket.write('confirm me');
  await until('the server has it', () => accepted[0]?.bytesRead === 10);
  expect(heard()).toBe('');
  proxy.hold('toClient', false);
  await until('heard', () => heard() === 'confirm me');
});

test('stalls links that come later too', async () => {
  proxy.stall(true);
  const { socket, heard, end } = client();
  await once(socket, 'connect');
  socket.write('a');
  await until('the link is there', () => proxy.links === 1 && accepted.length === 1);
  expect([accepted[0]?.bytesRead, end()]).toEqual([0, undefined]);
  proxy.stall(false);
  await until('heard', () => heard() === 'a');
});

test('says that the server is gone', async () => {
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  const { end } = client();
  await until('closed', () => end() !== undefined);
});

test('cuts behind the byte that it was told, and lets the next link be', async () => {
  const { socket, end } = client();
  const cut = proxy.cutAfter('toServer', 3);
  socket.write('abcdefgh');
  await cut;
  await until('cut', () => end() === 'ECONNRESET');
  expect(proxy.bytes.toServer).toBe(3);
  const next = client();
  next.socket.write('hello');
  await until('echoed', () => next.heard() === 'hello');
});

test('never lets the byte through with which a piece ends', async () => {
  const { socket, end } = client();
  const cut = proxy.cutAfter('toServer', 5);
  socket.write('hello');
  await cut;
  await until('cut', () => end() === 'ECONNRESET');
  expect(proxy.bytes.toServer).toBe(4);
});

test('passes slices on in order, whole, and the end behind them', async () => {
  proxy.shape({ sliceBytes: () => 3 });
  const { socket, heard, end } = client();
  const text = Array.from({ length: 500 }, (_, i) => `${i},`).join('');
  socket.end(text);
  await until('closed', () => end() !== undefined);
  expect(heard()).toBe(`${text}bye`);
});

test('lets each piece arrive late, and none before the one before it', async () => {
  let next = 60;
  proxy.shape({ latencyMs: () => (next = next === 60 ? 1 : 60) });
  const { socket, heard } = client();
  const began = performance.now();
  for (const text of ['a', 'b', 'c', 'd']) {
    socket.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('all is echoed', () => heard().length === 4);
  expect(heard()).toBe('abcd');
  expect(performance.now() - began).toBeGreaterThan(55);
});

test('cuts before or behind the frame that it was told', async () => {
  const target = (server.address() as { port: number }).port;
  const mqtt = await startProxy(target, 0, 'mqtt');
  try {
    const [ping, puback] = [Buffer.from([0xc0, 0]), Buffer.from([0x40, 2, 0, 9])];
    for (const [when, bytes] of [
      ['before', 6],
      ['behind', 10],
    ] as const) {
      const socket = connect(mqtt.port, '127.0.0.1');
      let end: string | undefined;
      socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code));
      const before = mqtt.bytes.toServer;
      const cut = mqtt.cutAtFrame({ direction: 'toServer', name: 'PUBACK', nth: 2, when });
      socket.write(Buffer.concat([puback, ping, puback]));
      await cut;
      await until('cut', () => end === 'ECONNRESET');
      expect(mqtt.bytes.toServer - before).toBe(bytes);
    }
  } finally {
    await mqtt.close();
  }
});
