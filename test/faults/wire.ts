/** Enough of each protocol to know where its frames begin and end on the wire, and which of them settle messages. No code of mqferry's is used. */

export type Wire = 'rabbitmq' | 'kafka' | 'mqtt' | 'stomp';

/** A frame that has ended: its name, and where it stands in the bytes of its direction, counted from the first of the link. */
export interface WireFrame {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The frame by which a client settles what it has read, and that by which a broker confirms what it was sent. */
export const settles: Readonly<Record<Wire, { readonly ack: string; readonly confirm: string }>> = {
  rabbitmq: { ack: 'basic.ack', confirm: 'basic.ack' },
  kafka: { ack: 'OffsetCommit', confirm: 'Produce' },
  mqtt: { ack: 'PUBACK', confirm: 'PUBACK' },
  stomp: { ack: 'ACK', confirm: 'RECEIPT' },
};

/** What stands at the beginning of some bytes: a frame of so many, or too little to say. */
type Measure = (bytes: Buffer, direction: 'toClient' | 'toServer') => { readonly name: string; readonly bytes: number } | undefined;

/** Finds the frames of one link, whatever pieces its bytes come in. */
export class WireReader {
  readonly #measure: Measure;
  readonly #rest = { toClient: Buffer.alloc(0), toServer: Buffer.alloc(0) };
  readonly #at = { toClient: 0, toServer: 0 };

  constructor(wire: Wire) {
    this.#measure = { rabbitmq: amqp, mqtt, stomp, kafka: kafka() }[wire];
  }

  /** The frames that end with these bytes. */
  feed(direction: 'toClient' | 'toServer', chunk: Buffer): WireFrame[] {
    const frames: WireFrame[] = [];
    let rest = Buffer.concat([this.#rest[direction], chunk]);
    for (;;) {
      const found = this.#measure(rest, direction);
      if (!found || found.bytes > rest.length) break;
      const start = this.#at[direction];
      this.#at[direction] += found.bytes;
      frames.push({ name: found.name, start, end: this.#at[direction] });
      rest = rest.subarray(found.bytes);
    }
    this.#rest[direction] = Buffer.from(rest);
    return frames;
  }
}

const amqpMethods: Readonly<Record<string, string>> = {
  '60.40': 'basic.publish',
  '60.60': 'basic.deliver',
  '60.80': 'basic.ack',
  '60.120': 'basic.nack',
};

/** AMQP 0-9-1, 2.3: a header of eight bytes from the client, then frames. */
function amqp(bytes: Buffer): ReturnType<Measure> {
  if (bytes.length >= 8 && bytes.toString('latin1', 0, 4) === 'AMQP') return { name: 'header', bytes: 8 };
  if (bytes.length < 11) return undefined;
  const method = `${bytes.readUInt16BE(7)}.${bytes.readUInt16BE(9)}`;
  return { name: (bytes[0] === 1 && amqpMethods[method]) || 'other', bytes: 7 + bytes.readUInt32BE(3) + 1 };
}

const mqttTypes: Readonly<Record<number, string>> = { 3: 'PUBLISH', 4: 'PUBACK' };

/** MQTT 5, 2.1: the type, then the length of what follows in one to four bytes. */
function mqtt(bytes: Buffer): ReturnType<Measure> {
  let length = 0;
  for (let i = 1; i <= 4 && i < bytes.length; i++) {
    const byte = bytes[i] as number;
    length += (byte & 127) * 128 ** (i - 1);
    if (byte < 128) return { name: mqttTypes[(bytes[0] as number) >> 4] ?? 'other', bytes: 1 + i + length };
  }
  return undefined;
}

/** STOMP 1.2: beats between frames; a command, headers, an empty line, a body with or without a length, NUL. */
function stomp(bytes: Buffer): ReturnType<Measure> {
  if (bytes[0] === 10 || bytes[0] === 13) return { name: 'beat', bytes: 1 };
  const end = bytes.indexOf('\n\n') >= 0 ? bytes.indexOf('\n\n') + 2 : bytes.indexOf('\r\n\r\n') + 4;
  if (end < 4) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const length = /\ncontent-length:(\d+)/.exec(head)?.[1];
  const body = length === undefined ? bytes.indexOf(0, end) - end : Number(length);
  return body < 0 ? undefined : { name: head.slice(0, head.search(/[\r\n]/)), bytes: end + body + 1 };
}

const kafkaKeys: Readonly<Record<number, string>> = { 0: 'Produce', 1: 'Fetch', 8: 'OffsetCommit' };

/** Kafka: a length, then what it is of; an answer has only the number of its request. */
function kafka(): Measure {
  const asked = new Map<number, string>();
  return (bytes, direction) => {
    if (bytes.length < 12) return undefined;
    const size = 4 + bytes.readInt32BE(0);
    if (direction === 'toClient') return { name: asked.get(bytes.readInt32BE(4)) ?? 'other', bytes: size };
    const name = kafkaKeys[bytes.readInt16BE(4)] ?? 'other';
    asked.set(bytes.readInt32BE(8), name);
    return { name, bytes: size };
  };
}
