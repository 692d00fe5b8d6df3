import { describe, expect, test } from 'vitest';
import { batchEnd, PartitionQueue, PendingWrite, type QueuedRecord } from '../../../connectors/kafka/partitionQueue.ts';
import type { OutRecord } from '../../../connectors/kafka/port.ts';
import { Message, MqferryError, notConnected } from '../../../src/connector.ts';

const limits = { messages: 10, bytes: 1000 };

function record(write: PendingWrite, name: string, more: Partial<QueuedRecord> = {}): QueuedRecord {
  const value = Buffer.from(name);
  return {
    topic: 't',
    partition: 0,
    key: null,
    value,
    headers: [],
    timestamp: 0,
    message: new Message({ body: value }),
    write,
    bytes: 10,
    ...more,
  };
}

function fill(queue: PartitionQueue, names: readonly string[]): PendingWrite {
  const write = new PendingWrite(names.length);
  for (const name of names) queue.push(record(write, name));
  queue.kick();
  return write;
}

const namesOf = (records: readonly OutRecord[]) => records.map(({ value }) => String(value));

describe('the queue of a partition', () => {
  test('has one send in flight, in order', async () => {
    const sent: string[][] = [];
    let flying = 0;
    const queue = new PartitionQueue(
      { messages: 2, bytes: 1000 },
      async (records) => {
        expect(++flying).toBe(1);
        sent.push(namesOf(records));
        await Promise.resolve();
        flying--;
      },
      (error) => expect(error).toBeUndefined(),
    );
    const writes = [fill(queue, ['a', 'b', 'c']), fill(queue, ['d'])];
    await Promise.all(writes.map((write) => write.done));
    expect(sent).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('sends what is pushed the moment the write before is confirmed', async () => {
    const sent: string[][] = [];
    const queue = new PartitionQueue(
      limits,
      async (records) => void sent.push(namesOf(records)),
      (error) => expect(error).toBeUndefined(),
    );
    for (let i = 0; i < 20; i++) {
      const write = fill(queue, [`${i}`]);
      // As many steps later as i, so that every gap between confirming and resting is met.
      await write.done;
      for (let step = 0; step < i; step++) await Promise.resolve();
    }
    expect(sent.map(([name]) => name)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });

  test('refuses the record that the broker will not have, and delivers its neighbours in order', async () => {
    const stored: string[] = [];
    const send = async (records: readonly OutRecord[]) => {
      if (namesOf(records).includes('bad')) throw new MqferryError('TOO_LARGE', 'too large');
      stored.push(...namesOf(records));
    };
    const queue = new PartitionQueue(limits, send, (error) => expect(error).toBeUndefined());
    const refusals = await fill(queue, ['a', 'b', 'bad', 'c', 'd']).done;
    expect(stored).toEqual(['a', 'b', 'c', 'd']);
    expect(refusals.map(({ message, retry }) => [String(message.body), retry])).toEqual([['bad', false]]);
  });

  test('knows since when it sends, also the second half of a batch that was halved', async () => {
    let sends = 0;
    const queue = new PartitionQueue(
      limits,
      () => (++sends === 1 ? Promise.reject(new MqferryError('TOO_LARGE', 'no')) : sends === 2 ? Promise.resolve() : new Promise(() => {})),
      (error) => expect(error).toBeUndefined(),
    );
    fill(queue, ['a', 'b']);
    await new Promise(setImmediate);
    expect(sends).toBe(3);
    expect(queue.sendingSince).toBeGreaterThan(0);
  });

  test('sends nothing more after a send whose outcome is unknown', async () => {
    const sent: string[][] = [];
    const lost: unknown[] = [];
    const queue: PartitionQueue = new PartitionQueue(
      { messages: 1, bytes: 1000 },
      async (records) => {
        sent.push(namesOf(records));
        throw notConnected('gone');
      },
      (error) => {
        lost.push(error);
        queue.stop();
      },
    );
    fill(queue, ['a', 'b']);
    await new Promise(setImmediate);
    fill(queue, ['c']);
    await new Promise(setImmediate);
    expect(sent).toEqual([['a']]);
    expect(lost).toHaveLength(1);
  });

  test('cuts a batch at the limit of bytes, and sends a larger record alone', () => {
    const sizes = [600, 600, 5000, 10].map((bytes) => ({ bytes }));
    expect(batchEnd(sizes, 0, limits)).toBe(1);
    expect(batchEnd(sizes, 2, limits)).toBe(3);
  });
});
