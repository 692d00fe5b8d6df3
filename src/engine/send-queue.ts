import type { Room } from '../connector.ts';
import type { Message } from '../message.ts';
import type { Ticket } from './ticket.ts';

/** A message that one sink has not confirmed yet. */
export interface Item {
  readonly message: Message;
  readonly ticket: Ticket;
  state: 'waiting' | 'sent' | 'backoff' | 'ended';
  attempts: number;
  /** Monotonic ms of the first refusal. */
  refusedAt: number | undefined;
  /** What keeps order among itself: a lane, or a lane and a key. */
  readonly unit: string;
}

/** The unconfirmed messages of one sink, in order, and the choice of what may be written next. */
export interface SendQueue {
  put(item: Item): void;
  /** What may be written now, marked `sent`. */
  pick(room: Room): Item[];
  /** The sink has confirmed it, or it was set aside. */
  end(item: Item): void;
  /** Refused for now: it keeps its place, and nothing of its unit passes it where order is kept. */
  hold(item: Item): void;
  /** A held item waits for its turn again. */
  again(item: Item): void;
  /** The link is lost: what was sent waits again, oldest first. Returns it. */
  rewind(): Item[];
  readonly size: number;
}

/** Everything in order, as far ahead as there is room: for a sink that keeps the order asked for, or when none is asked for. */
export class StreamQueue implements SendQueue {
  /** From #head on; what lies before has ended and is forgotten at once, so that it does not grow old in memory. */
  #items: (Item | undefined)[] = [];
  #head = 0;
  #from = 0;
  #open = 0;

  get size(): number {
    return this.#open;
  }

  put(item: Item): void {
    this.#items.push(item);
    this.#open++;
  }

  pick(room: Room): Item[] {
    const picked: Item[] = [];
    let bytes = 0;
    let index = this.#from;
    for (; index < this.#items.length && picked.length < room.messages && bytes < room.bytes; index++) {
      const item = this.#items[index];
      if (item?.state !== 'waiting') continue;
      if (room.bytes !== Number.POSITIVE_INFINITY) {
        bytes += item.message.bytes;
        if (bytes > room.bytes && picked.length > 0) break;
      }
      item.state = 'sent';
      picked.push(item);
    }
    this.#from = index;
    return picked;
  }

  end(item: Item): void {
    item.state = 'ended';
    this.#open--;
    while (this.#items[this.#head]?.state === 'ended') this.#items[this.#head++] = undefined;
    if (this.#open > 0 && (this.#head < 1024 || this.#head * 2 < this.#items.length)) return;
    this.#items = this.#items.slice(this.#head);
    this.#from = Math.max(0, this.#from - this.#head);
    this.#head = 0;
  }

  hold(item: Item): void {
    item.state = 'backoff';
  }

  again(item: Item): void {
    item.state = 'waiting';
    this.#from = this.#head;
  }

  rewind(): Item[] {
    this.#from = this.#head;
    const sent = this.#items.filter((item) => item?.state === 'sent') as Item[];
    for (const item of sent) item.state = 'waiting';
    return sent;
  }
}

/** The items of one lane (or lane and key), oldest first; the first may be on its way. */
interface Unit {
  readonly items: Item[];
  isReady: boolean;
}

/** One message of each unit on its way at a time: for a sink that goes on after it has refused or lost one. */
export class UnitQueue implements SendQueue {
  #units = new Map<string, Unit>();
  #ready: Unit[] = [];
  #sent = new Set<Item>();
  size = 0;

  put(item: Item): void {
    let unit = this.#units.get(item.unit);
    if (!unit) {
      unit = { items: [], isReady: false };
      this.#units.set(item.unit, unit);
    }
    unit.items.push(item);
    this.size++;
    if (unit.items.length === 1) this.#offer(unit);
  }

  pick(room: Room): Item[] {
    const picked: Item[] = [];
    let bytes = 0;
    while (this.#ready.length > 0 && picked.length < room.messages && bytes < room.bytes) {
      const unit = this.#ready[0] as Unit;
      const item = unit.items[0] as Item;
      if (room.bytes !== Number.POSITIVE_INFINITY) bytes += item.message.bytes;
      if (bytes > room.bytes && picked.length > 0) break;
      this.#ready.shift();
      unit.isReady = false;
      item.state = 'sent';
      this.#sent.add(item);
      picked.push(item);
    }
    return picked;
  }

  end(item: Item): void {
    const unit = this.#units.get(item.unit) as Unit;
    item.state = 'ended';
    unit.items.shift();
    this.#sent.delete(item);
    this.size--;
    if (unit.items.length === 0) this.#units.delete(item.unit);
    else this.#offer(unit);
  }

  hold(item: Item): void {
    item.state = 'backoff';
    this.#sent.delete(item);
  }

  again(item: Item): void {
    item.state = 'waiting';
    this.#offer(this.#units.get(item.unit) as Unit);
  }

  rewind(): Item[] {
    const sent = [...this.#sent];
    this.#sent.clear();
    const before = this.#ready;
    this.#ready = [];
    for (const unit of before) unit.isReady = false;
    for (const item of sent) this.again(item);
    for (const unit of before) this.#offer(unit);
    return sent;
  }

  #offer(unit: Unit): void {
    const first = unit.items[0] as Item;
    if (unit.isReady || first.state !== 'waiting') return;
    unit.isReady = true;
    this.#ready.push(unit);
  }
}
