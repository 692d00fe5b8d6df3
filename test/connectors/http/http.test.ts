import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEngine, type Mqferry } from '../../../src/index.ts';
import { Message } from '../../../src/message.ts';
import { until } from '../../brokers/broker.ts';
import { folder } from '../../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../../engine/fakes.ts';
import { freePort } from './ports.ts';

const json = 'application/vnd.mqferry+json';

interface Called {
  readonly status: number;
  readonly body: { messages: Record<string, unknown>[] } & Record<string, unknown>;
}

/** Routes with `{port}` in them; fakes by name. */
async function serving(yaml: string, ends: Readonly<Record<string, FakeSource | FakeSink>> = {}) {
  const port = await freePort();
  const connectors = connectorsOf(ends);
  const texts = [{ name: 'r.yaml', text: yaml.replaceAll('{port}', String(port)) }];
  const mqferry: Mqferry = await createEngine({ routes: { texts }, connectors, dataDir: folder() });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  const call = async (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}): Promise<Called> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body !== undefined && { body }) });
    return { status: answer.status, body: (await answer.json()) as Called['body'] };
  };
  await until('it listens', async () => (await call('GET', '/nothing').catch(() => undefined)) !== undefined);
  return { mqferry, port, call };
}

const publishing = (more = '') => `routes: { r: { source: { http: { connection: { port: {port} }, path: /jobs${more} } }, sink: shelf } }`;

describe('a program publishes', () => {
  test('one message: the body as it is, and the rest in headers of HTTP', async () => {
    const shelf = new FakeSink();
    const { call } = await serving(publishing(), { shelf });
    const body = Buffer.from([0, 255, 13, 10]);
    const headers = {
      'x-message-id': 'a1',
      'x-message-key': 'k',
      'x-message-priority': '7',
      'x-header-region': 'eu',
      'content-type': 'image/png',
    };
    expect(await call('POST', '/jobs', body, headers)).toEqual({ status: 200, body: { accepted: 1 } });
    const [got] = shelf.stored.map(({ intended }) => intended);
    expect(got).toMatchObject({ id: 'a1', key: Buffer.from('k'), priority: 7, contentType: 'image/png', headers: [['region', 'eu']] });
    expect(got!.body).toEqual(body);
  });

  test('many, as JSON', async () => {
    const shelf = new FakeSink();
    const { call } = await serving(publishing(), { shelf });
    const messages = [
      { body: 'text' },
      { json: { n: 1 } },
      { base64: 'AP8=' },
      { body: null, keyBase64: '/w==', headers: { a: ['1', '2'] } },
    ];
    expect(await call('POST', '/jobs', JSON.stringify({ messages }), { 'content-type': json })).toMatchObject({
      status: 200,
      body: { accepted: 4 },
    });
    expect(shelf.stored.map(({ intended: { body } }) => body && [...body])).toEqual([
      [...Buffer.from('text')],
      [...Buffer.from('{"n":1}')],
      [0, 255],
      null,
    ]);
    expect(shelf.stored[3]!.intended.headers).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  test('what is not settled in time is named, and is to be sent again', async () => {
    const shelf = new FakeSink();
    shelf.answer = ({ body }) => (String(body) === 'slow' ? 'never' : 'store');
    const { call } = await serving(publishing(', timeout: 300ms'), { shelf });
    expect(await call('POST', '/jobs', 'quick')).toMatchObject({ status: 200 });
    const { status, body } = await call('POST', '/jobs', JSON.stringify({ messages: [{ body: 'slow' }] }), { 'content-type': json });
    expect(status).toBe(503);
    expect(body).toMatchObject({ accepted: 0, missing: [0], error: expect.stringContaining('send what is missing again') });
  });

  test.each([
    ['{"messages":[{"body":"a","json":1}]}', 'a message has one body, not body and json'],
    ['{"messages":[{"bdoy":"a"}]}', 'a message has no "bdoy"'],
    ['{"messages":[{"headers":{"a":1}}]}', 'the header "a" must be text'],
    ['{"messages":[{"base64":"%"}]}', 'base64 must be base64'],
    ['{"messages":[{"priority":"high"}]}', 'priority must be a number'],
    ['{"messages":7}', '`messages` must be a list'],
    ['[]', 'the body must be a JSON object'],
    ['{', 'the body is not JSON'],
    [`{"messages":[${'{},'.repeat(10_001)}{}]}`, 'at most 10000 messages are taken at once'],
  ])('what is no message is told so: %#', async (body, error) => {
    const { call } = await serving(publishing(), { shelf: new FakeSink() });
    const got = await call('POST', '/jobs', body, { 'content-type': json });
    expect([400, 413]).toContain(got.status);
    expect(got.body).toEqual({ error });
  });

  test('a body that is too large is not read to its end', async () => {
    const shelf = new FakeSink();
    const { call, port } = await serving(publishing(', maxBytes: 1KiB'), { shelf });
    expect(await call('POST', '/jobs', Buffer.alloc(1025))).toMatchObject({ status: 413 });
    const socket = connect(port, '127.0.0.1');
    let answered = '';
    socket.on('data', (chunk) => (answered += chunk));
    socket.on('error', () => undefined);
    socket.write('POST /jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = setInterval(() => socket.write(`400\r\n${'x'.repeat(1024)}\r\n`), 1);
    await until('it is answered', () => answered.startsWith('HTTP/1.1 413'));
    clearInterval(chunk);
    socket.destroy();
    expect(shelf.stored).toEqual([]);
  });
});

describe('who may speak to it', () => {
  const guarded = `routes: { r: { source: { http: { connection: { port: {port}, token: s3cret }, path: /jobs } }, sink: shelf } }`;

  test('with a token, only who has it', async () => {
    const { call } = await serving(guarded, { shelf: new FakeSink() });
    expect(await call('POST', '/jobs', 'x')).toMatchObject({ status: 401 });
    expect(await call('POST', '/jobs', 'x', { authorization: 'Bearer wrong' })).toMatchObject({ status: 401 });
    expect(await call('POST', '/jobs', 'x', { authorization: 'Bearer s3cret' })).toMatchObject({ status: 200 });
  });

  test('without one, no web page', async () => {
    const { call, port } = await serving(publishing(), { shelf: new FakeSink() });
    expect(await call('POST', '/jobs', 'x', { origin: 'http://evil.example' })).toMatchObject({ status: 403 });
    const socket = connect(port, '127.0.0.1');
    let answered = '';
    socket.on('data', (chunk) => (answered += chunk));
    socket.write('POST /jobs HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1\r\n\r\nx');
    await until('it is answered', () => answered.startsWith('HTTP/1.1 403'));
    socket.destroy();
  });

  test('beyond this machine it needs a token', async () => {
    const text = 'routes: { r: { source: { http: { connection: { host: 0.0.0.0, port: 8080 }, path: /jobs } }, sink: print } }';
    await expect(createEngine({ routes: { texts: [{ name: 'r.yaml', text }] } })).rejects.toThrow(/set a `token`/);
  });

  test('ends that share a port agree about it', async () => {
    const text = `
routes:
  a: { source: { http: { connection: { port: 9999, token: a } , path: /jobs } }, sink: print }
  b: { source: { http: { connection: { port: 9999, token: b } , path: /jobs } }, sink: print }`;
    await expect(createEngine({ routes: { texts: [{ name: 'r.yaml', text }] } })).rejects.toThrow(/another token[\s\S]*another source/);
  });
});

describe('a program pulls', () => {
  const pulling = (more = '') =>
    `routes: { r: { source: given, sink: { http: { connection: { port: {port} }, path: /jobs${more} } }, onError: { deadLetter: grave } } }`;
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => new Message({ body: Buffer.from(String(n)), id: String(n) }));
  const bodies = ({ body: { messages } }: Called) => messages.map(({ body }) => body);
  const receipts = ({ body: { messages } }: Called) => messages.map(({ receipt }) => receipt);
  const settle = (how: 'ack' | 'nack', call: Awaited<ReturnType<typeof serving>>['call'], which: unknown[]) =>
    call('POST', `/jobs/${how}`, JSON.stringify({ receipts: which }));

  test('what it acks is settled at the source, and only that', async () => {
    const given = new FakeSource().push(...numbered(3));
    const { call } = await serving(pulling(), { given, grave: new FakeSink() });
    const pulled = await call('GET', '/jobs?max=2&wait=5s');
    const more = await call('GET', '/jobs?max=2&wait=5s');
    expect([...bodies(pulled), ...bodies(more)].sort()).toEqual(['0', '1', '2']);
    expect(await call('GET', '/jobs')).toEqual({ status: 200, body: { messages: [] } });
    expect(given.acked).toEqual([]);
    expect(await settle('ack', call, [...receipts(pulled), ...receipts(more), 'unknown'])).toMatchObject({
      body: { done: 3, unknown: ['unknown'] },
    });
    await until('all are acked', () => given.acked.length === 3);
  });

  test('what is not acked in time, or is given back, is handed out again; after so often it is a dead letter', async () => {
    const [given, grave] = [new FakeSource().push(...numbered(1)), new FakeSink()];
    const { call } = await serving(pulling(', visibility: 100ms, maxDeliveries: 3'), { given, grave });
    const first = await call('GET', '/jobs?wait=5s');
    const second = await call('GET', '/jobs?wait=5s&visibility=1m');
    expect([first, second].map(({ body }) => body.messages[0]!['attempt'])).toEqual([1, 2]);
    expect(await settle('ack', call, receipts(first))).toMatchObject({ body: { done: 0 } });
    await settle('nack', call, receipts(second));
    expect(bodies(await call('GET', '/jobs?wait=5s'))).toEqual(['0']);
    await until('it is a dead letter', () => grave.stored.length === 1);
    expect(grave.stored[0]!.header('mqf-error-message')).toContain('handed out 3 times');
    await until('it is acked', () => given.acked.length === 1);
  });

  test('a stop waits for nobody to pull', async () => {
    const given = new FakeSource().push(...numbered(3));
    const { call, mqferry } = await serving(pulling(), { given, grave: new FakeSink() });
    await call('GET', '/jobs?wait=5s');
    const begin = Date.now();
    expect(await mqferry.stop(20_000)).toBe(true);
    expect(Date.now() - begin).toBeLessThan(10_000);
    expect(given.acked).toEqual([]);
    expect(mqferry.engine.view('r')!.books).toMatchObject({ returned: 3, inFlight: 0 });
  });

  test('what waits leaves by its priority', async () => {
    const given = new FakeSource();
    const { call } = await serving(pulling(), { given, grave: new FakeSink() });
    given.push(...[1, 9, 5, 9].map((priority, n) => new Message({ body: Buffer.from(String(n)), priority })));
    await until('all wait', async () => {
      const all = await call('GET', '/jobs?max=4');
      await settle('nack', call, receipts(all));
      return all.body.messages.length === 4;
    });
    expect(bodies(await call('GET', '/jobs?max=2')).sort()).toEqual(['1', '3']);
    expect(bodies(await call('GET', '/jobs?max=2'))).toEqual(['2', '0']);
  });

  test('a reader that goes away while it waits takes nothing with it', async () => {
    const given = new FakeSource();
    const { call, port } = await serving(pulling(), { given, grave: new FakeSink() });
    const gone = new AbortController();
    const waiting = fetch(`http://127.0.0.1:${port}/jobs?wait=30s`, { signal: gone.signal }).catch(() => undefined);
    await call('GET', '/jobs');
    gone.abort();
    await waiting;
    given.push(...numbered(1));
    const pulled = await call('GET', '/jobs?wait=5s');
    expect(bodies(pulled)).toEqual(['0']);
  });

  test.each([
    ['/jobs?max=0', 400],
    ['/jobs?wait=soon', 400],
    ['/jobs/ack', 404],
    ['/other', 404],
  ])('GET %s is %i', async (path, status) => {
    const { call } = await serving(pulling(), { given: new FakeSource(), grave: new FakeSink() });
    expect(await call('GET', path)).toMatchObject({ status });
  });
});

test('a small broker: published, on disk, pulled, over a restart of its routes', async () => {
  const { call, mqferry } = await serving(`
connections: { door: { http: { port: {port} } } }
routes:
  in: { source: { http: { connection: door, path: /jobs } }, sink: { local: { queue: jobs, store: disk } }, guarantee: at-least-once }
  out: { source: { local: { queue: jobs, store: disk } }, sink: { http: { connection: door, path: /jobs } }, guarantee: at-least-once }`);
  const publish = async (body: string) => (await call('POST', '/jobs', body)).status;
  for (const body of ['a', 'b', 'c']) await until('it is taken', async () => (await publish(body)) === 200);
  await until('one is handed out', async () => (await call('GET', '/jobs?visibility=1h')).body.messages?.length === 1);
  await mqferry.engine.stopRoute('out', 0);
  expect(await call('GET', '/jobs')).toMatchObject({ status: 503 });
  await mqferry.engine.startRoute('out');
  const got = new Set<unknown>();
  await until('all have come, the one that was not acked, too', async () => {
    const { body } = await call('GET', '/jobs?max=9&visibility=1h');
    for (const message of body.messages ?? []) got.add(message['body']);
    return got.size === 3;
  });
});
