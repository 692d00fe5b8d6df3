import { describe, expect, test } from 'vitest';
import { MqferryError } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { chain, stepKinds } from '../../src/steps/index.ts';
import { jsonMessage } from '../expr/messages.ts';
import { condition, expr, quiet, run, set, step, template } from './run.ts';

const small = jsonMessage({ total: 50, id: 1 });
const large = jsonMessage({ total: 150, id: 2 });
const broken = new Message({ body: Buffer.from('{') });

describe('filter', () => {
  const filter = step('filter', condition('body.total >= 100'));
  test('keeps what holds, as the same object', () => {
    const { out, failed, dropped } = run(filter, [small, large]);
    expect(out).toEqual([large]);
    expect(out[0]).toBe(large);
    expect([failed, dropped]).toEqual([[], []]);
  });
  test('fails what it cannot decide, and the others carry on', () => {
    const { out, failed } = run(filter, [broken, jsonMessage({}), large]);
    expect(out).toEqual([large]);
    expect(failed.map(([message, error]) => [message === broken, error.code])).toEqual([
      [true, 'STEP_FAILED'],
      [false, 'STEP_FAILED'],
    ]);
    expect(failed[0]?.[1].message).toMatch(/^filter: .*not JSON/);
  });
  test('takes nothing but true for true', () => {
    const odd = step(
      'filter',
      Object.assign(() => 1, { text: '1' }),
    );
    expect(run(odd, [large]).out).toEqual([]);
  });
});

describe('map', () => {
  const map = (value: unknown, message: Message) => run(step('map', value), [message]);
  test('makes JSON of a tree of expressions', () => {
    const tree = new Map<string, unknown>([
      ['id', expr('body.id')],
      ['list', [expr('body.total'), new Map([['__proto__', expr('"x"')]])]],
    ]);
    const { out } = map(tree, large.change({ contentType: 'text/plain', contentEncoding: 'gzip', key: Buffer.from('k') }));
    expect(out[0]?.body?.toString()).toBe('{"id":2,"list":[150,{"__proto__":"x"}]}');
    expect(out[0]).toMatchObject({ contentType: 'application/json', contentEncoding: undefined, key: Buffer.from('k') });
    expect(out[0]?.received).toBe(large);
  });
  test('makes UTF-8 of text and leaves the content type', () => {
    const { out } = map(expr('"é" + string(body.id)'), large);
    expect([out[0]?.body?.toString(), out[0]?.contentType]).toEqual(['é2', undefined]);
  });
  test('leaves bytes as they are', () => {
    const bytes = Buffer.from([0, 255]);
    expect(map(expr('raw'), new Message({ body: bytes })).out[0]?.body).toBe(bytes);
  });
  test('keeps the digits of numbers that a double would round', () => {
    const text = '{"id":9007199254740993,"l":[12345678901234567890]}';
    expect(map(expr('body'), jsonMessage(text)).out[0]?.body?.toString()).toBe(text);
  });
  test('shares no more with what it was made of than may be shared', () => {
    const message = jsonMessage('{"n":1e2,"l":[{"t":1}]}');
    expect(map(expr('body'), message).out[0]?.body?.toString()).toBe('{"n":100,"l":[{"t":1}]}');
    expect(run(set({ 'body.l.0.t': 2 }), [message]).out[0]?.body?.toString()).toBe('{"n":1e2,"l":[{"t":2}]}');
    expect(message.json()).toEqual({ n: 100, l: [{ t: 1 }] });
    const both = map(
      new Map([
        ['t', expr('[fromEpochMillis(0)] + body.l')],
        ['l', expr('body.l')],
      ]),
      message,
    ).out[0];
    expect(both?.json()).toEqual({ t: ['1970-01-01T00:00:00.000Z', { t: 1 }], l: [{ t: 1 }] });
  });
  test('writes times as text', () => {
    const { out } = map(new Map([['t', expr('fromEpochMillis(0)')]]), large);
    expect(out[0]?.json()).toEqual({ t: '1970-01-01T00:00:00.000Z' });
  });
  test.each(['null', '{"a": b"x"}', '[1 / 0]', 'body.nope', '"\\U0000d83d"'.replace('\\U0000d83d', '" + body.half + "')])(
    '%s has no body',
    (text) => {
      const message = jsonMessage('{"half": "\\ud83d"}');
      const { out, failed } = map(expr(text), message);
      expect(out).toEqual([]);
      expect(failed[0]?.[0]).toBe(message);
      expect(failed[0]?.[1]).toMatchObject({ code: 'STEP_FAILED' });
    },
  );
});

test('drop sets every message aside as dropped', () => {
  expect(run(step('drop'), [small, large])).toEqual({ out: [], failed: [], dropped: [small, large] });
});

describe('log', () => {
  test('writes at most so many lines a second, and lets everything pass', () => {
    const lines: unknown[] = [];
    const log = { ...quiet, debug: (fields: object, text: string) => lines.push([fields, text]) };
    const many = Array.from({ length: 100 }, () => large);
    const write = step('log', { text: template('id ${{ body.id }}'), level: 'debug', perSecond: 3 }, log);
    expect(run(write, many).out).toEqual(many);
    expect(lines).toEqual([
      [{}, 'id 2'],
      [{}, 'id 2'],
      [{}, 'id 2'],
    ]);
  });
  test('a line that cannot be made fails the message', () => {
    const write = step('log', { text: template('${{ body.nope }}'), level: 'info', perSecond: 3 });
    expect(run(write, [large]).failed).toHaveLength(1);
  });
});

describe('a chain', () => {
  test('of no steps returns the messages themselves', () => {
    const messages = [small];
    expect(run(chain([]), messages).out).toBe(messages);
  });
  test('fails a message as it was received, though steps before had changed it', () => {
    const steps = chain([set({ id: 'x', 'body.a': 'b' }), step('filter', condition('body.total > 100 || body.nope'))]);
    const { out, failed } = run(steps, [small, large]);
    expect(out.map((message) => message.json())).toEqual([{ total: 150, id: 2, a: 'b' }]);
    expect(failed[0]?.[0]).toBe(small);
    expect(small.json()).toEqual({ total: 50, id: 1 });
  });
  test('goes step by step and ends when nothing is left', () => {
    let asked = 0;
    const count = (messages: readonly Message[]) => {
      asked++;
      return messages;
    };
    expect(run(chain([step('drop'), count]), [small]).out).toEqual([]);
    expect(asked).toBe(0);
  });
});

describe('each kind explains itself', () => {
  test.each<[string, unknown, string]>([
    ['filter', condition('body.a'), 'keeps messages for which body.a'],
    ['set', { key: expr('id'), 'header.a': null }, 'sets key; removes header.a'],
    ['remove', ['header.a'], 'removes header.a'],
    ['map', new Map([['a', expr('1')]]), 'makes a new body with a'],
    ['drop', undefined, 'drops every message'],
    ['log', { level: 'info' }, 'writes a line to the log (info)'],
  ])('%s', (name, value, sentence) => {
    expect(stepKinds[name]?.explain(value)).toBe(sentence);
    expect(stepKinds[name]?.name).toBe(name);
  });
});

test('an error that is not ours becomes STEP_FAILED with its cause', () => {
  const filter = step(
    'filter',
    Object.assign(
      () => {
        throw new TypeError('inside');
      },
      { text: '' },
    ),
  );
  const error = run(filter, [large]).failed[0]?.[1];
  expect(error).toBeInstanceOf(MqferryError);
  expect(error).toMatchObject({ code: 'STEP_FAILED', message: 'filter: inside', cause: expect.any(TypeError) });
});
