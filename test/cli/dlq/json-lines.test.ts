import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource, lineOf, messageOf } from '../../../src/cli/dlq/json-lines.ts';
import { Message, type MessageInit, Typed } from '../../../src/message.ts';
import { folder } from '../mqferry.ts';

const table: [string, MessageInit][] = [
  ['bytes that are no text', { body: Buffer.from([0, 255, 10, 13]), key: Buffer.from([254]) }],
  ['a tombstone with a key', { body: null, key: Buffer.from('k') }],
  ['an empty body', { body: Buffer.alloc(0) }],
  [
    'typed and repeated headers',
    {
      body: null,
      headers: [
        ['x', new Typed('int16', 7)],
        ['x', 2n ** 60n],
        ['y', Buffer.from([200])],
        ['z', null],
      ],
    },
  ],
  ['properties', { body: null, id: 'a\nb', correlationId: Buffer.from([1, 200]), timestamp: 5, priority: 9, persistent: false }],
  ['lane and origin', { body: null, lane: 'q/1', origin: { topic: 't', offset: 2n ** 60n, redelivered: true, key: null, n: -1 } }],
];

test.each(table)('%s: a line, and back exactly', (_, init) => {
  const message = new Message(init);
  const line = lineOf(message);
  expect(line).not.toContain('\n');
  expect(messageOf(line)).toEqual(message);
});

test.each(['', '{', '{"mqferry":2}', '{"mqferry":1,"body":null,"key":null,"properties":{},"headers":[],"origin":[["a","b","i64"]]}'])(
  'what is no letter is an error that does not repeat it: %s',
  (line) => {
    expect(() => messageOf(line)).toThrow(expect.objectContaining({ code: 'DECODE_FAILED' }));
  },
);

test('a file is read to its end, and from its beginning at each opening', async () => {
  const path = join(folder(), 'letters.jsonl');
  writeFileSync(path, `${['a', 'b'].map((id) => lineOf(new Message({ id, body: null }))).join('\n\n')}\n`);
  const { signal } = new AbortController();
  for (let openings = 0; openings < 2; openings++) {
    const source = await fileSource(path).open(signal);
    const ids: unknown[] = [];
    for (
      let batch = await source.read({ messages: 9, bytes: 9 }, signal);
      batch;
      batch = await source.read({ messages: 9, bytes: 9 }, signal)
    )
      ids.push(batch.messages[0]?.id);
    expect(ids).toEqual(['a', 'b']);
    await source.close();
  }
});
