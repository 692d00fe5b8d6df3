import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileRoutes } from '../../src/index.ts';
import { type Header, Message, Typed } from '../../src/message.ts';
import { mqferry } from '../cli/mqferry.ts';
import { jsonMessage } from '../expr/messages.ts';
import { explanationOf, failure, problemsOf, stepsOf, through } from './route.ts';

const headers: Header[] = [
  ['h', Buffer.from('b')],
  ['t', new Typed('int16', 5)],
  ['m', new Map<string, Date>([['at', new Date(0)]])],
  ['n', null],
];
const message = () =>
  jsonMessage({ a: { b: 1 } }, { id: 'i', key: Buffer.from('k'), correlationId: Buffer.from('c'), headers, origin: { topic: 't' } });
/** The outcome of a function with this body; `m` is the message. */
const calling = (body: string, one = message()) => through('- js: ./s.mjs#f', one, { 's.mjs': `export function f(m) { ${body} }` });
const failing = (body: string, one = message()) => failure('- js: ./s.mjs#f', one, { 's.mjs': `export function f(m) { ${body} }` });

describe('js', () => {
  test('shows a message, all of it a copy', async () => {
    const one = message();
    const [out] = await calling(
      `const all = [m.id, m.key.toString(), m.correlationId.toString(), m.body.length, m.origin.topic, m.header('h').toString(), m.header('x'), m.headers.length, m.priority];
       m.body.fill(0); m.key.fill(0); m.correlationId.fill(0); m.header('h').fill(0);
       const list = m.headers; list[0][1].fill(0); list[2][1].clear(); list.length = 0;
       const json = m.json(); json.a.b = 2; m.origin.topic = 'x';
       try { m.id = 'y'; } catch {}
       return { body: [all, m.json(), m.id] };`,
      one,
    );
    expect(out?.json()).toEqual([['i', 'k', 'c', 13, 't', 'b', null, 4, null], { a: { b: 1 } }, 'i']);
    expect(one).toEqual(message());
    expect(out?.received).toBe(one);
  });

  test.each<[string, object]>([
    ['{ body: "é" }', { body: Buffer.from('é') }],
    ['{ body: new Uint8Array([1, 255]) }', { body: Buffer.from([1, 255]) }],
    ['{ body: null }', { body: null }],
    [
      '{ body: { n: 12345678901234567890n, at: new Date(0), no: undefined } }',
      { body: Buffer.from('{"n":12345678901234567890,"at":"1970-01-01T00:00:00.000Z"}'), contentType: 'application/json' },
    ],
    ['{ body: [1], contentType: "mine" }', { body: Buffer.from('[1]'), contentType: 'mine' }],
    [
      '{ key: "x", id: null, priority: 7, timestamp: new Date(5), correlationId: new Uint8Array([7]) }',
      { key: Buffer.from('x'), id: undefined, priority: 7, timestamp: 5, correlationId: Buffer.from([7]) },
    ],
    ['{ key: null, headers: [] }', { key: null, headers: [] }],
    ['{ headers: [...m.headers, ["new", 1n], ["new", [true]]] }', { headers: [...headers, ['new', 1n], ['new', [true]]] }],
    ['{ headers: [["map", { a: new Uint8Array([1]) }]] }', { headers: [['map', new Map([['a', Buffer.from([1])]])]] }],
  ])('takes %s', async (changes, expected) => {
    const [out] = await calling(`return ${changes}`);
    expect(out).toMatchObject(expected);
  });

  test('keeps no hand on what the script may change later', async () => {
    const run = await stepsOf('- js: ./s.mjs#f', {
      's.mjs':
        'const b = Buffer.alloc(1), j = { n: 0 }; let i = 0; export function f(m) { b[0] = ++i; j.n = i; return i < 3 ? { body: b, key: b } : { body: j }; }',
    });
    const { out } = run([message(), message(), message(), message()]);
    expect(out.map((one) => one.body?.toString('latin1'))).toEqual(['\u0001', '\u0002', '{"n":3}', '{"n":4}']);
    expect(out[0]?.key).toEqual(Buffer.from([1]));
  });

  test('lets pass, filters, or fails, and the others carry on', async () => {
    const run = await stepsOf('- js: ./s.mjs#f', {
      's.mjs': "export function f(m) { if (m.id === 'b') throw new Error('no b'); return m.id === 'c' ? null : undefined; }",
    });
    const all = ['a', 'b', 'c', 'd'].map((id) => new Message({ body: null, id }));
    const { out, failed, dropped } = run(all);
    expect(out).toEqual([all[0], all[3]]);
    expect(out[0]).toBe(all[0]);
    expect(failed.map(([one, error]) => [one.id, error.code, error.message])).toEqual([['b', 'STEP_FAILED', 'js: no b']]);
    expect(dropped).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ['return Promise.reject(new Error("late"))', /gave a promise/],
    ['return 5', /must give changes/],
    ['return [m]', /must give changes/],
    ['return { nope: 1 }', /a message has no "nope"/],
    ['return { __proto__: null, ["__proto__"]: 1 }', /a message has no "__proto__"/],
    ['return { priority: 256 }', /priority must be/],
    ['return { id: "\\ud800" }', /id must be well-formed/],
    ['return { headers: { a: 1 } }', /headers must be a list/],
    ['return { headers: [["a"]] }', /headers must be a list/],
    ['return { headers: [[1, 2]] }', /headers must be a list/],
    ['return { headers: [["\\ud800", 2]] }', /well-formed/],
    ['return { headers: [["a", () => 1]] }', /header.a must be/],
    ['return { body: new Map() }', /no JSON/],
    ['return { body: { a: () => 1 } }', /function/],
    ['return { body: { a: 0 / 0 } }', /not finite/],
    ['const a = []; a.push(a); return { body: a }', /nested more than 200/],
    ['throw { toString() { throw 1 } }', /no Error/],
    ['throw null', /no Error/],
    ['return { get body() { throw new Error("inside") } }', /inside/],
    ['return f(m)', /call stack/],
  ])('%s fails the message', async (body, sentence) => {
    expect(await failing(body)).toMatch(sentence);
    expect(await failing(body)).toMatch(/^STEP_FAILED js: /);
  });

  test('says of a body only that it is not JSON', async () => {
    expect(await failing('return { body: m.json() }', new Message({ body: Buffer.from('SECRET') }))).toBe(
      'STEP_FAILED js: the body is not JSON',
    );
  });

  test('loads TypeScript, CommonJS and a default export, with what they import', async () => {
    const files = {
      's.ts': "import { id } from './other.ts';\ntype T = string;\nexport default function (m: { id: T }) { return { id: id as T }; }",
      'other.ts': "export const id: string = 'x';",
      'c.cjs': "exports.f = () => ({ id: 'y' });",
    };
    expect((await through('- js: ./s.ts', message(), files))[0]?.id).toBe('x');
    expect((await through('- js: ./c.cjs#f', message(), files))[0]?.id).toBe('y');
    expect(await explanationOf('- js: ./s.ts', files)).toMatch(/^calls .*s\.ts$/);
  });

  test.each<[string, string, RegExp]>([
    ['./nope.mjs#f', '', /there is no file .*nope\.mjs/],
    ['./s.mjs#g', 'export const f = 1;', /exports no function g/],
    ['./s.mjs#f', 'export const f = 1;', /exports no function f/],
    ['./s.mjs', 'export const f = 1;', /exports no function default/],
    ['./s.mjs#constructor', 'export const f = 1;', /exports no function constructor/],
    ['./s.mjs#f', 'export async function f() {}', /is async/],
    ['./s.mjs#f', 'export function f( {', /cannot load .*s\.mjs/],
    ['./s.mjs#f', 'throw new Error("at once")', /cannot load .*at once/],
    ['./s.mjs#f', 'await 1; export function f() {}', /cannot load/],
  ])('%s of %j is refused when the config is checked', async (path, text, sentence) => {
    expect(await problemsOf(`- js: ${path}`, { 's.mjs': text })).toEqual([expect.stringMatching(sentence)]);
  });
});

describe('without --allow-scripts', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'mqferry-js-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    writeFileSync(
      join(made, 's.mjs'),
      "import { writeFileSync } from 'node:fs';\nwriteFileSync(new URL('ran', import.meta.url), 'x');\nexport const f = () => undefined;",
    );
    writeFileSync(
      join(made, 'r.yaml'),
      'routes:\n  r:\n    source: { generate: { count: 1 } }\n    steps: [ { js: ./s.mjs#f } ]\n    sink: print\n',
    );
    return made;
  };

  test('no code is loaded, and the config is refused with its place', async () => {
    const made = folder();
    const { problems } = await compileRoutes({ routes: { paths: [join(made, 'r.yaml')] } });
    expect(problems.map(({ line, message }) => [line, message])).toEqual([[4, expect.stringContaining('start with --allow-scripts')]]);
    for (const verb of [['validate'], ['run', '--no-admin'], ['check'], ['explain', 'r']]) {
      const { code, err } = await mqferry([...verb, join(made, 'r.yaml')]);
      expect([verb[0], code]).toEqual([verb[0], 78]);
      expect(err).toContain('scripts are off');
    }
    const { existsSync } = await import('node:fs');
    expect(existsSync(join(made, 'ran'))).toBe(false);
  }, 60_000);

  test('with it they run', async () => {
    const made = folder();
    expect((await mqferry(['validate', '--allow-scripts', join(made, 'r.yaml')])).code).toBe(0);
    const { code, err } = await mqferry(['run', '--no-admin', '--allow-scripts', join(made, 'r.yaml')]);
    expect(code, err).toBe(0);
    expect(err).toContain('read 1, delivered 1');
  }, 60_000);
});
