import { describe, expect, onTestFinished, test } from 'vitest';
import { defineConnector } from '../../src/connector.ts';
import { createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSink, FakeSource } from '../engine/fakes.ts';
import { books } from './shelf.ts';

const names = ['eu', 'us', 'dead'] as const;

/** A route that sends to `eu` and `us` by name; what fails goes to `dead`. */
async function sending(source: FakeSource, oneOf: string, retry = '{ attempts: 3, backoff: 1ms..1ms }') {
  const sinks = { eu: new FakeSink(), us: new FakeSink(), dead: new FakeSink() };
  const sink = (name: (typeof names)[number]) =>
    defineConnector({ name, summary: 'For this test.', sink: { fields: {}, create: () => sinks[name].end } });
  const given = defineConnector({ name: 'given', summary: 'For this test.', source: { fields: {}, create: () => source.end } });
  const text = `
routes:
  a:
    source: given
    sink:
      oneOf: '${oneOf}'
      allow: { eu: eu, us: { steps: [{ filter: '!has(body.n)' }, { set: { header.to: us } }], sink: us } }
    onError: { deadLetter: dead, retry: ${retry} }
`;
  const connectors = { given, ...Object.fromEntries(names.map((name) => [name, sink(name)])) };
  const mqferry = await createEngine({ routes: { texts: [{ name: 'a.yaml', text }] }, connectors, dataDir: folder() });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  return { ...sinks, mqferry };
}

const message = (body: object) => new Message({ body: Buffer.from(JSON.stringify(body)), id: JSON.stringify(body) });
const bodies = ({ stored }: FakeSink) => stored.map(({ body }) => String(body));
const settled = (source: FakeSource, count: number) => until('all are settled', async () => source.acked.length === count);

test('a message goes to the sink that it names, or to each of several, once', async () => {
  const source = new FakeSource().push(...[{ to: 'eu' }, { to: 'us' }, { to: ['us', 'eu', 'us'] }, { to: ['us'], n: 9 }].map(message));
  const { eu, us, dead, mqferry } = await sending(source, '${{ body.to }}');
  await settled(source, 4);
  expect(bodies(eu)).toEqual(['{"to":"eu"}', '{"to":["us","eu","us"]}']);
  expect(bodies(us)).toEqual(['{"to":"us"}', '{"to":["us","eu","us"]}']);
  expect(us.stored.map((one) => one.header('to'))).toEqual(['us', 'us']);
  expect(eu.stored.map((one) => one.header('to'))).toEqual([undefined, undefined]);
  expect(dead.stored).toEqual([]);
  expect(books(mqferry, 'a')).toMatchObject({ read: 4, delivered: 3, filtered: 1, inFlight: 0 });
});

test('a name may be put together from text', async () => {
  const source = new FakeSource().push(message({ to: 'u' }));
  const { us } = await sending(source, '${{ body.to }}s');
  await settled(source, 1);
  expect(bodies(us)).toEqual(['{"to":"u"}']);
});

test('a message is settled when all that it names have confirmed, and only the sink that refuses gets it again', async () => {
  const source = new FakeSource().push(message({ to: ['eu', 'us'] }));
  const { eu, us, mqferry } = await sending(source, '${{ body.to }}', '{ attempts: 1000, backoff: 1ms..1ms }');
  const tries: Message[] = [];
  let isOpen = false;
  us.answer = (one) => {
    tries.push(one);
    return isOpen ? 'store' : 'later';
  };
  await until('it was refused three times', async () => tries.length >= 3);
  expect(source.acked).toEqual([]);
  isOpen = true;
  await settled(source, 1);
  expect([eu.stored.length, us.stored.length]).toEqual([1, 1]);
  expect(books(mqferry, 'a')).toMatchObject({ read: 1, delivered: 1 });
});

describe('a message that names no sink has failed and goes to none: ', () => {
  const table: [string, object, string][] = [
    ['a name that is not allowed', { to: 'mars CANARY' }, 'oneOf yields a name that is not allowed; allowed: eu, us'],
    ['one in a list', { to: ['eu', 'mars CANARY'] }, 'oneOf yields a name that is not allowed; allowed: eu, us'],
    ['a name of every object', { to: 'constructor' }, 'oneOf yields a name that is not allowed'],
    ['an empty list', { to: [] }, 'oneOf yields an empty list; allowed: eu, us'],
    ['an empty text', { to: '' }, 'oneOf yields a name that is not allowed'],
    ['null', { to: null }, 'oneOf yields null, neither a name nor a list of names; allowed: eu, us'],
    ['a number', { to: 1 }, 'oneOf yields a number, neither'],
    ['a truth', { to: true }, 'oneOf yields a boolean, neither'],
    ['a map', { to: { eu: 1 } }, 'oneOf yields a map, neither'],
    ['a number in a list', { to: ['eu', 1] }, 'oneOf yields a number in its list of names; allowed'],
    ['a list in a list', { to: [['eu']] }, 'oneOf yields a list in its list of names; allowed'],
    ['null in a list', { to: [null] }, 'oneOf yields null in its list of names; allowed'],
  ];
  test.each(table)('%s', async (_, body, text) => {
    const source = new FakeSource().push(message(body), message({ to: 'eu' }));
    const { eu, us, dead, mqferry } = await sending(source, '${{ body.to }}');
    await settled(source, 2);
    expect([eu.stored.length, us.stored.length, dead.stored.length]).toEqual([1, 0, 1]);
    expect(dead.stored[0]!.header('mqf-error-code')).toBe('UNROUTABLE');
    expect(dead.stored[0]!.header('mqf-error-message')).toContain(text);
    expect(dead.stored[0]!.header('mqf-error-message')).not.toContain('CANARY');
    expect(books(mqferry, 'a')).toMatchObject({ read: 2, delivered: 1, deadLettered: 1, inFlight: 0 });
  });

  test('an expression that cannot be evaluated', async () => {
    const source = new FakeSource().push(message({}));
    const { dead } = await sending(source, '${{ body.to }}');
    await settled(source, 1);
    expect(dead.stored[0]!.header('mqf-error-code')).toBe('STEP_FAILED');
  });
});
