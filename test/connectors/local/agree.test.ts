import { describe, expect, test } from 'vitest';
import { compileRoutes } from '../../../src/index.ts';

/** What is wrong with these routes, each as `line message (hint)`. Each route stands on one line, the first on line 2. */
async function problemsOf(...routes: string[]): Promise<string[]> {
  const text = `routes:\n${routes.map((route, i) => `  r${i}: { ${route} }\n`).join('')}`;
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  return problems.map(({ line, message, hint }) => `${line} ${message} (${hint?.replace(/:\d+$/, '')})`);
}

const onDisk = 'local: { queue: q, store: disk }';
const inMemory = 'local: { queue: q }';
const from = (source: string) => `source: { ${source} }, sink: print`;
const to = (sink: string) => `source: generate, sink: { ${sink} }`;

describe('the ends of a queue', () => {
  test('agree: several writers, a dead letter among them, one reader', async () => {
    const dead = `source: generate, sink: print, onError: { deadLetter: { ${onDisk} } }`;
    expect(await problemsOf(to(onDisk), `source: generate, sink: [{ ${onDisk} }, print]`, dead, from(onDisk))).toEqual([]);
  });

  test.each([
    [to(onDisk), from(inMemory), 'in memory here and on disk there'],
    [to(inMemory), from(onDisk), 'on disk here and in memory there'],
    [from(onDisk), `source: generate, sink: [print, { ${inMemory} }]`, 'in memory here and on disk there'],
    [from(onDisk), `source: generate, sink: print, onError: { deadLetter: { ${inMemory} } }`, 'in memory here and on disk there'],
  ])('must all be in one store: %s, %s', async (one, two, what) => {
    expect(await problemsOf(one, two)).toEqual([
      `3 the queue q is ${what}: write \`store: disk\` at all its ends, or at none (the other end is at a.yaml:2)`,
    ]);
  });

  test('are one reader, on disk; in memory several share the queue', async () => {
    expect(await problemsOf(from(onDisk), to(onDisk), from(onDisk))).toEqual([
      '4 the queue q is on disk, so one route reads it, and there is another one there: write `readers: many` at all its ends (the other end is at a.yaml:2)',
    ]);
    expect(await problemsOf(from(inMemory), from(inMemory))).toEqual([]);
    const many = 'local: { queue: q, store: disk, readers: many }';
    expect(await problemsOf(from(many), to(many), from(many))).toEqual([]);
    expect(await problemsOf(from(many), to(onDisk))).toEqual([
      '3 the queue q has many readers at one end and one at another: write `readers: many` at all its ends, or at none (the other end is at a.yaml:2)',
    ]);
  });

  test('say one limit, once or more than once', async () => {
    const limit = (text: string) => to(`local: { queue: q, store: disk, ${text} }`);
    expect(await problemsOf(limit('maxBytes: 1MiB'), to(onDisk), limit('maxBytes: 1024KiB'), limit('maxMessages: 5'))).toEqual([]);
    expect(await problemsOf(limit('maxBytes: 1MiB'), to(onDisk), limit('maxBytes: 2MiB'))).toEqual([
      '4 the queue q has another maxBytes here than there: write it once, or the same (the other end is at a.yaml:2)',
    ]);
  });

  test('of different queues have nothing to do with each other', async () => {
    expect(await problemsOf(to(onDisk), from('local: { queue: p }'), from('local: { queue: o, store: disk }'))).toEqual([]);
  });
});

test.each([
  ['maxBytes without a disk', to('local: { queue: q, maxBytes: 1MiB }'), 'maxBytes is for a queue on disk'],
  ['a name that cannot be that of a directory', to('local: { queue: ../q, store: disk }'), 'cannot be the name of a queue on disk'],
])('%s is an error with its place', async (_, route, text) => {
  const problems = await problemsOf(route);
  expect(problems).toEqual([expect.stringMatching(new RegExp(`^2 .*${text}`))]);
});
