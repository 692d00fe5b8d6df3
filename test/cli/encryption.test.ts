import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, mqferry } from './mqferry.ts';

const body = 'a body that nobody may read';
/** Its dead letters stay in each config: those of a route that is gone are an error. */
const dead = `
  dead:
    source: { generate: { count: 1, interval: 0s, body: '${body}' } }
    steps: [ filter: 'body.nothing == 1' ]
    sink: print
    onError: { deadLetter: disk }
`;
const into = `routes:
  in: { source: { generate: { count: 3, interval: 0s, body: '${body}' } }, sink: { local: { queue: q, store: disk } } }${dead}`;
const out = `routes:
  out: { source: { local: { queue: q, store: disk } }, sink: print }${dead}`;

function bytesBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('');
}

test('a data directory with a key holds nothing that can be read, and every verb that looks into it takes the key', {
  timeout: 60_000,
}, async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'in.yaml'), into);
  writeFileSync(join(cwd, 'out.yaml'), out);
  const keys = join(cwd, 'keys');
  writeFileSync(keys, `${randomBytes(32).toString('base64')}\n`);
  const env = { MQFERRY_DATA_KEY_FILE: keys };
  const run = (args: readonly string[], with_: Readonly<Record<string, string>> = env) => mqferry(args, { cwd, env: with_ });

  const first = await run(['run', 'in.yaml', '--no-admin', '--until-idle', '500ms', '--data', 'data']);
  expect(first.err).toContain('read 3');
  expect(bytesBelow(join(cwd, 'data'))).not.toContain(body);

  const listed = await run(['buffer', 'ls', '--data', 'data']);
  expect(listed.out).toMatch(/queue:q +3/);
  expect((await run(['buffer', 'dump', 'queue:q', '--data', 'data'])).out).toContain(body);
  expect((await run(['dlq', 'show', 'dead', 'in.yaml', '--data', 'data'])).out).toContain('STEP_FAILED');

  const without = await run(['buffer', 'dump', 'queue:q', '--data', 'data'], {});
  expect(without.code).not.toBe(0);
  expect(without.err).toContain('MQFERRY_DATA_KEY');

  // A new key before the old one.
  writeFileSync(keys, `${randomBytes(32).toString('hex')}\n${readFileSync(keys, 'utf8')}`);
  const last = await run(['run', 'out.yaml', '--no-admin', '--until-idle', '500ms', '--data', 'data']);
  expect(last.out.split('\n').filter((line) => line.includes(body))).toHaveLength(3);

  const bad = await run(['run', 'out.yaml', '--no-admin', '--data', 'data'], { MQFERRY_DATA_KEY: 'no-key-at-all' });
  expect(bad.code).toBe(78);
  expect(bad.err).not.toContain('no-key-at-all');
});
