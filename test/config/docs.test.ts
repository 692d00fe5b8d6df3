import { beforeAll, expect, test } from 'vitest';
import { fieldTable, generatedFiles } from '../../src/config/docs.ts';
import { group, secret, size, text, whole } from '../../src/config/fields.ts';
import { durationText, parseDuration, parseSize, sizeText } from '../../src/config/values.ts';
import { registry } from './registry.ts';

let files: ReadonlyMap<string, string>;
beforeAll(async () => {
  const connectors = await Promise.all(Object.values(registry.connectors).map((one) => one()));
  files = generatedFiles(connectors, Object.values(registry.steps));
});

test('there is a page for each connector, one for the steps, one for the config, and the schema', () => {
  expect([...files.keys()].sort()).toEqual([
    'docs/reference/config.md',
    'docs/reference/connectors/kafka.md',
    'docs/reference/connectors/print.md',
    'docs/reference/connectors/rabbitmq.md',
    'docs/reference/steps.md',
    'mqferry.schema.json',
  ]);
});

test('a field is a row with its kind, default and description; required and rare ones say so, rare ones come last', () => {
  const table = fieldTable({
    rare: whole('Seldom used.', { default: 1, max: 9, advanced: true }),
    name: text('What it | is.', { example: 'x' }),
    login: group('Who.', { password: secret('Hidden.', { default: 'no' }), limit: size('Most.', { default: 16 * 2 ** 20 }) }),
  });
  expect(table.split('\n').slice(2)).toEqual([
    '| `name` | text | **required** | What it \\| is. E.g. `x`. |',
    '| `login` | map |  | Who. |',
    '| `login.password` | text |  | Hidden. |',
    '| `login.limit` | size | `16MiB` | Most. |',
    '| `rare` | whole number, 0 to 9 | `1` | Seldom used. *(rarely needed)* |',
    '',
  ]);
});

test('a page names the keys of both sides', () => {
  const page = files.get('docs/reference/connectors/rabbitmq.md')!;
  const places = ['## connection', '`heartbeat`', '## source', '`prefetch`', '`trusted`', '## sink', '`routingKey`', '`onUnmappable`'];
  const found = places.map((one) => page.indexOf(one));
  expect(found).not.toContain(-1);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
});

test('sizes and times are shown as they can be written', () => {
  for (const bytes of [0, 512, 1000, 65_536, 2 ** 20, 3 * 2 ** 30]) expect(parseSize(sizeText(bytes))).toBe(bytes);
  for (const ms of [0, 250, 1000, 90_000, 3_600_000, 604_800_000]) expect(parseDuration(durationText(ms))).toBe(ms);
});
