import { describe, expect, test } from 'vitest';
import type { StageTime } from '../../src/buffer/stage/keeper.ts';
import { Message } from '../../src/message.ts';
import { DueHeap } from '../../src/steps/due-heap.ts';
import { stepKinds } from '../../src/steps/index.ts';
import { problemsOf } from './route.ts';
import { throughStage } from './stage.ts';

const make = (body: unknown) => new Message({ body: Buffer.from(JSON.stringify(body)) });
const bodies = (messages: readonly Message[]) => messages.map((message) => message.json());

describe('delay', () => {
  test('lets each go on when its time is over, in the order in which they came', async () => {
    const { out, at } = await throughStage('- delay: { for: 15m }', [1, 2, 3].map(make));
    expect(bodies(out)).toEqual([1, 2, 3]);
    expect(at).toEqual([900_000, 900_000, 900_000]);
  });

  test('until a time that each brings: a timestamp, text, milliseconds; what is over or null does not wait', async () => {
    const first = Date.UTC(2026, 0, 1);
    const given = [
      { n: 1, until: '2026-01-01T02:00:00Z' },
      { n: 2, until: first + 3_600_000 },
      { n: 3, until: '2025-01-01T00:00:00Z' },
      { n: 4, until: null },
    ];
    const { out, at } = await throughStage("- delay: { until: '${{ body.until }}' }", given.map(make));
    expect(bodies(out).map((body) => (body as { n: number }).n)).toEqual([4, 3, 2, 1]);
    expect(at).toEqual([0, 0, 3_600_000, 7_200_000]);
    const byTime = await throughStage('- delay: { until: \'${{ timestamp(body) + duration("90s") }}\' }', [make('2026-01-01T00:00:00Z')]);
    expect(byTime.at).toEqual([90_000]);
  });

  test('a time that is none fails the message, and not the others', async () => {
    const { out, failed } = await throughStage("- delay: { until: '${{ body }}' }", [make('soon'), make([1]), make(true), make(null)]);
    expect(bodies(out)).toEqual([null]);
    expect(failed.map(([, { code, message }]) => [code, message])).toEqual(
      Array(3).fill(['STEP_FAILED', expect.stringContaining('`until` must be a time')]),
    );
  });

  test.each([
    ['- delay: {}', /either `for` or `until`/],
    ["- delay: { for: 1s, until: '${{ now }}' }", /either `for` or `until`/],
    ['- delay: { for: soon }', /a time/],
  ])('%s is wrong', async (yaml, sentence) => {
    expect((await problemsOf(yaml)).join('\n')).toMatch(sentence);
  });

  test('with `for` no change of the wall clock changes anything, with `until` it does', () => {
    const time = (stage: number, date: number): StageTime => ({ stage, date });
    const keeperOf = (value: object) => stepKinds['delay']!.stage!({ maxBytes: 1, maxMessages: 1, ...value }, {} as never).keeper();
    const kept = { id: 1, at: 1000, bytes: 1 };
    const forAWhile = keeperOf({ for: 500 });
    forAWhile.add({ ...kept, note: '' });
    expect(forAWhile.take(time(1499, 9e15))).toBeUndefined();
    expect(forAWhile.waitMs(time(1499, 0))).toBe(1);
    expect(forAWhile.take(time(1500, 0))).toMatchObject({ members: [1] });
    const untilThen = keeperOf({ until: Object.assign(() => 2000, { text: '', yields: 'number' }) });
    untilThen.add({ ...kept, note: untilThen.note(make(0)) });
    expect(untilThen.take(time(9e15, 1999))).toBeUndefined();
    expect(untilThen.take(time(0, 2000))).toMatchObject({ members: [1] });
  });
});

test('the heap gives the earliest first, of the same time the one that came first', () => {
  const heap = new DueHeap();
  const random = (
    (seed) => () =>
      (seed = (seed * 16_807) % 2_147_483_647)
  )(7);
  const given = Array.from({ length: 5000 }, (_, id) => [random() % 300, id] as const);
  for (const [due, id] of given) heap.push(due, id);
  const taken: number[] = [];
  for (let id = heap.takeDue(1e9); id !== undefined; id = heap.takeDue(1e9)) taken.push(id);
  expect(taken).toEqual([...given].sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, id]) => id));
  heap.push(5, 1);
  expect([heap.nextMs, heap.takeDue(4), heap.takeDue(5), heap.nextMs]).toEqual([5, undefined, 1, undefined]);
});
