import { expect, test } from 'vitest';
import { Message } from '../../src/connector.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSource } from '../engine/fakes.ts';
import { run } from './shelf.ts';

const body = Buffer.from('x');
const buffers = ['', 'buffer: memory,', 'buffer: disk,'];

/** What stands on a shelf that has a slot for the reply-to. */
async function arrived(route: string, message: Message): Promise<Message> {
  const source = new FakeSource().push(message);
  const { shelf } = await run(`routes: { a: { ${route} sink: shelf } }`, source.end, folder(), undefined, ['replyTo']);
  await until('it is stored', async () => shelf.stored.length === 1);
  return shelf.stored[0] as Message;
}

test.each(buffers)('a reply-to that a step has set is the address of the answer (%s)', async (buffer) => {
  const got = await arrived(
    `source: given, steps: [ { set: { replyTo: answers } } ], ${buffer}`,
    new Message({ body, replyTo: 'amq.gen-1' }),
  );
  expect([got.replyTo, got.header('mqf-reply-to')]).toEqual(['answers', undefined]);
});

test.each(buffers)('one that comes home from a source that is trusted is, too (%s)', async (buffer) => {
  const home = new Message({ body, headers: [['mqf-reply-to', 'amq.gen-1']] });
  const got = await arrived(`source: { given: { trusted: true } }, ${buffer}`, home);
  expect([got.replyTo, got.header('mqf-reply-to')]).toEqual(['amq.gen-1', undefined]);
});

test.each(buffers)('that of a stranger travels as a header (%s)', async (buffer) => {
  const got = await arrived(`source: given, ${buffer}`, new Message({ body, replyTo: 'amq.gen-1' }));
  expect([got.replyTo, got.header('mqf-reply-to')]).toEqual([undefined, 'amq.gen-1']);
});

test.each(buffers)('in the dead letter it stands as it was, and nothing of ours beside it (%s)', async (buffer) => {
  const source = new FakeSource().push(new Message({ body, headers: [['mqf-reply-to', 'amq.gen-1'], ['mqf-hops', '9']] })); // biome-ignore format: one line
  const yaml = `routes: { a: { source: { given: { trusted: true } }, ${buffer} sink: shelf, onError: { deadLetter: dead } } }`;
  const { dead } = await run(yaml, source.end, folder(), undefined, ['replyTo']);
  await until('it is dead', async () => dead.stored.length === 1);
  const names = (dead.stored[0] as Message).headers.map(([name]) => name).filter((name) => !/^mqf-(error-.*|id)$/.test(name));
  expect(names.toSorted()).toEqual(['mqf-hops', 'mqf-reply-to']);
});
