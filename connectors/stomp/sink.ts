import {
  BadSetting,
  type EndContext,
  type Message,
  MqferryError,
  notConnected,
  type Refusal,
  type Sink,
  type SinkCan,
  type SinkEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { sinkCarries } from './carries.ts';
import type { StompClient } from './client.ts';
import type { SinkConfig } from './config.ts';
import { addressesOf, type Connection, closeLimitMs, connect, logConnected } from './connection.ts';
import { type Frame, headerLine, headerOf } from './frames.ts';
import { type Profile, profileNamed } from './profiles.ts';
import { SendHeads } from './send.ts';

/** Sends to one destination, or to the one that each message's template gives. Throws CONFIG_INVALID for an address that cannot be. */
export function stompSink(config: SinkConfig, context: EndContext): SinkEnd {
  addressesOf(config.connection);
  const { constant } = config.destination;
  const refuse = ({ flaw }: Profile): void => {
    const wrong = constant === undefined ? undefined : flaw(constant, true);
    if (wrong) throw new BadSetting('destination', `cannot send to ${JSON.stringify(constant)}: ${wrong}`);
  };
  refuse(profileNamed(config.connection.broker));
  return {
    can: sinkCan(config),
    async open(signal) {
      const connection = await connect(config.connection, undefined, signal);
      try {
        refuse(connection.profile);
      } catch (error) {
        connection.client.end(notConnected('closed'));
        throw error;
      }
      logConnected(connection, config.connection, context);
      return new StompSink(connection, config);
    },
  };
}

function sinkCan({ destination, connection }: SinkConfig): SinkCan {
  const { broker } = connection;
  const isQueue = /^\/queue\//.test(destination.constant ?? '');
  return {
    // Seen on RabbitMQ 3.10, ActiveMQ 6.3 and Artemis 2.56: after a frame that they answer with ERROR they may take the ones behind it.
    keepsOrder: 'none',
    writes: 'many',
    maxWrite: { messages: 1000, bytes: 4 * 1024 * 1024 },
    confirms: isQueue ? 'stored' : 'received',
    routed: isQueue,
    carries: sinkCarries(broker),
    notes: [
      ...(isQueue ? [] : ['A receipt does not say that a queue took the message: a topic or exchange without a subscriber forgets it.']),
      ...(isQueue && (broker === undefined || broker === 'rabbitmq')
        ? ['RabbitMQ confirms, and forgets, messages to a queue that is deleted while the link is up.']
        : []),
      ...tlsNotes(connection.tls),
    ],
  };
}

/** One call of `write`. */
interface Write {
  waiting: number;
  readonly refusals: Refusal[];
  resolve(refusals: readonly Refusal[]): void;
  reject(error: MqferryError): void;
}

/** How often within the time limit it is looked whether receipts come. */
const looks = 4;

class StompSink implements Sink {
  readonly #client: StompClient;
  readonly #profile: Connection['profile'];
  readonly #config: SinkConfig;
  readonly #heads: SendHeads;
  /** Receipts that have not come. */
  readonly #receipts = new Map<string, Write>();
  readonly #timer: NodeJS.Timeout;
  /** The lines of destinations that were found sound. */
  readonly #destinations = new Map<string, string>();
  #last = 0;
  #quietLooks = 0;

  constructor({ client, profile }: Connection, config: SinkConfig) {
    this.#client = client;
    this.#profile = profile;
    this.#config = config;
    this.#heads = new SendHeads(profile);
    client.onFrame = (frame) => this.#receipt(frame);
    client.onEnd = (error) => this.#ended(error);
    this.#timer = setInterval(() => this.#look(), config.confirmTimeout / looks).unref();
    if (client.ended) this.#ended(client.ended);
  }

  // Everything is packed in this turn, so that messages go out in call order; the route's window bounds what waits for the network.
  write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    return new Promise((resolve, reject) => {
      if (this.#client.ended) return reject(this.#lost(this.#client.ended));
      const write: Write = { waiting: 0, refusals: [], resolve, reject };
      const now = Date.now();
      for (const message of messages) {
        const receipt = String(++this.#last);
        const head = this.#head(message, receipt, now);
        if (head instanceof MqferryError) {
          write.refusals.push({ message, error: head, retry: false });
          continue;
        }
        if (this.#receipts.size === 0) this.#quietLooks = 0;
        this.#receipts.set(receipt, write);
        write.waiting++;
        this.#client.write(head, message.body);
      }
      if (write.waiting === 0) resolve(write.refusals);
    });
  }

  async close(): Promise<void> {
    await this.#client.disconnect(closeLimitMs);
  }

  #head(message: Message, receipt: string, now: number): string | MqferryError {
    const destination = this.#destination(this.#config.destination(message));
    return destination instanceof MqferryError ? destination : this.#heads.head(message, destination, receipt, now);
  }

  #destination(written: string): string | MqferryError {
    const known = this.#destinations.get(written);
    if (known !== undefined) return known;
    const flaw = this.#profile.flaw(written, this.#config.destination.constant !== undefined);
    if (flaw) return new MqferryError('UNMAPPABLE', `cannot send to ${JSON.stringify(written.slice(0, 200))}: ${flaw}`);
    const lines = this.#profile.destination(written, 'SEND').map(([name, value]) => headerLine(name, value));
    if (this.#destinations.size >= 1000) this.#destinations.clear();
    this.#destinations.set(written, lines.join(''));
    return lines.join('');
  }

  #receipt(frame: Frame): void {
    const id = headerOf(frame, 'receipt-id') ?? '';
    const write = this.#receipts.get(id);
    if (!write) return;
    this.#receipts.delete(id);
    this.#quietLooks = 0;
    if (--write.waiting === 0) write.resolve(write.refusals);
  }

  #look(): void {
    if (this.#receipts.size === 0 || ++this.#quietLooks <= looks) return;
    this.#client.end(notConnected(`${this.#client.address} sent no receipt for ${this.#config.confirmTimeout} ms`));
  }

  #ended(error: MqferryError): void {
    clearInterval(this.#timer);
    const writes = new Set(this.#receipts.values());
    this.#receipts.clear();
    for (const write of writes) write.reject(this.#lost(error));
  }

  /** With a template a forbidden destination is the fault of one message, not of the login: it must count as a lost link. */
  #lost(error: MqferryError): MqferryError {
    const isOfLogin = error.code === 'FORBIDDEN' && this.#config.destination.constant !== undefined;
    return error.code === 'NOT_CONNECTED' || isOfLogin ? error : notConnected(error.message, error);
  }
}
