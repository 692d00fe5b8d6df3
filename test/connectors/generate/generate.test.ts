import { expect, test } from 'vitest';
import { generate } from '../../../connectors/generate/index.ts';
import type { Message, Room, Source, Template } from '../../../src/connector.ts';
import { testContext, testSettings } from '../../../src/testkit/index.ts';

const never = new AbortController().signal;
const room: Room = { messages: 100, bytes: 1_000_000 };

function end(given: Record<string, unknown>) {
  return generate.source!.create(testSettings(generate.source!.fields, given) as never, testContext());
}

const sequence: Template = Object.assign((message: Message) => `n${message.origin['sequence']}`);

async function readAll(source: Source): Promise<Message[]> {
  const messages: Message[] = [];
  for (let batch = await source.read(room, never); batch; batch = await source.read(room, never)) messages.push(...batch.messages);
  return messages;
}

test('makes as many messages as it was told, numbered from 1, then ends', async () => {
  const source = await end({
    interval: 0,
    count: 250,
    body: sequence,
    key: sequence,
    headers: { h: sequence },
    contentType: 'text/plain',
  }).open(never);
  const messages = await readAll(source);
  expect(messages.map((message) => String(message.body))).toEqual(Array.from({ length: 250 }, (_, i) => `n${i + 1}`));
  expect(messages[4]).toMatchObject({ contentType: 'text/plain', headers: [['h', 'n5']], key: Buffer.from('n5'), lane: 'generate' });
});

test('gives no more than there is room for', async () => {
  const source = await end({ interval: 0, body: 'x' }).open(never);
  expect((await source.read({ messages: 3, bytes: 1000 }, never))?.messages).toHaveLength(3);
  expect((await source.read({ messages: 3, bytes: 1 }, never))?.messages).toHaveLength(1);
});

test('fills short bodies up with blanks and leaves long ones', async () => {
  const source = await end({ interval: 0, count: 1, body: '{"a":"ü"}', size: 100 }).open(never);
  const body = (await readAll(source))[0]?.body;
  expect(body).toHaveLength(100);
  expect(JSON.parse(String(body))).toEqual({ a: 'ü' });
  const short = await end({ interval: 0, count: 1, body: 'longer', size: 3 }).open(never);
  expect(String((await readAll(short))[0]?.body)).toBe('longer');
});

test('goes on counting after a new open', async () => {
  const one = end({ interval: 0, count: 3, body: sequence });
  const first = await one.open(never);
  await first.read({ messages: 2, bytes: 1000 }, never);
  await first.close();
  expect((await readAll(await one.open(never))).map((message) => String(message.body))).toEqual(['n3']);
});

test('keeps its interval', async () => {
  const source = await end({ interval: 20, count: 6, body: 'x' }).open(never);
  const start = performance.now();
  await readAll(source);
  expect(performance.now() - start).toBeGreaterThan(90);
});

test('a read that waits for the next message ends on abort and on close', async () => {
  const source = await end({ interval: 3_600_000, body: 'x' }).open(never);
  await source.read(room, never);
  const stop = new AbortController();
  const waiting = source.read(room, stop.signal);
  stop.abort();
  expect(await waiting).toBeNull();
  const other = source.read(room, never);
  await source.close();
  expect(await other).toBeNull();
});
