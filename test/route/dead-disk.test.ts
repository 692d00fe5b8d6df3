/** `deadLetter: disk`: what it means in the config, and what becomes of the letters. */
import { describe, expect, test } from 'vitest';
import { dumpBuffer } from '../../src/buffer/inspect.ts';
import { listBuffers } from '../../src/buffer/instance.ts';
import { bufferDirectory, deadOwner } from '../../src/buffer/owners.ts';
import { isDeadDisk } from '../../src/config/dead-disk.ts';
import { problemLine } from '../../src/config/diagnostics.ts';
import { compileRoutes } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { explain } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSource } from '../engine/fakes.ts';
import { books, run } from './shelf.ts';

const compile = (onError: string, step = 'filter: "true"') =>
  compileRoutes({
    routes: {
      texts: [
        {
          name: 'a.yaml',
          text: `routes:\n  a:\n    source: generate\n    steps: [ { ${step} } ]\n    sink: print\n    onError: ${onError}\n`,
        },
      ],
    },
  });

describe('in the config', () => {
  test.each([
    '{ deadLetter: disk }',
    '{ deadLetter: { disk: { maxBytes: 1MiB, maxMessages: 7 } } }',
    '[ { when: "true", deadLetter: disk } ]',
  ])('%s is a destination', async (onError) => {
    const { model, routes, problems } = await compile(onError);
    expect(problems).toEqual([]);
    const { end } = model?.routes[0]?.onError[0]?.deadLetter ?? {};
    expect(end && isDeadDisk(end)).toBe(true);
    expect(explain(routes[0]!)).toContain('is kept on disk with the reason');
  });

  test('a step may have it of its own', async () => {
    const { routes, problems } = await compile('{ then: drop }', 'filter: body.x, onError: { deadLetter: disk }');
    expect(problems).toEqual([]);
    expect(routes[0]?.deadLetters.map(({ name }) => name)).toEqual(['dead letter disk']);
  });

  test.each([
    ['{ deadLetter: { disk: { maxByte: 1 } } }', 'a.yaml:6:38 unknown-key: unknown key "maxByte" — did you mean "maxBytes"?'],
    ['{ deadLetter: { disk: } }', '"disk" has no value — write the bare word `disk`'],
    ['{ deadLetter: disc }', 'there is no connector "disc" — did you mean "disk"?'],
    [
      '[ { when: "true", deadLetter: { disk: { maxBytes: 1MiB } } }, { deadLetter: { disk: { maxBytes: 2MiB } } } ]',
      'a.yaml:6:110 misfit: the dead letters of route a have another maxBytes here — the other one is at a.yaml:6:46; write it once',
    ],
  ])('%s is refused', async (onError, sentence) => {
    const { problems } = await compile(onError);
    expect(problems.map(problemLine).join('\n')).toContain(sentence);
  });

  test('it is no sink', async () => {
    const text = 'routes: { a: { source: generate, sink: disk } }';
    const { problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
    expect(problems[0]?.message).toBe('there is no connector "disk"');
  });
});

const route = (disk: string, more = '') => `
routes:
  a:
    window: 8
    source: given
    steps: [filter: body.n > 0]
    ${more}
    sink: shelf
    onError: { deadLetter: ${disk} }
`;
const good = (n: number) => new Message({ id: `good${n}`, body: Buffer.from(`{"n":${n}}`) });
const bad = (id: string) => new Message({ id, body: Buffer.from('{}'), origin: { place: id }, lane: 'l' });

async function lettersIn(dataDir: string): Promise<Message[]> {
  const letters: Message[] = [];
  for await (const { message } of dumpBuffer(bufferDirectory(dataDir, deadOwner('a')))) letters.push(message);
  return letters;
}

describe('a route with dead letters on disk', () => {
  test('acks at its source what is on disk, as it was received, with the reason; it is no hop', async () => {
    const dataDir = folder();
    const source = new FakeSource().push(good(1), bad('b1'), good(2), bad('b2'));
    const { mqferry } = await run(route('disk'), source.end, dataDir);
    await until('all are acked', async () => source.acked.length === 4);
    const [letter, ...rest] = await lettersIn(dataDir); // no lock is needed
    expect(rest).toHaveLength(1);
    expect(letter).toMatchObject({ id: 'b1', lane: 'l', origin: { place: 'b1' } });
    expect(Object.fromEntries(letter!.headers)).toMatchObject({ 'mqf-error-code': 'STEP_FAILED', 'mqf-error-route': 'a' });
    expect(letter!.headers.map(([name]) => name)).not.toContain('mqf-hops');
    expect(mqferry.engine.view('a')?.run?.plan.deadStore?.stats()).toMatchObject({ messages: 2 });
    await mqferry.stop();
    expect(mqferry.engine.view('a')?.run?.plan.deadStore?.stats(), 'for the summary at exit').toMatchObject({ messages: 2 });
    expect(await listBuffers(dataDir)).toMatchObject([{ owner: 'dead:a', messages: 2 }]);
  });

  test('says of a letter that it came out of the buffer, where the steps before it are done', async () => {
    const dataDir = folder();
    const far = new Message({ id: 'far', body: Buffer.from('{"n":1}'), headers: [['mqf-hops', '8']] }); // noticed on its way to the sink
    await run(route('disk', 'buffer: disk'), new FakeSource().push(bad('near'), far).end, dataDir);
    await until('both are dead', async () => (await lettersIn(dataDir).catch(() => [])).length === 2);
    const places = (await lettersIn(dataDir)).map((letter) => [letter.id, letter.header('mqf-error-at')]);
    expect(places.sort()).toEqual([
      ['far', 'buffer'],
      ['near', undefined],
    ]);
  });

  test('waits when they fill their place, says what to do, and loses nothing', async () => {
    const dataDir = folder();
    const said: string[] = [];
    const log = { error() {}, info() {}, debug() {}, warn: (_: object, text: string) => void said.push(text) };
    const source = new FakeSource().push(...Array.from({ length: 30 }, (_, i) => bad(`b${i}`)));
    const { mqferry } = await run(route('{ disk: { maxMessages: 3 } }'), source.end, dataDir, log);
    await until('the window is full', async () => books(mqferry, 'a')?.inFlight === 8);
    await until('it has said so', async () => said.length > 0);
    expect(said).toEqual([expect.stringMatching(/dead letters of route a have filled their place.*dlq replay.*purge.*maxBytes/)]);
    expect(source.acked.length).toBeLessThanOrEqual(3);
    expect(books(mqferry, 'a')!.read).toBeLessThanOrEqual(11);
    await mqferry.stop(0);
    const before = (await lettersIn(dataDir)).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThanOrEqual(3);
    await run(route('disk'), source.end, dataDir);
    await until('all are acked', async () => source.acked.length === 30);
    const ids = new Set((await lettersIn(dataDir)).map(({ id }) => id));
    expect(ids.size).toBe(30);
  });

  test('cannot be taken out of the config while letters wait, and the error says what to do', async () => {
    const dataDir = folder();
    const source = new FakeSource().push(bad('b1'));
    const { mqferry } = await run(route('disk'), source.end, dataDir);
    await until('it is acked', async () => source.acked.length === 1);
    await mqferry.stop();
    await expect(run(route('shelf'), source.end, dataDir)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/dead letters of route a are 1 messages.*deadLetter: disk.*adopt dead:a dead:<new>.*drop dead:a/),
    });
  });
});
