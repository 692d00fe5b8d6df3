import { describe, expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { Encounters } from '../../src/steps/encounters.ts';
import { problemsOf } from './route.ts';
import { throughStage } from './stage.ts';

const make = (side: string, body: unknown, raw = JSON.stringify(body)) =>
  new Message({
    body: Buffer.from(raw),
    headers: [
      ['side', side],
      ['region', 'eu'],
    ],
    key: Buffer.from('k'),
  });
const step = (more = '') =>
  `- join: { by: '\${{ body.id }}', side: '\${{ header.side }}', sides: [order, payment, label], within: 10m${more} }`;
const shown = (message: Message) => [String(message.body), message.header('join-missing')];

describe('messages that belong together', () => {
  test('leave as one when one of each side has come, with what they have alike', async () => {
    const given = [
      make('order', { id: 1 }),
      make('label', { id: 2 }),
      make('label', { id: 1 }),
      make('payment', 0, '{"id":1,"paid":1.10}'),
    ];
    const { out, at } = await throughStage(step(), given);
    expect(out.map(shown)).toEqual([
      ['{"order":{"id":1},"payment":{"id":1,"paid":1.10},"label":{"id":1}}', undefined],
      ['{"label":{"id":2}}', 'order,payment'],
    ]);
    expect(at).toEqual([0, 600_000]);
    expect(out[0]).toMatchObject({ key: Buffer.from('k'), contentType: 'application/json' });
    expect(out[0]!.headers).toEqual([['region', 'eu']]);
  });

  test('those that wait in vain fail where the config says so', async () => {
    const { out } = await throughStage(step(', missing: fail'), [make('order', { id: 1 })]);
    expect(out.map(({ fault }) => fault?.message)).toEqual(['join: payment, label did not come']);
  });

  test('a copy is one with what waits; another message of its side lets that leave alone', async () => {
    const given = [
      make('order', { id: 1 }),
      make('order', { id: 1 }),
      make('order', { id: 1, v: 2 }),
      make('label', { id: 1 }),
      make('payment', { id: 1 }),
    ];
    const { out } = await throughStage(step(), given);
    expect(out.map(shown)).toEqual([
      ['{"order":{"id":1}}', 'payment,label'],
      ['{"order":{"id":1,"v":2},"payment":{"id":1},"label":{"id":1}}', undefined],
    ]);
  });

  test('what waits for longest leaves alone when there are too many', () => {
    const encounters = new Encounters({ sides: 2, withinMs: 1000, maxKeys: 2 });
    for (const id of [1, 2, 3]) encounters.add({ id, at: 0, key: String(id), side: 0, content: 'x' });
    expect(encounters.take(0)?.map(({ id }) => id)).toEqual([1]);
    expect(encounters.take(0)).toBeUndefined();
    expect(encounters.waitMs(0)).toBe(1000);
  });
});

test('a side that is none, and a body that is no JSON, fail', async () => {
  const { failed } = await throughStage(step(), [make('invoice', { id: 1 }), make('order', 0, 'text')]);
  expect(failed.map(([, { message }]) => message)).toEqual([
    expect.stringContaining('join: the side is "invoice", which is none of order, payment, label'),
    expect.stringContaining('join: '),
  ]);
});

test('one side is none', async () => {
  expect(await problemsOf("- join: { by: '${{ id }}', side: '${{ type }}', sides: [a, a], within: 1m }")).toEqual([
    expect.stringContaining('two names or more'),
  ]);
});
