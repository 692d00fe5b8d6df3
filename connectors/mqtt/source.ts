import {
  BadSetting,
  type Batch,
  type EndContext,
  Inbox,
  type Message,
  type MqferryError,
  type Room,
  type Source,
  type SourceCan,
  type SourceEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { Acks } from './acks.ts';
import { addressesOf } from './address.ts';
import { carries } from './carries.ts';
import type { SourceConfig } from './config.ts';
import { connect, type Link, type Tenant } from './connection.ts';
import { decodePublish } from './decode.ts';
import { Hold } from './hold.ts';
import { fromPublish } from './message.ts';
import { subscribe } from './subscribe.ts';
import { filterProblem, isShared } from './topic.ts';

/** Throws CONFIG_INVALID for a filter or an address that cannot be. */
export function mqttSource(config: SourceConfig, context: EndContext): SourceEnd {
  addressesOf(config.connection);
  if (config.topics.length === 0) throw new BadSetting('topics', 'at least one filter is needed');
  for (const filter of config.topics) {
    const problem = filterProblem(filter);
    if (problem) throw new BadSetting('topics', `the filter ${JSON.stringify(filter)} ${problem}`);
  }
  const known: Known = { session: false, subscribed: false };
  return { can: sourceCan(config), open: (signal) => open(config, context, known, signal) };
}

/** What outlives a connection: since this end was made, the broker has had a session of it, and has granted its filters. */
interface Known {
  session: boolean;
  subscribed: boolean;
}

async function open(config: SourceConfig, context: EndContext, known: Known, signal: AbortSignal): Promise<Source> {
  const { connection, qos } = config;
  const clientId = config.clientId ?? context.clientId;
  const window = { messages: Math.min(context.window.messages, 65_535), bytes: context.window.bytes };
  const session = {
    clientId,
    clean: qos === 0,
    expirySeconds: qos === 0 ? 0 : Math.min(0xffff_ffff, Math.ceil(config.sessionExpiry / 1000)),
    receiveMaximum: window.messages,
  };
  // MQTT 5 brokers do not even send what is to be skipped; there the flag also marks live messages that were published with it.
  const skipRetained = config.retained === 'skip' && connection.version !== 5;
  const source = await connect(
    connection,
    session,
    (link) => new MqttSource(link, clientId, window, connection.version, skipRetained),
    signal,
  );
  try {
    lookAtSession(source.link, session, known, context);
    known.session = qos === 1;
    // Without retain handling (3.1.1) every SUBSCRIBE brings all retained messages again, so it is sent no more often than needed: once
    // for each start, as the filters may have changed since, and when the session is new.
    const subscribed = known.subscribed && source.link.sessionPresent;
    if (connection.version === 5 || !subscribed) await source.subscribe(config, known, signal);
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

function lookAtSession(link: Link, asked: { clientId: string; expirySeconds: number }, known: Known, { log }: EndContext): void {
  const { clientId } = asked;
  if (known.session && !link.sessionPresent)
    log.warn(
      { code: 'SESSION_LOST', clientId },
      `${link.address} has lost the session: messages that it held for us, and those published meanwhile, are missing`,
    );
  const granted = link.limits.sessionExpirySeconds;
  if (granted !== undefined && granted < asked.expirySeconds)
    log.warn(
      { clientId, asked: asked.expirySeconds, granted },
      `${link.address} keeps the session for a shorter time than sessionExpiry says`,
    );
}

/** One connection that reads. See {@link Link} for its states; what is not acked when it dies comes again on the next. */
class MqttSource implements Source, Tenant {
  readonly link: Link;
  readonly #lane: string;
  readonly #version: 5 | '3.1.1';
  readonly #skipRetained: boolean;
  readonly #inbox = new Inbox<Message>((message) => message.bytes);
  readonly #acks: Acks;
  readonly #hold: Hold;
  #over = false;

  constructor(link: Link, lane: string, window: Room, version: 5 | '3.1.1', skipRetained: boolean) {
    this.link = link;
    this.#version = version;
    this.#lane = lane;
    this.#skipRetained = skipRetained;
    this.#acks = new Acks(link, window);
    this.#hold = new Hold(link.client);
  }

  /**
   * Resolves when the broker has granted what is asked, or as soon as the window is full: the answer stands behind messages that nobody
   * takes before the source is open. A refusal that comes later ends the link.
   */
  async subscribe(config: SourceConfig, known: Known, signal: AbortSignal): Promise<void> {
    known.subscribed = false;
    const granted = this.#subscribed(config, known);
    await this.link.within(config.connection.connectTimeout, signal, Promise.race([granted, this.#hold.first]));
  }

  async #subscribed(config: SourceConfig, known: Known): Promise<void> {
    try {
      await subscribe(this.link, config);
      known.subscribed = true;
    } catch (error) {
      this.link.lose(error as MqferryError);
      throw error;
    }
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const messages = await this.#inbox.take(room, signal);
    return messages && { messages, ack: () => this.#settle(messages.length) };
  }

  lost(error: MqferryError): void {
    this.#inbox.end(error);
    this.#stop();
  }

  async close(): Promise<void> {
    this.#stop(); // the end of the stream would wait for a reader too
    await this.link.close();
  }

  publish(flags: number, body: Buffer): boolean {
    if (this.#over) return true; // it stays with the broker
    const packet = decodePublish(flags, body, this.#version);
    const message = fromPublish(packet, this.#lane);
    const skip = this.#skipRetained && packet.retain;
    this.#acks.owe(packet.messageId, message.bytes, skip);
    if (!skip) this.#inbox.push(message);
    if (this.#acks.full) this.#hold.hold(() => this.link.proceed());
    return !this.#hold.held;
  }

  puback(): void {
    // it publishes nothing
  }

  #settle(count: number): void {
    if (this.#over) return;
    this.#acks.settle(count);
    if (this.#hold.held && !this.#acks.full) this.#hold.release();
  }

  #stop(): void {
    this.#over = true;
    this.#hold.stop();
  }
}

function sourceCan({ connection, qos, topics, sessionExpiry }: SourceConfig): SourceCan {
  const keeps = qos === 1 && (connection.version !== 5 || sessionExpiry > 0);
  return {
    settles: 'inOrder',
    redelivers: keeps ? (topics.some(isShared) ? 'anyOrder' : 'inOrder') : 'never',
    stableIds: [],
    carries: carries(connection.version),
    notes: [
      'A message published with QoS 0 may be lost before it reaches mqferry, whatever the subscription asks for: publish with QoS 1.',
      'Messages count from the first start on: the session, which holds them while mqferry is away, is made then.',
      'A broker with a limit on queued messages drops the rest without a word (mosquitto: set max_queued_messages 0).',
      ...(keeps
        ? []
        : ['The broker keeps no session, so what is unsettled when the link is lost does not come again: use qos: 1 and a sessionExpiry.']),
      ...tlsNotes(connection.tls),
    ],
  };
}
