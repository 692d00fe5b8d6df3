/**
 * A small STOMP 1.2 client: one object is one connection.
 *
 * States: *connecting* (CONNECT sent; a time limit leads out) → *open* (frames go both ways) → *ended* (by `end()`, an ERROR frame, a lost
 * socket, silence, or bytes that are no STOMP). Ended is for good: `ended` says why, `onEnd` was called once, nothing is read or written any more.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { describeError, isTlsFailure, MqferryError, notConnected, tlsHint } from '../../src/connector.ts';
import { type FrameLimits, FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { type Frame, headerOf } from './frames.ts';

export interface ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions | undefined;
  readonly vhost: string;
  readonly login?: string | undefined;
  readonly passcode?: string | undefined;
  readonly clientId?: string | undefined;
  /** How often each side shows that it lives; 0 = never. */
  readonly heartBeatMs: number;
  readonly connectTimeoutMs: number;
  readonly limits: FrameLimits;
}

/** Silence of this many heart-beat intervals ends the link; brokers and this process may be late. */
const silenceTolerance = 2.5;

export class StompClient {
  /** Without secrets: for logs and errors. */
  readonly address: string;
  /** What the broker says that it is, e.g. `RabbitMQ/3.10.8`. */
  server = '';
  /** Why the connection ended; undefined while it lives. */
  ended: MqferryError | undefined;
  /** MESSAGE and RECEIPT frames. */
  onFrame: (frame: Frame) => void = () => {};
  onEnd: (error: MqferryError) => void = () => {};
  readonly #options: ClientOptions;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #reader: FrameReader;
  readonly #timers: NodeJS.Timeout[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #connected: ((frame: Frame) => void) | undefined;
  #isOpen = false;
  #silentTicks = 0;
  #wroteSinceBeat = false;

  private constructor(options: ClientOptions) {
    this.#options = options;
    const { host, port, tls } = options;
    this.address = `${tls ? 'stomps' : 'stomp'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#reader = new FrameReader(options.limits, (frame) => this.#frame(frame));
    const socket = tls ? secureSocket({ ...tls, host, port }, this.address) : connectTcp({ host, port });
    this.#socket = socket;
    this.#writer = new FrameWriter((chunk) => socket.write(chunk));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('error', (error) => this.end(this.#isOpen ? notConnected(`lost ${this.address}`, error) : connectError(this.address, error)));
    socket.on('close', () => this.end(notConnected(`${this.address} closed the connection`)));
    socket.on('data', (chunk) => this.#data(chunk));
    socket.once(tls ? 'secureConnect' : 'connect', () => this.#sendConnect());
  }

  /** Resolves once the broker has said CONNECTED. Throws AUTH, NOT_CONNECTED, CONFIG_INVALID. */
  static async connect(options: ClientOptions, signal: AbortSignal): Promise<StompClient> {
    for (const text of [options.vhost, options.login, options.passcode, options.clientId]) {
      // CONNECT knows no escapes, so these would begin another header or end the frame.
      if (text && /[\r\n\0]/.test(text))
        throw new MqferryError('CONFIG_INVALID', 'a STOMP login, vhost or client id holds a line break or NUL');
    }
    const client = new StompClient(options);
    const abort = () => client.end(notConnected(`stopped connecting to ${client.address}`));
    const timeout = setTimeout(() => client.end(notConnected(`cannot connect to ${client.address}: no answer`)), options.connectTimeoutMs);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      const frame = await new Promise<Frame>((resolve, reject) => {
        client.#connected = resolve;
        client.onEnd = reject;
        if (client.ended) reject(client.ended);
      });
      client.#open(frame);
    } finally {
      clearTimeout(timeout);
      signal.removeEventListener('abort', abort);
      client.onEnd = () => {};
    }
    if (client.ended) throw client.ended;
    return client;
  }

  /** Sends a frame, after those sent before and not later than the end of this turn of the event loop. Nothing happens once ended. */
  write(head: string, body: Buffer | null = null): void {
    if (this.ended) return;
    this.#writer.put(head, body);
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  /** Resolves when the network has taken what was written, but for the socket's own buffer; at once when ended or aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!this.ended && !signal.aborted && this.#socket.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#socket.off('drain', done).off('close', done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#socket.on('drain', done).on('close', done);
        signal.addEventListener('abort', done);
      });
    }
  }

  /** Stops reading from the network, so that the broker has to hold back. Silence does not count meanwhile. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until the broker has worked off all that was sent (a receipt for DISCONNECT), at most so long, then ends the connection. */
  async disconnect(limitMs: number): Promise<void> {
    if (this.ended) return;
    const said = new Promise<void>((resolve) => {
      const { onFrame, onEnd } = this;
      this.onFrame = (frame) => (headerOf(frame, 'receipt-id') === 'bye' ? resolve() : onFrame(frame));
      this.onEnd = (error) => {
        onEnd(error);
        resolve();
      };
    });
    this.resume();
    this.write('DISCONNECT\nreceipt:bye\n');
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    await Promise.race([said, limit]);
    clearTimeout(timer);
    this.end(notConnected(`disconnected from ${this.address}`));
  }

  /** Ends it now; the first reason stays. */
  end(error: MqferryError): void {
    if (this.ended) return;
    this.ended = error;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#flushing) clearImmediate(this.#flushing);
    this.#socket.destroy();
    this.onEnd(error);
  }

  #sendConnect(): void {
    const { vhost, login, passcode, clientId, heartBeatMs } = this.#options;
    const lines = ['CONNECT', 'accept-version:1.2', `host:${vhost}`, `heart-beat:${heartBeatMs},${heartBeatMs}`];
    if (login !== undefined) lines.push(`login:${login}`);
    if (passcode !== undefined) lines.push(`passcode:${passcode}`);
    if (clientId !== undefined) lines.push(`client-id:${clientId}`);
    this.write(`${lines.join('\n')}\n`);
  }

  #open(frame: Frame): void {
    this.#isOpen = true;
    const version = headerOf(frame, 'version');
    // 1.0 has no escapes, so a header value could begin another frame; 1.1 cannot carry CR and acks by another header.
    if (version !== '1.2') this.end(new MqferryError('REFUSED', `${this.address} speaks STOMP ${version ?? '1.0'}; mqferry needs 1.2`));
    this.server = headerOf(frame, 'server') ?? '';
    const [theirs = 0, wanted = 0] = (headerOf(frame, 'heart-beat') ?? '0,0').split(',').map((text) => Number.parseInt(text, 10) || 0);
    const { heartBeatMs } = this.#options;
    if (heartBeatMs > 0 && wanted > 0 && !this.ended) this.#beat(Math.max(heartBeatMs, wanted));
    if (heartBeatMs > 0 && theirs > 0 && !this.ended) this.#listen(Math.max(heartBeatMs, theirs));
  }

  #beat(intervalMs: number): void {
    const beat = () => {
      if (!this.#wroteSinceBeat) this.#socket.write('\n');
      this.#wroteSinceBeat = false;
    };
    this.#timers.push(setInterval(beat, Math.min(intervalMs * 0.45, 2 ** 30)).unref());
  }

  #listen(intervalMs: number): void {
    const ticks = 5;
    const listen = () => {
      if (this.#socket.isPaused()) this.#silentTicks = 0;
      else if (++this.#silentTicks > ticks)
        this.end(notConnected(`${this.address} has been silent for ${intervalMs * silenceTolerance} ms`));
    };
    this.#timers.push(setInterval(listen, Math.min((intervalMs * silenceTolerance) / ticks, 2 ** 30)).unref());
  }

  #flush(): void {
    this.#flushing = undefined;
    if (this.ended) return;
    this.#wroteSinceBeat = true;
    this.#writer.flush();
  }

  #data(chunk: Buffer): void {
    this.#silentTicks = 0;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      const known = error instanceof MqferryError ? error : new MqferryError('INTERNAL', 'reading a frame failed', { cause: error });
      this.end(notConnected(`the stream from ${this.address} cannot be read on`, known));
    }
  }

  #frame(frame: Frame): void {
    if (this.ended) return;
    const { command } = frame;
    if (command === 'MESSAGE' || command === 'RECEIPT') this.#connected ? this.#unexpected(command) : this.onFrame(frame);
    else if (command === 'ERROR') this.end(brokerError(frame, this.address, this.#connected !== undefined));
    else if (command === 'CONNECTED' && this.#connected) {
      this.#connected(frame);
      this.#connected = undefined;
    } else this.#unexpected(command);
  }

  #unexpected(command: string): void {
    this.end(notConnected(`${this.address} does not speak STOMP as it should: unexpected ${JSON.stringify(command.slice(0, 20))}`));
  }
}

/** Throws CONFIG_INVALID when the TLS settings cannot be used at all, without the cause, which may hold a key. */
function secureSocket(options: ConnectionOptions, address: string): Socket {
  try {
    return connectTls(options);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'not PEM';
    throw new MqferryError(
      'CONFIG_INVALID',
      `cannot connect to ${address}: a certificate or key in the tls settings cannot be read (${reason})`,
    );
  }
}

/** Of a socket that was lost before the broker had said CONNECTED. A broker that dislikes our certificate says so only after the handshake. */
function connectError(address: string, error: Error): MqferryError {
  const text = `cannot connect to ${address}: ${describeError(error)}`;
  return isTlsFailure(error) ? new MqferryError('AUTH', `${text} (${tlsHint})`, { cause: error }) : notConnected(text, error);
}

/** The broker's own words, short: the `message` header and the first line of the body, which may go on with a stack trace. */
function brokerError(frame: Frame, address: string, isConnecting: boolean): MqferryError {
  const body = frame.body.toString('utf8', 0, 300).split('\n', 1)[0] ?? '';
  const text = [headerOf(frame, 'message') ?? '', body].map((part) => part.trim().slice(0, 300)).filter((part) => part !== '');
  const said = [...new Set(text)].join(': ').replace(/[\x00-\x1f\x7f]/g, ' ');
  return new MqferryError(errorCode(said, isConnecting), `${address} answered with an error: ${said || 'no reason given'}`);
}

// RabbitMQ: "Bad CONNECT: Access refused for user 'x'", "access_refused"; ActiveMQ: "User name [x] or password is invalid.", "User x is not
// authorized to write to ..."; Artemis: "AMQ229031: Unable to validate user", "AMQ229032: User: x does not have permission='SEND'".
function errorCode(said: string, isConnecting: boolean): 'AUTH' | 'FORBIDDEN' | 'NOT_CONNECTED' {
  const isDenied = /access[ _]refused|not authorized|permission|not_allowed|security|password|credential|validate user|authenticat/i.test(
    said,
  );
  if (!isDenied) return 'NOT_CONNECTED';
  return isConnecting ? 'AUTH' : 'FORBIDDEN';
}
