import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Message } from '../../../src/message.ts';
import { folder } from '../../cli/mqferry.ts';
import { JumpClock } from '../jump-clock.ts';
import { anyStepsOf, compiledOf, problemsOf } from '../route.ts';
import { runAll } from '../run.ts';

const make = (...ids: unknown[]) => ids.map((id) => new Message({ body: Buffer.from(JSON.stringify({ id })) }));
const yaml = (name: string, more = '') => `- enrich: { file: { path: '${name}'${more} }, key: '\${{ body.id }}', into: body.found }`;
const found = (messages: readonly Message[]) => messages.map((message) => (message.json() as { found: unknown }).found);

describe('a file', () => {
  const ann = { id: '7', name: 'Ann' };
  test.each([
    ['a.csv', 'id,name\n7,Ann\n8,Bob\n', ', column: id', ann],
    ['a.json', '[{"id":7,"name":"Ann"},{"id":8}]', ', column: id', { id: 7, name: 'Ann' }],
    ['b.json', '{"7":{"id":"7","name":"Ann"},"8":1}', '', ann],
    ['a.yaml', '- { id: 7, name: Ann }\n- { id: 12345678901234567890 }\n', ', column: id', { id: 7, name: 'Ann' }],
    ['b.yml', '7: { id: "7", name: Ann }\n8: 1\n', '', ann],
    ['plain.txt', 'id,name\n7,Ann\n', ', format: csv, column: id', ann],
  ])('%s is looked into by its key', async (name, content, more, wanted) => {
    const { out, failed } = await (await anyStepsOf(yaml(name, more), { [name]: content }))(make(7, 9));
    expect(found(out)).toEqual([wanted]);
    expect(failed[0]?.[1]).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(name) });
  });

  test('has no names but its own', async () => {
    const steps = await anyStepsOf(yaml('a.json'), { 'a.json': '{"a":1}' });
    expect((await steps(make('constructor', '__proto__', 'toString'))).out).toEqual([]);
  });

  test.each([
    ['a.json', undefined, '', /cannot use the file .*a\.json: ENOENT/],
    ['a.json', '{"CANARY', '', /it is not JSON$/],
    ['a.json', '"CANARY"', '', /neither a list nor a map/],
    ['a.json', '[{"id":1}]', '', /it is a list: name the `column`/],
    ['a.json', '{"id":1}', ', column: id', /it is a map/],
    ['a.json', '[{"id":1},{"id":null}]', ', column: id', /entry 2 has no id/],
    ['a.json', '[{"id":1},{"id":"1"}]', ', column: id', /entry 2 has the id of one before/],
    ['a.csv', 'id,name\n7\n', ', column: id', /it is not CSV: .*line 2/],
    ['a.csv', 'id,name\n7,x\n', ', column: nope', /entry 1 has no nope/],
    ['a.yaml', 'a: [1', '', /line 1/],
    ['a.json', '{"a":1}', ', maxBytes: 4', /larger than 4 bytes/],
    ['a.txt', 'x', '', /does not say by its name/],
  ])('%s with %j and %j is a problem of the config', async (name, content, more, message) => {
    const [problem = ''] = await problemsOf(yaml(name, more), content === undefined ? {} : { [name]: content });
    expect(problem).toMatch(message);
    expect(problem).not.toContain('CANARY');
  });
});

describe('a file that changes', () => {
  async function watched() {
    const path = join(folder(), 'prices.json');
    const clock = new JumpClock();
    const lines: string[] = [];
    const log = (level: string) => (_: object, text: string) => lines.push(`${level} ${text.replace(path, 'FILE')}`);
    let version = 1_700_000_000;
    /** As it should be done: whole, and put in place at once. */
    const write = (text: string) => {
      writeFileSync(`${path}.new`, text);
      utimesSync(`${path}.new`, version, version++);
      renameSync(`${path}.new`, path);
    };
    write('{"a":1}');
    const step = await compiledOf(yaml(path), {
      clock,
      log: { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') },
    });
    const look = async () => found((await runAll(step, make('a'))).out)[0];
    return { path, clock, lines, write, look };
  }

  test('is read again, at most once a second', async () => {
    const { clock, lines, write, look } = await watched();
    expect(await look()).toBe(1);
    write('{"a":2}');
    clock.time = 999;
    expect(await look()).toBe(1);
    clock.time = 1000;
    expect(await look()).toBe(2);
    clock.time = 9000;
    expect(await look()).toBe(2);
    expect(lines).toEqual(['info FILE has changed and is read anew']);
  });

  test('into what cannot be read stays as it was; that is said once, and a good one is taken again', async () => {
    const { path, clock, lines, write, look } = await watched();
    write('{"a":CANARY');
    for (let i = 1; i <= 3; i++) {
      clock.time += 1000;
      expect(await look()).toBe(1);
    }
    rmSync(path);
    for (let i = 1; i <= 3; i++) {
      clock.time += 1000;
      expect(await look()).toBe(1);
    }
    write('{"a":3}');
    clock.time += 1000;
    expect(await look()).toBe(3);
    expect(lines).toEqual([
      'error FILE has changed and cannot be used, so what it held before stays: it is not JSON',
      'error FILE has changed and cannot be used, so what it held before stays: ENOENT',
      'info FILE has changed and is read anew',
    ]);
  });
});
