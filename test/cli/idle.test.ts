import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Idle } from '../../src/cli/idle.ts';
import { Engine } from '../../src/engine/engine.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan, silent, sinkPlan } from '../engine/fakes.ts';

async function running(source: FakeSource, more: Parameters<typeof routePlan>[2] = {}): Promise<Engine> {
  const engine = new Engine([{ name: 'test', plan: async () => routePlan(source, [new FakeSink()], more) }], silent, hastyClock);
  await engine.start();
  onTestFinished(() => void engine.stop(0));
  return engine;
}

test('a route that is busy between any two looks is not idle, though it looks so each time', async () => {
  const source = new FakeSource();
  const engine = await running(source);
  let outcome: string | undefined;
  void new Idle(engine, 200, 60_000).outcome().then((found) => {
    outcome = found;
  });
  const began = performance.now();
  let sent = 0;
  while (performance.now() - began < 800) {
    source.push(...messages(1));
    sent++;
    await sleep(5);
    expect(engine.isIdle, 'it is done before anybody can look').toBe(true);
  }
  expect(outcome).toBeUndefined();
  expect(source.acked).toHaveLength(sent);
  await until('it is idle, now that nothing comes', () => outcome !== undefined);
  expect(outcome).toBe('idle');
});

test('a tap whose link is down holds up neither the idle end nor counts as a link that is down', async () => {
  const source = new FakeSource().push(...messages(3));
  const tapped = new FakeSink();
  tapped.isDown = true;
  const step = {};
  const engine = await running(source, {
    taps: [{ step, sink: sinkPlan('tap t', tapped), limit: { messages: 10, bytes: 1e6 } }],
    share: (batch, aside) => {
      for (const message of batch) aside.tap(message, step);
      return [batch];
    },
  });
  expect(await new Idle(engine, 300, 100).outcome()).toBe('idle');
  expect([...engine.view('test')!.run!.taps.values()][0]).toMatchObject({ waiting: 3 });
});

test('a sink that refuses for now, with an open breaker, counts as one that is down', async () => {
  const source = new FakeSource().push(...messages(1));
  const sink = new FakeSink();
  sink.answer = () => 'later';
  const plan = routePlan(source, [sink], { breaker: { failures: 1, openForMs: 1000 } });
  const engine = new Engine([{ name: 'test', plan: async () => plan }], silent, hastyClock);
  await engine.start();
  onTestFinished(() => void engine.stop(0));
  const idle = new Idle(engine, 300, 100);
  expect(await idle.outcome()).toBe('linkDown');
  expect(idle.reason).toContain('sink 0 was down for 100 ms: it refuses messages for now');
});

test('time in which the process stood still is not idle time', async () => {
  const source = new FakeSource();
  const engine = await running(source);
  let outcome: string | undefined;
  void new Idle(engine, 600, 60_000).outcome().then((found) => {
    outcome = found;
  });
  await sleep(200);
  const until = performance.now() + 900;
  while (performance.now() < until); // nothing else runs
  await sleep(100);
  expect(outcome).toBeUndefined();
});
