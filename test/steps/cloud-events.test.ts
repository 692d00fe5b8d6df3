import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Header, Message, type MessageInit } from '../../src/message.ts';
import { explanationOf, failure, problemsOf, through } from './route.ts';
import { run, step } from './run.ts';

const prefixes = { kafka: 'ce_', amqp: 'cloudEvents:', jms: 'cloudEvents_', http: 'ce-', mqtt: '' };
const bindings = Object.keys(prefixes) as (keyof typeof prefixes)[];
const to = (binding: string, message: Message) => convert({ to: 'binary', binding }, message);
const structured = (message: Message) => convert({ to: 'structured' }, message);

function convert(options: object, message: Message): Message {
  const { out, failed } = run(step('cloudEvents', options), [message]);
  if (failed[0]) throw failed[0][1];
  return out[0] as Message;
}

function event(binding: keyof typeof prefixes, more: Record<string, string> = {}, init: Partial<MessageInit> = {}): Message {
  const attributes = { specversion: '1.0', id: '1', source: '/shop', type: 'order.made', ...more };
  const headers = Object.entries(attributes).map(([name, value]): Header => [prefixes[binding] + name, value]);
  return new Message({ body: Buffer.from('{"total":1.50}'), contentType: 'application/json', headers, ...init });
}

describe('cloudEvents', () => {
  test.each(bindings.flatMap((from) => bindings.map((target) => [from, target] as const)))('%s to %s', (from, target) => {
    const extra: Header = ['x-region', 'eu'];
    const message = event(from, { subject: 'a', partitionkey: 'k' });
    const out = to(target, message.change({ headers: [extra, ...message.headers] }).asReceived());
    expect(out.headers).toEqual([extra, ...event(target, { subject: 'a', partitionkey: 'k' }).headers]);
    expect(out).toMatchObject({ contentType: 'application/json', body: message.body });
  });

  test.each<[string | undefined, string | Buffer | null, string]>([
    ['application/json', '{"n":12345678901234567890, "x":1.50}', ',"data":{"n":12345678901234567890, "x":1.50}}'],
    [undefined, '[1]', ',"data":[1]}'],
    ['application/vnd.x+json; charset=utf-8', 'null', ',"data":null}'],
    ['text/plain', 'é "x"', ',"data":"é \\"x\\""}'],
    ['application/xml', '<a/>', ',"data":"<a/>"}'],
    ['application/octet-stream', 'abc', ',"data_base64":"YWJj"}'],
    ['text/plain', Buffer.from([255]), ',"data_base64":"/w=="}'],
    ['application/json', 'not json', ',"data_base64":"bm90IGpzb24="}'],
    ['application/json', '', ',"data_base64":""}'],
    [undefined, null, '}'],
  ])('data of %s: %j is written so that it comes back as it was', (contentType, body, ending) => {
    const message = event('kafka', {}, { contentType, body: body === null ? null : Buffer.from(body as string) });
    const whole = structured(message);
    expect(whole).toMatchObject({ contentType: 'application/cloudevents+json', headers: [] });
    const declared = contentType === undefined ? '' : `,"datacontenttype":"${contentType}"`;
    expect(whole.body?.toString()).toBe(`{"specversion":"1.0","id":"1","source":"/shop","type":"order.made"${declared}${ending}`);
    const back = to('kafka', whole.asReceived());
    expect(back).toMatchObject({ body: message.body, contentType, headers: message.headers });
  });

  test('any data and attributes come back as they were, by any binding', () => {
    const attribute = fc.string({ unit: 'grapheme', maxLength: 8 });
    const type = fc.constantFrom(undefined, 'application/json', 'text/x', 'image/png', 'a/b+xml');
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...bindings),
        attribute,
        fc.dictionary(fc.stringMatching(/^x[a-z0-9]{1,9}$/), attribute, { maxKeys: 3 }),
        type,
        body,
        (binding, subject, more, contentType, data) => {
          const message = event('kafka', { subject, ...more }, { contentType, body: data });
          const isPadded = /^[\s]|\s$/.test(data.toString('latin1')); // white space around JSON is not kept
          const there = to(binding, message);
          const whole = structured(there.asReceived());
          const back = to('kafka', to(binding, whole.asReceived()).asReceived());
          expect(back.headers).toEqual(message.headers);
          expect(back.contentType).toBe(contentType);
          if (!isPadded) expect(back.body).toEqual(data);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('attributes of other types become what CloudEvents has', () => {
    const headers: Header[] = [
      ['specversion', '1.0'],
      ['id', Buffer.from('é')],
      ['source', '/s'],
      ['type', 't'],
      ['n', 5],
      ['big', 2n ** 60n],
      ['flag', true],
      ['time', new Date(0)],
      ['Upper', 'stays'],
      ['data', 'stays'],
    ];
    const whole = structured(new Message({ body: null, headers }));
    expect(whole.json()).toEqual({
      specversion: '1.0',
      id: 'é',
      source: '/s',
      type: 't',
      n: 5,
      big: '1152921504606846976',
      flag: true,
      time: '1970-01-01T00:00:00.000Z',
    });
    expect(whole.headers).toEqual([
      ['Upper', 'stays'],
      ['data', 'stays'],
    ]);
    expect(to('mqtt', whole.asReceived()).header('n')).toBe('5');
  });

  test('http writes percent signs, and reads them, whatever the case of the names', () => {
    const out = to('http', event('kafka', { subject: 'é "100%" 😀' }));
    expect(out.header('ce-subject')).toBe('%C3%A9%20%22100%25%22%20%F0%9F%98%80');
    const loose = out.change({ headers: [...out.headers.slice(0, -1), ['ce-subject', '50% off %C3%A9']] });
    expect(to('kafka', loose.asReceived()).header('ce_subject')).toBe('50% off é');
    const upper = out.change({ headers: out.headers.map(([name, value]) => [name.toUpperCase(), value]) });
    expect(to('kafka', upper.asReceived()).header('ce_subject')).toBe('é "100%" 😀');
  });

  test('a structured event is read however it is written', () => {
    const body = ' {\n "type" : "t", "data" : { "a" : [1, "}"] } ,"source":"s","id":"1","subject":null,"specversion":"1.0"} \n';
    const out = to('kafka', new Message({ body: Buffer.from(body), contentType: 'Application/CloudEvents+JSON; charset=utf-8' }));
    expect(out.body?.toString()).toBe('{ "a" : [1, "}"] }');
    expect(out).toMatchObject({
      contentType: undefined,
      headers: [
        ['ce_type', 't'],
        ['ce_source', 's'],
        ['ce_id', '1'],
        ['ce_specversion', '1.0'],
      ],
    });
  });

  test('one that is structured already passes as it is', () => {
    const message = structured(event('kafka')).asReceived();
    expect(structured(message)).toBe(message);
  });

  const whole = (body: string) => new Message({ body: Buffer.from(body), contentType: 'application/cloudevents+json' });
  test.each<[string, Message, RegExp]>([
    ['no event at all', new Message({ body: Buffer.from('{}') }), /neither a content type nor a specversion/],
    ['a batch', new Message({ body: Buffer.from('[]'), contentType: 'application/cloudevents-batch+json' }), /batches/],
    ['another version', event('kafka', { specversion: '0.3' }), /specversion is not 1.0/],
    ['no id', event('amqp', { id: '' }), /it has no id/],
    ['an attribute twice', event('kafka').change({ headers: [...event('kafka').headers, ['ce_id', '2']] }), /twice/],
    ['an attribute that is no text', event('kafka').change({ headers: [...event('kafka').headers, ['ce_x', null]] }), /no text/],
    ['a body that is no map', whole('[]'), /no JSON map/],
    ['a body that is no JSON', whole('{'), /no JSON map/],
    ['no body', new Message({ body: null, contentType: 'application/cloudevents+json' }), /no JSON map/],
    ['a name twice', whole('{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t"}'), /twice/],
    ['data twice', whole('{"specversion":"1.0","id":"1","source":"s","type":"t","data":1,"data_base64":""}'), /data twice/],
    ['data that is not base64', whole('{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"x"}'), /not base64/],
    ['an attribute of another type', whole('{"specversion":"1.0","id":"1","source":"s","type":"t","x":{}}'), /neither text/],
    ['an attribute with a fraction', whole('{"specversion":"1.0","id":"1","source":"s","type":"t","x":1.5}'), /neither text/],
    ['a name that none may have', whole('{"specversion":"1.0","id":"1","source":"s","type":"t","a-b":"x"}'), /name that none may have/],
    ['an id that is no text', whole('{"specversion":"1.0","id":1,"source":"s","type":"t"}'), /it has no id/],
  ])('%s fails', async (_, message, sentence) => {
    for (const options of ['{ to: structured }', '{ to: binary, binding: mqtt }'])
      if (options.includes('binary') || message.contentType !== 'application/cloudevents+json')
        expect(await failure(`- cloudEvents: ${options}`, message.asReceived())).toMatch(
          new RegExp(`^DECODE_FAILED cloudEvents: this is not a CloudEvent: .*${sentence.source}`),
        );
  });
});

test('cloudEvents needs a binding for the binary form, and explains itself', async () => {
  expect(await problemsOf('- cloudEvents: { to: binary }')).toEqual(['`to: binary` needs a binding']);
  expect(await problemsOf('- cloudEvents: { to: structured, binding: kafka }')).toEqual(['`binding` is for `to: binary` only']);
  expect(await explanationOf('- cloudEvents: { to: binary, binding: amqp }')).toBe('makes the CloudEvent binary (amqp)');
  expect(await through('- cloudEvents: { to: structured }', event('kafka'))).toHaveLength(1);
});
