import { describe, expect, test } from 'vitest';
import type { Rate } from '../../src/config/fields.ts';
import { Message } from '../../src/message.ts';
import { JumpClock } from './jump-clock.ts';
import { explanationOf, problemsOf } from './route.ts';
import { runAll, template, waitingStep } from './run.ts';

const perSecond = (count: number): Rate => ({ count, perMs: 1000 });
const make = (count: number, key = 'k') =>
  Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`${i}`), key: Buffer.from(key), id: `${key}${i}` }));

function throttled(value: { rate: Rate; burst?: number; per?: string; maxKeys?: number }) {
  const clock = new JumpClock();
  const per = value.per === undefined ? undefined : template(value.per);
  const step = waitingStep('throttle', { maxKeys: 100, ...value, per }, { clock });
  /** When each passes; the clock goes on by itself while they wait. */
  const times = async (messages: readonly Message[]) => {
    const passed: [string, number][] = [];
    const aside = { fail: () => expect.fail('failed'), drop: () => expect.fail('dropped'), tap: () => expect.fail('tapped') };
    for await (const piece of step.pass(messages, aside, new AbortController().signal))
      passed.push(...piece.map(({ id }): [string, number] => [id as string, Math.round(clock.time)]));
    return passed;
  };
  return { clock, step, times };
}

describe('throttle', () => {
  test('lets a burst pass at once, then one message each time that the rate says, in order', async () => {
    const { times } = throttled({ rate: perSecond(10), burst: 3 });
    expect(await times(make(6))).toEqual([
      ['k0', 0],
      ['k1', 0],
      ['k2', 0],
      ['k3', 100],
      ['k4', 200],
      ['k5', 300],
    ]);
  });

  test('fills up during a pause, but never beyond the burst', async () => {
    const { clock, times } = throttled({ rate: perSecond(10), burst: 2 });
    await times(make(2));
    clock.time = 150;
    expect((await times(make(2))).map(([, at]) => at)).toEqual([150, 200]);
    clock.time = 60_000;
    expect((await times(make(3))).map(([, at]) => at)).toEqual([60_000, 60_000, 60_100]);
  });

  test('without a burst takes what the rate has in 100 ms, at least one', async () => {
    expect((await throttled({ rate: perSecond(30) }).times(make(4))).map(([, at]) => at)).toEqual([0, 0, 0, 33]);
    expect((await throttled({ rate: { count: 60, perMs: 60_000 } }).times(make(2))).map(([, at]) => at)).toEqual([0, 1000]);
  });

  test('gives each key a rate of its own, and what waits holds up those behind it', async () => {
    const { times } = throttled({ rate: perSecond(10), burst: 1, per: '${{ key }}' });
    const [a0, a1] = make(2, 'a') as [Message, Message];
    const [b0, b1] = make(2, 'b') as [Message, Message];
    expect(await times([a0, b0, a1, b1])).toEqual([
      ['a0', 0],
      ['b0', 0],
      ['a1', 100],
      ['b1', 100],
    ]);
  });

  test('keeps at most so many keys in mind: one that was forgotten has a full burst again', async () => {
    const { times } = throttled({ rate: perSecond(1), burst: 1, per: '${{ key }}', maxKeys: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((key) => make(1, key)[0]) as [Message, Message, Message];
    expect((await times([a, b, c, a, c])).map(([, at]) => at)).toEqual([0, 0, 0, 0, 1000]);
  });

  test('does not lose the time that a timer wakes too late', async () => {
    const { clock, times } = throttled({ rate: perSecond(100), burst: 2 });
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms) => sleep(ms + 5);
    const passed = await times(make(202));
    expect(passed.at(-1)?.[1]).toBeLessThanOrEqual(2010);
  });

  test.each([1, 7, 40])('never lets more than burst %i and what the rate has pass in any time, however they come', async (burst) => {
    const { clock, times } = throttled({ rate: perSecond(250), burst });
    let state = burst;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    const at: number[] = [];
    for (let i = 0; i < 60; i++) {
      clock.time += random(200);
      at.push(...(await times(make(1 + random(30)))).map(([, time]) => time));
    }
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    for (let from = 0; from < at.length; from++)
      for (let to = from; to < at.length; to += 13) {
        const most = burst + (((at[to] as number) - (at[from] as number) + 1) * 250) / 1000; // times are rounded to 1 ms
        expect(to - from + 1).toBeLessThanOrEqual(most + 1e-6);
      }
  });

  test('hands on what is ready before it waits, and ends when it is told to', async () => {
    const { clock, step } = throttled({ rate: perSecond(10), burst: 1 });
    const stop = new AbortController();
    clock.sleep = async () => stop.abort();
    const { out, failed } = await runAll(step, make(3), stop.signal);
    expect([out.map(({ id }) => id), failed]).toEqual([['k0'], []]);
  });

  test('fails a message that has no key, and goes on', async () => {
    const { step } = throttled({ rate: perSecond(10), per: '${{ body.customer }}' });
    const [bad, good] = [new Message({ body: Buffer.from('x') }), new Message({ body: Buffer.from('{"customer":7}') })];
    const { out, failed } = await runAll(step, [bad, good]);
    expect(out).toEqual([good]);
    expect(failed).toMatchObject([[bad, { code: 'STEP_FAILED', message: expect.stringMatching(/^throttle: /) }]]);
  });
});

test('what is written wrongly is told', async () => {
  expect(await problemsOf('- throttle: { rate: 100 }')).toEqual([expect.stringContaining('write 100/s')]);
  expect(await problemsOf('- throttle: { rate: 100/s, per: body.id }')).toEqual([expect.stringContaining('same text for all messages')]);
  expect(await explanationOf("- throttle: { rate: 6000/min, per: '${{ key }}' }")).toBe(
    'lets 6000/min pass of each key, 10 at once after a pause; the others wait, and so do those behind them',
  );
});
