import { balanced } from '../../../src/engine/books.ts';
import type { Order } from '../../../src/engine/outbox.ts';
import type { Failure, PumpPlan, Remedy, RoutePlan, SinkPlan, StorePlan } from '../../../src/engine/plan.ts';
import type { RouteRun } from '../../../src/engine/route-run.ts';
import { MqferryError } from '../../../src/errors.ts';
import { Message } from '../../../src/message.ts';
import { shareBehind } from '../../../src/route/share.ts';
import { type Aside, chain, type Step, type WaitingStep } from '../../../src/steps/step.ts';
import { audit, type Verdict } from './audit.ts';
import { type DedupeWay, dedupe, KeysModel } from './dedupe.ts';
import { LaterModel } from './later-model.ts';
import { LifeModel } from './life-model.ts';
import { LogModel } from './log-model.ts';
import { type Poison, SinkBroker } from './sink-broker.ts';
import { type Settling, SourceBroker } from './source-broker.ts';
import { Tapping } from './tapping.ts';
import { type Faults, Process, Random, World } from './world.ts';

/** What a run is made of. Everything else is chance. */
export interface Setup {
  readonly order?: Order;
  readonly keepsOrder?: boolean;
  readonly settling?: Settling;
  /** What the source declares; in read order unless told otherwise. */
  readonly declares?: 'each' | 'inOrder';
  readonly isBuffered?: boolean;
  /** A stage behind the buffer: what comes to it goes on at once. */
  readonly isStaged?: boolean;
  readonly sinks?: 'one' | 'all' | 'switch';
  readonly crashes?: number;
  readonly drains?: number;
  readonly outages?: number;
  /** Some message makes the broker hang up each time. */
  readonly hasKiller?: boolean;
  /** What a step cannot do is dropped, a message that kills the link has a dead letter of its own, refusals are tried for 5 s. */
  readonly hasRules?: boolean;
  /** A step waits, for a while each time: it fails some messages, and now and then it breaks off. */
  readonly waits?: boolean;
  readonly dedupe?: DedupeWay;
  /** What fails is kept, and tried again later, twice. */
  readonly triesLater?: boolean;
  readonly isUnfenced?: boolean;
  readonly breaksItsWord?: boolean;
  readonly faults?: Partial<Faults>;
  readonly window?: number;
  readonly prefetch?: number;
  readonly ackTimeoutMs?: number;
  readonly deliveryLimit?: number;
  readonly longOutageMs?: number;
  /** What ends the process is looked for. */
  readonly quarantine?: boolean;
  /** Some message ends the process each time it comes to the steps; of a buffered route, to those before or to those behind it. */
  readonly hasDeadly?: boolean;
  /** All messages are known by the same, as those of a source without places are whose content is the same. */
  readonly isAlike?: boolean;
  /** Kills that follow each other at this distance, at least; `crashes` of them. */
  readonly crashEveryMs?: number;
  /** Sinks have breakers; for some time each refuses everything for now. */
  readonly illMs?: number;
  /** Each message is tapped, to a sink that does anything it likes. */
  readonly isTapped?: boolean;
}

/** The engine under test: the real one, or a wrong reading of it. */
export type MakeRun = (plan: RoutePlan, clock: Process) => RouteRun;

const messageCount = 80;
const spanMs = messageCount * 15;
export const breaker = { failures: 3, openForMs: 100 };
const silent = { error() {}, warn() {}, info() {}, debug() {} };

/** The number in a message's id, mixed, so that its fate is its own and the same in every life. */
function lot(message: Message, of: number): number {
  return (Number((message.id as string).split(':')[1]) * 7919) % of;
}
export const isFiltered = (message: Message) => lot(message, 11) === 3;
export const isStepPoison = (message: Message) => lot(message, 37) === 5;
const isLatePoison = (message: Message) => lot(message, 31) === 6;
export const isDeadly = (message: Message) => lot(message, 31) === 6;
const isDropped = (message: Message) => lot(message, 29) === 4;

/** One world: brokers, a log, the lives of mqferry in it, and what they may be blamed for. */
export class Scenario {
  readonly world = new World();
  readonly random: Random;
  readonly setup: Setup;
  readonly faults: Faults;
  readonly sinks: readonly SinkBroker[];
  /** What a step that broke off has failed: it has left the order, also where the process ended before its dead letter had arrived, so that it comes again. */
  readonly leftOrder = new Set<string>();
  readonly dead: SinkBroker;
  readonly source: SourceBroker;
  /** The buffer, and the stage behind it. */
  readonly logs: readonly LogModel[];
  readonly life: LifeModel;
  /** By pump. */
  readonly laters: readonly LaterModel[];
  readonly windowSize: number;
  readonly prefetch: number;
  readonly problems: string[] = [];
  crashes = 0;
  readonly #tapping: Tapping;
  run!: RouteRun;
  #process!: Process;
  readonly #committed: readonly Set<string>[];
  readonly #makeRun: MakeRun;

  constructor(seed: number, setup: Setup, makeRun: MakeRun) {
    this.random = new Random(seed * 2654435761 + 17);
    this.setup = setup;
    this.#makeRun = makeRun;
    this.#tapping = new Tapping(this.random);
    this.faults = { isOn: true, sinkCut: 0.01, refuse: 0.03, zombie: 0.5, ...setup.faults };
    this.windowSize = setup.window ?? ([1, 4, 16, 64][this.random.int(0, 3)] as number);
    this.prefetch = setup.prefetch ?? ([4, 16, 100][this.random.int(0, 2)] as number);
    const count = setup.sinks === undefined || setup.sinks === 'one' ? 1 : 2;
    this.sinks = Array.from({ length: count }, () => this.#sinkBroker());
    this.#committed = this.sinks.map(() => new Set());
    this.dead = new SinkBroker(this.world, this.random, { ...this.faults, refuse: 0 }, true);
    const last = new LogModel(this.random, 30, (message) => this.#isKept(1, message) || this.isDelivered(message));
    this.logs = setup.isStaged ? [new LogModel(this.random, 30, (message) => this.#isOnIn(last, message)), last] : [last];
    this.life = new LifeModel(this.random);
    const first = this.logs[0] as LogModel;
    this.laters = setup.isBuffered
      ? [this.#laterModel((message) => this.#isOnIn(first, message)), this.#laterModel((message) => this.isDelivered(message))]
      : [this.#laterModel((message) => this.isDelivered(message))];
    this.source = this.#sourceBroker();
  }

  /** It is where the route says it must be in the end. */
  isDelivered(message: Message): boolean {
    if (this.#mayBeDropped(message) || this.dead.has.has(message.id as string)) return true;
    return this.sinksOf(message).every((i) => this.sinks[i]?.has.has(message.id as string));
  }

  /** It has come to this log, or will not. */
  #isOnIn(log: LogModel, message: Message): boolean {
    return this.#mayBeDropped(message) || this.dead.has.has(message.id as string) || log.durable.some((kept) => kept.id === message.id);
  }

  /** It is where `ended` says, or comes there later. */
  #laterModel(ended: (message: Message) => boolean): LaterModel {
    const later: LaterModel = new LaterModel(this.random, (message) => ended(message) || later.has(message.id as string));
    return later;
  }

  #isKept(pump: number, message: Message): boolean {
    return this.laters[pump]?.has(message.id as string) === true;
  }

  #mayBeDropped(message: Message): boolean {
    return isFiltered(message) || isDropped(message) || (this.setup.hasRules === true && isStepPoison(message));
  }

  sinksOf(message: Message): number[] {
    if (this.setup.sinks === 'all') return [0, 1];
    return this.setup.sinks === 'switch' ? [lot(message, 2)] : [0];
  }

  poison(message: Message): Poison {
    if (lot(message, 41) === 7) return 'refused';
    return this.setup.hasKiller && lot(message, 43) === 9 ? 'kills' : undefined;
  }

  /** Publishes, starts, injures, heals, and audits from outside. */
  async play(): Promise<Verdict> {
    this.#publish();
    this.#start();
    this.#scheduleFaults();
    const healMs = spanMs + (this.setup.longOutageMs ?? 0) + 1000;
    this.world.at(healMs, () => {
      this.faults.isOn = false;
    });
    const hasFinished = await this.world.run(() => {
      if (this.problems.length > 20) return true;
      if (this.random.chance(0.02)) this.#checkBooks();
      return this.world.now >= healMs && this.#isSettled();
    }, healMs + 600_000);
    this.#checkBooks();
    return audit(this, hasFinished);
  }

  #sinkBroker(): SinkBroker {
    const broker = new SinkBroker(this.world, this.random, this.faults, this.setup.keepsOrder ?? false, (message) => this.poison(message));
    broker.breaksItsWord = this.setup.breaksItsWord ?? false;
    return broker;
  }

  #sourceBroker(): SourceBroker {
    const { settling = 'each', declares = 'inOrder', isUnfenced = false, isBuffered, ackTimeoutMs, deliveryLimit } = this.setup;
    return new SourceBroker(this.world, this.random, {
      settling,
      declares,
      prefetch: this.prefetch,
      isFenced: !isUnfenced,
      ended: (message) =>
        this.#isKept(0, message) || (isBuffered ? this.#isOnIn(this.logs[0] as LogModel, message) : this.isDelivered(message)),
      ackTimeoutMs,
      deliveryLimit,
    });
  }

  #publish(): void {
    const { random, source } = this;
    for (let i = 0; i < messageCount; i++) {
      const lane = `lane ${random.int(0, 2)}`;
      const key = Buffer.from(`key ${random.int(0, 3)}`);
      const body = Buffer.alloc(random.int(1, 1000));
      this.world.at(random.chance(0.5) ? 0 : i * random.int(0, 15), () =>
        source.publish(new Message({ body, key, id: `m:${i}`, lane, origin: { sequence: source.all.length, kind: 'same' } })),
      );
    }
  }

  #start(): void {
    this.#process = new Process(this.world, this.random);
    this.run = this.#makeRun(this.#plan(this.#process), this.#process);
    this.#tapping.begin(this.run);
    this.run.start();
  }

  #plan(process: Process): RoutePlan {
    const plain = this.source.end(process);
    const source = this.setup.isAlike ? { ...plain, can: { ...plain.can, stableIds: ['kind'] } } : plain;
    const sinks = this.sinks.map((broker, i) => this.#sinkPlan(broker, i, process));
    const dead: SinkPlan = { name: 'dead letter', end: this.dead.end(process), outbound: (message) => message };
    const killers: SinkPlan = { ...dead, name: 'dead letter 2', end: this.dead.end(process) };
    const retry = { attempts: 4, backoff: { fromMs: 10, toMs: 30_000 } };
    const rules = ({ error, attempts }: Failure): Remedy => {
      if (error.code === 'STEP_FAILED') return { retry, way: 'drop' };
      if (attempts > 1) return { retry, way: killers };
      return { retry: { ...retry, attempts: 100, maxAgeMs: 5000 }, way: dead };
    };
    const { triesLater } = this.setup;
    const later = (i: number) => (triesLater ? { later: this.laters[i]?.plan(process) } : {});
    const common = {
      name: 'simulated',
      order: this.setup.order ?? 'none',
      window: { messages: this.windowSize, bytes: 4000 },
      retry,
      deadLetters: this.setup.hasRules ? [dead, killers] : [dead],
      ...(this.setup.isTapped && { taps: [this.#tapping.plan(process)] }),
      remedy: this.setup.hasRules ? rules : (): Remedy => ({ retry, way: dead, ...(triesLater && { later: [30, 300] }) }),
      ...(this.setup.quarantine && { quarantine: { after: 3, withinMs: 50, open: () => this.life.open(process) } }),
      log: silent,
    } as const;
    const inbound = (message: Message) => message;
    const toSinks = (messages: readonly Message[]) => sinks.map((_, i) => messages.filter((message) => this.sinksOf(message).includes(i)));
    const pump = (name: string, plan: Omit<PumpPlan, 'name' | 'inbound' | 'isStraight'>): PumpPlan => ({
      name,
      inbound,
      isStraight: false,
      ...plan,
      share: this.#deadlyFor(name, plan.share),
    });
    const tapped: Step = (messages, aside) => (this.setup.isTapped ? this.#tapping.tap(messages, aside) : messages);
    const steps = this.setup.waits ? [this.#waiting(process)] : [];
    const first = chain([sieve, tapped]);
    if (!this.setup.isBuffered)
      return {
        ...common,
        pumps: [pump('only', { ...later(0), source, sinks, share: shareBehind(chain([first, ...steps]), { share: toSinks }) })],
      };
    const stores = this.logs.map((log) => log.ends(process));
    const into = (i: number): SinkPlan => ({ name: 'store', end: stores[i]!.near, outbound: (message) => message });
    const between = stores
      .slice(1)
      .map((_, i) => pump('between', { source: stores[i]!.far, sinks: [into(i + 1)], share: (messages) => [messages] }));
    return {
      ...common,
      pumps: [
        pump('near', { ...later(0), source, sinks: [into(0)], share: (messages, aside) => [first(messages, aside)] }),
        ...between,
        pump('far', { ...later(1), source: stores.at(-1)!.far, sinks, share: shareBehind(chain(steps), { share: toSinks }) }),
      ],
      stores: stores.map(({ stats }): StorePlan => ({ kind: 'buffer', name: 'buffer', stats, close: async () => {} })),
    };
  }

  /** Waits before each piece, for another time each; it does not always heed that nobody waits for it any more. */
  #waiting(process: Process): WaitingStep {
    const { random, leftOrder } = this;
    const fail = (message: Message) => leftOrder.add(message.id as string);
    const pass = async function* (messages: readonly Message[], aside: Aside, signal: AbortSignal) {
      for (let at = 0; at < messages.length; ) {
        const piece = messages.slice(at, (at += random.int(1, 5)));
        await process.sleep(random.int(0, 60), random.chance(0.5) ? signal : undefined);
        if (random.chance(0.01)) {
          for (const message of messages) fail(message);
          throw new Error('broken');
        }
        for (const message of piece) if (isLatePoison(message)) aside.fail(message, new MqferryError('STEP_FAILED', 'no answer'));
        yield piece.filter((message) => !isLatePoison(message));
      }
    };
    return { pass };
  }

  /** What the steps do, but for messages that end the process in this pump. */
  #deadlyFor(pump: string, share: PumpPlan['share']): PumpPlan['share'] {
    const meet = (messages: readonly Message[]) => {
      if (messages.some((message) => this.#isDeadlyIn(pump, message))) this.#end();
    };
    if (typeof share === 'function')
      return (messages, aside) => {
        meet(messages);
        return share(messages, aside);
      };
    return {
      pass: (messages, aside, hand, signal) => {
        meet(messages);
        return share.pass(messages, aside, hand, signal);
      },
    };
  }

  #isDeadlyIn(pump: string, message: Message): boolean {
    if (!this.setup.hasDeadly || !isDeadly(message)) return false;
    return pump === 'only' || pump === (lot(message, 2) === 0 ? 'near' : 'far');
  }

  /** The process ends here: what comes behind in the code is never run. */
  #end(): never {
    this.#crash();
    throw new Error('the process has ended');
  }

  #sinkPlan(broker: SinkBroker, i: number, process: Process): SinkPlan {
    const plain = broker.end(process);
    const end = this.setup.dedupe ? dedupe(plain, this.#keysOf(i, process), this.setup.dedupe) : plain;
    return { name: `sink ${i}`, end, outbound: (message) => message, breaker: this.setup.illMs === undefined ? undefined : breaker };
  }

  #keysOf(sink: number, process: Process): KeysModel {
    return new KeysModel(this.#committed[sink] as Set<string>, process, this.random);
  }

  #scheduleFaults(): void {
    const { crashes = 0, drains = 0, outages = 0, longOutageMs, illMs } = this.setup;
    const { random, world } = this;
    const sometime = (times: number, act: () => void) => {
      for (let i = 0; i < times; i++) world.at(random.int(0, spanMs), act);
    };
    sometime(random.int(0, 3), () => {
      if (this.faults.isOn) this.source.current?.cut();
    });
    if (this.setup.crashEveryMs === undefined) sometime(crashes, () => this.#crash());
    else for (let i = 1; i <= crashes; i++) world.at(i * this.setup.crashEveryMs + random.int(0, 200), () => this.#crash());
    sometime(drains, () => this.#drain());
    sometime(outages, () => this.#outage());
    if (illMs) for (const broker of this.sinks) world.at(random.int(0, spanMs / 2), () => this.#fallIll(broker, illMs));
    if (longOutageMs) world.at(50, () => this.#sinkDown(this.sinks[0] as SinkBroker, longOutageMs, false));
  }

  #crash(): void {
    if (!this.#process.isAlive) return; // it is on its way up again: one owner at a time
    this.#process.kill();
    this.crashes++;
    this.source.current?.cut();
    for (const broker of [...this.sinks, this.dead]) for (const link of broker.links) link.cut(this.random.chance(0.7));
    this.world.at(this.random.int(1, 50), () => this.#start());
  }

  #drain(): void {
    const process = this.#process;
    const began = this.world.now;
    void this.run.stop(this.random.int(0, 400)).then(() => {
      if (process !== this.#process || !process.isAlive) return;
      if (this.world.now - began > 4000) this.problems.push(`tap: it took ${this.world.now - began} ms to stop`);
      process.kill();
      this.crashes++;
      this.#start();
    });
  }

  #outage(): void {
    const { random, world, source } = this;
    const ms = random.int(10, 500);
    if (random.chance(0.5)) {
      source.isDown = true;
      source.current?.cut();
      world.at(ms, () => {
        source.isDown = false;
      });
    } else this.#sinkDown(this.sinks[random.int(0, this.sinks.length - 1)] as SinkBroker, ms, true);
  }

  #sinkDown(broker: SinkBroker, ms: number, leavesZombies: boolean): void {
    broker.isDown = true;
    for (const link of broker.links) link.cut(leavesZombies);
    this.world.at(ms, () => {
      broker.isDown = false;
    });
  }

  #fallIll(broker: SinkBroker, ms: number): void {
    broker.isIll = true;
    this.world.at(ms, () => {
      broker.isIll = false;
    });
  }

  #isSettled(): boolean {
    const { all, settled } = this.source;
    const isOver = (message: Message) => settled.has(message.id as string) || this.source.isOverLimit(message);
    return (
      all.length === messageCount &&
      all.every(isOver) &&
      this.laters.every(({ durable }) => durable.size === 0) &&
      (!this.setup.isBuffered || this.logs.every((log) => log.cursor === log.durable.length))
    );
  }

  #checkBooks(): void {
    const { books } = this.run;
    if (!balanced(books)) this.problems.push(`books: ${JSON.stringify(books)}`);
    if (Object.values(books).some((count) => count < 0)) this.problems.push(`books: negative ${JSON.stringify(books)}`);
    this.problems.push(...this.#tapping.problems());
  }
}

function sieve(messages: readonly Message[], aside: Aside): Message[] {
  const kept: Message[] = [];
  for (const message of messages) {
    if (isFiltered(message)) continue;
    if (isDropped(message)) aside.drop(message);
    else if (isStepPoison(message)) aside.fail(message, new MqferryError('STEP_FAILED', 'a step failed'));
    else kept.push(message);
  }
  return kept;
}
