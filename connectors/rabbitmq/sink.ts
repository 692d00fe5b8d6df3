import type { Channel } from 'amqplib';
import {
  BadSetting,
  describeError,
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
import { checkSettings } from './address.ts';
import { carries } from './carries.ts';
import type { SinkConfig } from './config.ts';
import { Confirms, type Unconfirmed } from './confirms.ts';
import { type Link, open } from './connection.ts';
import { channelNumber } from './frames.ts';
import type { Delivery } from './message.ts';
import { PublishEncoder, type PublishTarget } from './publish.ts';

function sinkCan({ connection }: SinkConfig): SinkCan {
  return {
    keepsOrder: 'none', // a nack or a return concerns one message; the next is taken
    writes: 'many',
    maxWrite: { messages: 1_000, bytes: 4_194_304 },
    confirms: 'stored',
    routed: true,
    carries,
    notes: tlsNotes(connection.tls),
  };
}

/** Publishes to an exchange, or to a queue through the default exchange. */
export class RabbitmqSinkEnd implements SinkEnd {
  readonly can: SinkCan;
  readonly #config: SinkConfig;
  readonly #context: EndContext;
  readonly #target: PublishTarget;

  constructor(config: SinkConfig, context: EndContext) {
    checkSettings(config.connection);
    this.can = sinkCan(config);
    this.#config = config;
    this.#context = context;
    this.#target = targetOf(config);
  }

  open(signal: AbortSignal): Promise<Sink> {
    const { connection, confirmTimeout } = this.#config;
    const doing = (address: string) => `cannot publish to ${describeTarget(this.#target)} of ${address}`;
    return open(connection, this.#context.clientId, signal, doing, async (link) => {
      const channel = await link.channel('confirm');
      await checkTarget(channel, this.#target);
      return new RabbitmqSink(link, channel, this.#target, confirmTimeout, this.#context);
    });
  }
}

/** Throws CONFIG_INVALID unless it is either a queue, or an exchange. */
export function targetOf({ exchange, routingKey, queue }: SinkConfig): PublishTarget {
  if (queue !== undefined && exchange === undefined && routingKey === undefined) return { exchange: '', routingKey: queue };
  if (queue === undefined && exchange !== undefined && exchange !== '') {
    return { exchange, routingKey: routingKey ?? Object.assign(() => '', { constant: '' }) };
  }
  if (queue !== undefined)
    throw new BadSetting(
      'queue',
      '`queue` stands alone: it is the default exchange with this routing key; keep it, or `exchange` and `routingKey`',
    );
  if (exchange === '') throw new BadSetting('exchange', 'the default exchange has no name: write `queue: …` instead of its routing key');
  throw new MqferryError('CONFIG_INVALID', 'a rabbitmq sink needs `queue`, or `exchange` and `routingKey`');
}

/** Throws what the broker says when the exchange or the queue is not there. A queue whose name differs per message shows when it is used. */
export async function checkTarget(channel: Channel, { exchange, routingKey }: PublishTarget): Promise<void> {
  if (exchange !== '') await channel.checkExchange(exchange);
  else if (routingKey.constant !== undefined) await channel.checkQueue(routingKey.constant);
}

export function describeTarget({ exchange, routingKey }: PublishTarget): string {
  if (exchange !== '') return `exchange ${exchange}`;
  return routingKey.constant === undefined ? 'queues' : `queue ${routingKey.constant}`;
}

/** One confirm channel. What it wrote and saw no confirm for when the link was lost has an unknown outcome. */
class RabbitmqSink implements Sink {
  readonly #link: Link;
  readonly #channel: Channel;
  readonly #target: PublishTarget;
  readonly #encoder: PublishEncoder;
  readonly #confirms = new Confirms();
  readonly #watch: NodeJS.Timeout;
  #blocked = false;
  /** When a confirm came last, or the first unconfirmed publish went out; performance.now(). */
  #progressAt = 0;

  constructor(link: Link, channel: Channel, target: PublishTarget, confirmTimeoutMs: number, { log }: EndContext) {
    this.#link = link;
    this.#channel = channel;
    this.#target = target;
    this.#encoder = new PublishEncoder(target, channelNumber(channel), link.frameMaxBytes);
    // amqplib's own books of confirms know nothing of what we publish, and would grow.
    channel.removeAllListeners('ack').removeAllListeners('nack');
    channel.on('ack', (confirm) => this.#settle(confirm, false));
    channel.on('nack', (confirm) => this.#settle(confirm, true));
    channel.on('return', (message) => this.#returned(message as unknown as Return));
    link.model.on('blocked', (reason) => {
      this.#blocked = true;
      log.warn({ address: link.address, reason }, 'the broker has blocked publishers and is waited for');
    });
    link.model.on('unblocked', () => {
      this.#blocked = false;
      log.info({ address: link.address }, 'the broker takes messages again');
    });
    this.#watch = setInterval(() => this.#checkProgress(confirmTimeoutMs), Math.min(1_000, confirmTimeoutMs / 4)).unref();
    link.onLost((error) => this.#lost(error));
  }

  write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#link.error) return Promise.reject(this.#link.error);
    if (this.#confirms.count === 0) this.#progressAt = performance.now();
    const nowMs = Date.now();
    const { write, promise } = this.#confirms.begin(nowMs);
    for (const message of messages) {
      try {
        const routingKey = this.#encoder.add(message, nowMs);
        this.#confirms.published(message, routingKey, write);
      } catch (error) {
        write.refusals.push({ message, error: unmappable(error), retry: false });
      }
    }
    this.#send();
    this.#confirms.seal(write);
    return promise;
  }

  async close(): Promise<void> {
    await this.#link.close(this.#channel);
    clearInterval(this.#watch);
  }

  /** What the socket does not take at once waits in it: the engine's window is the limit, as nothing more comes without a confirm. */
  #send(): void {
    const { socket } = this.#link;
    const chunks = this.#encoder.take();
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
  }

  #settle({ deliveryTag, multiple }: { deliveryTag: number; multiple: boolean }, nacked: boolean): void {
    this.#progressAt = performance.now();
    this.#confirms.settle(deliveryTag, multiple, nacked);
  }

  /**
   * A return comes before its message's confirm, in the order of publishing, with the bytes that were published (RabbitMQ 3.10.8: also
   * when interleaved with routed ones). It says no number, so the message is found by its bytes.
   */
  #returned({ fields, properties, content }: Return): void {
    const error = new MqferryError(
      'UNROUTABLE',
      `no queue takes messages for ${describeTarget(this.#target)} with routing key ${JSON.stringify(fields.routingKey)} (${fields.replyText})`,
    );
    const likely = (entry: Unconfirmed) => entry.routingKey === fields.routingKey && content.equals(entry.message.body ?? noBody);
    const same = (entry: Unconfirmed) => likely(entry) && this.#encoder.properties(entry.message, entry.write.nowMs).equals(properties);
    if (this.#confirms.returned(error, same)) return;
    // A broker that changes properties on their way: whichever it is, the engine writes all of them again, the oldest alone.
    if (this.#confirms.count === 1 && this.#confirms.returned(error, likely)) return;
    this.#link.lose(notConnected(`${this.#link.address} returned a message that is not one of those it was sent`));
  }

  #checkProgress(confirmTimeoutMs: number): void {
    if (this.#confirms.count === 0 || this.#blocked) this.#progressAt = performance.now();
    if (performance.now() - this.#progressAt <= confirmTimeoutMs) return;
    this.#link.lose(notConnected(`${this.#link.address} has confirmed nothing for ${confirmTimeoutMs} ms`));
  }

  #lost(error: MqferryError): void {
    clearInterval(this.#watch);
    // 403: the user may not write here. With one routing key for all, no message is to blame.
    const forbidden = (error.cause as { code?: unknown } | undefined)?.code === 403 && this.#target.routingKey.constant !== undefined;
    this.#confirms.fail(forbidden ? new MqferryError('FORBIDDEN', error.message, { cause: error.cause }) : error);
  }
}

/** Whatever its mapping or its template threw, it is this message that cannot be sent. */
function unmappable(error: unknown): MqferryError {
  if (error instanceof MqferryError) return error;
  return new MqferryError('UNMAPPABLE', `cannot put the message into AMQP: ${describeError(error)}`, { cause: error });
}

interface Return {
  readonly fields: Delivery['fields'] & { readonly replyText: string };
  readonly properties: Buffer;
  readonly content: Buffer;
}

const noBody = Buffer.alloc(0);
