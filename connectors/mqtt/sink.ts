import {
  type EndContext,
  type Log,
  type Message,
  MqferryError,
  notConnected,
  type Refusal,
  type Sink,
  type SinkCan,
  type SinkEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { addressesOf } from './address.ts';
import { carries } from './carries.ts';
import type { SinkConfig } from './config.ts';
import { connect, type Limits, type Link, type Tenant } from './connection.ts';
import { decodePuback } from './decode.ts';
import { encodePublishes } from './encode.ts';
import type { Publish } from './message.ts';
import { type Publisher, publisher, refusalOf } from './publisher.ts';
import { noSubscriber, pubackRefusal, type Reason } from './reasons.ts';
import { Stall } from './stall.ts';

/** Throws CONFIG_INVALID for a topic or an address that cannot be. */
export function mqttSink(config: SinkConfig, context: EndContext): SinkEnd {
  addressesOf(config.connection);
  const publish = publisher(config);
  // A clean start with a fixed name: a dead connection of ours that the broker still believes in ends before this one begins.
  const session = { clientId: config.clientId ?? context.clientId, clean: true, expirySeconds: 0 };
  return {
    can: sinkCan(config),
    open: (signal) => connect(config.connection, session, (link) => new MqttSink(link, publish, config, context), signal),
  };
}

/** What is written at once, roughly. */
const pieceBytes = 64 * 1024;

/** One call of write(): ends when each of its messages has. */
interface Write {
  left: number;
  readonly refused: Refusal[];
  readonly done: PromiseWithResolvers<readonly Refusal[]>;
}

interface Parcel {
  readonly message: Message;
  readonly write: Write;
}

/**
 * One connection that publishes; see {@link Link} for its states. A message is *waiting* until the broker's window has room, then *in
 * flight* until its PUBACK. When the link is gone, all writes end with NOT_CONNECTED.
 */
class MqttSink implements Sink, Tenant {
  readonly #link: Link;
  readonly #publish: Publisher;
  readonly #requireSubscriber: SinkConfig['requireSubscriber'];
  readonly #window: number;
  readonly #log: Log;
  readonly #writes = new Set<Write>();
  #waiting: Parcel[] = [];
  #next = 0;
  readonly #inFlight = new Map<number, Parcel>();
  #lastId = 0;
  #isSending = false;
  readonly #stall: Stall;
  #over: MqferryError | undefined;
  #warned = false;

  constructor(link: Link, publish: Publisher, config: SinkConfig, context: EndContext) {
    this.#link = link;
    this.#publish = publish;
    this.#requireSubscriber = config.requireSubscriber;
    this.#window = context.window.messages;
    this.#log = context.log;
    this.#stall = new Stall(config.confirmTimeout, () =>
      link.lose(notConnected(`${link.address} has confirmed nothing for ${config.confirmTimeout / 1000} s`)),
    );
    link.client.once('connect', () => link.onDrain(() => this.#send()));
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#over) throw this.#over;
    if (messages.length === 0) return [];
    const write: Write = { left: messages.length, refused: [], done: Promise.withResolvers() };
    this.#writes.add(write);
    this.#stall.watch();
    for (const message of messages) this.#waiting.push({ message, write });
    this.#send();
    return write.done.promise;
  }

  lost(error: MqferryError): void {
    this.#over ??= error;
    this.#stall.rest();
    this.#waiting = [];
    this.#next = 0;
    this.#inFlight.clear();
    for (const write of this.#writes) write.done.reject(this.#over);
    this.#writes.clear();
  }

  async close(): Promise<void> {
    this.#over ??= notConnected(`the link to ${this.#link.address} was closed`);
    await this.#link.close();
  }

  /** Sends what the window has room for, in call order. */
  #send(): void {
    const { limits } = this.#link;
    // When the stream has enough, more would only pile up in memory; `drain` goes on.
    while (!this.#over && !this.#link.isFull) {
      const packets = this.#nextPackets(limits);
      if (packets.length === 0) break;
      this.#link.write(encodePublishes(packets));
    }
    this.#forgetSent();
  }

  /** The packets of the next piece that is written, within the window; from here on they are in flight. */
  #nextPackets(limits: Limits): Publish[] {
    const window = Math.min(this.#window, limits.receiveMaximum);
    const packets: Publish[] = [];
    let bytes = 0;
    while (this.#next < this.#waiting.length && this.#inFlight.size < window && bytes < pieceBytes) {
      const parcel = this.#waiting[this.#next++] as Parcel;
      const packet = this.#packet(parcel, limits);
      if (!packet) continue;
      packets.push(packet);
      bytes += packet.payload.length;
      if (packet.qos === 1) this.#inFlight.set((packet.messageId = this.#freeId()), parcel);
      else this.#end(parcel);
    }
    return packets;
  }

  #packet(parcel: Parcel, limits: Limits): Publish | undefined {
    try {
      return this.#publish(parcel.message, limits);
    } catch (error) {
      this.#end(parcel, { error: refusalOf(error), retry: false });
      return undefined;
    }
  }

  // The window is at most 65,535 wide, so while it has room there is a free one.
  #freeId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }

  #forgetSent(): void {
    if (this.#next < 1000 && this.#next < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  publish(): boolean {
    return true; // it subscribes to nothing
  }

  puback(body: Buffer): void {
    const { messageId, reasonCode } = decodePuback(body);
    const parcel = this.#inFlight.get(messageId);
    if (!parcel) return;
    this.#inFlight.delete(messageId);
    this.#end(parcel, reasonCode === 0 ? undefined : this.#answer(reasonCode));
    this.#sendSoon();
  }

  /** After what else was read with this: PUBACKs come many at a time, and so do publishes go. */
  #sendSoon(): void {
    if (this.#isSending || this.#next >= this.#waiting.length) return;
    this.#isSending = true;
    process.nextTick(() => {
      this.#isSending = false;
      this.#send();
    });
  }

  /** What a PUBACK with a reason code means: a refusal, or nothing. */
  #answer(code: number): Reason | undefined {
    if (code >= 128) return pubackRefusal(code);
    if (code !== noSubscriber || this.#requireSubscriber === 'ignore') return undefined;
    if (this.#requireSubscriber === 'fail') return { error: new MqferryError('UNROUTABLE', 'nobody subscribes to the topic'), retry: true };
    this.#warnOnce();
    return undefined;
  }

  #warnOnce(): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#log.warn(
      { code: 'UNROUTABLE' },
      `${this.#link.address} says that nobody subscribes to a topic that we publish to: it drops those messages`,
    );
  }

  #end({ message, write }: Parcel, reason?: Reason): void {
    this.#stall.progress();
    if (reason) write.refused.push({ message, ...reason });
    if (--write.left > 0) return;
    this.#writes.delete(write);
    if (this.#writes.size === 0) this.#stall.rest();
    write.done.resolve(write.refused);
  }
}

function sinkCan({ connection, qos }: SinkConfig): SinkCan {
  const v5 = connection.version === 5;
  return {
    // MQTT 5 goes on after a reason code. MQTT 3.1.1 can only hang up, but RabbitMQ 3.10 may take what is behind the message it hangs up on.
    keepsOrder: 'none',
    writes: 'many',
    maxWrite: { messages: 1000, bytes: 16 * 1024 * 1024 },
    confirms: qos === 1 ? 'received' : 'none',
    routed: false,
    carries: carries(connection.version),
    notes: [
      'The broker confirms what it has taken, also when nobody subscribes: the promise ends at the broker.',
      ...(v5
        ? []
        : [
            'MQTT 3.1.1 cannot say that it refuses a message: some brokers confirm what they drop (mosquitto: by ACL, message_size_limit). Use version: 5.',
          ]),
      ...(qos === 0 ? ['QoS 0 is not confirmed: use qos: 1.'] : []),
      ...tlsNotes(connection.tls),
    ],
  };
}
