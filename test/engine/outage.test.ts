import { expect, test } from 'vitest';
import { RouteRun } from '../../src/engine/route-run.ts';
import { VirtualClock } from '../../src/engine/virtual-clock.ts';
import { FakeSink, FakeSource, messages, routePlan, silent } from './fakes.ts';

test('fifty routes whose broker is down for ten minutes ask for it now and then, say so now and then, and go on when it is back', async () => {
  const clock = new VirtualClock(0);
  const downMs = 600_000;
  const backoff = { fromMs: 500, toMs: 30_000 };
  let lines = 0;
  const log = { ...silent, warn: () => void lines++, error: () => void lines++ };
  const routes = Array.from({ length: 50 }, () => {
    const [source, sink] = [new FakeSource(), new FakeSink()];
    source.push(...messages(10));
    sink.isDown = true;
    let tries = 0;
    const { end } = sink;
    const counted = {
      ...end,
      open: (signal: AbortSignal) => {
        tries++;
        return end.open(signal);
      },
    };
    const plan = routePlan(source, [Object.assign(sink, { end: counted })], {
      log,
      remedy: () => ({ retry: { attempts: 3, backoff }, way: 'stop' }),
    });
    const run = new RouteRun({ ...plan, retry: { attempts: 3, backoff } }, clock);
    run.start();
    return { run, source, sink, tries: () => tries };
  });
  expect(await clock.time.run(() => false, downMs)).toBe(false);
  for (const { source, tries } of routes) {
    expect(tries(), 'about one a half minute, once it has backed off').toBeLessThan(40);
    expect(tries()).toBeGreaterThan(10);
    expect(source.opens, 'the source is left alone meanwhile').toBe(0);
  }
  expect(lines / routes.length, 'lines of each in ten minutes').toBeLessThan(25);
  for (const { sink } of routes) sink.isDown = false;
  expect(await clock.time.run(() => routes.every(({ sink }) => sink.stored.length === 10), downMs + backoff.toMs + 1000)).toBe(true);
  const stops = routes.map(({ run }) => run.stop(0));
  await clock.time.run(() => routes.every(({ run }) => run.state === 'stopped'), downMs * 2);
  await Promise.all(stops);
});
