import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Message, type MessageInit } from '../../src/message.ts';
import { explanationOf, problemsOf, stepsOf } from './route.ts';
import { quiet, run, step, template } from './run.ts';

const make = (init: Partial<MessageInit> = {}) => new Message({ body: Buffer.from('12345'), ...init });

describe('expire', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => void vi.useRealTimers());

  test.each<[string, Partial<MessageInit>, boolean]>([
    ['past its expiresAt', { expiresAt: 999_999 }, true],
    ['at its expiresAt', { expiresAt: 1_000_000 }, true],
    ['before its expiresAt', { expiresAt: 1_000_001 }, false],
    ['older than the limit', { timestamp: 939_999 }, true],
    ['as old as the limit', { timestamp: 940_000 }, false],
    ['from the future', { timestamp: 2_000_000 }, false],
    ['without any of it', {}, false],
  ])('judges a message %s', async (_, init, isLate) => {
    const message = make(init);
    const { out, dropped } = (await stepsOf('- expire: { olderThan: 1m, then: drop }'))([message]);
    expect([out, dropped]).toEqual(isLate ? [[], [message]] : [[message], []]);
  });

  test('looks at the clock for each batch, and fails what is late', async () => {
    const expire = await stepsOf('- expire');
    const message = make({ expiresAt: 1_500_000 });
    expect(expire([message]).out).toEqual([message]);
    vi.setSystemTime(1_502_000);
    expect(expire([message, make()])).toMatchObject({
      out: [expect.anything()],
      failed: [[message, { code: 'EXPIRED', message: 'expire: it expired 2s ago' }]],
    });
  });

  test('goes by the time that it is given', () => {
    const clock = { ...systemClock, date: () => 2_000_000 };
    // biome-ignore lint/suspicious/noThenProperty: the key that users write; it is never a function.
    const expire = step('expire', { then: 'drop' }, quiet, clock);
    const late = make({ expiresAt: 1_999_999 });
    expect(run(expire, [late, make({ expiresAt: 2_000_001 })])).toMatchObject({ out: [{ expiresAt: 2_000_001 }], dropped: [late] });
  });

  test('does not ask for an age that nobody set', async () => {
    expect((await stepsOf('- expire'))([make({ timestamp: 0 })]).out).toHaveLength(1);
  });
});

describe('limitSize', () => {
  test.each([
    [5, 'fail', 1, 0, 0],
    [4, 'drop', 0, 1, 0],
    [4, 'fail', 0, 0, 1],
  ])('of %i bytes with then: %s', async (maxBytes, then, passed, shed, refused) => {
    const { out, dropped, failed } = (await stepsOf(`- limitSize: { maxBytes: ${maxBytes}, then: ${then} }`))([make()]);
    expect([out.length, dropped.length, failed.length]).toEqual([passed, shed, refused]);
    if (refused > 0) expect(failed[0]?.[1]).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('5 bytes, 4 is') });
  });
  test('lets a tombstone pass', async () => {
    expect((await stepsOf('- limitSize: { maxBytes: 0 }'))([make({ body: null })]).out).toHaveLength(1);
  });
});

describe('sample', () => {
  test('lets every n-th pass, over batches, the first among them', () => {
    const sample = step('sample', { oneIn: 3 });
    const messages = Array.from({ length: 10 }, (_, i) => make({ id: String(i) }));
    const passed = [...run(sample, messages.slice(0, 4)).out, ...run(sample, messages.slice(4)).out];
    expect(passed.map(({ id }) => id)).toEqual(['0', '3', '6', '9']);
  });
  test('lets always the same ones pass, about as many as it says, and drops none', () => {
    const by = template('${{ key }}');
    const messages = Array.from({ length: 20_000 }, (_, i) => make({ key: Buffer.from(`customer-${i}`) }));
    const first = run(step('sample', { oneIn: 10, by }), messages);
    const second = run(step('sample', { oneIn: 10, by }), messages.toReversed());
    expect(new Set(second.out)).toEqual(new Set(first.out));
    expect(first.out.length).toBeGreaterThan(1800);
    expect(first.out.length).toBeLessThan(2200);
    expect([first.dropped, first.failed]).toEqual([[], []]);
  });
  test('fails what has no such text', () => {
    expect(run(step('sample', { oneIn: 2, by: template('${{ key }}') }), [make()]).failed[0]?.[1].code).toBe('STEP_FAILED');
  });
});

test('what is not explicit is an error, and shedding fails unless told to drop', async () => {
  expect(await problemsOf('- expire')).toEqual([]);
  expect(await problemsOf('- limitSize: { then: drop }')).toEqual([expect.stringContaining('maxBytes is missing')]);
  expect(await problemsOf('- sample: { oneIn: 0 }')).toHaveLength(1);
  expect(await explanationOf('- expire: { olderThan: 60s, then: drop }')).toBe('drops messages past their expiresAt or older than 1m');
  expect(await explanationOf('- limitSize: { maxBytes: 1KiB }')).toBe('fails messages whose body is larger than 1KiB');
  expect(await explanationOf('- sample: { oneIn: 3 }')).toBe('lets one message in 3 pass');
});
