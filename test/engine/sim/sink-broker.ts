import type { Refusal, Sink, SinkEnd } from '../../../src/connector.ts';
import { MqferryError, notConnected } from '../../../src/errors.ts';
import type { Message } from '../../../src/message.ts';
import type { Faults, Process, Random, World } from './world.ts';

/** What a message does to the broker: refused for good, or answered by hanging up. */
export type Poison = 'refused' | 'kills' | undefined;

/**
 * A broker that takes the messages of one connection in order. One that keeps order hangs up where another refuses for now, and takes
 * nothing more of what was already sent.
 */
export class SinkBroker {
  readonly stored: Message[] = [];
  readonly has = new Set<string>();
  readonly links = new Set<SinkLink>();
  cuts = 0;
  isDown = false;
  /** It refuses everything for now. */
  isIll = false;
  /** So often. */
  illRefusals = 0;
  /** It says that it keeps order and returns refusals for now all the same. */
  breaksItsWord = false;
  readonly world: World;
  readonly random: Random;
  readonly faults: Faults;
  readonly keepsOrder: boolean;
  readonly poison: (message: Message) => Poison;

  constructor(world: World, random: Random, faults: Faults, keepsOrder: boolean, poison: (message: Message) => Poison = () => undefined) {
    this.world = world;
    this.random = random;
    this.faults = faults;
    this.keepsOrder = keepsOrder;
    this.poison = poison;
  }

  end(process: Process): SinkEnd {
    return {
      can: sinkCan(this.keepsOrder),
      open: async () => {
        await process.sleep(this.random.int(1, 20));
        if (this.isDown) throw notConnected('the sink is down');
        const link = new SinkLink(this, process);
        this.links.add(link);
        return link;
      },
    };
  }

  store(message: Message): void {
    this.stored.push(message);
    this.has.add(message.id as string);
  }
}

export function sinkCan(keepsOrder: boolean): SinkEnd['can'] {
  const infinite = Number.POSITIVE_INFINITY;
  return {
    keepsOrder: keepsOrder ? 'lane' : 'none',
    writes: 'many',
    maxWrite: { messages: infinite, bytes: infinite },
    confirms: 'stored',
    routed: true,
    carries: { headers: 'typed', repeats: true, key: true, properties: [], maxBytes: infinite },
  };
}

interface Call {
  readonly number: number;
  left: number;
  readonly refusals: Refusal[];
  readonly resolve: (refusals: Refusal[]) => void;
  readonly reject: (error: Error) => void;
  isDone: boolean;
}

class SinkLink implements Sink {
  readonly #broker: SinkBroker;
  readonly #process: Process;
  readonly #calls = new Set<Call>();
  #pipe: { message: Message; call: Call }[] = [];
  #count = 0;
  #isWorking = false;
  #isDead = false;
  #zombiesLeft = 0;
  /** A broker that breaks its word refuses everything of the calls up to this one. */
  #refusesUpTo = -1;

  constructor(broker: SinkBroker, process: Process) {
    this.#broker = broker;
    this.#process = process;
  }

  /** `leavesZombies`: bytes already at the broker may be processed after mqferry has reconnected. */
  cut(leavesZombies: boolean): void {
    if (this.#isDead) return;
    this.#broker.cuts++;
    this.#zombiesLeft = leavesZombies ? this.#broker.random.int(0, this.#pipe.length) : 0;
    this.#die();
  }

  async close(): Promise<void> {
    this.#die();
  }

  write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#isDead) return Promise.reject(notConnected('the sink link is lost'));
    return new Promise((resolve, reject) => {
      const call: Call = { number: this.#count++, left: messages.length, refusals: [], resolve, reject, isDone: false };
      this.#calls.add(call);
      for (const message of messages) this.#pipe.push({ message, call });
      if (this.#isWorking) return;
      this.#isWorking = true;
      this.#work();
    });
  }

  #die(): void {
    this.#isDead = true;
    this.#broker.links.delete(this);
    for (const call of this.#calls) {
      call.isDone = true;
      if (this.#process.isAlive) call.reject(notConnected('the sink link is lost'));
    }
    this.#calls.clear();
  }

  #work(): void {
    const { world, random } = this.#broker;
    world.at(random.int(0, 3), () => {
      const head = this.#pipe.shift();
      if (!head || (this.#isDead && this.#zombiesLeft-- <= 0)) {
        this.#isWorking = false;
        return;
      }
      this.#handle(head);
      this.#work();
    });
  }

  #handle(head: { message: Message; call: Call }): void {
    const { message, call } = head;
    const broker = this.#broker;
    const poison = broker.poison(message);
    if (poison === 'kills') this.#hangUp();
    else if (this.#happens(broker.faults.sinkCut)) this.#cutAt(head);
    else if (poison === 'refused') this.#answer(call, message, false);
    else if (call.number <= this.#refusesUpTo) this.#answer(call, message, true);
    else if (broker.isIll) {
      broker.illRefusals++;
      this.#refuseForNow(call, message);
    } else if (this.#happens(broker.faults.refuse)) this.#refuseForNow(call, message);
    else {
      broker.store(message);
      this.#answer(call);
    }
  }

  #happens(chance: number): boolean {
    return this.#broker.faults.isOn && this.#broker.random.chance(chance);
  }

  #hangUp(): void {
    this.#pipe = [];
    this.cut(false);
  }

  /** TCP: the broker has taken a prefix of what was sent. */
  #cutAt(head: { message: Message; call: Call }): void {
    const { random, faults } = this.#broker;
    if (random.chance(0.5)) this.#broker.store(head.message);
    else this.#pipe.unshift(head);
    this.cut(random.chance(faults.zombie));
  }

  #refuseForNow(call: Call, message: Message): void {
    const broker = this.#broker;
    if (!broker.keepsOrder) this.#answer(call, message, true);
    else if (broker.breaksItsWord) {
      this.#refusesUpTo = Number.POSITIVE_INFINITY;
      this.#answer(call, message, true);
    } else this.#hangUp();
  }

  /** Late, and in any order. */
  #answer(call: Call, refused?: Message, retry = false): void {
    const { world, random } = this.#broker;
    world.at(random.int(0, random.chance(0.1) ? 200 : 10), () => {
      if (refused) call.refusals.push({ message: refused, error: new MqferryError('REFUSED', 'the broker refused it'), retry });
      if (--call.left > 0 || call.isDone || !this.#process.isAlive) return;
      call.isDone = true;
      this.#calls.delete(call);
      if (this.#refusesUpTo === Number.POSITIVE_INFINITY && call.refusals.some((refusal) => refusal.retry))
        this.#refusesUpTo = this.#count - 1;
      call.resolve(call.refusals);
    });
  }
}
