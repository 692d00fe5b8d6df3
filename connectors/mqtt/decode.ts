/**
 * What a PUBLISH and a PUBACK say (MQTT 5, 3.3 and 3.4; MQTT 3.1.1 has the same without properties). Our own, as mqtt-packet 9 loses the order
 * of user properties and one that comes again after an empty value, and costs several times as much.
 */
import { type Headers, TextCache } from '../../src/connector.ts';

export interface Incoming {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 with QoS 0. */
  readonly messageId: number;
  /** A slice of what was read. */
  readonly payload: Buffer;
  readonly properties: IncomingProperties | undefined;
}

export interface IncomingProperties {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  /** In order, with repeats. */
  userProperties?: Headers;
}

const topics = new TextCache();
const names = new TextCache();

/** `body` is the packet without its fixed header, `flags` the low half of its first byte. Throws for what no broker may send. */
export function decodePublish(flags: number, body: Buffer, version: 5 | '3.1.1'): Incoming {
  const from = new Reader(body);
  const qos = (flags >> 1) & 3;
  if (qos > 1)
    throw new RangeError(
      `a message of QoS ${qos}, which was not asked for: the session of this client id is another client's; use another clientId`,
    );
  const topic = from.text(topics);
  const messageId = qos > 0 ? from.short() : 0;
  if (qos > 0 && messageId === 0) throw new RangeError('a PUBLISH without a packet id');
  const properties = version === 5 ? readProperties(from) : undefined;
  return { topic, qos, retain: (flags & 1) !== 0, dup: (flags & 8) !== 0, messageId, payload: from.rest(), properties };
}

/** The reason code is 0 where none is said. */
export function decodePuback(body: Buffer): { readonly messageId: number; readonly reasonCode: number } {
  const from = new Reader(body);
  return { messageId: from.short(), reasonCode: body.length > 2 ? from.byte() : 0 };
}

function readProperties(from: Reader): IncomingProperties | undefined {
  const length = from.length();
  if (length === 0) return undefined;
  const end = from.at + length;
  const properties: IncomingProperties = {};
  const headers: [string, string][] = [];
  while (from.at < end) readProperty(from, properties, headers);
  if (from.at !== end) throw new RangeError('the properties are not as long as they say');
  if (headers.length > 0) properties.userProperties = headers;
  return properties;
}

function readProperty(from: Reader, properties: IncomingProperties, headers: [string, string][]): void {
  const id = from.byte();
  if (id === 38) headers.push([from.text(names), from.text()]);
  else if (id === 1) properties.payloadFormatIndicator = from.byte() === 1;
  else if (id === 2) properties.messageExpiryInterval = from.long();
  else if (id === 3) properties.contentType = from.text(names);
  else if (id === 8) properties.responseTopic = from.text(names);
  else if (id === 9) properties.correlationData = from.bytes();
  else if (id === 11)
    from.length(); // subscription identifier: none of ours is asked for
  else throw new RangeError(`property ${id} in a PUBLISH`); // also a topic alias: none was allowed
}

class Reader {
  at = 0;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  byte(): number {
    return this.#buffer[this.#skip(1)] as number;
  }

  short(): number {
    return this.#buffer.readUInt16BE(this.#skip(2));
  }

  long(): number {
    return this.#buffer.readUInt32BE(this.#skip(4));
  }

  /** A number of one to four bytes, the lowest seven bits first [MQTT5 1.5.5]. */
  length(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError('a length of more than four bytes');
  }

  bytes(): Buffer {
    const length = this.short();
    const start = this.#skip(length);
    return this.#buffer.subarray(start, start + length);
  }

  text(cache?: TextCache): string {
    const length = this.short();
    const start = this.#skip(length);
    return cache ? cache.text(this.#buffer, start, start + length) : this.#buffer.toString('utf8', start, start + length);
  }

  rest(): Buffer {
    return this.#buffer.subarray(this.at);
  }

  #skip(count: number): number {
    const start = this.at;
    this.at += count;
    if (this.at > this.#buffer.length) throw new RangeError('a packet ends too early');
    return start;
  }
}
