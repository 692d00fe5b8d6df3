import { expect, test } from 'vitest';
import type { Writer } from '../../../connectors/kafka/port.ts';
import { KafkaSink } from '../../../connectors/kafka/sink.ts';
import { Message, MqferryError, type Template } from '../../../src/connector.ts';
import { sinkConfig } from './setup.ts';

test('a topic that a message names is never one of Kafka itself, nor what is no name', async () => {
  const asked: string[] = [];
  const writer: Writer = {
    partitions: async (name) => asked.push(name),
    send: async () => {},
    close: async () => {},
  };
  const topic = ((message: Message) => String(message.header('z'))) as unknown as Template;
  const sink = new KafkaSink(writer, { ...sinkConfig(['b:1'], 'platformatic', 't'), topic });
  const names = ['__consumer_offsets', '__transaction_state', '../x', 'a/b', '', '.', '..', 'a b', 'x'.repeat(250), 'é'];
  for (const name of names) {
    const message = new Message({ body: null, headers: [['z', name]] });
    expect(await sink.write([message]), name).toMatchObject([{ message, error: { code: 'REFUSED' }, retry: false }]);
  }
  expect(asked).toEqual([]);
  await sink.close();
});

test('a template that throws costs its message, not the link', async () => {
  const sent: unknown[] = [];
  const writer: Writer = {
    partitions: async () => 1,
    send: async (records) => void sent.push(...records.map(({ value }) => String(value))),
    close: async () => {},
  };
  const topic = ((message: Message) => {
    if (message.header('z') === undefined) throw new MqferryError('STEP_FAILED', 'there is no header "z"');
    return `t-${message.header('z')}`;
  }) as unknown as Template;
  const sink = new KafkaSink(writer, { ...sinkConfig(['b:1'], 'platformatic', 't'), topic });
  const [good, bad] = [new Message({ body: Buffer.from('good'), headers: [['z', '1']] }), new Message({ body: Buffer.from('bad') })];
  expect(await sink.write([bad, good])).toMatchObject([{ message: bad, error: { code: 'STEP_FAILED' }, retry: false }]);
  expect(sent).toEqual(['good']);
  const began = performance.now();
  await sink.close();
  expect(performance.now() - began, 'nothing is waited for').toBeLessThan(2000);
});
