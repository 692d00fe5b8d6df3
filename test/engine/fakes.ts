import { type Clock, systemClock } from '../../src/clock.ts';
import {
  type AnyConnector,
  type Batch,
  defineConnector,
  Inbox,
  type Refusal,
  type Sink,
  type SinkEnd,
  type Source,
  type SourceEnd,
} from '../../src/connector.ts';
import type { BreakerPlan } from '../../src/engine/breaker.ts';
import type { PumpPlan, RoutePlan, SinkPlan } from '../../src/engine/plan.ts';
import { MqferryError, notConnected } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { sinkCan } from './sim/sink-broker.ts';

/** Real time, a thousand times faster where the engine waits for back-off. */
export const hastyClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms / 100);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  random: () => 1,
};

export const silent = { error() {}, warn() {}, info() {}, debug() {} };

/** A source in memory: what was pushed and not acked is given again by the next link. */
export class FakeSource {
  readonly acked: Message[] = [];
  opens = 0;
  reads = 0;
  isFinite = false;
  isCaughtUp: boolean | undefined;
  #waiting: Message[] = [];
  #inbox = new Inbox<Message>((message) => message.bytes);

  push(...messages: Message[]): this {
    for (const message of messages) {
      this.#waiting.push(message);
      this.#inbox.push(message);
    }
    return this;
  }

  /** The link is lost. */
  cut(): void {
    this.#inbox.end(notConnected('cut by the test'));
  }

  readonly end: SourceEnd = {
    can: { settles: 'each', redelivers: 'inOrder', stableIds: [], carries: sinkCan(true).carries },
    open: async () => this.#open(),
  };

  #open(): Source {
    this.opens++;
    const inbox = new Inbox<Message>((message) => message.bytes);
    this.#inbox = inbox;
    for (const message of this.#waiting) inbox.push(message);
    if (this.isFinite) inbox.end();
    let isDead = false;
    const fake = this;
    return {
      get isCaughtUp() {
        return fake.isCaughtUp ?? true;
      },
      read: async (room, signal) => {
        this.reads++;
        const messages = await inbox.take(room, signal);
        return messages && this.#batch(messages, () => isDead);
      },
      close: async () => {
        isDead = true;
        inbox.end();
      },
    };
  }

  #batch(messages: readonly Message[], isVoid: () => boolean): Batch {
    return {
      messages,
      ack: () => {
        if (isVoid()) return;
        this.acked.push(...messages);
        this.#waiting = this.#waiting.filter((message) => !messages.includes(message));
      },
    };
  }
}

/** A sink in memory; `answer` says what it does with a message. */
export class FakeSink {
  readonly stored: Message[] = [];
  opens = 0;
  isDown = false;
  answer: (message: Message) => 'store' | 'refuse' | 'later' | 'hangUp' | 'never' = () => 'store';
  readonly end: SinkEnd;

  constructor(keepsOrder = false) {
    this.end = { can: sinkCan(keepsOrder), open: async () => this.#open() };
  }

  #open(): Sink {
    if (this.isDown) throw notConnected('the sink is down');
    this.opens++;
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    let isDead = false;
    return {
      write: async (messages) => {
        const refusals: Refusal[] = [];
        for (const message of messages) {
          const answer = isDead ? 'hangUp' : this.answer(message);
          if (answer === 'store') this.stored.push(message);
          else if (answer === 'never') await closed;
          if (answer === 'hangUp' || answer === 'never') {
            isDead = true;
            throw notConnected('hung up');
          }
          if (answer !== 'store') refusals.push({ message, error: new MqferryError('REFUSED', 'no'), retry: answer === 'later' });
        }
        return refusals;
      },
      close: async () => {
        isDead = true;
        close();
      },
    };
  }
}

export function sinkPlan(name: string, sink: FakeSink): SinkPlan {
  return { name, end: sink.end, outbound: (message) => message };
}

/** A route from one fake to others, straight unless `share` says otherwise. */
export function routePlan(
  source: FakeSource,
  sinks: readonly FakeSink[],
  more: Partial<RoutePlan> & { share?: PumpPlan['share']; dead?: FakeSink; lastResort?: 'drop' | 'stop'; breaker?: BreakerPlan } = {},
): RoutePlan {
  const { share, dead, lastResort = 'stop', breaker, ...plan } = more;
  const deadLetter = dead && sinkPlan('dead', dead);
  const retry = { attempts: 3, backoff: { fromMs: 100, toMs: 1000 } };
  const pump: PumpPlan = {
    name: 'test',
    source: source.end,
    inbound: (message) => message,
    share: share ?? ((messages) => sinks.map(() => messages)),
    isStraight: share === undefined,
    sinks: sinks.map((sink, i) => ({ ...sinkPlan(`sink ${i}`, sink), breaker })),
  };
  return {
    name: 'test',
    pumps: [pump],
    order: undefined,
    window: { messages: 100, bytes: 1e6 },
    retry,
    deadLetters: deadLetter ? [deadLetter] : [],
    remedy: () => ({ retry, way: deadLetter ?? lastResort }),
    log: silent,
    ...plan,
  };
}

export function messages(count: number, more: Partial<ConstructorParameters<typeof Message>[0]> = {}): Message[] {
  return Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`body ${i}`), id: `m${i}`, lane: 'lane', ...more }));
}

/** Connectors for a config that names these fakes. `stableIds`: of the sources. */
export function connectorsOf(
  ends: Readonly<Record<string, FakeSource | FakeSink>>,
  stableIds: readonly string[] = [],
): Record<string, AnyConnector> {
  const connectorOf = (name: string, fake: FakeSource | FakeSink): AnyConnector => {
    const about = { name, summary: 'For this test.' };
    if (fake instanceof FakeSink) return defineConnector({ ...about, sink: { fields: {}, create: () => fake.end } });
    return defineConnector({ ...about, source: { fields: {}, create: () => ({ ...fake.end, can: { ...fake.end.can, stableIds } }) } });
  };
  return Object.fromEntries(Object.entries(ends).map(([name, fake]) => [name, connectorOf(name, fake)]));
}
