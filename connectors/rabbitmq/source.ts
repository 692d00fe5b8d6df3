import type { Channel } from 'amqplib';
import {
  type Batch,
  type EndContext,
  Inbox,
  type Message,
  notConnected,
  type Room,
  type Source,
  type SourceCan,
  type SourceEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { checkSettings } from './address.ts';
import { carries } from './carries.ts';
import type { SourceConfig } from './config.ts';
import { type Link, open } from './connection.ts';
import { type Delivery, toMessage } from './message.ts';

/** Reads a queue. */
export class RabbitmqSourceEnd implements SourceEnd {
  readonly can: SourceCan;
  readonly #config: SourceConfig;
  readonly #context: EndContext;

  constructor(config: SourceConfig, context: EndContext) {
    checkSettings(config.connection);
    this.#config = config;
    this.#context = context;
    this.can = sourceCan(config);
  }

  open(signal: AbortSignal): Promise<Source> {
    const { connection, queue, exclusive } = this.#config;
    const doing = (address: string) => `cannot read queue ${queue} of ${address}`;
    return open(connection, this.#context.clientId, signal, doing, async (link) => {
      const channel = await link.channel('plain');
      await prepareQueue(channel, this.#config);
      const source = new RabbitmqSource(link, channel, queue, this.#prefetch());
      await source.consume(exclusive);
      return source;
    });
  }

  #prefetch(): number {
    return Math.min(65_535, this.#config.prefetch ?? this.#context.window.messages);
  }
}

function sourceCan(config: SourceConfig): SourceCan {
  const mortal = config.declare?.exclusive || config.declare?.autoDelete;
  const notes: string[] = [];
  if (mortal) notes.push(`queue ${config.queue} is deleted with its messages when the link is lost; leave out exclusive and autoDelete`);
  else if (config.declare?.durable === false) notes.push(`queue ${config.queue} does not survive a restart of its broker; make it durable`);
  if (!config.exclusive)
    notes.push(
      'the order of the queue holds as long as nobody else reads it, and a lost link of ours is a reader until the broker has noticed; exclusive: true sees to both',
    );
  notes.push(...tlsNotes(config.connection.tls));
  return { settles: 'each', redelivers: mortal ? 'never' : 'inOrder', stableIds: [], carries, notes };
}

/** Looks whether the queue is there; declares it only if the config says so. */
async function prepareQueue(channel: Channel, { queue, declare }: SourceConfig): Promise<void> {
  if (!declare) {
    await channel.checkQueue(queue);
    return;
  }
  const { durable, type, autoDelete, exclusive, bindings } = declare;
  // A quorum queue says so; a classic one does not, or it would differ from one that was made without saying it.
  const kind = type === 'quorum' ? { 'x-queue-type': 'quorum' } : {};
  await channel.assertQueue(queue, { durable, autoDelete, exclusive, arguments: { ...kind, ...declare.arguments } });
  for (const binding of bindings) await channel.bindQueue(queue, binding.exchange, binding.routingKey, binding.arguments ?? {});
}

/** One consumer on one channel: its delivery tags are 1, 2, 3 ... and mean nothing on any other. */
class RabbitmqSource implements Source {
  readonly #link: Link;
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #prefetch: number;
  readonly #inbox = new Inbox<Delivery>((delivery) => delivery.content.length + delivery.properties.length);
  /** Acked batches beyond the prefix: first tag → last tag. */
  readonly #ahead = new Map<number, { readonly last: number; isTold: boolean }>();
  /** Messages of those runs that the broker has not been told of. */
  #aheadCount = 0;
  /** The tag that the next cumulative ack names; never one that was acked by itself. */
  #toTell = 0;
  /** All tags up to this one are acked by the engine ... */
  #acked = 0;
  /** ... and up to this one the broker has been told. */
  #told = 0;
  #flushing: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(link: Link, channel: Channel, queue: string, prefetch: number) {
    this.#link = link;
    this.#channel = channel;
    this.#queue = queue;
    this.#prefetch = prefetch;
    link.onLost((error) => this.#end(error));
  }

  async consume(exclusive: boolean): Promise<void> {
    await this.#channel.prefetch(this.#prefetch);
    await this.#channel.consume(this.#queue, (message) => this.#receive(message as unknown as Delivery | null), { exclusive });
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const deliveries = await this.#inbox.take(room, signal);
    if (!deliveries) return null;
    const nowMs = Date.now();
    const messages: Message[] = [];
    // Bodies stay slices of the client's 64 KiB buffers: what is held is one run of tags, at most `prefetch` long, so at most two buffers
    // hold bytes of anything else.
    for (const delivery of deliveries) messages.push(toMessage(delivery, this.#queue, nowMs));
    const first = (deliveries[0] as Delivery).fields.deliveryTag;
    return { messages, ack: () => this.#ack(first, first + deliveries.length - 1) };
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#flush();
      this.#tellAhead();
    }
    this.#end(notConnected(`the source of queue ${this.#queue} has been closed`));
    await this.#link.close(this.#channel);
  }

  #receive(delivery: Delivery | null): void {
    if (delivery) this.#inbox.push(delivery);
    else
      this.#link.lose(
        notConnected(`${this.#link.address} has cancelled the consumer of queue ${this.#queue}: deleted, or moved to another node`),
      );
  }

  /** Void once the link is gone: on another channel the same tags are other messages. */
  #ack(first: number, last: number): void {
    if (this.#closed) return;
    this.#ahead.set(first, { last, isTold: false });
    this.#aheadCount += last - first + 1;
    for (let run = this.#ahead.get(this.#acked + 1); run; run = this.#ahead.get(this.#acked + 1)) {
      this.#ahead.delete(this.#acked + 1);
      if (!run.isTold) {
        this.#aheadCount -= run.last - this.#acked;
        this.#toTell = run.last;
      }
      this.#acked = run.last;
    }
    if (this.#aheadCount >= this.#prefetch / 2) this.#tellAhead();
    if (this.#toTell - this.#told >= this.#prefetch / 4) this.#flush();
    else this.#flushing ??= setImmediate(() => this.#flush());
  }

  /** One ack for the whole prefix: it spares the broker up to 30 % of its work. */
  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#closed || this.#toTell === this.#told) return;
    this.#told = this.#toTell;
    this.#channel.ack({ fields: { deliveryTag: this.#told } } as Parameters<Channel['ack']>[0], true);
  }

  /** Acks one by one what has ended beyond a batch that is stuck, so that the broker goes on sending. */
  #tellAhead(): void {
    for (const [first, run] of this.#ahead) {
      if (run.isTold) continue;
      run.isTold = true;
      for (let tag = first; tag <= run.last; tag++) this.#channel.ack({ fields: { deliveryTag: tag } } as Parameters<Channel['ack']>[0]);
    }
    this.#aheadCount = 0;
  }

  #end(error: Error): void {
    this.#closed = true;
    clearImmediate(this.#flushing);
    this.#inbox.end(error);
  }
}
