import { describe, expect, test } from 'vitest';
import { topicIdText } from '../../../connectors/kafka/drivers/held.ts';
import { fromRecord, toHeaders, topicFault, toTimestamp } from '../../../connectors/kafka/message.ts';
import { Message, MqferryError } from '../../../src/connector.ts';

const claim = { topic: 't', partition: 3, lane: 't/3', live: true };

describe('records and messages', () => {
  test('a tombstone is not an empty body, and no key is not an empty key', () => {
    const tombstone = fromRecord(claim, 1, 5, null, null, []);
    const empty = fromRecord(claim, 2, 5, Buffer.alloc(0), Buffer.alloc(0), []);
    expect([tombstone.body, tombstone.key]).toEqual([null, null]);
    expect([empty.body?.length, empty.key?.length]).toEqual([0, 0]);
  });

  test('origin and lane name the position', () => {
    const message = fromRecord(claim, 7, 5, null, null, []);
    expect(message.origin).toEqual({ topic: 't', partition: 3, offset: 7 });
    const named = fromRecord({ ...claim, topicId: topicIdText('d4854ac6-b5e1-47ba-9048-0b3399821828') }, 7, 5, null, null, []);
    expect(named.origin).toEqual({ topic: 't', topicId: '1IVKxrXhR7qQSAszmYIYKA', partition: 3, offset: 7 });
    expect(topicIdText('00000000-0000-0000-0000-000000000000')).toBeUndefined();
    expect(message.lane).toBe('t/3');
  });

  test('a record without a time has none, and the time 0 is one', () => {
    expect(fromRecord(claim, 1, -1, null, null, []).timestamp).toBeUndefined();
    expect(fromRecord(claim, 1, 0, null, null, []).timestamp).toBe(0);
  });

  test('headers keep order, repeats, null and empty', () => {
    const headers = [
      ['a', '1'],
      ['b', null],
      ['a', ''],
      ['', 'x'],
    ] as const;
    const record = fromRecord(
      claim,
      1,
      5,
      null,
      null,
      headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)] as const),
    );
    const again = toHeaders(record).map(([name, value]) => [name, value?.toString() ?? null]);
    expect(again).toEqual(headers);
  });

  test('values that are not bytes are written as text', () => {
    const message = new Message({
      body: null,
      headers: [
        ['n', 5],
        ['b', true],
        ['i', 7n],
        ['d', new Date(0)],
      ],
    });
    expect(toHeaders(message).map(([, value]) => value)).toEqual(['5', 'true', '7', '1970-01-01T00:00:00.000Z']);
  });

  test('a list as a header is an error, not a guess', () => {
    expect(() => toHeaders(new Message({ body: null, headers: [['l', [1]]] }))).toThrow(MqferryError);
  });

  test('times before 1970 and no numbers are refused', () => {
    expect(() => toTimestamp(-5)).toThrow(/timestamp/);
    expect(() => toTimestamp(Number.NaN)).toThrow(/timestamp/);
    expect(toTimestamp(1.5)).toBe(1);
    expect(toTimestamp(undefined)).toBeUndefined();
  });

  test.each(['', '.', '..', 'a b', 'ä', 'x'.repeat(250), 'a/b'])('"%s" is no topic name', (name) => {
    expect(topicFault(name)).toContain('not a topic name');
  });
});
