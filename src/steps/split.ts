import { type Expression, expression, group, oneOf, size, whole } from '../config/fields.ts';
import { BadSetting, MqferryError } from '../errors.ts';
import type { Message, MessageInit } from '../message.ts';
import { bodyChange } from './json.ts';
import { jsonValues } from './json-stream.ts';
import { assertList } from './slots.ts';
import { defineStep, eachIntoMany } from './step.ts';

const indexHeader = 'split-index';
const countHeader = 'split-count';

export const split = defineStep({
  name: 'split',
  summary: 'Makes several messages of one: of the elements of a list, of lines, or of JSON values one behind the other.',
  notes: `Each part has the headers and properties of the whole, the headers \`${indexHeader}\` (from 0) and \`${countHeader}\`, and, when the whole has
an \`id\`, that with \`-<index>\` behind it, so that nobody takes the parts for copies of each other. For a target without headers,
\`remove: [header.${indexHeader}, header.${countHeader}]\` comes behind. A whole without any part is filtered.

The parts share the fate of the whole: it is settled at its source when all of them have ended, and the books count it once, by its worst
part. When a part fails for good, the dead letter is the whole, as received, once; the other parts go on. So a dead letter that is sent again
brings all parts again, and so does a copy after a fault; the window counts wholes, so \`maxBytes\` bounds what one of them weighs. In a route with a buffer, \`split\` and the steps behind it happen behind the buffer.`,
  behindBuffer: true,
  value: group('By what, and how many.', {
    list: expression(
      'What yields a list. An element that is a map or list becomes JSON, text becomes UTF-8, bytes stay; null is an error.',
      {
        slot: 'any',
        optional: true,
        example: 'body.items',
      },
    ),
    by: oneOf(
      'In place of `list`. `lines`: each line, without its line break (LF or CRLF). `json`: JSON values one behind the other (NDJSON or not). Parts are the bytes as they came; a tombstone passes as it is.',
      ['lines', 'json'],
      { optional: true },
    ),
    maxParts: whole('Parts of one message, at most; beyond it fails.', { default: 10_000, min: 1, max: 1_000_000 }),
    maxBytes: size('Bytes of all parts of one message together, headers included, at most; beyond it fails.', { default: 64 * 2 ** 20 }),
  }),
  example: {
    steps: '- split: { list: body.items }',
    before: 'id: o1\nbody: {"items":[{"sku":"a"},{"sku":"b"}]}',
    after:
      'id: o1-0\ncontentType: application/json\nheader.split-index: 0\nheader.split-count: 2\nbody: {"sku":"a"}\n---\nid: o1-1\ncontentType: application/json\nheader.split-index: 1\nheader.split-count: 2\nbody: {"sku":"b"}',
  },
  explain: ({ list, by, maxParts }) =>
    `makes a message of each ${list ? `element of ${list.text}` : by === 'lines' ? 'line' : 'JSON value'}, at most ${maxParts}`,
  compile({ list, by, maxParts, maxBytes }) {
    const cut = compileCut(list, by);
    return eachIntoMany('split', (message) => {
      if (list === undefined && message.body === null) return [message];
      const bodies = cut(message, maxParts);
      if (bodies.length > maxParts) throw new MqferryError('TOO_LARGE', `more than ${maxParts} parts`);
      return withinLimit(partsOf(message, bodies), maxBytes);
    });
  },
});

type Body = Partial<MessageInit> & { json?: unknown };

/** May stop cutting once there are more than `max`. */
type Cut = (message: Message, max: number) => readonly Body[];

function compileCut(list: Expression | undefined, by: 'lines' | 'json' | undefined): Cut {
  if (list !== undefined && by !== undefined) throw new BadSetting('by', '`list` and `by` exclude each other: keep one of them');
  if (list === undefined && by === undefined) throw new MqferryError('CONFIG_INVALID', 'split needs one of `list` and `by`');
  if (list !== undefined) {
    assertList(list.yields, 'list');
    return (message, max) => elementsOf(list(message), max);
  }
  const cut = by === 'lines' ? lines : jsonValues;
  return ({ body, contentEncoding }, max) => {
    if (contentEncoding !== undefined && contentEncoding !== 'identity')
      throw new MqferryError('STEP_FAILED', 'the body has a contentEncoding: decompress it first');
    return cut(body as Buffer, max).map((bytes) => ({ body: bytes }));
  };
}

function elementsOf(value: unknown, max: number): readonly Body[] {
  if (!Array.isArray(value)) throw new MqferryError('STEP_FAILED', 'this is not a list');
  if (value.length > max) return value; // too many: nobody will look at them
  return value.map((element: unknown, i) => {
    if (element === null) throw new MqferryError('STEP_FAILED', `element ${i} of the list is null`);
    return bodyChange(element);
  });
}

function lines(body: Buffer, max: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < body.length && found.length <= max; ) {
    const lineBreak = body.indexOf(0x0a, at);
    const end = lineBreak < 0 ? body.length : lineBreak;
    found.push(body.subarray(at, lineBreak > at && body[end - 1] === 0x0d ? end - 1 : end));
    at = end + 1;
  }
  return found;
}

/** One by one, so that none is made beyond the limit. */
function* partsOf(message: Message, bodies: readonly Body[]): Iterable<Message> {
  const headers = message.headers.filter(([name]) => name !== indexHeader && name !== countHeader);
  for (const [i, body] of bodies.entries())
    yield message.change({
      ...body,
      headers: [...headers, [indexHeader, i], [countHeader, bodies.length]],
      ...(message.id !== undefined && { id: `${message.id}-${i}` }),
    });
}

function withinLimit(parts: Iterable<Message>, maxBytes: number): Message[] {
  const kept: Message[] = [];
  let bytes = 0;
  for (const part of parts) {
    bytes += part.bytes;
    if (bytes > maxBytes) throw new MqferryError('TOO_LARGE', `the parts have more than ${maxBytes} bytes together`);
    kept.push(part);
  }
  return kept;
}
