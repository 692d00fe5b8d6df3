import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../brokers/broker.ts';
import { folder, mqferry, start } from './mqferry.ts';

test('mqferry buffer looks after what a step keeps', async () => {
  const dir = folder();
  const data = join(dir, 'data');
  const file = join(dir, 'r.yaml');
  const route = 'source: { generate: { count: 3, body: "n${{ origin.sequence }}" } }, sink: print';
  writeFileSync(file, `routes: { r: { steps: [{ delay: { for: 1h } }], ${route} } }`);
  const buffer = (...args: string[]) => mqferry(['buffer', ...args, '--data', data]);
  const running = start(['run', file, '--data', data, '--no-admin']);
  await until('three are kept', async () => /^stage:r\/delay +3 /m.test((await buffer('ls')).out));
  running.child.kill('SIGTERM');
  const { code, err } = await running.ended;
  expect(code, err).toBe(0);
  expect(err).toContain('route r stopped: read 3, buffered 3');

  const dumped = (await buffer('dump', 'stage:r/delay')).out.trimEnd().split('\n');
  expect(dumped.map((line) => (JSON.parse(line) as { body: string }).body)).toEqual(['n1', 'n2', 'n3']);
  expect(JSON.parse((await buffer('verify', 'stage:r/delay')).out)).toMatchObject({ messages: 3, problems: [] });

  writeFileSync(file, `routes: { r: { ${route} } }`);
  const forgetful = await mqferry(['run', file, '--data', data, '--no-admin']);
  expect([forgetful.code, forgetful.err]).toEqual([
    78,
    expect.stringContaining('the stage delay of route r holds 3 messages, but no route has it'),
  ]);
  expect((await buffer('adopt', 'stage:r/delay', 'r')).err).toContain('can only be given to one of the same kind, written stage:…');
  expect((await buffer('adopt', 'stage:r/delay', 'stage:r/delay-2')).out).toContain('the stage delay-2 of route r now has the 3 messages');
  expect((await buffer('drop', 'stage:r/delay-2')).out).toContain('with 3 messages');
});
