import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { registryOf } from '../../src/index.ts';
import { fuzz, inputs, textFrom } from './mutate.ts';

const routes = join(import.meta.dirname, '..', '..', 'routes');
const whole = ['small-broker.yaml', 'request-reply.yaml'].map((name) => readFileSync(join(routes, name), 'utf8'));
const words = [
  '\n',
  '  ',
  ': ',
  '- ',
  '&a',
  '*a',
  '<<: *a',
  '!!js/function',
  '|',
  '>',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  '#',
  '---',
  '\t',
  '${',
  '${X:?no}',
  '${{ ',
  ' }}',
  '__proto__: 1',
  'null',
  '1e400',
  '.inf',
  '0o7',
  '\0',
  '\u2028',
  'routes:',
  'source:',
  '1MiB..2',
  'steps: []',
];

test('any text is a config or a list of problems, each with its place', { timeout: 120_000 + inputs * 2 }, async () => {
  const count = Math.ceil(inputs / 10);
  const registry = registryOf();
  await fuzz(
    count,
    (random) => textFrom(whole, words, random),
    async (text: string) => {
      const { model, problems } = await loadConfig({ texts: [{ name: 'fuzz.yaml', text }] }, registry, {});
      if (model === undefined && problems.length === 0) throw new TypeError('neither a config nor a problem');
    },
  );
});
