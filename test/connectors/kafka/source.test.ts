import { describe, expect, test } from 'vitest';
import { Commits } from '../../../connectors/kafka/commits.ts';
import { fromRecord } from '../../../connectors/kafka/message.ts';
import type { Chunk, Claim, Position, Reader, ReaderHooks } from '../../../connectors/kafka/port.ts';
import { KafkaSource } from '../../../connectors/kafka/source.ts';
import { notConnected } from '../../../src/connector.ts';
import { until } from '../../brokers/broker.ts';
import { context, never, sourceConfig } from './setup.ts';

const room = { messages: 1000, bytes: 1_000_000 };

function claimOf(partition: number): Claim {
  return { topic: 't', partition, lane: `t/${partition}`, live: true };
}

function chunk(claim: Claim, from: number, count: number, next = from + count): Chunk {
  return { claim, messages: Array.from({ length: count }, (_, i) => fromRecord(claim, from + i, 5, null, Buffer.from('x'), [])), next };
}

/** A reader that gives what the test puts in, and keeps what was committed. */
class FakeReader implements Reader {
  hooks!: ReaderHooks;
  readonly commits: Record<string, number>[] = [];
  commitAnswer: () => Promise<boolean> = async () => true;
  #chunks: Chunk[] = [];
  #wake = () => {};

  put(...chunks: Chunk[]): void {
    this.#chunks.push(...chunks);
    this.#wake();
  }

  async fetch(): Promise<readonly Chunk[]> {
    if (this.#chunks.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#chunks.splice(0);
  }

  async commit(positions: readonly Position[]): Promise<boolean> {
    this.commits.push(Object.fromEntries(positions.map(({ claim, next }) => [claim.lane, next])));
    return this.commitAnswer();
  }

  async close(): Promise<void> {}
}

async function sourceOn(reader: FakeReader, prefetch = 1000): Promise<KafkaSource> {
  const source = new KafkaSource(prefetch, 1_000_000, context('c').log);
  await source.start(async (hooks) => {
    reader.hooks = hooks;
    return reader;
  }, never);
  return source;
}

describe('the Kafka source', () => {
  test('commits what was acked and not what was only handed out', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const [a, b] = [claimOf(0), claimOf(1)];
    reader.put(chunk(a, 10, 2), chunk(b, 5, 2));
    const first = await source.read({ messages: 3, bytes: 1000_000 }, never);
    const second = await source.read(room, never);
    expect([first?.messages.length, second?.messages.length]).toEqual([3, 1]);
    first?.ack();
    await source.close();
    expect(reader.commits.at(-1)).toEqual({ 't/0': 12, 't/1': 6 });
  });

  test('never commits what is open, however long it is so', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const [open, done] = [claimOf(0), claimOf(1)];
    reader.put(chunk(open, 0, 2), chunk(done, 0, 1));
    const held = await source.read({ messages: 2, bytes: 1_000_000 }, never);
    expect(held?.messages.map(({ lane }) => lane)).toEqual(['t/0', 't/0']);
    (await source.read(room, never))?.ack();
    await until('what has ended is committed', () => reader.commits.length > 0);
    expect(reader.commits).toEqual([{ 't/1': 1 }]);
    await source.close();
  });

  test('commits nothing more of a partition that is lost, though it was acked before', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const [lost, kept] = [claimOf(0), claimOf(1)];
    reader.put(chunk(lost, 0, 2), chunk(kept, 0, 1));
    (await source.read({ messages: 2, bytes: 1_000_000 }, never))?.ack();
    lost.live = false;
    (await source.read(room, never))?.ack();
    await until('what is still ours is committed', () => reader.commits.length > 0);
    expect(reader.commits).toEqual([{ 't/1': 1 }]);
    await source.close();
  });

  test('commits past markers and gaps once nothing before them is open', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const claim = claimOf(0);
    reader.put(chunk(claim, 0, 2, 5), chunk(claim, 5, 0, 9));
    const batch = await source.read(room, never);
    batch?.ack();
    await source.close();
    expect(reader.commits.at(-1)).toEqual({ 't/0': 9 });
  });

  test('does not commit past markers while a message before them is open', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const claim = claimOf(0);
    reader.put(chunk(claim, 0, 2, 5), chunk(claim, 5, 0, 9));
    const batch = await source.read({ messages: 1, bytes: 1000 }, never);
    batch?.ack();
    await source.close();
    expect(reader.commits.at(-1)).toEqual({ 't/0': 1 });
  });

  test('an ack for a partition that was lost is void, and what waited of it is not handed out', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const [lost, kept] = [claimOf(0), claimOf(1)];
    reader.put(chunk(lost, 0, 2), chunk(kept, 0, 3));
    const first = await source.read({ messages: 1, bytes: 1000 }, never);
    reader.hooks.unsettled();
    lost.live = false;
    reader.hooks.settled();
    first?.ack();
    const second = await source.read(room, never);
    expect(second?.messages.map((message) => message.lane)).toEqual(['t/1', 't/1', 't/1']);
    second?.ack();
    await source.close();
    expect(reader.commits).toEqual([{ 't/1': 3 }]);
  });

  test('hands out nothing while the group shares out anew, and gives what can be committed', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const claim = claimOf(0);
    reader.put(chunk(claim, 0, 4));
    const first = await source.read({ messages: 2, bytes: 1000_000 }, never);
    first?.ack();
    expect(reader.hooks.unsettled()).toEqual([{ claim, next: 2 }]);
    let handedOut = false;
    const second = source.read(room, never).then((batch) => {
      handedOut = true;
      return batch;
    });
    await new Promise(setImmediate);
    expect(handedOut).toBe(false);
    reader.hooks.settled();
    expect((await second)?.messages.length).toBe(2);
    await source.close();
  });

  test('stops handing out while more than prefetch acked messages wait for their commit', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader, 4);
    const claim = claimOf(0);
    let answer = (_ok: boolean) => {};
    reader.commitAnswer = () => new Promise((resolve) => (answer = resolve));
    reader.put(chunk(claim, 0, 10));
    const first = await source.read({ messages: 4, bytes: 1000_000 }, never);
    first?.ack();
    let handedOut = false;
    const second = source.read(room, never).then((batch) => {
      handedOut = true;
      return batch;
    });
    await until('the commit is on its way', () => reader.commits.length > 0);
    await new Promise(setImmediate);
    expect(handedOut).toBe(false);
    answer(true);
    expect((await second)?.messages.length).toBe(6);
    reader.commitAnswer = async () => true;
    await source.close();
  });

  test('sends a commit again that the group refused in the middle of sharing out', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const answers = [false, true];
    reader.commitAnswer = async () => answers.shift() ?? true;
    reader.put(chunk(claimOf(0), 0, 3));
    (await source.read(room, never))?.ack();
    await until('it was sent again', () => reader.commits.length === 2);
    expect(reader.commits).toEqual([{ 't/0': 3 }, { 't/0': 3 }]);
    await source.close();
  });

  test('gives null on abort, and the link error once the link is lost', async () => {
    const reader = new FakeReader();
    const source = await sourceOn(reader);
    const stop = new AbortController();
    const waiting = source.read(room, stop.signal);
    stop.abort();
    expect(await waiting).toBeNull();
    reader.fetch = async () => {
      throw notConnected('cut');
    };
    reader.put(chunk(claimOf(0), 0, 0));
    await expect(source.read(room, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await source.close();
  });
});

describe('commits', () => {
  test.each([
    ['never answered', () => new Promise<boolean>(() => {})],
    ['failing', () => Promise.reject(notConnected('no coordinator'))],
    ['refused', () => Promise.resolve(false)],
  ])('that are %s end the link, and do not hold it up for ever', async (_, send) => {
    const commits = new Commits({ prefetch: 1, log: context('c').log, patienceMs: 20, send, onCommitted: () => {} });
    const claim = claimOf(0);
    commits.fetched({ claim, next: 2, count: 2 });
    commits.ack([{ claim, next: 1, count: 1 }]);
    const waiting = (async () => {
      while (commits.full) await commits.makeRoom();
    })();
    await expect(waiting).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await commits.close();
  });
});

describe('the config of a Kafka source', () => {
  test('topics and pattern exclude each other, and one is needed', async () => {
    const { kafkaSource } = await import('../../../connectors/kafka/source.ts');
    const both = { ...sourceConfig(['x:1'], 'platformatic', 't'), pattern: 'a.*' };
    expect(() => kafkaSource(both, context('c'))).toThrow(/`topics` and `pattern` exclude each other/);
    expect(() => kafkaSource({ ...both, topics: undefined, pattern: '(' }, context('c'))).toThrow(/not a regular expression/);
  });
});
