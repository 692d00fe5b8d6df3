import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp, { type Channel, type ChannelModel, type Options } from 'amqplib';
import { MqferryError, notConnected } from '../../src/connector.ts';
import { parseUrl, socketOptions } from './address.ts';
import type { ConnectionSettings } from './config.ts';
import { channelFailure, connectFailure } from './failure.ts';
import { innards, keepPropertiesRaw } from './frames.ts';

const closeTimeoutMs = 2_000;

/** One live connection. Once lost, it is lost for good. */
export class Link {
  /** Without user and password. */
  readonly address: string;
  readonly model: ChannelModel;
  readonly socket: Socket;
  readonly frameMaxBytes: number;
  /** Why it was lost. */
  error: MqferryError | undefined;
  #onLost: ((error: MqferryError) => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(model: ChannelModel, address: string) {
    this.model = model;
    this.address = address;
    // In the tick in which the connection came to be: an 'error' that nobody hears ends the process.
    model.on('error', (error: Error) => this.lose(error));
    model.on('close', (error?: Error) => this.lose(error));
    const { socket, frameMaxBytes } = innards(model);
    this.socket = socket;
    this.frameMaxBytes = frameMaxBytes;
    keepPropertiesRaw(model);
  }

  /** Calls back once, at once when it is lost already. */
  onLost(callback: (error: MqferryError) => void): void {
    this.#onLost = callback;
    if (this.error) callback(this.error);
  }

  /** A channel that takes the link with it when it closes: half a link is where clients get stuck. */
  async channel(kind: 'plain' | 'confirm'): Promise<Channel> {
    const channel = await (kind === 'plain' ? this.model.createChannel() : this.model.createConfirmChannel());
    channel.on('error', (error: Error) => this.lose(error));
    channel.on('close', () => this.lose(undefined));
    return channel;
  }

  /** The link is of no more use, whatever the reason; the first one counts. */
  lose(cause: unknown): void {
    if (this.error) return;
    this.error = cause instanceof MqferryError ? cause : lost(this.address, cause);
    if (!this.#closing) this.#destroy();
    this.#onLost?.(this.error);
  }

  /** With an error, as amqplib 2.3.1 does not hear a socket's 'close' and would keep its heartbeat timers. */
  #destroy(): void {
    this.socket.destroy(this.error);
  }

  /** Closes channel and connection, politely while they live, within two seconds; then nothing is left of them. Safe to call twice. */
  close(channel?: Channel): Promise<void> {
    this.#closing ??= this.#close(channel);
    return this.#closing;
  }

  async #close(channel: Channel | undefined): Promise<void> {
    const timer = new AbortController();
    const polite = this.error ? Promise.resolve() : this.#goodbye(channel);
    // amqplib's close() never settles when the peer is dead.
    await Promise.race([polite, sleep(closeTimeoutMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    this.lose(notConnected(`the connection to ${this.address} has been closed`));
    this.#destroy();
  }

  async #goodbye(channel: Channel | undefined): Promise<void> {
    try {
      // The broker answers after it has done all that went before, such as acks.
      await channel?.close();
      await this.model.close();
    } catch (error) {
      this.lose(error);
    }
  }
}

function lost(address: string, cause: unknown): MqferryError {
  const text = cause instanceof Error ? `: ${cause.message}` : '';
  return notConnected(`the connection to ${address} is lost${text}`, cause);
}

/**
 * Connects and prepares. When the preparation fails, is aborted or takes too long, nothing is left behind. `doing` says what could not be
 * done, for the error.
 */
export async function open<T>(
  settings: ConnectionSettings,
  name: string,
  signal: AbortSignal,
  doing: (address: string) => string,
  prepare: (link: Link) => Promise<T>,
): Promise<T> {
  const link = await connect(settings, name, signal);
  const stop = () => link.lose(notConnected(`${doing(link.address)}: stopped, or no answer within ${settings.connectTimeout} ms`));
  const timer = setTimeout(stop, settings.connectTimeout);
  signal.addEventListener('abort', stop);
  try {
    return await prepare(link);
  } catch (error) {
    const lost = link.error;
    await link.close();
    const failure = channelFailure(error, doing(link.address));
    throw failure.code === 'NOT_CONNECTED' && lost ? lost : failure;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** Connects to the first address that answers. Throws what the last one said, or at once what another address would not change. */
export async function connect(settings: ConnectionSettings, name: string, signal: AbortSignal): Promise<Link> {
  let failure: MqferryError = notConnected('no address to connect to');
  for (const text of settings.url) {
    try {
      return await connectOne(parseUrl(text, settings), settings, name, signal);
    } catch (error) {
      if (!(error instanceof MqferryError) || error.code !== 'NOT_CONNECTED' || signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function connectOne(url: Options.Connect, settings: ConnectionSettings, name: string, signal: AbortSignal): Promise<Link> {
  const address = `${url.protocol}://${url.hostname?.includes(':') ? `[${url.hostname}]` : url.hostname}:${url.port}`;
  const vhost = decodeURIComponent(url.vhost ?? '/');
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  const timer = setTimeout(stop, settings.connectTimeout);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const options = {
      ...socketOptions(settings, url),
      clientProperties: { connection_name: name, product: 'mqferry' },
      signal: attempt.signal,
    };
    return new Link(await amqp.connect(url, options), address);
  } catch (error) {
    if (error instanceof MqferryError) throw error;
    if (signal.aborted) throw notConnected(`connecting to ${address} was stopped`, error);
    if (attempt.signal.aborted) throw notConnected(`cannot connect to ${address}: no answer within ${settings.connectTimeout} ms`, error);
    throw connectFailure(error, address, vhost);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
