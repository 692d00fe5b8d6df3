import type { Duplex } from 'node:stream';
import { type IClientOptions, type IConnackPacket, type IDisconnectPacket, type MqttClient, connect as mqttConnect } from 'mqtt';
import { describeError, MqferryError, notConnected } from '../../src/connector.ts';
import { addressesOf, clientOptions } from './address.ts';
import { maxPacketBytes } from './carries.ts';
import type { ConnectionConfig } from './config.ts';
import { connectError, disconnectText } from './reasons.ts';
import type { Taker, Tap } from './tap.ts';
import { tapped } from './wire.ts';

/** What an end asks of its connection. */
export interface Session {
  readonly clientId: string;
  /** Forget what the broker holds for this client id. */
  readonly clean: boolean;
  /** MQTT 5 only. */
  readonly expirySeconds: number;
  /** How many unacknowledged messages the broker may send. MQTT 5 only, and not every broker obeys. */
  readonly receiveMaximum?: number;
}

/** Who lives on a link. What the broker sends before `open` has resolved comes after it. */
export interface Tenant extends Taker {
  /** Called once, when the link is gone, for whatever reason. */
  lost(error: MqferryError): void;
}

/**
 * Connects to the first address that answers. `moveIn` is called before the first byte is sent: who installs a handler later loses what
 * the broker sends at once. Throws NOT_CONNECTED, AUTH, FORBIDDEN ...
 */
export async function connect<T extends Tenant>(
  config: ConnectionConfig,
  session: Session,
  moveIn: (link: Link) => T,
  signal: AbortSignal,
): Promise<T> {
  const errors: unknown[] = [];
  for (const address of addressesOf(config)) {
    const link = new Link(config, address, session);
    const tenant = moveIn(link);
    try {
      await link.open(tenant, config.connectTimeout, signal);
      return tenant;
    } catch (error) {
      errors.push(error);
    }
  }
  // A broker that answers with a reason says more than one that is not there.
  throw errors.find((error) => !(error instanceof MqferryError && error.code === 'NOT_CONNECTED')) ?? errors.at(-1);
}

const closeTimeoutMs = 2_000;

/**
 * One connection of mqtt.js, which neither reconnects nor sends anything again.
 *
 * - *opening*: until the broker accepts it (live), refuses it or the time is up (dead)
 * - *live*: until close() (closing), or an error, the broker's DISCONNECT or the end of the stream (dead)
 * - *closing*: DISCONNECT is sent; until the stream has ended or the time is up (dead)
 * - *dead*: for good; its tenant knows
 */
export class Link {
  readonly client: MqttClient;
  /** For texts: host and port, no credentials. */
  readonly address: string;
  readonly #clientId: string;
  #tenant: Tenant | undefined;
  #tap: Tap | undefined;
  #connack: IConnackPacket | undefined;
  #limits = limitsOf(undefined);
  #reason: MqferryError | undefined;
  #closing = false;
  readonly #ended = Promise.withResolvers<MqferryError>();

  constructor(config: ConnectionConfig, address: URL, session: Session) {
    this.address = `${address.protocol}//${address.host}`;
    this.#clientId = session.clientId;
    this.client = mqttConnect(clientOptions(config, address, sessionOptions(config, session)));
    this.client.on('error', (error) => this.lose(connectError(this.address, error, this.#connack !== undefined)));
    this.client.on('disconnect', (packet) => this.#disconnected(packet));
    this.client.once('close', () => this.#end());
  }

  /** Resolves when the broker has accepted the connection. */
  async open(tenant: Tenant, timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.#tenant = tenant;
    tapped(this.client, tenant, (tap) => {
      this.#tap = tap;
      tap.on('error', (error) => {
        if (error instanceof RangeError) this.#reason ??= notConnected(`${this.address} sent what cannot be taken: ${error.message}`);
      });
    });
    const connected = new Promise<IConnackPacket>((resolve) => this.client.once('connect', resolve));
    this.#start();
    this.#connack = await this.within(timeoutMs, signal, connected);
    this.#limits = limitsOf(this.#connack);
    const socket = this.#tap?.socket;
    // mqtt.js leaves Nagle's algorithm on. A WebSocket has no such switch: ws sets it itself.
    if (socket && 'setNoDelay' in socket) (socket as Duplex & { setNoDelay(on: boolean): void }).setNoDelay(true);
    this.proceed();
  }

  /** Goes on with what the tenant has held back, or what came before this link was open. */
  proceed(): void {
    this.#tap?.proceed();
  }

  /**
   * Writes whole packets as they are, beside the client and its store: nothing is ever sent twice behind our back. Dropped when the link is
   * not up.
   */
  write(packets: Buffer): void {
    if (this.client.connected) this.#tap?.socket.write(packets);
  }

  /** More than this would only pile up in memory; see {@link onDrain}. */
  get isFull(): boolean {
    return this.#tap?.socket.writableNeedDrain ?? true;
  }

  /** Called when there is room again. */
  onDrain(heard: () => void): void {
    this.#tap?.socket.on('drain', heard);
  }

  /** What `answer` brings. The link is cut when it does not come in time or is no longer wanted; throws why the link is gone. */
  async within<T>(timeoutMs: number, signal: AbortSignal, answer: Promise<T>): Promise<T> {
    const cut = () =>
      this.lose(notConnected(signal.aborted ? `stopped while connecting to ${this.address}` : `${this.address} does not answer`));
    const timer = setTimeout(cut, timeoutMs);
    signal.addEventListener('abort', cut);
    if (signal.aborted) cut();
    try {
      return await Promise.race([answer, this.#ended.promise.then((reason) => Promise.reject(reason))]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cut);
    }
  }

  /** The broker still holds the session of an earlier connection. */
  get sessionPresent(): boolean {
    return this.#connack?.sessionPresent ?? false;
  }

  /** What the broker says it takes. */
  get limits(): Limits {
    return this.#limits;
  }

  /** Cuts the link now, with a reason. */
  lose(reason: MqferryError): void {
    this.#reason ??= reason;
    this.client.stream?.destroy();
  }

  /** Says goodbye, so that what was sent before is seen by the broker; has a time limit. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#reason ??= notConnected(`the link to ${this.address} was closed`);
      const timer = setTimeout(() => this.client.stream.destroy(), closeTimeoutMs);
      void this.#ended.promise.then(() => clearTimeout(timer));
      // Its own callback hangs when the peer does not answer, so the end of the stream is what we wait for.
      this.client.end(false);
    }
    await this.#ended.promise;
  }

  #start(): void {
    try {
      this.client.connect();
    } catch (error) {
      // No socket was made: the TLS settings are not usable.
      this.#reason = new MqferryError('CONFIG_INVALID', `cannot connect to ${this.address}: ${describeError(error)}`, { cause: error });
      this.#end();
    }
  }

  #disconnected(packet: IDisconnectPacket): void {
    this.lose(notConnected(`${this.address} ended the connection: ${disconnectText(packet.reasonCode, this.#clientId)}`));
  }

  #end(): void {
    this.#reason ??= notConnected(`lost the link to ${this.address}`);
    this.#ended.resolve(this.#reason);
    this.#tenant?.lost(this.#reason);
  }
}

export interface Limits {
  readonly receiveMaximum: number;
  readonly packetBytes: number;
  /** The broker has named the limit itself. */
  readonly packetBytesSaid: boolean;
  readonly qos: number;
  readonly retain: boolean;
  /** What the broker made of the session expiry that was asked for. */
  readonly sessionExpirySeconds: number | undefined;
}

function sessionOptions(config: ConnectionConfig, session: Session): IClientOptions {
  const { clientId, clean, expirySeconds, receiveMaximum } = session;
  if (config.version !== 5) return { clientId, clean };
  return {
    clientId,
    clean,
    properties: { sessionExpiryInterval: expirySeconds, ...(receiveMaximum && { receiveMaximum }) },
  };
}

/** What the broker said; the protocol's own limits where it said nothing. */
function limitsOf(connack: IConnackPacket | undefined): Limits {
  const said = connack?.properties ?? {};
  return {
    receiveMaximum: said.receiveMaximum ?? 65_535,
    packetBytes: said.maximumPacketSize ?? maxPacketBytes,
    packetBytesSaid: said.maximumPacketSize !== undefined,
    qos: said.maximumQoS ?? 2,
    retain: said.retainAvailable ?? true,
    sessionExpirySeconds: said.sessionExpiryInterval,
  };
}
