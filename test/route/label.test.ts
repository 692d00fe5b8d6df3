import { describe, expect, test } from 'vitest';
import type { SinkCan, SourceCan } from '../../src/connector.ts';
import { keeps, keepsOrder, labelOf, type RouteParts } from '../../src/route/label.ts';

const carries = { headers: 'typed', repeats: true, key: true, properties: ['id', 'priority'], maxBytes: Number.POSITIVE_INFINITY } as const;
const source: SourceCan = { settles: 'each', redelivers: 'inOrder', stableIds: [], carries };
const sink: SinkCan = {
  keepsOrder: 'lane',
  writes: 'many',
  maxWrite: { messages: 1000, bytes: 1e6 },
  confirms: 'stored',
  routed: true,
  carries,
};
const parts = (more: {
  source?: Partial<SourceCan>;
  sink?: Partial<SinkCan>;
  buffer?: RouteParts['buffer'];
  order?: RouteParts['order'];
  mqfId?: boolean;
  triesLater?: boolean;
}): RouteParts => ({
  source: { name: 'source a', can: { ...source, ...more.source } },
  sinks: [{ name: 'sink b', can: { ...sink, ...more.sink } }],
  buffer: more.buffer,
  stages: [],
  order: more.order,
  mqfId: more.mqfId ?? true,
  triesLater: more.triesLater ?? false,
});
const at = { file: 'x', line: 1, col: 1 };
const disk = { kind: 'disk', maxBytes: 1, sync: 'always', everyMs: 0, at } as const;

describe('delivery is that of the weakest part', () => {
  const table: [string, Parameters<typeof parts>[0], string][] = [
    ['all parts are safe', {}, 'at-least-once'],
    ['with a synced disk buffer', { buffer: disk }, 'at-least-once'],
    ['a source that never delivers again', { source: { redelivers: 'never' }, buffer: disk }, 'best-effort'],
    [
      'a source whose messages die with the process, also before a disk buffer',
      { source: { diesWithProcess: true }, buffer: disk },
      'best-effort',
    ],
    ['a sink that confirms nothing', { sink: { confirms: 'none' } }, 'best-effort'],
    ['a buffer that syncs now and then', { buffer: { ...disk, sync: 'interval', everyMs: 100 } }, 'at-least-once (process crash)'],
    ['a buffer in memory', { buffer: { kind: 'memory', maxMessages: 1, maxBytes: 1, at } }, 'best-effort'],
  ];
  test.each(table)('%s', (_, more, delivery) => {
    const label = labelOf(parts(more));
    expect(label.delivery).toBe(delivery);
    expect(label.weaknesses.length > 0).toBe(delivery !== 'at-least-once');
  });
});

test('a sink that only takes over is named, and the route is at-least-once up to it', () => {
  const label = labelOf(parts({ sink: { confirms: 'received' } }));
  expect(label.delivery).toBe('at-least-once');
  expect(label.weaknesses.join()).toContain('not that it is stored');
});

describe('order', () => {
  test('is lane where source and sink keep it', () => expect(labelOf(parts({}))).toMatchObject({ order: 'lane', orderBut: undefined }));
  test('has an exception where the sink goes on after a refusal, unless it is asked for', () => {
    expect(labelOf(parts({ sink: { keepsOrder: 'none' } })).orderBut).toContain('sink b refuses');
    const asked = labelOf(parts({ sink: { keepsOrder: 'none' }, order: 'lane' }));
    expect(asked).toMatchObject({ order: 'lane', orderBut: undefined });
    expect(asked.weaknesses.join()).toContain('one message of each lane at a time');
  });
  test('is left by what is tried again later', () => expect(labelOf(parts({ triesLater: true })).orderBut).toContain('tried again later'));
  test('is key where the sink keeps it by key', () => expect(labelOf(parts({ sink: { keepsOrder: 'key' } })).order).toBe('key'));
  test('is none where the source delivers again in any order, whatever is asked', () => {
    expect(labelOf(parts({ source: { redelivers: 'anyOrder' }, order: 'lane' })).order).toBe('none');
  });
});

describe('the copies that an mqf-id makes known are', () => {
  const table: [string, Parameters<typeof parts>[0], RegExp][] = [
    ['all, of a source with places', { source: { stableIds: ['offset'] } }, /^All copies/],
    ['all, also behind a buffer', { source: { stableIds: ['offset'] }, buffer: disk }, /^All copies/],
    [
      'those from the buffer',
      { buffer: disk },
      /^Copies from the buffer.* a message that source a delivers to the buffer again gets another/,
    ],
    ['those from the buffer, when there are no others', { source: { redelivers: 'never' }, buffer: disk }, /same `mqf-id`\.$/],
    ['none without either', {}, /^There is no `mqf-id`: source a .* With `buffer: disk`/],
    ['none from memory', { buffer: { kind: 'memory', maxMessages: 1, maxBytes: 1, at } }, /^There is no .* With `buffer: disk`/],
    ['none from a buffer that may lose its count', { buffer: { ...disk, sync: 'interval' } }, /^There is no .* With `sync: always`/],
    ['none when it is switched off', { source: { stableIds: ['offset'] }, mqfId: false }, /^`mqfId: false`/],
  ];
  test.each(table)('%s', (_, more, text) => expect(labelOf(parts(more)).copies).toEqual([expect.stringMatching(text)]));

  test('not at a sink without headers', () => {
    const { copies } = labelOf(parts({ source: { stableIds: ['offset'] }, sink: { carries: { ...carries, headers: 'none' } } }));
    expect(copies[1]).toContain('sink b has no headers');
  });
});

test('says what travels otherwise, and what the target cannot take', () => {
  const { losses } = labelOf(
    parts({ sink: { carries: { headers: 'text', repeats: false, key: false, properties: ['id'], maxBytes: 10 } } }),
  );
  expect(losses.join('\n')).toMatch(/priority[\s\S]*mqf-types[\s\S]*repeats[\s\S]*mqf-types[\s\S]*mqf-key[\s\S]*10 bytes/);
});

test('a guarantee is kept by an equal or stronger one', () => {
  expect(keeps('at-least-once', 'best-effort')).toBe(true);
  expect(keeps('best-effort', 'at-least-once')).toBe(false);
  expect(keepsOrder('lane', 'key')).toBe(true);
  expect(keepsOrder('key', 'lane')).toBe(false);
});
