/** Each protocol without a broker: a message to the bytes that its sink sends, and what its source makes of these bytes. */

import { carries as kafkaCarries } from '../../connectors/kafka/carries.ts';
import { readChunk } from '../../connectors/kafka/drivers/fetched.ts';
import { toHeaders, toTimestamp } from '../../connectors/kafka/message.ts';
import { encodeBatch, readBatches } from '../../connectors/kafka/records.ts';
import { carries as mqttCarries } from '../../connectors/mqtt/carries.ts';
import { decodePublish } from '../../connectors/mqtt/decode.ts';
import { encodePublishes } from '../../connectors/mqtt/encode.ts';
import { fromPublish, toPublish } from '../../connectors/mqtt/message.ts';
import { ByteWriter } from '../../connectors/rabbitmq/bytes.ts';
import { carries as amqpCarries } from '../../connectors/rabbitmq/carries.ts';
import { toMessage as fromDelivery, writeProperties } from '../../connectors/rabbitmq/message.ts';
import { sinkCarries, sourceCarries } from '../../connectors/stomp/carries.ts';
import { FrameReader } from '../../connectors/stomp/frame-reader.ts';
import type { Frame } from '../../connectors/stomp/frames.ts';
import { toMessage as fromFrame } from '../../connectors/stomp/message.ts';
import { type BrokerName, profileNamed } from '../../connectors/stomp/profiles.ts';
import { SendHeads } from '../../connectors/stomp/send.ts';
import { type Carries, type Message, MqferryError } from '../../src/connector.ts';

export interface Wire {
  readonly name: string;
  readonly sink: Carries;
  readonly source: Carries;
  /** The bytes of the message. Throws the error for which the sink refuses it. */
  write(message: Message): Buffer;
  read(bytes: Buffer): Message;
}

const rabbitmq: Wire = {
  name: 'rabbitmq',
  sink: amqpCarries,
  source: amqpCarries,
  write(message) {
    const writer = new ByteWriter(70_000);
    writeProperties(writer, message, Date.now());
    return framed(writer.buffer.subarray(0, writer.at), message.body ?? Buffer.alloc(0));
  },
  read(bytes) {
    const [properties, content] = unframed(bytes);
    const fields = { deliveryTag: 1, redelivered: false, exchange: '', routingKey: 'q' };
    return fromDelivery({ fields, properties, content }, 'q', Date.now());
  },
};

const kafka: Wire = {
  name: 'kafka',
  sink: kafkaCarries('platformatic'),
  source: kafkaCarries('platformatic'),
  write(message) {
    const { key, body: value } = message;
    const record = { topic: 't', partition: 0, key, value, headers: toHeaders(message), timestamp: toTimestamp(message.timestamp) };
    return encodeBatch([record], 'none', { id: 1n, epoch: 0 }, 0, Date.now());
  },
  read: (bytes) => readChunk({ topic: 't', partition: 0, lane: 't/0', live: true }, 0, readBatches(bytes, 0), null).messages[0] as Message,
};

function mqtt(version: 5 | '3.1.1'): Wire {
  return {
    name: `mqtt ${version}`,
    sink: mqttCarries(version),
    source: mqttCarries(version),
    write: (message) => encodePublishes([{ ...toPublish(message, { topic: 't', qos: 1, retain: false, version }), messageId: 1 }]),
    read(bytes) {
      let at = 1;
      while ((bytes[at++] as number) > 127);
      return fromPublish(decodePublish((bytes[0] as number) & 15, bytes.subarray(at), version), 'session');
    },
  };
}

/** The broker hands on what it was sent; what it adds is left out. */
function stomp(broker: BrokerName | undefined): Wire {
  const profile = profileNamed(broker);
  const heads = new SendHeads(profile);
  return {
    name: broker === undefined ? 'stomp' : `stomp (${broker})`,
    sink: sinkCarries(broker),
    source: sourceCarries(broker, 1e6),
    write(message) {
      const head = heads.head(message, 'destination:/queue/q\n', '1', Date.now());
      if (head instanceof MqferryError) throw head;
      return Buffer.concat([Buffer.from(`${head}\n`), message.body ?? Buffer.alloc(0), Buffer.from([0])]);
    },
    read(bytes) {
      const frames: Frame[] = [];
      new FrameReader({ headerBytes: 1e6, headers: 1000, bodyBytes: 1e6 }, (frame) => frames.push(frame)).feed(bytes);
      const frame = frames[0] as Frame;
      // ActiveMQ obeys the group and leaves it out of the MESSAGE (6.3.1).
      const headers = broker === 'activemq' ? frame.headers.filter(([name]) => name !== 'JMSXGroupID') : frame.headers;
      return fromFrame({ ...frame, headers }, profile, 'q', Date.now());
    },
  };
}

function framed(properties: Buffer, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(properties.length);
  return Buffer.concat([length, properties, body]);
}

function unframed(bytes: Buffer): [Buffer, Buffer] {
  const end = 4 + bytes.readUInt32BE(0);
  return [bytes.subarray(4, end), bytes.subarray(end)];
}

export const wires = {
  rabbitmq,
  kafka,
  mqtt: mqtt(5),
  stomp: stomp('activemq'),
  mqtt311: mqtt('3.1.1'),
  artemis: stomp('artemis'),
  rabbitmqStomp: stomp('rabbitmq'),
  anyStomp: stomp(undefined),
} as const;
