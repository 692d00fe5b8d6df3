import { expect, test } from 'vitest';
import { Turns } from '../../src/engine/turns.ts';

const { signal } = new AbortController();
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Takes turns in this order, ends each a little later, and says who was at it when each came. */
async function play(wishes: readonly ('together' | 'alone')[]): Promise<string[]> {
  const turns = new Turns();
  const at = new Set<string>();
  const seen: string[] = [];
  await Promise.all(
    wishes.map(async (wish, i) => {
      const end = await turns.take(wish === 'alone', signal);
      at.add(`${wish} ${i}`);
      seen.push([...at].join(', '));
      await settle();
      at.delete(`${wish} ${i}`);
      end();
      end();
    }),
  );
  return seen;
}

test('any number are at it together', async () => {
  expect(await play(['together', 'together', 'together'])).toEqual([
    'together 0',
    'together 0, together 1',
    'together 0, together 1, together 2',
  ]);
});

test('one who is alone is so, also when several want it', async () => {
  expect((await play(['together', 'alone', 'alone', 'together', 'alone'])).sort()).toEqual([
    'alone 1',
    'alone 2',
    'alone 4',
    'together 0',
    'together 3',
  ]);
});

test('who comes later does not pass one who waits to be alone', async () => {
  const turns = new Turns();
  const end = await turns.take(false, signal);
  const order: string[] = [];
  const alone = turns.take(true, signal).then((done) => {
    order.push('alone');
    done();
  });
  const late = turns.take(false, signal).then(() => order.push('late'));
  end();
  await Promise.all([alone, late]);
  expect(order).toEqual(['alone', 'late']);
});

test.each([true, false])('who is told to stop waits no longer, holds nothing, and holds nobody up (alone: %s)', async (isAlone) => {
  const turns = new Turns();
  const end = await turns.take(true, signal);
  const stop = new AbortController();
  const stopped = turns.take(isAlone, stop.signal);
  stop.abort();
  (await stopped)();
  let isThere = false;
  const next = turns.take(false, signal).then(() => {
    isThere = true;
  });
  await settle();
  expect(isThere).toBe(false);
  end();
  await next;
});
