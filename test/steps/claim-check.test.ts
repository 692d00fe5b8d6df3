import { describe, expect, onTestFinished, test } from 'vitest';
import { listBuffers } from '../../src/buffer/instance.ts';
import { createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../engine/fakes.ts';
import { problemsOf } from './route.ts';

const large = (fill: string) => Buffer.from(fill.repeat(100_000));

/** Two routes: what is left behind in the first is fetched in the second. */
async function running(more: { keep?: string; dataDir?: string } = {}) {
  const ends = { given: new FakeSource(), between: new FakeSink(), again: new FakeSource(), shelf: new FakeSink(), grave: new FakeSink() };
  const connectors = connectorsOf(ends);
  const text = `
routes:
  in: { source: given, sink: between, steps: [{ claimCheck: { in: { store: bodies, above: 1KiB } } }] }
  out: { source: again, sink: shelf, onError: { deadLetter: grave, retry: { attempts: 1 } }, steps: [{ claimCheck: { out: { store: bodies, keep: ${more.keep ?? '1h'} } } }] }`;
  const dataDir = more.dataDir ?? folder();
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, connectors, dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  return { ...ends, mqferry, dataDir };
}

const carried = ({ stored }: FakeSink) => stored.map(({ body, headers }) => new Message({ body, headers }));
const errors = ({ stored }: FakeSink) => stored.map((message) => message.header('mqf-error-message'));

describe('a large body', () => {
  test('stays here, and is put back bit by bit; all else stays as it is', async () => {
    const { given, between, again, shelf } = await running();
    const body = large('\u0000\u00ffx');
    given.push(
      new Message({ body, contentType: 'image/png', headers: [['a', '1']] }),
      new Message({ body: Buffer.from('small') }),
      new Message({ body: null }),
    );
    await until('all have left', () => between.stored.length === 3);
    expect(between.stored.every((message) => (message.body?.length ?? 0) < 100)).toBe(true);
    expect(between.stored[0]!.intended).toMatchObject({ contentType: 'image/png' });
    again.push(...carried(between));
    await until('all have come', () => shelf.stored.length === 3);
    expect(shelf.stored[0]!.body!.equals(body)).toBe(true);
    expect(shelf.stored[0]!.intended.headers).not.toContainEqual(['claim-check', expect.anything()]);
    expect(shelf.stored.slice(1).map((message) => String(message.intended.body))).toEqual(['small', 'null']);
  });

  test('is found by the body where a broker carries no headers', async () => {
    const { given, between, again, shelf } = await running();
    given.push(new Message({ body: large('y') }));
    await until('it has left', () => between.stored.length === 1);
    again.push(new Message({ body: between.stored[0]!.body }));
    await until('it has come', () => shelf.stored.length === 1);
    expect(shelf.stored[0]!.body!.equals(large('y'))).toBe(true);
  });

  test('is collected when it has arrived, and a copy still finds it for a while', async () => {
    const { given, between, again, shelf, grave, mqferry, dataDir } = await running();
    given.push(new Message({ body: large('z') }));
    await until('it has left', () => between.stored.length === 1);
    shelf.answer = () => 'refuse';
    again.push(...carried(between));
    await until('it is dead', () => grave.stored.length === 1);
    expect(grave.stored[0]!.body!.length).toBeLessThan(100); // as it was read
    shelf.answer = () => 'store';
    again.push(...carried(between), ...carried(between));
    await until('both copies have come', () => shelf.stored.length === 2);
    await until('all are acked', () => again.acked.length === 3);
    await mqferry.stop();
    expect(await listBuffers(dataDir)).toContainEqual(expect.objectContaining({ owner: 'claims:bodies', messages: 1 }));
  });

  test('that is gone, and a claim that was never given, are errors', async () => {
    const { given, between, again, shelf, grave } = await running({ keep: '0' });
    given.push(new Message({ body: large('w') }));
    await until('it has left', () => between.stored.length === 1);
    again.push(...carried(between));
    await until('it has come, and is collected', () => again.acked.length === 1);
    again.push(...carried(between), new Message({ body: null, headers: [['claim-check', 'A'.repeat(22)]] }));
    await until('both are dead', () => grave.stored.length === 2);
    expect(errors(grave)).toEqual(Array(2).fill(expect.stringContaining('there is no body for the claim')));
    const odd = new Message({ body: Buffer.from('as it is'), headers: [['claim-check', '../../etc']] });
    again.push(odd);
    await until('it has come', () => shelf.stored.length === 2);
  });
});

test('the parts of a message have each a body of their own', async () => {
  const text = `
routes:
  r: { source: given, sink: shelf, steps: [{ split: { list: body } }, { claimCheck: { in: { store: b, above: 1 } } }, { claimCheck: { out: { store: b, keep: 0 } } }] }`;
  const [given, shelf] = [new FakeSource().push(new Message({ body: Buffer.from('["first", "second", "third"]') })), new FakeSink()];
  const connectors = connectorsOf({ given, shelf });
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, connectors, dataDir: folder() });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  await until('all are acked', () => given.acked.length === 1);
  expect(shelf.stored.map(({ body }) => String(body))).toEqual(['first', 'second', 'third']);
  expect(mqferry.engine.view('r')!.run!.plan.memories!.map((memory) => memory.stats().entries)).toEqual([0, 0]);
});

test('what goes several ways behind it is an error: one of them alone must not count as arrived', async () => {
  const out = '- claimCheck: { out: { store: b } }';
  expect(await problemsOf(`${out}\n- split: { list: body }`)).toEqual([expect.stringContaining('goes several ways behind it')]);
  expect(await problemsOf(`${out}\n- delay: { for: 1s }\n- split: { list: body }`)).toEqual([]);
  const text =
    'routes: { r: { source: generate, sink: [print, { local: { queue: q } }], steps: [{ claimCheck: { out: { store: b } } }] } }';
  await expect(createEngine({ routes: { texts: [{ name: 'r.yaml', text }] } })).rejects.toThrow(/several ways behind it/);
});

test('one of `in` and `out` is needed', async () => {
  expect(await problemsOf('- claimCheck: {}')).toEqual([expect.stringContaining('write either `in` or `out`')]);
});
