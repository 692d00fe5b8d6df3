import { createHash, randomBytes } from 'node:crypto';
import type { Arrival, Parcel } from './subject.ts';

export interface Counts {
  readonly sent: number;
  readonly arrived: number;
  readonly lost: number;
  readonly phantom: number;
  readonly corrupt: number;
  readonly duplicated: number;
  /** Arrived for the first time behind one that was sent later, in the same lane. */
  readonly reordered: number;
}

/** Within the basic plane: ActiveMQ Classic 6.3 garbles what lies beyond it in headers that it reads back from its store. */
const unicode = 'grüße ✓';
/** Names that are orders to some broker, or traps of some language. To mqferry they are data. */
const hostileNames = ['receipt', 'transaction', 'destination', 'CC', 'BCC', '__proto__', 'constructor', 'expires', 'x-delay', 'Mqf-Route'];

/** Bodies that break careless code: empty, NULs, every byte, not UTF-8, 1 MiB, JSON that pollutes. The rest is 200 random bytes. */
const specialBodies = [
  Buffer.alloc(0),
  Buffer.from('\0\0\n\0'),
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  Buffer.from([0xc3, 0x28, 0xff]),
  randomBytes(1024 * 1024),
  Buffer.from('{"__proto__":{"a":1},"constructor":1}'),
  Buffer.from('\n\n\0MESSAGE\n'),
];

/** So many of them, and more until that is enough. */
export function* parcels(count: number, isEnough: () => boolean = () => true): Generator<Parcel> {
  for (let n = 0; n < count || !isEnough(); n++) yield parcel(n);
}

function parcel(n: number): Parcel {
  return {
    n,
    body: specialBodies[n] ?? (n % 50 === 49 ? Buffer.alloc(0) : randomBytes(200)),
    headers: [
      ['x-n', String(n)],
      ['x-unicode', unicode],
      ...(n % 10 === 0 ? [[hostileNames[(n / 10) % hostileNames.length] as string, 'hostile'] as const] : []),
    ],
  };
}

/** Which copies carry the same `mqf-id`: all, those from the buffer, or none has one. */
export type Ids = 'all' | 'buffer' | 'none';

/** What mqferry may add to a message of these cells, beside the hostile names: what Kafka (a time) and ActiveMQ give a message by themselves. */
const ownHeaders = ['mqf-hops', 'mqf-types', 'mqf-timestamp-ms', 'mqf-message-id', 'mqf-priority'];

/** Written from the outside: what the source broker confirmed, and what was drained at the sink broker. */
export class Ledger {
  /** Confirmed by the source broker. */
  readonly #confirmed = new Map<number, string>();
  /** How often each was sent: again when the outcome was unknown, so as many may be at the source, each a message of its own there. */
  readonly #sendings = new Map<number, number>();
  readonly #arrived = new Map<number, number>();
  #phantom = 0;
  #corrupt = 0;
  #reordered = 0;
  /** Of each lane, the greatest number that has arrived. */
  readonly #lastOf = new Map<number, number>();
  readonly #lanes: number;
  readonly #digests = new Map<number, string>();
  readonly #ids: Ids | undefined;
  readonly #idsOf = new Map<number, Set<string>>();
  readonly #numberOf = new Map<string, number>();
  /** Sentences about headers that mqferry should not have written so, and how often. */
  readonly #wrongHeaders = new Map<string, number>();

  /** `ids`: of mqferry; others write no headers of their own. `lanes`: message n was sent into lane n modulo so many. */
  constructor(ids: Ids | undefined, lanes = 1) {
    this.#ids = ids;
    this.#lanes = lanes;
  }

  /** Handed to the source broker; from now on it may arrive. */
  sending(parcels: readonly Parcel[]): void {
    for (const { n, body } of parcels) {
      this.#sendings.set(n, (this.#sendings.get(n) ?? 0) + 1);
      this.#digests.set(n, digest(body));
    }
  }

  confirmed(parcels: readonly Parcel[]): void {
    for (const { n } of parcels) this.#confirmed.set(n, this.#digests.get(n) as string);
  }

  arrived(arrival: Arrival): void {
    const n = this.#numberOfArrival(arrival);
    const wanted = this.#digests.get(n);
    if (wanted === undefined) {
      this.#phantom++;
      return;
    }
    const hasHeaders = arrival.names.length > 0 || this.#ids !== undefined;
    if (digest(arrival.body) !== wanted || (hasHeaders && arrival.header('x-unicode') !== unicode)) this.#corrupt++;
    if (!this.#arrived.has(n)) this.#lookAtOrder(n);
    this.#arrived.set(n, (this.#arrived.get(n) ?? 0) + 1);
    if (this.#ids) this.#lookAtHeaders(n, arrival);
  }

  #lookAtOrder(n: number): void {
    const lane = n % this.#lanes;
    const last = this.#lastOf.get(lane) ?? -1;
    if (n < last) this.#reordered++;
    this.#lastOf.set(lane, Math.max(n, last));
  }

  /** A peer may carry no headers: then a body says which it is, and of several with that body it is the first that is missing. */
  #numberOfArrival({ body, names, header }: Arrival): number {
    if (names.length > 0 || this.#ids !== undefined) return Number(header('x-n') ?? Number.NaN);
    const own = digest(body);
    const same = [...this.#digests].filter(([, other]) => other === own).map(([n]) => n);
    return same.find((n) => !this.#arrived.has(n)) ?? same[0] ?? Number.NaN;
  }

  get wrongHeaders(): string[] {
    return [...this.#wrongHeaders].map(([what, times]) => `${what}, ${times} times`);
  }

  /** So many extra copies may be at the source. */
  get resent(): number {
    let sum = 0;
    for (const times of this.#sendings.values()) sum += times - 1;
    return sum;
  }

  /** Each `mqf-id` is of one message; where all copies carry the same, each message of the source has one. */
  #lookAtHeaders(n: number, { names, header }: Arrival): void {
    const wrong = (what: string) => this.#wrongHeaders.set(what, (this.#wrongHeaders.get(what) ?? 0) + 1);
    for (const name of names)
      if (/^mqf-(?!h-|id$)/i.test(name) && !ownHeaders.includes(name)) wrong(`a header ${name} that nobody declared`);
    if (header('mqf-hops') !== '1') wrong('mqf-hops is not 1');
    const id = header('mqf-id');
    if ((id === undefined) !== (this.#ids === 'none')) wrong(id === undefined ? 'no mqf-id' : 'an mqf-id that nobody declared');
    if (id === undefined) return;
    if ((this.#numberOf.get(id) ?? n) !== n) wrong('two messages with one mqf-id');
    this.#numberOf.set(id, n);
    const ids = this.#idsOf.get(n) ?? new Set();
    this.#idsOf.set(n, ids.add(id));
    if (this.#ids === 'all' && ids.size > (this.#sendings.get(n) ?? 0)) wrong('a copy with another mqf-id');
  }

  get missing(): number {
    let count = 0;
    for (const n of this.#confirmed.keys()) if (!this.#arrived.has(n)) count++;
    return count;
  }

  get sent(): number {
    return this.#confirmed.size;
  }

  get counts(): Counts {
    const copies = [...this.#arrived.values()].reduce((sum, times) => sum + times, 0);
    return {
      sent: this.#confirmed.size,
      arrived: this.#arrived.size,
      lost: this.missing,
      phantom: this.#phantom,
      corrupt: this.#corrupt,
      duplicated: copies - this.#arrived.size,
      reordered: this.#reordered,
    };
  }
}

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}
