import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, mqferry } from './mqferry.ts';

const order = {
  region: 'EU',
  total: 120,
  items: [
    { price: 2, count: 3 },
    { price: 1.5, count: 2 },
  ],
};

/** A folder with the files that the help speaks of. */
function samples(): string {
  const path = folder();
  writeFileSync(join(path, 'order.json'), JSON.stringify(order));
  writeFileSync(join(path, 'order.schema.json'), JSON.stringify({ properties: { customer: {}, total: {} }, additionalProperties: false }));
  writeFileSync(join(path, 'sample.yaml'), 'json: { total: 7 }\ntype: order\nheaders: { region: us }\n');
  return path;
}

describe('mqferry eval', () => {
  test('prints the value as JSON, and its type when asked', async () => {
    const { code, out, err } = await mqferry(['eval', 'body.total > 100', '--json', '{"total": 120}', '--condition']);
    expect([code, out, err]).toEqual([0, 'true\n', '']);
    const typed = async (expression: string, ...more: string[]) =>
      JSON.parse((await mqferry(['eval', expression, '--format', 'json', ...more])).out) as unknown;
    expect(await typed('body.map(x, x + 1)', '--json', '[1, 2]')).toEqual({ value: [2, 3], type: 'list' });
    expect(await typed('orders.${{ body.r.lowerAscii() }}', '--json', '{"r": "EU"}')).toEqual({ value: 'orders.eu', type: 'text' });
    expect(await typed('raw', '--text', 'hi')).toEqual({ value: 'aGk=', type: 'bytes' });
    expect(await typed('timestamp("2026-01-31T10:00:00Z")')).toEqual({ value: '2026-01-31T10:00:00.000Z', type: 'time' });
    expect(await typed('key', '--key', 'k')).toEqual({ value: 'k', type: 'text' });
    expect(await typed('id')).toEqual({ value: null, type: 'null' });
  });

  test('keeps every digit of a number', async () => {
    expect((await mqferry(['eval', 'body', '--json', '{"n":9007199254740993}'])).out).toBe('{"n":9007199254740993}\n');
  });

  test('reads the body from a file or standard input, or the whole message from a file; options change it', async () => {
    const path = samples();
    expect((await mqferry(['eval', 'sum(body.items.map(i, i.price * i.count))', '--body', join(path, 'order.json')])).out).toBe('9\n');
    expect((await mqferry(['eval', 'body.a', '--body', '-'], { input: '{"a": 1}' })).out).toBe('1\n');
    const all = ['eval', '[type, header.region, header.x, string(body.total), origin.topic]', '--message', join(path, 'sample.yaml')];
    const changes = ['--json', '{"total": 8}', '--header', 'x=a=b', '--origin', 'topic=t'];
    expect((await mqferry([...all, ...changes])).out).toBe('["order","us","a=b","8","t"]\n');
  });

  test('an expression that is wrong is shown with its place, and ends with 78', async () => {
    const { code, out, err } = await mqferry(['eval', 'bdy.total > 1']);
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain(
      'expression:1:1 bad-expression: there is no name "bdy" in expressions — did you mean body?\n> 1 | bdy.total > 1\n',
    );
    const text = await mqferry(['eval', '"a"', '--condition']);
    expect([text.code, text.err.includes('this must be true or false')]).toEqual([78, true]);
    const inText = await mqferry(['eval', 'to ${{ bdy }}']);
    expect(inText.err).toContain('expression:1:8 bad-expression');
    const path = samples();
    const misspelled = await mqferry(['eval', 'body.custmer', '--schema', join(path, 'order.schema.json')]);
    expect([misspelled.code, misspelled.err.includes('did you mean customer?')], misspelled.err).toEqual([78, true]);
  });

  test('a message that is wrong is shown with its place, and ends with 78', async () => {
    const path = join(samples(), 'wrong.yaml');
    writeFileSync(path, 'jsn: { total: 7 }\n');
    const { code, err } = await mqferry(['eval', 'body', '--message', path]);
    expect([code, err.includes('wrong.yaml:1:1 unknown-key')], err).toEqual([78, true]);
    writeFileSync(path, 'json: 1\ntext: a\n');
    expect((await mqferry(['eval', 'body', '--message', path])).err).toContain('here are json and text');
    expect((await mqferry(['eval', 'body', '--message', `${path}.not`])).code).toBe(78);
  });

  test('one that fails on the message ends with 1 and says why', async () => {
    const absent = await mqferry(['eval', 'body.a.b', '--json', '{}']);
    expect(absent).toMatchObject({ code: 1, out: '', err: 'cannot evaluate `body.a.b` at 1:6: there is no "a"\n' });
    expect((await mqferry(['eval', 'body.a'])).err).toContain('the message had no body: give it one by --json');
    expect((await mqferry(['eval', '[raw]', '--text', 'a'])).code).toBe(1);
  });

  test('wrong use ends with 2', async () => {
    for (const wrong of [
      ['--json', '{'],
      ['--json', '1', '--text', 'a'],
      ['--header', 'x'],
      ['--body', 'not-there.json'],
    ]) {
      const { code, out } = await mqferry(['eval', 'body', ...wrong]);
      expect([wrong, code, out]).toEqual([wrong, 2, '']);
    }
  });

  test('each example of the help does what it shows', async () => {
    const { out } = await mqferry(['eval', '--help']);
    const examples = [...out.matchAll(/^ {2}mqferry (eval .+)$/gm)].map(([, line]) => words(line as string));
    expect(examples.length).toBeGreaterThan(4);
    const cwd = samples();
    const results = await Promise.all(examples.map((words) => mqferry(words, { cwd })));
    expect(results.map(({ code, out, err }) => (code === 0 ? out : err.split('\n', 1)[0]))).toEqual([
      'true\n',
      '"orders.eu"\n',
      '9\n',
      'true\n',
      expect.stringContaining('custmer'),
      'true\n',
    ]);
  });
});

/** As a shell takes a line apart in which only single quotes matter. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? (plain as string));
}
