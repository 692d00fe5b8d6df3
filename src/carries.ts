/**
 * What a protocol has a place for. Each connector declares it once; from that come what the envelope does with a message, the mapping table
 * of the docs (docs/reference/mapping.md), and the tests that hold the connector's own code against it.
 */
import type { HeaderValue, Properties } from './message.ts';

/** What a protocol has a slot for. The rest goes into `mqf-` headers, by the engine. */
export interface Carries {
  readonly headers: 'none' | 'text' | 'bytes' | 'typed';
  /** The same header name more than once. */
  readonly repeats: boolean;
  readonly key: boolean;
  readonly properties: readonly (keyof Properties)[];
  /** Largest body. Infinity when the protocol has no limit. */
  readonly maxBytes: number;
  /** Lower-case header names (or prefixes that end in `*`) that are orders to the broker: sent under another name, never as they are. */
  readonly reserved?: readonly string[];
  /** How it spells the properties that it has; of one that is not here, every value is kept. */
  readonly slots?: Slots;
  /** Whether a header may have this name; one that may not is sent under an escaped one. Absent: any text. */
  readonly allowsName?: (name: string) => boolean;
  /**
   * Whether a header of this value arrives as it is; one that does not travels as text, with its type in `mqf-types`. Absent: every value with
   * `headers: 'typed'`; with `'text'`, text without control characters.
   */
  readonly keepsValue?: (value: HeaderValue) => boolean;
  /** With `headers: 'bytes'`: a header must have a value. */
  readonly nulls?: false;
  /** Headers of different names may change places. */
  readonly ordered?: false;
  /** What a message arrives with that was written without this property, e.g. `the time of writing`. */
  readonly fills?: Readonly<Partial<Record<keyof Properties, string>>>;
  /** For the mapping table. */
  readonly words?: Words;
}

/** The place of one property. */
export interface Slot<Value> {
  /** In the words of the protocol: `message-id`. */
  readonly name: string;
  /** How much of a value it holds. Absent: all of every value. */
  readonly keeps?: (value: Value) => Kept;
  /** Beside `keeps`, for the mapping table: what is not kept exactly, e.g. `at most 255 bytes`. */
  readonly but?: string;
}

/** `nearly`: the slot takes what is nearest, and a header the exact value. `not`: only a header does. */
export type Kept = 'exactly' | 'nearly' | 'not';

export type Slots = { readonly [Name in keyof Properties]?: Slot<NonNullable<Properties[Name]>> };

/** What the mapping table says of a protocol and no code can. */
export interface Words {
  /** Its header types: how it spells each kind of value, by the names of {@link HeaderKind}. */
  readonly kinds?: Readonly<Partial<Record<HeaderKind, string>>>;
  /** What its messages have that is no header, key or property of ours, and what becomes of it. */
  readonly natives: Readonly<Record<string, string>>;
  /** Sentences: what is refused, and what its brokers change. */
  readonly limits: readonly string[];
}

export type HeaderKind = 'text' | 'boolean' | 'integer' | 'fraction' | 'bytes' | 'time' | 'null' | 'list' | 'map' | 'typed';

/** The slots, and the properties that they are of: one declaration for both. */
export function withSlots(slots: Slots): Required<Pick<Carries, 'properties' | 'slots'>> {
  return { properties: Object.keys(slots) as (keyof Properties)[], slots };
}

/** A slot for text of which some cannot be sent. */
export function textSlot(name: string, allows: (text: string) => boolean, but: string): Slot<string> {
  return { name, but, keeps: (text) => (allows(text) ? 'exactly' : 'not') };
}
