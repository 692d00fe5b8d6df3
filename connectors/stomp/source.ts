import {
  BadSetting,
  type Batch,
  type EndContext,
  Inbox,
  MqferryError,
  notConnected,
  type Room,
  type Source,
  type SourceCan,
  type SourceEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { sourceCarries } from './carries.ts';
import type { StompClient } from './client.ts';
import type { SourceConfig } from './config.ts';
import { addressesOf, type Connection, closeLimitMs, connect, logConnected } from './connection.ts';
import { type Frame, headerLine, headerOf } from './frames.ts';
import { toMessage } from './message.ts';
import { generalFlaw, type Profile, profileNamed } from './profiles.ts';

/** Reads one queue, or one topic. Throws CONFIG_INVALID for an address that cannot be. */
export function stompSource(config: SourceConfig, context: EndContext): SourceEnd {
  addressesOf(config.connection);
  refuse(config);
  const window = { messages: config.prefetch ?? context.window.messages, bytes: context.window.bytes };
  const clientId = config.durable ? (config.durable.clientId ?? context.clientId) : undefined;
  return {
    can: sourceCan(config),
    async open(signal) {
      const connection = await connect(config.connection, clientId, signal);
      try {
        const source = new StompSource(connection, config.destination, window);
        const lines = subscription(config, connection.profile, window, clientId ?? '');
        await source.subscribe(lines, config.connection.connectTimeout, signal);
        logConnected(connection, config.connection, context);
        return source;
      } catch (error) {
        connection.client.end(notConnected(`gave up on ${connection.client.address}`, error));
        throw error;
      }
    },
  };
}

/** What the broker that the config names does not have; of one that it does not name this shows when it is connected. */
function refuse({ destination, durable, selector, connection }: SourceConfig): void {
  const { name, hasSelectors } = profileNamed(connection.broker);
  const wrong = generalFlaw(destination); // what else a broker has for a SEND, such as wildcards, may be right here
  if (wrong) throw new BadSetting('destination', `cannot read ${JSON.stringify(destination)}: ${wrong}`);
  if (selector !== undefined && !hasSelectors)
    throw new BadSetting('selector', `${name} has no selectors: leave it out, and use a filter step`);
  if (durable && /^\/(?:amq\/)?queue\//.test(destination))
    throw new BadSetting('durable', 'a queue keeps its messages by itself: leave out `durable`');
}

function sourceCan(config: SourceConfig): SourceCan {
  const isTopic = /^\/(?:topic|exchange)\//.test(config.destination);
  const forgets = isTopic && !config.durable;
  const { broker } = config.connection;
  return {
    settles: 'each',
    redelivers: forgets ? 'never' : profileNamed(broker).redeliversInOrder ? 'inOrder' : 'anyOrder',
    stableIds: [],
    carries: sourceCarries(broker, config.connection.maxFrame),
    notes: [
      forgets
        ? 'A topic without `durable` keeps nothing while mqferry is away or a message is in flight: name a durable subscription.'
        : orderNotes[broker ?? 'unknown'],
      'RabbitMQ and Artemis give a copy another message-id than the first delivery had; ActiveMQ the same.',
      ...(broker === undefined || broker === 'rabbitmq'
        ? ['RabbitMQ leaves out AMQP headers that are not text (3.10); read such a queue by the rabbitmq connector.']
        : []),
      ...tlsNotes(config.connection.tls),
    ],
  };
}

const alone =
  'The order of the queue holds as long as nobody else reads it, not even a lost link of ours that the broker still believes in.';
const orderNotes: Readonly<Record<Profile['name'], string>> = {
  rabbitmq: alone,
  activemq: alone,
  artemis: 'Artemis may serve a new link before it has taken back what the lost one held: then all of it comes again, but not in order.',
  unknown:
    'Not every STOMP broker delivers again in order (Artemis does not): write `broker: activemq` or `broker: rabbitmq` in the connection, if it is one of them.',
};

/** The SUBSCRIBE frame. Throws CONFIG_INVALID when this broker has no such thing. */
function subscription(config: SourceConfig, profile: Profile, window: Room, clientId: string): string {
  const { destination, durable, selector } = config;
  const lines = [['id', '0'], ['ack', 'client-individual'], ['receipt', 'subscribed'], ...profile.destination(destination, 'SUBSCRIBE')];
  if (selector !== undefined && !profile.hasSelectors) throw new MqferryError('CONFIG_INVALID', `${profile.name} has no selectors`);
  if (selector !== undefined) lines.push(['selector', selector]);
  if (durable && !profile.durable) throw new MqferryError('CONFIG_INVALID', 'it is not known how this broker names durable subscriptions');
  if (durable) lines.push(...(profile.durable?.(durable.name, clientId) ?? []));
  lines.push(...profile.prefetch(window.messages, window.bytes));
  return `SUBSCRIBE\n${lines.map(([name, value]) => headerLine(name as string, value as string)).join('')}`;
}

interface Delivery {
  readonly frame: Frame;
  readonly ack: string;
  readonly bytes: number;
}

class StompSource implements Source {
  readonly #client: StompClient;
  readonly #profile: Profile;
  readonly #lane: string;
  readonly #window: Room;
  readonly #inbox = new Inbox<Delivery>((delivery) => delivery.bytes);
  /** Delivered and not acked. */
  readonly #unsettled = { messages: 0, bytes: 0 };
  #isPaused = false;
  #subscribed: () => void = () => {};

  constructor({ client, profile }: Connection, lane: string, window: Room) {
    this.#client = client;
    this.#profile = profile;
    this.#lane = lane;
    this.#window = window;
    client.onFrame = (frame) => this.#frame(frame);
    client.onEnd = (error) => this.#ended(error);
  }

  /** Resolves once the broker has taken the subscription. Messages may have come before. */
  async subscribe(lines: string, limitMs: number, signal: AbortSignal): Promise<void> {
    const { address } = this.#client;
    const giveUp = () => this.#client.end(notConnected(`${address} did not answer to SUBSCRIBE`));
    const timer = setTimeout(giveUp, limitMs);
    signal.addEventListener('abort', giveUp);
    await new Promise<void>((resolve) => {
      this.#subscribed = resolve;
      if (signal.aborted) giveUp();
      if (this.#client.ended) resolve();
      this.#client.write(lines);
    });
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    if (this.#client.ended) throw this.#client.ended;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    // While acks wait for a network that does not take them, nothing more is handed out: that bounds the copies after a cut.
    await this.#client.drained(signal);
    const deliveries = await this.#inbox.take(room, signal);
    if (!deliveries) return null;
    const now = Date.now();
    const messages = deliveries.map(({ frame }) => toMessage(frame, this.#profile, this.#lane, now));
    return { messages, ack: () => this.#ack(deliveries) };
  }

  async close(): Promise<void> {
    this.#inbox.end();
    this.#client.onFrame = () => {}; // what still comes is not acked: it comes again
    await this.#client.disconnect(closeLimitMs);
  }

  #ack(deliveries: readonly Delivery[]): void {
    for (const { ack, bytes } of deliveries) {
      this.#client.write(ack);
      this.#unsettled.messages--;
      this.#unsettled.bytes -= bytes;
    }
    if (this.#isPaused && !this.#isOver()) {
      this.#isPaused = false;
      this.#client.resume();
    }
  }

  #frame(frame: Frame): void {
    if (frame.command === 'RECEIPT') {
      this.#subscribed();
      return;
    }
    const ack = headerOf(frame, 'ack');
    if (ack === undefined || headerOf(frame, 'subscription') !== '0') {
      this.#client.end(notConnected(`${this.#client.address} sent a message that cannot be acked`));
      return;
    }
    const bytes = frame.body.length + frame.headers.length * 32;
    this.#unsettled.messages++;
    this.#unsettled.bytes += bytes;
    this.#inbox.push({ frame, ack: `ACK\n${headerLine('id', ack)}`, bytes });
    // Only a broker that sends more than was asked for, or large messages, gets here; TCP holds it back then.
    if (!this.#isPaused && this.#isOver()) {
      this.#isPaused = true;
      this.#client.pause();
    }
  }

  #isOver(): boolean {
    return this.#unsettled.messages > this.#window.messages || this.#unsettled.bytes > this.#window.bytes;
  }

  #ended(error: MqferryError): void {
    this.#inbox.end(error);
    this.#subscribed();
  }
}
