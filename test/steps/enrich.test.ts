import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Message, type MessageInit } from '../../src/message.ts';
import { JumpClock } from './jump-clock.ts';
import { startService } from './lookups/service.ts';
import { compiledOf, explanationOf, problemsOf, stepsOf } from './route.ts';
import { quiet, runAll } from './run.ts';

const make = (id: unknown, init: Partial<MessageInit> = {}) => new Message({ body: Buffer.from(JSON.stringify({ id })), ...init });

async function enriching(more: string, entries: Record<string, unknown> = { a: { n: 1 } }) {
  const step = await compiledOf(
    `- enrich: { file: { path: a.json }, key: '\${{ body.id }}', ${more} }`,
    {},
    { 'a.json': JSON.stringify(entries) },
  );
  return (...messages: Message[]) => runAll(step, messages);
}

describe('what is found goes into', () => {
  test.each<[string, unknown, (message: Message) => unknown, unknown]>([
    ['body.x.y', { n: 1 }, (message) => message.json(), { id: 'a', x: { y: { n: 1 } } }],
    ['body', { n: 1 }, (message) => message.json(), { n: 1 }],
    ['body', 'text', (message) => String(message.body), 'text'],
    ['header.tier', 'gold', (message) => message.header('tier'), 'gold'],
    ['header.tier', { a: [1] }, (message) => message.header('tier'), new Map([['a', [1]]])],
    ['key', 7, (message) => String(message.key), '7'],
    ['correlationId', 'c', (message) => message.correlationId, 'c'],
  ])('%s, of %j', async (into, value, read, wanted) => {
    const { out } = await (await enriching(`into: ${into}`, { a: value }))(make('a'));
    expect(read(out[0] as Message)).toEqual(wanted);
  });

  test('a place that cannot take it fails the message, and no other', async () => {
    const bad = make('a');
    const good = make('b');
    const { out, failed } = await (await enriching('into: priority', { a: 'high', b: 5 }))(bad, good);
    expect(out.map(({ priority }) => priority)).toEqual([5]);
    expect(failed).toMatchObject([[bad, { code: 'STEP_FAILED', message: 'enrich: priority must be 0 to 255' }]]);
  });

  test('a copy: what was received, and what is kept, stay as they are', async () => {
    const step = await enriching('into: body.x');
    const message = make('a');
    const first = (await step(message)).out[0] as Message;
    expect(first.received).toBe(message);
    expect(message.json()).toEqual({ id: 'a' });
    const { out } = await (await stepsOf("- set: { body.x.n: '${{ 99 }}' }"))([first]);
    expect(out[0]?.json()).toEqual({ id: 'a', x: { n: 99 } });
    expect(first.json()).toEqual({ id: 'a', x: { n: 1 } });
    expect((await step(make('a'))).out[0]?.json()).toEqual({ id: 'a', x: { n: 1 } });
  });
});

describe('when there is none', () => {
  test('the message fails', async () => {
    const message = make('z');
    const { out, failed } = await (await enriching('into: body.x'))(message, make('a'));
    expect(out).toHaveLength(1);
    expect(failed).toMatchObject([
      [message, { code: 'NOT_FOUND', message: expect.stringMatching(/^enrich: there is nothing of this key in /) }],
    ]);
  });

  test('or it goes on without, in its place, and says so', async () => {
    const message = make('z', { headers: [['h', 1]] });
    const { out } = await (await enriching('into: body.x, missing: skip'))(make('a'), message, make('a'));
    expect(out.map(({ headers }) => headers)).toEqual([
      [],
      [
        ['h', 1],
        ['enrich-skipped', 'body.x: missing'],
      ],
      [],
    ]);
    expect(out[1]?.body).toBe(message.body);
  });

  test.each([
    ['{ tier: none, list: [1] }', { id: 'z', x: { tier: 'none', list: [1] } }],
    ['0', { id: 'z', x: 0 }],
    ['null', { id: 'z' }],
  ])('or it gets the default %s', async (value, wanted) => {
    const { out } = await (await enriching(`into: body.x, missing: default, default: ${value}`))(make('z'));
    expect(out[0]?.json()).toEqual(wanted);
  });

  test('null is none', async () => {
    expect((await (await enriching('into: body.x', { a: null }))(make('a'))).failed[0]?.[1].code).toBe('NOT_FOUND');
  });

  test('a message without the key fails all the same: that is its fault and no answer', async () => {
    const message = new Message({ body: Buffer.from('{}') });
    const { failed } = await (await enriching('into: body.x, missing: skip, failed: skip'))(message);
    expect(failed).toMatchObject([[message, { code: 'STEP_FAILED' }]]);
  });
});

describe('when it cannot be told', () => {
  async function failing(more: string) {
    const service = await startService((_, response) => response.writeHead(400).end());
    const clock = Object.assign(new JumpClock(), { sleep: systemClock.sleep }); // the time-out of a request must not jump
    const lines: string[] = [];
    const log = {
      ...quiet,
      warn: (fields: object, text: string) => lines.push(`${JSON.stringify(fields)} ${text.replace(service.origin, 'ORIGIN')}`),
    };
    const yaml = `- enrich: { http: { url: '${service.origin}/\${{ body.id }}', allow: loopback }, into: body.x, ${more} }`;
    const step = await compiledOf(yaml, { clock, log });
    return { clock, lines, run: () => runAll(step, [make(1)]) };
  }

  test('the message fails', async () => {
    const { run, lines } = await failing('missing: skip');
    expect((await run()).failed[0]?.[1]).toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(/^enrich: GET http:.*: it answers 400$/),
    });
    expect(lines).toEqual([]);
  });

  test('or it goes on without, which it says itself, and the log now and then', async () => {
    const { run, lines, clock } = await failing('failed: skip');
    for (let i = 0; i < 3; i++) expect((await run()).out[0]?.headers).toEqual([['enrich-skipped', 'body.x: failed']]);
    clock.time += 30_000;
    await run();
    const text = 'enrich: GET ORIGIN: it answers 400; the messages go on, as the config says';
    expect(lines).toEqual([`{"code":"REFUSED","suppressed":0} ${text}`, `{"code":"REFUSED","suppressed":2} ${text}`]);
  });

  test('or it gets the default', async () => {
    const { run } = await failing('failed: default, default: none');
    expect((await run()).out[0]?.json()).toEqual({ id: 1, x: 'none' });
  });
});

test('what is written wrongly is told', async () => {
  const problem = async (text: string) => (await problemsOf(`- enrich: { ${text} }`, { 'a.json': '{}' })).join('; ');
  const file = 'file: { path: a.json }';
  const key = "key: '${{ body.id }}'";
  expect(await problem(`into: body.x, ${key}`)).toMatch(/needs one of http, file, table/);
  expect(await problem(`into: body.x, ${file}, table: { name: t }, ${key}`)).toMatch(/file and table exclude each other/);
  expect(await problem(`into: body.x, ${file}`)).toMatch(/`key` is missing/);
  expect(await problem(`into: body.x, ${file}, key: body.id`)).toMatch(/same text for all messages/);
  expect(await problem(`into: bodi.x, ${file}, ${key}`)).toMatch(/no part of a message/);
  expect(await problem(`into: body.x, ${file}, ${key}, missing: default`)).toMatch(/`default` is missing/);
  expect(await problem(`into: body.x, ${file}, ${key}, default: 1`)).toMatch(/never used/);
  expect(await problem(`into: body.x, http: { url: 'https://api.example/x' }, ${key}`)).toMatch(/the url says what is looked for/);
  expect(await problem(`into: body.x, table: { name: t }, ${key}`)).toMatch(/no route feeds the table t/);
});

test('it is explained without its secrets', async () => {
  const http = "http: { url: 'https://api.example/${{ body.id }}?token=CANARY', headers: { a: CANARY } }";
  expect(await explanationOf(`- enrich: { ${http}, into: body.x, failed: skip }`)).toBe(
    'sets body.x to what is found by HTTP; a message for which there is none fails, one for which it cannot be told goes on without, marked',
  );
});
