/**
 * PUBLISH and PUBACK as bytes (MQTT 5, 3.3 and 3.4; MQTT 3.1.1 has the same without properties). Many packets in one piece of memory and one
 * write: mqtt-packet 9 writes a packet in a dozen small pieces, which costs four times as much.
 */
import { type Header, writeUtf8 } from '../../src/connector.ts';
import { lengthBytes, type Publish, type PublishProperties } from './message.ts';

const publishType = 0x30;
const pubackType = 0x40;
const propertyId = { expiry: 2, contentType: 3, responseTopic: 8, correlationData: 9, user: 38 } as const;

/** PUBACKs that say success: without reason code and properties, which is how both versions say it [MQTT5 3.4.2.1]. */
export function encodePubacks(messageIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(messageIds.length * 4);
  let at = 0;
  for (const messageId of messageIds) {
    bytes[at++] = pubackType;
    bytes[at++] = 2;
    bytes[at++] = messageId >>> 8;
    bytes[at++] = messageId & 255;
  }
  return bytes;
}

/** The packets one after the other. `messageId` must be set where the QoS is 1; properties make it a packet of MQTT 5. */
export function encodePublishes(packets: readonly Publish[]): Buffer {
  let size = 0;
  for (const packet of packets) size += sizeMax(packet);
  const out = new PacketWriter(size);
  for (const packet of packets) out.publish(packet);
  return out.bytes();
}

/** At least the bytes that it takes: a character has at most three of UTF-8. */
function sizeMax({ topic, payload, properties }: Publish): number {
  return 16 + 3 * topic.length + payload.length + (properties ? propertiesMax(properties) : 0);
}

function propertiesMax({ contentType, responseTopic, correlationData, userProperties }: PublishProperties): number {
  let size = 20 + 3 * ((contentType?.length ?? 0) + (responseTopic?.length ?? 0)) + (correlationData?.length ?? 0);
  if (userProperties !== undefined)
    for (let i = 0; i < userProperties.length; i++) {
      const header = userProperties[i] as Header;
      size += 5 + 3 * (header[0].length + (header[1] as string).length);
    }
  return size;
}

class PacketWriter {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  publish(packet: Publish): void {
    const { topic, payload, properties, qos, retain, messageId } = packet;
    this.#byte(publishType | (qos << 1) | (retain ? 1 : 0));
    const start = this.#open(sizeMax(packet));
    this.#text(topic);
    if (qos > 0) this.#short(messageId);
    if (properties) this.#properties(properties);
    this.#raw(payload);
    this.#close(start);
  }

  #properties(properties: PublishProperties): void {
    const { messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } = properties;
    const start = this.#open(propertiesMax(properties));
    if (messageExpiryInterval !== undefined) {
      this.#byte(propertyId.expiry);
      this.#at = this.#buffer.writeUInt32BE(messageExpiryInterval, this.#at);
    }
    if (contentType !== undefined) this.#property(propertyId.contentType, contentType);
    if (responseTopic !== undefined) this.#property(propertyId.responseTopic, responseTopic);
    if (correlationData !== undefined) {
      this.#byte(propertyId.correlationData);
      this.#short(correlationData.length);
      this.#raw(correlationData);
    }
    if (userProperties !== undefined)
      for (let i = 0; i < userProperties.length; i++) {
        const header = userProperties[i] as Header;
        this.#property(propertyId.user, header[0]);
        this.#text(header[1] as string);
      }
    this.#close(start);
  }

  #property(id: number, value: string): void {
    this.#byte(id);
    this.#text(value);
  }

  #text(value: string): void {
    const length = writeUtf8(this.#buffer, this.#at + 2, value);
    this.#short(length);
    this.#at += length;
  }

  #raw(value: Uint8Array): void {
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  #short(value: number): void {
    this.#byte(value >>> 8);
    this.#byte(value & 255);
  }

  #byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  /** Keeps room for a length, as many bytes as that of `max` has; returns what `close` asks for. */
  #open(max: number): { readonly start: number; readonly kept: number } {
    const open = { start: this.#at, kept: lengthBytes(max) };
    this.#at += open.kept;
    return open;
  }

  #close({ start, kept }: { readonly start: number; readonly kept: number }): void {
    const from = start + kept;
    const length = this.#at - from;
    const needed = lengthBytes(length);
    // It must have no byte more than it needs [MQTT-1.5.5-1]. Seldom less than was kept: then what follows is moved.
    if (needed !== kept) this.#buffer.copyWithin(start + needed, from, this.#at);
    let rest = length;
    for (let i = 0; i < needed; i++) {
      this.#buffer[start + i] = (rest & 127) | (i + 1 < needed ? 128 : 0);
      rest >>>= 7;
    }
    this.#at = start + needed + length;
  }
}
