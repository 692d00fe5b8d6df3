import { describe, expect, test } from 'vitest';
import { describeError, errorCodes } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { stepKinds } from '../../src/steps/index.ts';
import { canary, hostileMessages } from './hostile.ts';
import { anyStepsOf, type StepFiles } from './route.ts';
import type { Result } from './run.ts';
import { throughStage } from './stage.ts';

/** How each step is written for hostile messages; a step that is not here fails the test. Several ways where it has several parts. */
const written: Readonly<Record<string, readonly string[]>> = {
  filter: ['- filter: body.total >= 0 && body.id != null', '- filter: \'header.region == "eu" || size(raw) > 3\''],
  set: ["- set: { key: '${{ body.id }}', 'body.x.y': '${{ header }}', header.copy: '${{ body }}' }", "- set: { body: '${{ body }}' }"],
  remove: ['- remove: [body.id, body.items.0, header.region, header.__proto__, body.__proto__.polluted]'],
  rename: ['- rename: { body.id: body.x.y, header.region: header.constructor, body.__proto__: body.z }'],
  map: ['- map: { id: body.id, items: body.items, __proto__: body.total }', '- map: body'],
  base64: ['- base64: encode', '- base64: decode'],
  split: ['- split: { list: body.items }', '- split: { by: lines }', '- split: { by: json }', '- split: { list: \'headers("region")\' }'],
  decode: [
    '- decode: { json: {} }',
    '- decode: { xml: {} }',
    '- decode: { csv: {} }',
    '- decode: { csv: { header: false } }',
    '- decode: { avro: { schema: t.avsc } }',
    '- decode: { avro: { schema: nulls.avsc } }',
    '- decode: { protobuf: { schema: t.proto, message: T } }',
  ],
  encode: [
    '- encode: { json: {} }',
    '- encode: { xml: {} }',
    '- encode: { csv: {} }',
    '- map: "[body]"\n- encode: { csv: {} }',
    '- map: { root: body }\n- encode: { xml: {} }',
  ],
  compress: ['gzip', 'deflate', 'br', 'zstd', 'lz4', 'snappy'].map((encoding) => `- compress: { encoding: ${encoding} }`),
  decompress: ['', 'gzip', 'deflate', 'br', 'zstd', 'lz4', 'snappy'].map(
    (encoding) => `- decompress: { maxBytes: 1MiB${encoding && `, encoding: ${encoding}`} }`,
  ),
  cloudEvents: [
    '- cloudEvents: { to: structured }',
    ...['kafka', 'amqp', 'jms', 'http', 'mqtt'].map((binding) => `- cloudEvents: { to: binary, binding: ${binding} }`),
    "- set: { header.specversion: '1.0', header.id: x, header.source: y, header.type: z }\n- cloudEvents: { to: structured }\n- cloudEvents: { to: binary, binding: http }",
  ],
  envelope: ['- envelope', '- envelope\n- unwrap'],
  unwrap: ['- unwrap'],
  js: ['- js: ./s.mjs#json', '- js: ./s.mjs#all'],
  validate: [
    '- validate: { schema: { type: object, required: [id, total], properties: { total: { type: number }, id: { type: [integer, string], pattern: "^(a+)+$" } } } }',
    '- validate: { schema: { $ref: "#/definitions/t", definitions: { t: { items: { $ref: "#/definitions/t" }, additionalProperties: { $ref: "#/definitions/t" }, uniqueItems: true } } } }',
  ],
  enrich: [
    "- enrich: { file: { path: t.json }, key: '${{ body.id }}', into: body.x.y, missing: skip }",
    "- enrich: { file: { path: t.json }, key: '${{ key }}', into: body, missing: default, default: { a: [1] } }",
    "- enrich: { http: { url: 'http://127.0.0.1:9/${{ body.id }}?q=${{ raw }}', allow: loopback, attempts: 1 }, into: header.x }",
  ],
  expire: ['- expire: { olderThan: 1d, then: drop }', '- expire'],
  limitSize: ['- limitSize: { maxBytes: 1KiB }'],
  sample: ["- sample: { oneIn: 2, by: '${{ body.id }}' }"],
  throttle: ["- throttle: { rate: 1000000/s, burst: 1000000, per: '${{ body.id }}' }"],
  dedupe: ["- dedupe: { key: '${{ body.id }}', maxKeys: 16 }", "- dedupe: { key: '${{ string(raw) }}${{ id }}' }"],
  claimCheck: ['- claimCheck: { in: { store: b, above: 40 } }', '- claimCheck: { out: { store: b } }'],
  request: [
    "- request: { calls: c, noReplyTo: pass, replyTo: '${{ string(body.id) }}' }\n- reply: { calls: c }",
    '- request: { calls: c }\n- reply: { calls: c }',
  ],
  drop: ['- drop'],
  tap: ['- tap: print', '- tap: { sink: print, maxMessages: 1 }'],
  log: ["- log: { text: '${{ body.id }}' }"],
};
const keeping: Readonly<Record<string, readonly string[]>> = {
  delay: ['- delay: { for: 1s }', "- delay: { until: '${{ default(body.until, null) }}' }"],
  aggregate: [
    "- aggregate: { by: '${{ body.id }}', count: 3, after: 1s }",
    "- aggregate: { count: 5, when: 'body.total > 1000', quiet: 1s, into: lines }",
    '- aggregate: { count: 100, bytes: 64KiB, after: 1s }',
  ],
  join: ['- join: { by: \'${{ body.id }}\', side: \'${{ body.total > 3 ? "a" : "b" }}\', sides: [a, b], within: 1s }'],
  resequence: [
    "- resequence: { number: '${{ body.id }}', gap: 1s }",
    "- resequence: { number: '${{ size(raw) }}', by: '${{ id }}', gap: 1s, capacity: 3 }",
  ],
  // None of them answers a call.
  reply: [
    '- request: { calls: c }\n- reply: { calls: c }',
    "- request: { calls: c }\n- reply: { calls: c, call: '${{ body.id }}${{ header.region }}', stray: drop }",
  ],
};
const files: StepFiles = {
  's.mjs': `export const json = (m) => ({ body: m.json() });
export const all = (m) => ({ ...m, body: m.body, key: m.key, headers: m.headers });`,
  't.avsc': JSON.stringify({
    type: 'record',
    name: 'T',
    fields: [
      { name: 'id', type: ['null', 'string', 'long'], default: null },
      { name: 'total', type: 'double', default: 0 },
      { name: 'items', type: { type: 'array', items: ['null', 'long', 'T'] }, default: [] },
    ],
  }),
  't.json': '{"1":{"a":1},"__proto__":{"polluted":true},"CANARY-4711":null}',
  'nulls.avsc': '{"type":"map","values":{"type":"array","items":"null"}}',
  't.proto': 'syntax = "proto3"; message T { int64 id = 1; double total = 2; repeated T items = 3; map<string, T> more = 5; }',
};

const hostile = hostileMessages();
const good = () =>
  [1, 2].map((id) => new Message({ body: Buffer.from(`{"id":${id},"total":5,"items":[1]}`), id: String(id) })) as [Message, Message];
/** Those that keep messages are met below. */
const passing = Object.values(stepKinds)
  .filter(({ stage }) => !stage)
  .map(({ name }) => name);
const cases = passing.flatMap((name) => (written[name] ?? ['']).map((yaml) => [name, yaml] as const));

test('there are more than 100 hostile messages', () => {
  expect(hostile.size).toBeGreaterThan(100);
});

test('every step meets them', () => {
  expect(Object.keys(written).sort()).toEqual([...passing].sort());
  expect([...passing, ...Object.keys(keeping)].sort()).toEqual(Object.keys(stepKinds).sort());
});

describe('hostile messages go the error path or on, and harm no other: ', () => {
  test.each(cases)(
    '%s: %s',
    async (_, yaml) => {
      const steps = await anyStepsOf(yaml, files);
      const alone = await Promise.all(good().map(async (message) => outcomeOf(await steps([message]), message)));
      for (const [name, message] of hostile) {
        const [before, after] = good();
        const snapshot = fingerprint(message);
        const start = process.threadCpuUsage();
        const result = await steps([before, message, after]);
        const ms = process.threadCpuUsage(start).user / 1000; // not the clock: others use this machine too
        expect(ms, `${name} takes ${ms} ms`).toBeLessThan(3000);
        expect(
          [before, after].map((one) => outcomeOf(result, one)),
          name,
        ).toEqual(alone);
        for (const [received, error] of result.failed) {
          expect(received === before || received === message || received === after, name).toBe(true);
          expect(errorCodes).toContain(error.code);
          expect(describeError(error), name).not.toContain(canary);
          expect(describeError(error).length, name).toBeLessThan(500);
        }
        for (const one of result.out) expect(one.bytes, name).toBeGreaterThanOrEqual(0); // what is written only when asked for can be written
        expect(fingerprint(message), name).toBe(snapshot);
        expect(({} as Record<string, unknown>)['polluted'], name).toBeUndefined();
        expect(Object.getOwnPropertyNames(Object.prototype), name).toHaveLength(12);
      }
    },
    60_000,
  );
});

describe('a stage keeps hostile messages, or they go the error path, and the others leave: ', () => {
  test.each(Object.entries(keeping).flatMap(([name, ways]) => ways.map((yaml) => [name, yaml] as const)))('%s: %s', async (_, yaml) => {
    const all = [...hostile.values()].flatMap((message) => [message, ...good()]);
    const { out, failed } = await throughStage(yaml, all);
    const text = out.map(({ body }) => body?.toString('latin1') ?? '').join('\n');
    const left = text.split('"total":5,"items":[1]}').length - 1;
    const least = yaml.includes('reply') ? 0 : yaml.includes('join') ? 2 : 2 * hostile.size; // to a join, all of the same content are copies
    expect(left).toBeGreaterThanOrEqual(least);
    for (const [message, error] of failed) {
      expect(all.includes(message)).toBe(true); // toContain would print it, and some are very deep
      expect(error.code).toBe('STEP_FAILED');
      expect(describeError(error)).not.toContain(canary);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

/** What became of one message: it must have ended in one way. */
function outcomeOf({ out, failed, dropped }: Result, message: Message): string {
  const parts = out.filter(({ received }) => received === message);
  const failures = failed.filter(([received]) => received === message);
  const drops = dropped.filter((received) => received === message);
  if (parts.length > 0 && failures.length + drops.length > 0) return 'went on, and was set aside too';
  if (failures.length + drops.length > 1) return 'set aside twice';
  if (failures[0]) return `${failures[0][1].code} ${failures[0][1].message}`;
  if (drops.length > 0) return 'dropped';
  return parts.map((part) => fingerprint(part)).join('\n') || 'filtered';
}

function fingerprint({ body, headers, key, id, contentType, contentEncoding }: Message): string {
  return [body?.toString('latin1') ?? 'none', headers.length, headers[0]?.[0], key?.toString('hex'), id, contentType, contentEncoding].join(
    ' ',
  );
}
