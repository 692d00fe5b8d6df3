import type { Batch, Room, Source, SourceEnd } from '../../../src/connector.ts';
import { Bell } from '../../../src/engine/bell.ts';
import { notConnected } from '../../../src/errors.ts';
import { Message } from '../../../src/message.ts';
import type { Process, Random, World } from './world.ts';

/** `each`: any order; `inOrder`: like PUBACK; `cumulative`: like a committed offset. */
export type Settling = 'each' | 'inOrder' | 'cumulative';

export interface SourceOptions {
  readonly settling: Settling;
  /** What the end declares to the engine. */
  readonly declares: 'each' | 'inOrder';
  readonly prefetch: number;
  /** False: an ack of a dead link reaches the next link. */
  readonly isFenced: boolean;
  /** Whether the message has reached where it must be before it may be settled. */
  readonly ended: (message: Message) => boolean;
  /** The broker ends a link that holds a delivery longer than this. */
  readonly ackTimeoutMs?: number | undefined;
  /** The broker drops a message that it has delivered more often than this. */
  readonly deliveryLimit?: number | undefined;
}

/** A broker with lanes and one consumer. It redelivers, in order, what was not settled. */
export class SourceBroker {
  readonly all: Message[] = [];
  readonly settled = new Set<string>();
  readonly deliveries = new Map<string, number>();
  readonly violations: string[] = [];
  cuts = 0;
  isDown = false;
  current: SourceLink | undefined;
  readonly world: World;
  readonly random: Random;
  readonly o: SourceOptions;

  constructor(world: World, random: Random, options: SourceOptions) {
    this.world = world;
    this.random = random;
    this.o = options;
  }

  publish(message: Message): void {
    this.all.push(message);
    this.current?.bell.ring();
  }

  end(process: Process): SourceEnd {
    const carries = { headers: 'typed', repeats: true, key: true, properties: [], maxBytes: Number.POSITIVE_INFINITY } as const;
    return {
      can: { settles: this.o.declares, redelivers: 'inOrder', stableIds: [], carries },
      open: async () => {
        await process.sleep(this.random.int(1, 20));
        if (this.isDown) throw notConnected('the source is down');
        this.current?.cut();
        this.current = new SourceLink(this, process);
        return this.current;
      },
    };
  }

  settle(message: Message): void {
    const id = message.id as string;
    if (!this.o.ended(message)) this.violations.push(`early settle of ${id}`);
    this.settled.add(id);
  }

  isOverLimit(message: Message): boolean {
    const id = message.id as string;
    return !this.settled.has(id) && (this.deliveries.get(id) ?? 0) > (this.o.deliveryLimit ?? Number.POSITIVE_INFINITY);
  }
}

class SourceLink implements Source {
  isDead = false;
  readonly bell = new Bell();
  /** Everything delivered on this link; the position in it is the delivery tag, from 1. */
  readonly #out: Message[] = [];
  readonly #given = new Set<string>();
  readonly #broker: SourceBroker;
  readonly #process: Process;
  #acks: number[] = [];
  #isFlushing = false;
  #settledInOrder = 0;

  constructor(broker: SourceBroker, process: Process) {
    this.#broker = broker;
    this.#process = process;
  }

  cut(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#broker.cuts++;
    if (this.#process.isAlive) this.bell.ring();
  }

  async close(): Promise<void> {
    this.#flush();
    this.isDead = true;
    this.bell.ring();
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const wake = () => this.bell.ring();
    signal.addEventListener('abort', wake, { once: true });
    try {
      await this.#process.sleep(this.#broker.random.int(0, 5));
      let next: Message[] = [];
      await this.bell.until(() => this.isDead || signal.aborted || (next = this.#next(room)).length > 0);
      if (this.isDead) throw notConnected('the source link is lost');
      if (signal.aborted) return null;
      return this.#hand(next.slice(0, this.#broker.random.int(1, next.length)));
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #next(room: Room): Message[] {
    const { all, settled, o } = this.#broker;
    const unsettled = this.#out.filter((message) => !settled.has(message.id as string)).length;
    const next: Message[] = [];
    let bytes = 0;
    for (const message of all) {
      if (next.length >= Math.min(o.prefetch - unsettled, room.messages) || bytes >= room.bytes) break;
      if (this.#given.has(message.id as string) || settled.has(message.id as string) || this.#broker.isOverLimit(message)) continue;
      next.push(message);
      bytes += message.bytes;
    }
    return next;
  }

  #hand(messages: Message[]): Batch {
    const broker = this.#broker;
    const first = this.#out.length + 1;
    for (const message of messages) {
      const id = message.id as string;
      this.#out.push(message);
      this.#given.add(id);
      broker.deliveries.set(id, (broker.deliveries.get(id) ?? 0) + 1);
    }
    if (broker.o.ackTimeoutMs !== undefined)
      broker.world.at(broker.o.ackTimeoutMs, () => {
        if (messages.some((message) => !broker.settled.has(message.id as string))) this.cut();
      });
    const tags = messages.map((_, i) => first + i);
    return {
      messages: messages.map(copyOf),
      ack: () => {
        const link = broker.o.isFenced ? this : (broker.current as SourceLink);
        if (!link.isDead) link.#ack(tags);
      },
    };
  }

  #ack(tags: number[]): void {
    this.#acks.push(...tags);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    void this.#process.sleep(this.#broker.random.int(0, 30)).then(() => {
      this.#isFlushing = false;
      if (!this.isDead) this.#flush();
    });
  }

  #flush(): void {
    if (this.isDead) return;
    for (const tag of this.#acks.splice(0)) this.#settleTag(tag);
    this.bell.ring();
  }

  #settleTag(tag: number): void {
    const broker = this.#broker;
    const message = this.#out[tag - 1];
    if (!message) {
      broker.violations.push('ack of an unknown tag');
      return;
    }
    if (broker.o.settling === 'inOrder' && tag !== ++this.#settledInOrder) broker.violations.push(`PUBACK out of order: ${tag}`);
    const covered = broker.o.settling === 'cumulative' ? this.#out.slice(0, tag) : [message];
    for (const earlier of covered)
      if (broker.o.settling !== 'cumulative' || !broker.settled.has(earlier.id as string)) broker.settle(earlier);
  }
}

/** What a broker hands over: the same content, another object. */
export function copyOf(message: Message): Message {
  return new Message({ body: message.body, key: message.key, id: message.id, lane: message.lane, origin: message.origin });
}
