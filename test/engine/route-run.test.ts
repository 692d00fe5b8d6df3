import { describe, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import type { RoutePlan, SinkPlan, StorePlan } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import { MqferryError } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan, silent, sinkPlan } from './fakes.ts';

function start(plan: RoutePlan): RouteRun {
  const run = new RouteRun(plan, hastyClock);
  run.start();
  onTestFinished(() => void run.stop(0));
  return run;
}
const ids = (list: readonly Message[]) => list.map((message) => message.id);

describe('a message that cannot be delivered', () => {
  test('stops the route when there is no dead-letter destination: it reads and acks nothing more, and says which message and why', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.answer = (message) => (message.id === 'm3' ? 'refuse' : 'store');
    source.push(...messages(5));
    const run = start(routePlan(source, [sink]));
    await until('the route has failed', () => run.state === 'failed');
    expect(run.reason).toContain('"m3"');
    expect(run.reason).toContain('REFUSED');
    expect(source.acked).toEqual([]);
    const { reads } = source;
    source.push(...messages(1));
    expect(source.reads).toBe(reads);
    expect(run.isBalanced).toBe(true);
    expect(run.books).toMatchObject({ read: 5, returned: 5, inFlight: 0 });
  });

  test('goes to the dead letter as it was received, with the reason, and its neighbours arrive', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    sink.answer = (message) => (message.id === 'changed-m1' ? 'refuse' : 'store');
    const share = (batch: readonly Message[]) => [
      batch.map((message) => message.change({ id: `changed-${message.id}`, body: Buffer.from('new') })),
    ];
    source.push(...messages(3));
    const run = start(routePlan(source, [sink], { share, dead }));
    await until('all are acked', () => source.acked.length === 3);
    expect(ids(sink.stored)).toEqual(['changed-m0', 'changed-m2']);
    const [letter] = dead.stored as [Message];
    expect([letter.id, String(letter.body)]).toEqual(['m1', 'body 1']);
    expect(letter.header('mqf-error-code')).toBe('REFUSED');
    expect(letter.header('mqf-error-route')).toBe('test');
    expect(run.books).toMatchObject({ read: 3, delivered: 2, deadLettered: 1 });
  });

  test('is retried, and delivered when the sink takes it in the end', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    let refusals = 2;
    sink.answer = (message) => (message.id === 'm0' && refusals-- > 0 ? 'later' : 'store');
    source.push(...messages(2));
    const run = start(routePlan(source, [sink]));
    await until('both are acked', () => source.acked.length === 2);
    expect(ids(sink.stored)).toEqual(['m1', 'm0']);
    expect(run.outboxes[0]?.retried).toBe(2);
  });

  test('that the broker answers by hanging up is set aside within its attempts, and its neighbours arrive', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(true), new FakeSink()];
    sink.answer = (message) => (message.id === 'm57' ? 'hangUp' : 'store');
    source.push(...messages(100));
    const run = start(routePlan(source, [sink], { dead, order: 'lane' }));
    await until('all are acked', () => source.acked.length === 100);
    expect(ids(dead.stored)).toEqual(['m57']);
    expect(new Set(ids(sink.stored)).size).toBe(99);
    expect(run.books).toMatchObject({ delivered: 99, deadLettered: 1 });
  });

  test('is not acked while the dead-letter sink is down', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    sink.answer = () => 'refuse';
    dead.isDown = true;
    source.push(...messages(1));
    const run = start(routePlan(source, [sink], { dead }));
    await until('the dead-letter sink has been tried', () => (run.links.at(-1)?.failures ?? 0) > 3);
    expect(source.acked).toEqual([]);
    dead.isDown = false;
    await until('it is acked', () => source.acked.length === 1);
    expect(dead.stored).toHaveLength(1);
  });

  test('stops the route when the dead-letter destination refuses it', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    sink.answer = () => 'refuse';
    dead.answer = () => 'refuse';
    const run = start(routePlan(source.push(...messages(1)), [sink], { dead }));
    await until('the route has failed', () => run.state === 'failed');
    expect(run.reason).toContain('dead-letter destination refused message "m0"');
    expect(source.acked).toEqual([]);
  });

  test('is tried as its error says, and goes where its error says', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    const other = new FakeSink();
    sink.answer = (message) => (message.id === 'm3' ? 'store' : message.id === 'm2' ? 'refuse' : 'later');
    const seen: [string | undefined, number][] = [];
    const plan = routePlan(source.push(...messages(4)), [sink], { dead });
    const second = sinkPlan('dead 2', other);
    const run = start({
      ...plan,
      deadLetters: [...plan.deadLetters, second],
      remedy: ({ received: { id }, attempts }) => {
        seen.push([id, attempts]);
        const way = id === 'm0' ? second : id === 'm1' ? 'drop' : (plan.deadLetters[0] as SinkPlan);
        return { retry: { ...plan.retry, attempts: id === 'm0' ? 2 : 1 }, way };
      },
    });
    await until('all are acked', () => source.acked.length === 4);
    expect([ids(sink.stored), ids(dead.stored), ids(other.stored)]).toEqual([['m3'], ['m2'], ['m0']]);
    expect(other.stored[0]?.header('mqf-error-attempts')).toBe('2');
    expect(seen.filter(([id]) => id === 'm0')).toEqual([
      ['m0', 1],
      ['m0', 2],
      ['m0', 2],
    ]);
    expect(run.books).toMatchObject({ delivered: 1, deadLettered: 2, dropped: 1, inFlight: 0 });
    expect(run.links.map(({ end }) => end)).toEqual(['test source', 'sink 0', 'dead', 'dead 2']);
  });

  test('is not tried later than its age allows', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    sink.answer = () => 'later';
    const plan = routePlan(source.push(...messages(1)), [sink], { dead });
    // Waits of 1, 2, 4, 8 ms ... as the clock of these tests is hasty: the sum would be far beyond the age.
    const retry = { attempts: 1000, backoff: { fromMs: 100, toMs: 1e9 }, maxAgeMs: 2000 };
    start({ ...plan, remedy: () => ({ retry, way: plan.deadLetters[0] as SinkPlan }) });
    await until('it is acked', () => source.acked.length === 1);
    const attempts = Number(dead.stored[0]?.header('mqf-error-attempts'));
    expect(attempts).toBeGreaterThan(3);
    expect(attempts).toBeLessThan(8);
  });

  test('stops the route when nobody can say what becomes of it', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    sink.answer = () => 'later';
    const remedy = () => {
      throw new Error('no such key');
    };
    const run = start({ ...routePlan(source.push(...messages(1)), [sink], { dead }), remedy });
    await until('the route has failed', () => run.state === 'failed');
    expect(run.reason).toContain('onError cannot say what becomes of it: no such key');
    expect([source.acked, dead.stored]).toEqual([[], []]);
    await run.stop(0);
    expect(run.books).toMatchObject({ read: 1, returned: 1 });
  });

  test('is dropped and counted when the config says so', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.answer = (message) => (message.id === 'm0' ? 'refuse' : 'store');
    const run = start(routePlan(source.push(...messages(2)), [sink], { lastResort: 'drop' }));
    await until('both are acked', () => source.acked.length === 2);
    expect(run.books).toMatchObject({ delivered: 1, dropped: 1 });
  });

  test('when no new link can mend the sink, stops the route: the message is not blamed for it, nor dropped', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.answer = () => {
      throw new MqferryError('BUFFER_FAILED', 'the disk has failed');
    };
    const retry = { attempts: 1, backoff: { fromMs: 1, toMs: 1 } };
    const run = start(routePlan(source.push(...messages(1)), [sink], { lastResort: 'drop', retry }));
    await until('the route has failed', () => run.state === 'failed' && run.books.inFlight === 0);
    expect(run.reason).toContain('the disk has failed');
    expect(sink.opens, 'there is no second try').toBe(1);
    expect(source.acked).toEqual([]);
    expect(run.books).toMatchObject({ read: 1, returned: 1, dropped: 0 });
  });

  test('refused by two sinks is one dead letter and one entry in the books', async () => {
    const [source, one, two, dead] = [new FakeSource(), new FakeSink(), new FakeSink(), new FakeSink()];
    one.answer = () => 'refuse';
    two.answer = () => 'refuse';
    const run = start(routePlan(source.push(...messages(1)), [one, two], { dead }));
    await until('it is acked', () => source.acked.length === 1);
    expect(dead.stored).toHaveLength(1);
    expect(run.books).toMatchObject({ read: 1, deadLettered: 1, delivered: 0 });
  });

  test('that could not be decoded goes to the dead letter with its reason', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    source.push(new Message({ body: Buffer.from([1, 2]), id: 'odd', fault: new Error('bad escape') }), ...messages(1));
    start(routePlan(source, [sink], { dead }));
    await until('both are acked', () => source.acked.length === 2);
    expect(dead.stored[0]?.header('mqf-error-code')).toBe('DECODE_FAILED');
    expect(ids(sink.stored)).toEqual(['m0']);
  });

  test('because a step broke off is not lost', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    const share = () => {
      throw new Error('a bug');
    };
    start(routePlan(source.push(...messages(2)), [sink], { share, dead }));
    await until('both are acked', () => source.acked.length === 2);
    expect(dead.stored[0]?.header('mqf-error-code')).toBe('STEP_FAILED');
  });
});

describe('stopping', () => {
  test('lets what is on its way end, acks it, and reads nothing more', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    const run = start(routePlan(source.push(...messages(10)), [sink]));
    await until('all are acked', () => source.acked.length === 10);
    expect(await run.stop(1000)).toBe(true);
    expect(run.state).toBe('stopped');
    expect(run.isBalanced).toBe(true);
  });

  test('gives up at the deadline: what was on its way is returned and not acked', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.answer = () => 'never';
    const run = start(routePlan(source.push(...messages(4)), [sink]));
    await until('they are on their way', () => run.books.inFlight === 4);
    expect(await run.stop(2000)).toBe(false);
    expect(source.acked).toEqual([]);
    expect(run.books).toMatchObject({ read: 4, returned: 4, inFlight: 0 });
    expect(run.isBalanced).toBe(true);
  });

  test('does not wait for what others fetch when they like, but for the sinks beside it', async () => {
    const [source, pulled, slow] = [new FakeSource(), new FakeSink(), new FakeSink()];
    pulled.answer = () => 'never';
    let isReady = false;
    slow.answer = () => (isReady ? 'store' : 'later');
    Object.assign(pulled.end, { can: { ...pulled.end.can, pulled: true } });
    const retry = { attempts: 1e9, backoff: { fromMs: 100, toMs: 1000 } };
    const plan = routePlan(source.push(...messages(1)), [pulled, slow], { remedy: () => ({ retry, way: 'stop' }) });
    const run = start(plan);
    await until('it is on its way', () => run.books.inFlight === 1);
    let isStopped = false;
    const stopped = run.stop(3_600_000).finally(() => (isStopped = true));
    await new Promise((resolve) => setTimeout(resolve, 100)); // ten times as long as it waits for what is fetched
    expect(isStopped).toBe(false);
    isReady = true;
    expect(await stopped).toBe(true);
    expect(slow.stored).toHaveLength(1);
    expect(run.books).toMatchObject({ read: 1, returned: 1, delivered: 0 });
  });

  test('ends at once when told so', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.answer = () => 'never';
    const run = start(routePlan(source.push(...messages(1)), [sink]));
    await until('it is on its way', () => run.books.inFlight === 1);
    const now = new AbortController();
    const stopped = run.stop(3_600_000_00, now.signal);
    now.abort();
    expect(await stopped).toBe(false);
  });
});

describe('idle', () => {
  test('is a route whose source waits and that has nothing on its way; a link that is down is not idle', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    sink.isDown = true;
    const run = start(routePlan(source.push(...messages(1)), [sink]));
    await until('the sink has been tried', () => (run.links[1]?.failures ?? 0) > 2);
    expect(run.isIdle).toBe(false);
    expect(source.opens, 'the source is opened only while all sinks are open').toBe(0);
    sink.isDown = false;
    await until('the route is idle', () => run.isIdle);
    expect(source.acked).toHaveLength(1);
    expect(run.isFinished).toBe(false);
  });

  test('is not one whose source says that more is to come', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    source.isCaughtUp = false;
    const run = start(routePlan(source.push(...messages(1)), [sink]));
    await until('it waits for more', () => source.acked.length === 1 && source.reads === 2);
    expect(run.isIdle).toBe(false);
    source.isCaughtUp = true;
    expect(run.isIdle).toBe(true);
  });

  test('and finished, when the source has an end', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    source.isFinite = true;
    const run = start(routePlan(source.push(...messages(3)), [sink]));
    await until('the route has finished', () => run.isFinished);
    expect(source.acked).toHaveLength(3);
  });
});

test('the window bounds what is read while the sink does not confirm', async () => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  sink.answer = () => 'never';
  const run = start(routePlan(source.push(...messages(500)), [sink], { window: { messages: 40, bytes: 1e6 } }));
  await until('the window is full', () => run.books.inFlight === 40);
  expect(run.pumps[0]?.window.messagesMax).toBe(40);
});

test.each<[string, () => Promise<void>]>([
  ['throws while it closes', () => Promise.reject(new TypeError('a bug in the connector'))],
  ['never has closed', () => new Promise(() => {})],
])('a connector that %s a lost link does not hold up what was on its way', async (_what, close) => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  let cuts = 1;
  sink.answer = () => (cuts-- > 0 ? 'hangUp' : 'store');
  const plan = routePlan(source.push(...messages(3)), [sink]);
  const { end } = (plan.pumps[0] as (typeof plan.pumps)[0]).sinks[0] as { end: typeof sink.end };
  const open = end.open;
  Object.assign(end, {
    open: async (signal: AbortSignal) => ({
      ...(await open(signal)),
      close,
    }),
  });
  start(plan);
  await until('all are acked', () => source.acked.length === 3, 5000);
});

test('a lost source link is opened again, and what was not acked comes again', async () => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  const run = start(routePlan(source.push(...messages(3)), [sink]));
  await until('all are acked', () => source.acked.length === 3);
  source.cut();
  source.push(...messages(2));
  await until('the rest is acked', () => source.acked.length === 5);
  expect(source.opens).toBe(2);
  expect(run.isBalanced).toBe(true);
});

test("one route's trouble never touches another", async () => {
  const [good, bad, sink] = [new FakeSource(), new FakeSource(), new FakeSink()];
  const throwing = new FakeSink();
  throwing.answer = () => {
    throw new TypeError('a bug in the connector');
  };
  const engine = new Engine(
    [
      { name: 'bad', plan: async () => ({ ...routePlan(bad.push(...messages(1)), [throwing]), name: 'bad' }) },
      { name: 'broken', plan: () => Promise.reject(new MqferryError('BUFFER_FAILED', 'the buffer cannot be opened')) },
      { name: 'good', plan: async () => ({ ...routePlan(good.push(...messages(5)), [sink]), name: 'good' }) },
    ],
    silent,
    hastyClock,
  );
  await engine.start();
  onTestFinished(() => void engine.stop(0));
  await until('the good route has delivered', () => good.acked.length === 5);
  expect(engine.view('broken')).toMatchObject({ state: 'failed', reason: 'the buffer cannot be opened' });
  await until('the bad route has given up', () => engine.view('bad')?.state === 'failed');
  expect(engine.view('good')?.state).toBe('running');
  throwing.answer = () => 'store';
  expect(await engine.startRoute('bad'), 'it can be started again').toBe(true);
  await until('what it held has arrived', () => throwing.stored.length > 0);
});

test('a link lost once with one message alone is an outage, and no refusal, whatever the config says of refusals', async () => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  let cuts = 1;
  sink.answer = () => (cuts-- > 0 ? 'hangUp' : 'store');
  const retry = { attempts: 1, maxAgeMs: Number.POSITIVE_INFINITY, backoff: { fromMs: 100, toMs: 1000 } };
  const run = start(routePlan(source.push(...messages(1)), [sink], { remedy: () => ({ retry, way: 'drop' }) }));
  await until('it is acked', () => source.acked.length === 1);
  expect(run.books).toMatchObject({ delivered: 1, dropped: 0 });
});

test('who asks to stop while it drains waits for the same end, and the more impatient has it', async () => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  sink.answer = () => 'never';
  const run = start(routePlan(source.push(...messages(1)), [sink]));
  await until('it is on its way', () => run.books.inFlight === 1);
  const first = run.stop(3_600_000_00);
  const now = new AbortController();
  const second = run.stop(3_600_000_00, now.signal);
  await new Promise(setImmediate);
  expect(run.state).toBe('draining');
  now.abort();
  expect(await Promise.all([first, second])).toEqual([false, false]);
  expect(run.books).toMatchObject({ inFlight: 0, returned: 1 });
});

describe('an engine', () => {
  test('starts a route once, however many ask for it', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    let plans = 0;
    const plan = async () => {
      plans++;
      await new Promise(setImmediate);
      return routePlan(source, [sink]);
    };
    const engine = new Engine([{ name: 'test', plan }], silent, hastyClock);
    onTestFinished(() => void engine.stop(0));
    expect(await Promise.all([engine.start(), engine.startRoute('test'), engine.startRoute('test')])).toEqual([undefined, true, true]);
    expect(plans).toBe(1);
    source.push(...messages(3));
    await until('all are acked', () => source.acked.length === 3);
    expect(sink.stored).toHaveLength(3);
  });

  test('that is stopped starts nothing that was on its way, and closes the buffer that was opened for it', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    let closed = 0;
    const stats = () => ({ messages: 0, bytes: 0, limitBytes: 1 });
    const buffer: StorePlan = { kind: 'buffer', name: 'buffer', stats, close: async () => void closed++ };
    const plan = async () => {
      await opened;
      return { ...routePlan(new FakeSource(), [new FakeSink()]), stores: [buffer] };
    };
    const engine = new Engine([{ name: 'test', plan }], silent, hastyClock);
    const starting = engine.startRoute('test');
    const stopped = engine.stop(0);
    open();
    expect([await starting, await stopped]).toEqual([false, true]);
    expect(closed).toBe(1);
    expect(engine.view('test')?.run).toBeUndefined();
  });

  test('is idle when the routes that still run are, and over when none runs', async () => {
    const [idle, failing, sink] = [new FakeSource(), new FakeSource(), new FakeSink()];
    const refusing = new FakeSink();
    refusing.answer = () => 'refuse';
    const engine = new Engine(
      [
        { name: 'idle', plan: async () => routePlan(idle, [sink]) },
        { name: 'failing', plan: async () => routePlan(failing.push(...messages(1)), [refusing]) },
      ],
      silent,
      hastyClock,
    );
    onTestFinished(() => void engine.stop(0));
    await engine.start();
    await until('one has failed', () => engine.view('failing')?.state === 'failed');
    await until('the rest is idle', () => engine.isIdle);
    expect(engine.isOver).toBe(false);
  });
});

test('a dead letter is the message as the steps saw it: its mqf- headers renamed, or believed', async () => {
  const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
  sink.answer = () => 'refuse';
  const plan = routePlan(source, [sink], { dead });
  const renamed = plan.pumps.map((pump) => ({
    ...pump,
    inbound: (message: Message) => message.change({ headers: message.headers.map(([name, value]) => [`own-${name}`, value] as const) }),
  })) as unknown as typeof plan.pumps;
  start({ ...plan, pumps: renamed });
  source.push(...messages(1, { headers: [['mqf-id', 'x']] }));
  await until('it is acked', () => source.acked.length === 1);
  expect(dead.stored[0]?.headers[0]).toEqual(['own-mqf-id', 'x']);
});
