import { describe, expect, onTestFinished, test } from 'vitest';
import { listBuffers } from '../../src/buffer/instance.ts';
import { balanced, type RouteBooks } from '../../src/engine/books.ts';
import { createEngine } from '../../src/index.ts';
import { Message, type MessageInit } from '../../src/message.ts';
import { explain } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../engine/fakes.ts';
import { problemsOf } from './route.ts';

interface Options {
  readonly request?: string;
  readonly reply?: string;
  readonly dataDir?: string;
}

/** Two routes: what is asked goes one way, what is answered the other; the service between is the test. */
async function running({ request = '', reply = '', dataDir = folder() }: Options = {}) {
  const ends = {
    asked: new FakeSource(),
    service: new FakeSink(),
    replies: new FakeSource(),
    asker: new FakeSink(),
    grave: new FakeSink(),
  };
  const connectors = connectorsOf(ends);
  const onError = 'onError: { deadLetter: grave, retry: { attempts: 1 } }';
  const text = `
routes:
  requests: { source: asked, sink: service, ${onError}, steps: [{ request: { calls: prices${request} } }] }
  replies: { source: replies, sink: asker, ${onError}, steps: [{ reply: { calls: prices${reply} } }] }`;
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, connectors, dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  const books = (route: string) => {
    const found = mqferry.engine.view(route)?.books as RouteBooks;
    expect(balanced(found), JSON.stringify(found)).toBe(true);
    return found;
  };
  const open = () => mqferry.engine.view('requests')?.run?.plan.memories?.[0]?.stats().entries;
  return { ...ends, mqferry, dataDir, books, open };
}

const ask = (body: string, more: Partial<MessageInit> = {}) =>
  new Message({ body: Buffer.from(body), replyTo: 'amq.gen-1', correlationId: body, ...more });
/** As a service answers: with the correlationId that it was given. */
const replyTo = ({ intended }: Message, body = `${intended.body} is answered`) =>
  new Message({ body: Buffer.from(body), correlationId: intended.correlationId });
const shown = ({ stored }: FakeSink) =>
  stored.map(({ intended }) => ({ body: String(intended.body), replyTo: intended.replyTo, correlationId: intended.correlationId }));
const errors = ({ stored }: FakeSink) => stored.map((message) => message.header('mqf-error-message'));

describe('a request', () => {
  test('leaves with a correlationId and a replyTo of its own, and its answer goes to who asked', async () => {
    const { asked, service, replies, asker, books, open } = await running({ request: ', replyTo: answers, timeout: 1m' });
    const before = Date.now();
    asked.push(ask('a'), ask('b', { replyTo: 'amq.gen-2', correlationId: Buffer.from([0, 255]) }));
    await until('both have left', () => service.stored.length === 2);
    const names = service.stored.map(({ intended }) => intended.correlationId);
    expect(names).toEqual([expect.stringMatching(/^[\w-]{22}$/), expect.stringMatching(/^[\w-]{22}$/)]);
    expect(new Set(names).size).toBe(2);
    for (const { intended } of service.stored) {
      expect(intended.replyTo).toBe('answers');
      expect(intended.expiresAt).toBeGreaterThanOrEqual(before + 60_000);
      expect(intended.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
    }
    expect(open()).toBe(2);
    replies.push(...service.stored.toReversed().map((one) => replyTo(one)));
    await until('both are answered', () => asker.stored.length === 2);
    expect(shown(asker)).toEqual([
      { body: 'b is answered', replyTo: 'amq.gen-2', correlationId: Buffer.from([0, 255]) },
      { body: 'a is answered', replyTo: 'amq.gen-1', correlationId: 'a' },
    ]);
    await until('all is settled', () => books('replies').inFlight === 0 && books('replies').buffered === 0);
    expect(books('replies')).toMatchObject({ read: 2, made: 2, delivered: 2, merged: 2 });
    expect(open()).toBe(0);
  });

  test('keeps an expiresAt that is sooner', async () => {
    const { asked, service } = await running();
    asked.push(ask('a', { expiresAt: 1000 }));
    await until('it has left', () => service.stored.length === 1);
    expect(service.stored[0]!.intended.expiresAt).toBe(1000);
  });

  test('without a correlationId is answered by its id, as JMS has it', async () => {
    const { asked, service, replies, asker } = await running();
    asked.push(ask('a', { correlationId: undefined, id: 'ID:7' }));
    await until('it has left', () => service.stored.length === 1);
    replies.push(replyTo(service.stored[0]!));
    await until('it is answered', () => asker.stored.length === 1);
    expect(shown(asker)[0]).toMatchObject({ correlationId: 'ID:7' });
  });

  test('that nobody could be answered for fails, or passes', async () => {
    const { asked, grave } = await running();
    asked.push(ask('a', { replyTo: undefined }), ask('b', { replyTo: 'x'.repeat(5000) }), ask('c', { replyTo: '' }));
    await until('all are dead', () => grave.stored.length === 3);
    expect(errors(grave)).toEqual([
      'request: the message has no replyTo, so nobody can be answered',
      'request: its replyTo and correlationId are 5001 bytes long together, and 4096 may be',
      'request: the message has no replyTo, so nobody can be answered',
    ]);
    const passing = await running({ request: ', noReplyTo: pass' });
    passing.asked.push(ask('a', { replyTo: undefined }), ask('b'));
    await until('both have left', () => passing.service.stored.length === 2);
    expect(passing.service.stored.map(({ intended }) => intended.correlationId)).toEqual(['a', expect.stringMatching(/^[\w-]{22}$/)]);
    expect(passing.open()).toBe(1);
  });

  test('waits while as many as may wait for their answers', async () => {
    const { asked, service, replies, asker } = await running({ reply: ', maxCalls: 2' });
    for (const body of ['a', 'b', 'c']) asked.push(ask(body));
    await until('two have left', () => service.stored.length === 2);
    replies.push(replyTo(service.stored[0]!));
    await until('the third has left', () => service.stored.length === 3);
    await until('one is answered', () => asker.stored.length === 1);
  });
});

describe('a reply', () => {
  test('that is a copy is filtered, also after a restart', async () => {
    const first = await running();
    first.asked.push(ask('a'));
    await until('it has left', () => first.service.stored.length === 1);
    const [given] = first.service.stored as [Message];
    first.replies.push(replyTo(given), replyTo(given));
    await until('both are settled', () => first.replies.acked.length === 2);
    await until('it is answered', () => first.asker.stored.length === 1);
    first.replies.push(replyTo(given));
    await until('all three are settled', () => first.replies.acked.length === 3);
    await until('nothing is left', () => first.books('replies').buffered === 0 && first.books('replies').inFlight === 0);
    expect(first.books('replies')).toMatchObject({ read: 3, made: 1, delivered: 1, merged: 3 });
    await first.mqferry.stop();

    const second = await running({ dataDir: first.dataDir });
    second.replies.push(replyTo(given), new Message({ body: null, correlationId: 'x' }));
    await until('the stranger is dead', () => second.grave.stored.length === 1);
    await until('both are settled', () => second.replies.acked.length === 2);
    expect(second.books('replies')).toMatchObject({ deadLettered: 1, delivered: 0 });
    expect([...first.asker.stored, ...second.asker.stored]).toHaveLength(1);
  });

  test('finds its call after a restart', async () => {
    const first = await running();
    first.asked.push(ask('a'));
    await until('it has left, and is settled', () => first.service.stored.length === 1 && first.asked.acked.length === 1);
    await first.mqferry.stop();
    expect(await listBuffers(first.dataDir)).toContainEqual(expect.objectContaining({ owner: 'stage:replies/reply', messages: 1 }));

    const second = await running({ dataDir: first.dataDir });
    expect(second.open()).toBe(1);
    second.replies.push(replyTo(first.service.stored[0]!));
    await until('it is answered', () => second.asker.stored.length === 1);
    expect(shown(second.asker)[0]).toEqual({ body: 'a is answered', replyTo: 'amq.gen-1', correlationId: 'a' });
  });

  test('that nobody has asked for fails, or is dropped', async () => {
    const stranger = new Message({ body: Buffer.from('x'), correlationId: 'x' });
    const { replies, grave } = await running();
    replies.push(stranger, new Message({ body: null }));
    await until('both are dead', () => grave.stored.length === 2);
    expect(errors(grave)[0]).toBe('reply: nobody waits for it: it answers no call that is known here');
    const dropping = await running({ reply: ', stray: drop' });
    dropping.replies.push(stranger);
    await until('it is settled', () => dropping.replies.acked.length === 1);
    await until('nothing is left', () => dropping.books('replies').buffered === 0);
    expect(dropping.books('replies')).toMatchObject({ read: 1, merged: 1, delivered: 0, deadLettered: 0 });
  });

  test('says by another field which call it answers', async () => {
    const { asked, service, replies, asker } = await running({ reply: ", call: '${{ header.inReplyTo }}'" });
    asked.push(ask('a'));
    await until('it has left', () => service.stored.length === 1);
    replies.push(new Message({ body: null, headers: [['inReplyTo', String(service.stored[0]!.intended.correlationId)]] }));
    await until('it is answered', () => asker.stored.length === 1);
    expect(shown(asker)[0]).toMatchObject({ correlationId: 'a' });
  });

  test('is sent again until it has arrived', async () => {
    const { asked, service, replies, asker } = await running();
    asker.answer = () => 'hangUp';
    asked.push(ask('a'));
    await until('it has left', () => service.stored.length === 1);
    replies.push(replyTo(service.stored[0]!));
    await until('it is on disk', () => replies.acked.length === 1);
    asker.answer = () => 'store';
    await until('it is answered', () => asker.stored.length > 0);
  });
});

describe('a call that nobody answers', () => {
  test('is answered in time, and what comes then is too late', async () => {
    const { asked, service, replies, asker, grave, open, mqferry } = await running({ request: ', timeout: 50ms' });
    asked.push(ask('a'));
    await until('who asked is told', () => asker.stored.length === 1);
    expect(shown(asker)).toEqual([{ body: '{"error":"timeout"}', replyTo: 'amq.gen-1', correlationId: 'a' }]);
    expect(asker.stored[0]!.header('request-timeout')).toBe(true);
    replies.push(replyTo(service.stored[0]!));
    await until('the reply is dead', () => grave.stored.length === 1);
    expect(errors(grave)).toEqual(['reply: it came too late: who asked was told that none had come']);
    expect(open()).toBe(0);
    expect(mqferry.engine.view('requests')?.run?.plan.memories?.[0]?.stats()).toMatchObject({ timedOut: 1 });
  });

  test('is answered though the service is not even reached', async () => {
    const { asked, service, asker } = await running({ request: ', timeout: 50ms' });
    service.answer = () => 'hangUp';
    asked.push(ask('a'));
    await until('who asked is told', () => asker.stored.length === 1);
  });

  test('may be dropped', async () => {
    const { asked, asker, books } = await running({ request: ', timeout: 50ms', reply: ', onTimeout: drop' });
    asked.push(ask('a'));
    await until('nothing waits', () => books('replies').merged === 1 && books('replies').buffered === 0);
    expect(asker.stored).toEqual([]);
  });

  test('is answered in the next life', async () => {
    const first = await running({ request: ', timeout: 300ms' });
    first.asked.push(ask('a'));
    await until('it has left, and is settled', () => first.asked.acked.length === 1);
    await first.mqferry.stop();
    expect(first.asker.stored).toEqual([]);
    const second = await running({ dataDir: first.dataDir });
    await until('who asked is told', () => second.asker.stored.length === 1);
    await until('nothing is left', () => second.books('replies').buffered === 0 && second.books('replies').inFlight === 0);
    expect(second.books('replies')).toMatchObject({ recovered: 1, read: 0, made: 0, delivered: 1 });
  });
});

test('the route that answers may stop and go on', async () => {
  const { asked, service, replies, asker, books, mqferry } = await running({ request: ', timeout: 1m' });
  asked.push(ask('a'), ask('b'));
  await until('both have left', () => service.stored.length === 2);
  asker.answer = () => 'never';
  replies.push(replyTo(service.stored[0]!));
  await until('it is on disk', () => replies.acked.length === 1);
  await mqferry.engine.stopRoute('replies', 100);
  asked.push(ask('c'));
  await until('the third has left', () => service.stored.length === 3);
  asker.answer = () => 'store';
  await mqferry.engine.startRoute('replies');
  replies.push(...service.stored.slice(1).map((one) => replyTo(one)));
  await until('all are answered', () => new Set(shown(asker).map(({ correlationId }) => correlationId)).size === 3);
  await until('nothing is left', () => books('replies').buffered === 0 && books('replies').inFlight === 0);
  expect(books('replies')).toMatchObject({ recovered: 3, read: 2, made: 0, delivered: 3, merged: 2 });
});

test('a route that asks stops although there is no room for its calls', async () => {
  const { asked, service, replies, asker, mqferry } = await running({ reply: ', maxBytes: 256KiB' });
  asker.answer = () => 'never';
  asked.push(ask('a'), ask('b'));
  await until('both have left', () => service.stored.length === 2);
  for (const one of service.stored) replies.push(replyTo(one, 'x'.repeat(98_000)));
  await until('both replies are on disk', () => replies.acked.length === 2);
  const more = Array.from({ length: 200 }, (_, n) => ask(`c${n}`, { replyTo: 'x'.repeat(100) }));
  for (const one of more) asked.push(one);
  await until('all are read', () => mqferry.engine.view('requests')?.books?.read === 202);
  expect(await mqferry.engine.stopRoute('requests', 100)).toBe(false);
  const { state, books } = mqferry.engine.view('requests') ?? {};
  expect(state).toBe('stopped');
  expect(books?.returned).toBeGreaterThan(0);
});

test('calls must be answered, once, and made', async () => {
  expect(await problemsOf('- request: { calls: a }')).toEqual([
    'nobody answers the calls a — write `- reply: { calls: a }` into the route that reads the replies',
  ]);
  expect(await problemsOf('- reply: { calls: a }')).toEqual([
    'nobody makes the calls a — write `- request: { calls: a }` into the route that carries the requests',
  ]);
  expect(await problemsOf('- request: { calls: a }\n- reply: { calls: a }\n- reply: { calls: a }')).toEqual([
    expect.stringMatching(/^the calls a are answered by another step already — it is at .*; give these another name$/),
  ]);
});

test('explain says what is kept', async () => {
  const { mqferry } = await running({ request: ', timeout: 10s' });
  const [requests, replies] = mqferry.routes.map(explain) as [string, string];
  expect(requests).toContain(
    'Keeps who asked, on disk, for the step `reply` of prices, for at most 10s; it goes on with a correlationId of its own.',
  );
  expect(replies).toContain(
    'Makes it the answer to the call of prices that it belongs to (at most 1GiB), or fails it when nobody waits for it; a call that waits in vain is answered by an error.',
  );
});
