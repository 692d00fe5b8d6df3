import { describe, expect, onTestFinished, test } from 'vitest';
import type { RoutePlan, WaitingShare } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import { MqferryError } from '../../src/errors.ts';
import type { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan } from './fakes.ts';

function start(plan: RoutePlan): RouteRun {
  const run = new RouteRun(plan, hastyClock);
  run.start();
  onTestFinished(() => void run.stop(0));
  return run;
}

type Pass = WaitingShare['pass'];

/** A share whose first batch waits until the test lets it go on; `act` is what it does then, as all later ones do at once. */
class Gate implements WaitingShare {
  readonly arrived: (readonly Message[])[] = [];
  signal: AbortSignal | undefined;
  readonly #opened = Promise.withResolvers<void>();
  readonly #act: Pass;

  constructor(act: Pass = async (batch, _aside, hand) => hand(batch, 0)) {
    this.#act = act;
  }

  async pass(...given: Parameters<Pass>): Promise<void> {
    this.arrived.push(given[0]);
    this.signal = given[3];
    await this.#opened.promise;
    await this.#act(...given);
  }

  open(): void {
    this.#opened.resolve();
  }
}

function waitingPlan(source: FakeSource, sink: FakeSink, share: WaitingShare, more: Parameters<typeof routePlan>[2] = {}): RoutePlan {
  return routePlan(source, [sink], { ...more, share });
}

const ids = (list: readonly Message[]) => list.map((message) => message.id);

describe('while a step waits', () => {
  test('nothing more is read, nothing is acked, and the route is not idle', async () => {
    const [source, sink, gate] = [new FakeSource(), new FakeSink(), new Gate()];
    const run = start(waitingPlan(source.push(...messages(2)), sink, gate));
    await until('a batch waits', () => gate.arrived.length === 1);
    source.push(...messages(3));
    await new Promise(setImmediate);
    expect([source.reads, source.acked.length, sink.stored.length, run.isIdle]).toEqual([1, 0, 0, false]);
    expect(run.books).toMatchObject({ read: 2, inFlight: 2 });
    gate.open();
    await until('all are acked', () => source.acked.length === 5);
    expect(
      gate.arrived.map((batch) => batch.length),
      'what came meanwhile is one batch',
    ).toEqual([2, 3]);
  });

  test('what it has handed on already is delivered', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    const later = Promise.withResolvers<void>();
    const share: WaitingShare = {
      async pass(batch, _aside, hand) {
        hand(batch.slice(0, 1), 0);
        await later.promise;
        hand(batch.slice(1), 0);
      },
    };
    const run = start(waitingPlan(source.push(...messages(3)), sink, share));
    await until('the first has arrived', () => sink.stored.length === 1);
    expect(source.acked).toEqual([]);
    later.resolve();
    await until('all are acked', () => source.acked.length === 3);
    expect(ids(sink.stored)).toEqual(['m0', 'm1', 'm2']);
    expect(run.books).toMatchObject({ read: 3, delivered: 3, filtered: 0 });
  });

  test('a drain lets it end', async () => {
    const [source, sink, gate] = [new FakeSource(), new FakeSink(), new Gate()];
    const run = start(waitingPlan(source.push(...messages(2)), sink, gate));
    await until('a batch waits', () => gate.arrived.length === 1);
    const stopped = run.stop(3_600_000_00);
    await new Promise(setImmediate);
    expect(gate.signal?.aborted).toBe(false);
    gate.open();
    expect(await stopped).toBe(true);
    expect(source.acked).toHaveLength(2);
    expect(run.books).toMatchObject({ delivered: 2, returned: 0 });
  });

  test('a step that never ends does not hold up the end of the route: what it has comes again, and nothing more is heard of it', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    const dead = new FakeSink();
    const late = new Gate(async (batch, aside, hand) => {
      aside.fail(batch[0] as Message, new MqferryError('STEP_FAILED', 'too late'));
      hand(batch, 0);
    });
    const run = start(waitingPlan(source.push(...messages(2)), sink, late, { dead }));
    await until('a batch waits', () => late.arrived.length === 1);
    expect(await run.stop(0)).toBe(false);
    expect(late.signal?.aborted).toBe(true);
    late.open();
    await new Promise(setImmediate);
    expect([source.acked, sink.stored, dead.stored]).toEqual([[], [], []]);
    expect(run.books).toMatchObject({ read: 2, inFlight: 0, returned: 2, deadLettered: 0 });
  });

  test('a lost source link is noticed when it is over, and opened again', async () => {
    const [source, sink, gate] = [new FakeSource(), new FakeSink(), new Gate()];
    const run = start(waitingPlan(source.push(...messages(2)), sink, gate));
    await until('a batch waits', () => gate.arrived.length === 1);
    source.cut();
    source.push(...messages(1));
    await new Promise(setImmediate);
    expect(source.opens).toBe(1);
    gate.open();
    await until('the rest is acked', () => source.acked.length === 3);
    expect(source.opens).toBe(2);
    expect(run.isBalanced).toBe(true);
  });
});

describe('a step that waits and', () => {
  test('fails a message, has it dead-lettered, and the others arrive', async () => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    const share: WaitingShare = {
      async pass(batch, aside, hand) {
        await Promise.resolve();
        const [first, second, ...rest] = batch as [Message, Message];
        aside.fail(first, new MqferryError('TIMEOUT', 'no answer'));
        aside.drop(second);
        hand(rest, 0);
      },
    };
    const run = start(waitingPlan(source.push(...messages(4)), sink, share, { dead }));
    await until('all are acked', () => source.acked.length === 4);
    expect([ids(sink.stored), ids(dead.stored)]).toEqual([['m2', 'm3'], ['m0']]);
    expect(run.books).toMatchObject({ read: 4, delivered: 2, dropped: 1, deadLettered: 1 });
  });

  test.each<[string, Pass]>([
    ['rejects', () => Promise.reject(new TypeError('a bug'))],
    [
      'rejects after a while',
      async () => {
        await new Promise(setImmediate);
        throw new TypeError('a bug');
      },
    ],
  ])('%s, fails its messages and not the route', async (_what, act) => {
    const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
    let isFirst = true;
    const share: WaitingShare = {
      async pass(batch, aside, hand, signal) {
        if (!isFirst) return hand(batch, 0);
        isFirst = false;
        await act(batch, aside, hand, signal);
      },
    };
    const run = start(waitingPlan(source.push(...messages(2)), sink, share, { dead }));
    await until('both are acked', () => source.acked.length === 2);
    expect(dead.stored.map((letter) => letter.header('mqf-error-message'))).toEqual(Array(2).fill('a step broke off: a bug'));
    source.push(...messages(1));
    await until('the next one is acked', () => source.acked.length === 3);
    expect([run.state, sink.stored.length]).toEqual(['running', 1]);
  });

  test('goes on after its end, is not heard', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    let after: () => void = () => {};
    const share: WaitingShare = {
      async pass(batch, _aside, hand) {
        hand(batch, 0);
        after = () => hand(batch, 0);
      },
    };
    const run = start(waitingPlan(source.push(...messages(1)), sink, share));
    await until('it is acked', () => source.acked.length === 1);
    after();
    await new Promise(setImmediate);
    expect(sink.stored).toHaveLength(1);
    expect(run.books).toMatchObject({ read: 1, delivered: 1 });
  });
});
