import { describe, expect, test } from 'vitest';
import { Message, type MessageInit } from '../../src/message.ts';
import { Sequences } from '../../src/steps/sequences.ts';
import { problemsOf } from './route.ts';
import { throughStage } from './stage.ts';

const make = (body: unknown, init: Partial<MessageInit> = {}) => new Message({ body: Buffer.from(JSON.stringify(body)), ...init });
const numbers = (given: readonly number[], k = 'a') => given.map((n) => make({ n, k }));
const step = (more: string) => `- resequence: { number: '\${{ body.n }}', by: '\${{ body.k }}', ${more} }`;
const shown = (message: Message) => (message.json() as { n: number }).n;

describe('messages leave in the order of their numbers', () => {
  test('from the first on, each key for itself', async () => {
    const given = [...numbers([3, 1]), ...numbers([2, 1], 'b'), ...numbers([2])];
    const { out, at } = await throughStage(step('gap: 10s, first: 1'), given);
    expect(out.map((message) => message.json())).toEqual([1, 2, 3].map((n) => ({ n, k: 'a' })).concat([1, 2].map((n) => ({ n, k: 'b' }))));
    expect(at).toEqual([0, 0, 0, 0, 0]);
  });

  test('without a number that does not come, after the gap; what comes late goes on, and says so', async () => {
    const sequences = new Sequences({ gapMs: 100, first: 1, capacity: 10 });
    const add = (number: number, at: number) => sequences.add({ id: number, number, key: '', at });
    const take = (now: number) => {
      const taken = [];
      for (let one = sequences.take(now); one; one = sequences.take(now)) taken.push(one.isLate ? -one.id : one.id);
      return taken;
    };
    add(1, 0);
    add(3, 10);
    add(4, 50);
    expect(take(60)).toEqual([1]);
    expect(sequences.waitMs(60)).toBe(50);
    expect(take(110)).toEqual([3, 4]);
    add(2, 120);
    add(5, 120);
    expect(take(120)).toEqual([-2, 5]);
    add(9, 130);
    add(7, 160);
    expect(take(229)).toEqual([]);
    expect(take(230)).toEqual([7, 9]); // 9 has waited long enough, and 7 is before it
  });

  test('the lowest number that comes within the gap is the first, where none is given', async () => {
    const { out, at } = await throughStage(step('gap: 10s'), numbers([7, 5, 6]));
    expect(out.map(shown)).toEqual([5, 6, 7]);
    expect(at).toEqual([10_000, 10_000, 10_000]);
  });

  test('when more wait than may, the missing number is given up', async () => {
    const { out, at } = await throughStage(step('gap: 1h, first: 0, capacity: 2'), numbers([5, 6, 8]));
    expect(out.map(shown)).toEqual([5, 6, 8]);
    expect(at).toEqual([0, 0, 3_600_000]);
  });

  test('a copy is late', async () => {
    const given = numbers([1, 2, 2]);
    const { out } = await throughStage(step('gap: 10s, first: 1'), given);
    expect(out.map((message) => [shown(message), message.header('resequence-late')])).toEqual([
      [1, undefined],
      [2, undefined],
      [2, true],
    ]);
    const failing = await throughStage(step('gap: 10s, first: 1, late: fail'), given);
    expect(failing.out.map(({ fault }) => fault?.message)).toEqual([undefined, undefined, expect.stringContaining('it came after')]);
  });
});

test('a number must be one', async () => {
  const given = [make({ n: 1.5 }), make({ n: -1 }), make({ n: 'x' }), make({}), make({ n: '7' })];
  const { out, failed } = await throughStage("- resequence: { number: '${{ body.?n.orValue(null) }}', gap: 1s }", given);
  expect(out.map(shown)).toEqual(['7']);
  expect(failed.map(([, { code, message }]) => `${code} ${message}`)).toEqual(
    Array(4).fill('STEP_FAILED resequence: `number` must be a whole number, 0 or more, or text of digits'),
  );
});

test('the number and the gap are needed', async () => {
  expect(await problemsOf('- resequence: { by: "${{ id }}" }')).toHaveLength(2);
});
