/**
 * THE DOOR: all that a connector may import. A connector connects once, reads, writes, closes, and throws NOT_CONNECTED when the link is
 * gone; reconnecting, back-off, retry, dead letters, metrics and shutdown are the engine's.
 */
import type { Carries } from './carries.ts';
import type { Fields, Infer } from './config/fields.ts';
import type { MqferryError } from './errors.ts';
import type { Message } from './message.ts';

export { bearsToken, hostName, isLoopback } from './access.ts';
export { type Carries, type HeaderKind, type Kept, type Slot, type Slots, textSlot, type Words, withSlots } from './carries.ts';
export * from './config/fields.ts';
export { Either } from './either.ts';
export { BadSetting, describeError, type ErrorCode, errorCodes, MqferryError, notConnected } from './errors.ts';
export { Inbox } from './inbox.ts';
export {
  type Header,
  type Headers,
  type HeaderValue,
  Message,
  type MessageInit,
  type Origin,
  type Properties,
  propertyNames,
  Typed,
} from './message.ts';
export { TextCache, writeUtf8 } from './texts.ts';
export { checkTls, isTlsFailure, type TlsOptions, tlsFields, tlsHint, tlsNotes, tlsOptions } from './tls.ts';

/** Messages and bytes. */
export interface Room {
  readonly messages: number;
  readonly bytes: number;
}

/** How to make the reading end's connections, one object each. */
export interface SourceEnd {
  readonly can: SourceCan;
  /** Connects and subscribes. Throws NOT_CONNECTED, AUTH, FORBIDDEN, NOT_FOUND ... */
  open(signal: AbortSignal): Promise<Source>;
}

/** One connection to the broker that is read. When its link is lost the object is dead for good. */
export interface Source {
  /**
   * What is waiting, at most `room`, at least one message; null at the end of a finite source and on abort. Throws NOT_CONNECTED.
   * Never called twice at once. A message it cannot decode is handed over with its `fault` set.
   */
  read(room: Room, signal: AbortSignal): Promise<Batch | null>;
  /**
   * Whether the broker has nothing more for us, as far as it has said: what `--until-idle` asks. Absent: then it counts as such when `read` waits,
   * which is right where the broker sends by itself.
   */
  readonly isCaughtUp?: boolean;
  /** Sends outstanding acks while the link lives, then disconnects. Has a time limit; safe to call twice. */
  close(): Promise<void>;
}

export interface Batch {
  readonly messages: readonly Message[];
  /** Every message has ended: the broker may forget them. Called at most once; void when the link is gone; never throws. */
  ack(): void;
}

export interface SinkEnd {
  readonly can: SinkCan;
  open(signal: AbortSignal): Promise<Sink>;
}

/** One connection to the broker that is written to. */
export interface Sink {
  /**
   * Resolves once the broker has confirmed every message but the refused ones it returns. May be called again before it resolves: messages
   * reach the broker in call order. Throws NOT_CONNECTED when the outcome is unknown; keeps its own deadline.
   */
  write(messages: readonly Message[]): Promise<readonly Refusal[]>;
  /** Once it resolves, every write has ended. Has a time limit; safe to call twice. */
  close(): Promise<void>;
}

/** A message that the broker will not take: as it is (`retry: false`), or now (`retry: true`). `message` is the object that was written. */
export interface Refusal {
  readonly message: Message;
  readonly error: MqferryError;
  readonly retry: boolean;
}

export interface SourceCan {
  /** `each`: in any order; `inOrder`: the engine calls ack() in read order. */
  readonly settles: 'each' | 'inOrder';
  readonly redelivers: 'inOrder' | 'anyOrder' | 'never';
  /** What waits there, and what is on its way from there, is gone when this process ends. */
  readonly diesWithProcess?: true;
  /**
   * The names in `origin` whose values together name a message: each copy has the same, and no other message ever has, of any queue, broker or
   * run. Printable ASCII; they become `mqf-id`. Empty: copies cannot be known.
   */
  readonly stableIds: readonly string[];
  readonly carries: Carries;
  /** Sentences for `explain`: what this end does not promise, and the remedy. */
  readonly notes?: readonly string[];
}

export interface SinkCan {
  /**
   * Never keeps a message after losing an earlier unconfirmed one of the same lane (or lane + key). Then it never returns `retry: true`:
   * it hangs up instead.
   */
  readonly keepsOrder: 'lane' | 'key' | 'none';
  /** Whether `write` may be called again before the one before has resolved. */
  readonly writes: 1 | 'many';
  /** At most this much in one `write`. */
  readonly maxWrite: Room;
  readonly confirms: 'stored' | 'received' | 'none';
  /** A confirm says that a queue took the message, not only that the broker has seen it. */
  readonly routed: boolean;
  /** Others fetch its messages when they like, so nobody waits for that when the route is to stop: what is not fetched comes again. */
  readonly pulled?: true;
  readonly carries: Carries;
  readonly notes?: readonly string[];
}

/** A line in the log. Fields first, as pino has it. Never a message's content, never a secret. */
export interface Log {
  error(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
  debug(fields: object, text: string): void;
}

/** A durable queue of this process: what its near side has confirmed is on disk until it is settled on its far side. */
export interface Queue {
  readonly near: SinkEnd;
  /** One link at a time: opening a second one throws CONFIG_INVALID; of many readers each message goes to one, those of a higher priority first. */
  readonly far: SourceEnd;
}

/** What one end says of a queue; absent: as another end says, or else the default. */
export interface QueueLimits {
  /** Of its files. Default 1 GiB. */
  readonly maxBytes?: number;
  readonly maxMessages?: number;
  /** Acked positions that may be missing on disk, which a crash repeats. Default 1000. */
  readonly prefetch?: number;
  /** Default `one`. `many`: a queue of another kind, which has nothing to do with one of the same name: see {@link Queue.far}. */
  readonly readers?: 'one' | 'many';
}

/** A table of this process: a sink feeds it, `enrich` steps look things up in it. */
export interface Table {
  readonly entries: number;
  /** Of all entries, as they were given. */
  readonly bytes: number;
  has(key: string): boolean;
  /** Undefined when there is no such entry. Never change what it returns. */
  get(key: string): unknown;
  /** The bytes of this entry; 0 when there is none. */
  weigh(key: string): number;
  set(key: string, value: unknown, bytes: number): void;
  delete(key: string): void;
}

/** What an end may know of the route it serves. */
export interface EndContext {
  readonly route: string;
  /** Messages and bytes that may be unsettled at once. */
  readonly window: Room;
  readonly log: Log;
  /** Stable over restarts, unique per instance, route and end; the name of a session where the protocol has one. */
  readonly clientId: string;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /**
   * The queue of this name in the data directory, one for all routes. Opens nothing: its ends do. Throws CONFIG_INVALID when no queue can
   * have this name. Absent where there is no data directory, as in `check`.
   */
  queue?(name: string, limits: QueueLimits): Queue;
  /** The dead letters of this route in the data directory: one log, whoever asks. Opens nothing. Absent where {@link queue} is. */
  deadLetters?(limits: QueueLimits): Queue;
  /** The table of this name, one for all routes. Absent where nothing will run, as in `check`. */
  table?(name: string): Table;
}

/** One thing that `mqferry check` looked at on a live broker. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found, or what to do. */
  readonly text: string;
}

/** `connection` is filled in from the `connections:` entry that the config names, or from what stands in its place. */
export type EndConfig<C extends Fields, F extends Fields> = Infer<F> & { readonly connection: Infer<C> };

export interface SourceKind<C extends Fields, F extends Fields> {
  readonly fields: F;
  create(config: EndConfig<C, F>, context: EndContext): SourceEnd;
  /** Looks, without taking or changing anything: reachable, permitted, there. */
  check?(config: EndConfig<C, F>, context: EndContext): Promise<readonly Finding[]>;
}

export interface SinkKind<C extends Fields, F extends Fields> {
  readonly fields: F;
  create(config: EndConfig<C, F>, context: EndContext): SinkEnd;
  /** The table that it feeds. */
  feeds?(config: EndConfig<C, F>): string;
  check?(config: EndConfig<C, F>, context: EndContext): Promise<readonly Finding[]>;
  /**
   * Where what such a sink has written is read again; for dead letters. Connects to nothing. `reader` is a name of its own for whoever reads,
   * the same at each time. Throws CONFIG_INVALID with the reason when it cannot be. Absent: it never can.
   */
  readBack?(config: EndConfig<C, F>, reader: string): ReadBack;
}

/** How what a sink has written is read again: in a durable queue of this process, or by a source of the same connector. */
export type ReadBack =
  | { readonly queue: string }
  | {
      /** `queue orders.dead`, `topic orders.dead`. */
      readonly name: string;
      /** Keys of the source, of their final types; what is absent has its default. */
      readonly config: Readonly<Record<string, unknown>>;
      /**
       * What becomes of a message that was read and is not acked. `returned`: it is where it was once the link is closed, and what was acked is
       * gone. `marked`: nothing is ever removed, the position of `reader` says up to where all was acked.
       */
      readonly unacked: 'returned' | 'marked';
      /** Sentences for who looks or replays: what reading does to the messages. */
      readonly notes: readonly string[];
      /** How many wait. Absent: it cannot be known without reading them. */
      count?(context: EndContext): Promise<number>;
    };

/** One end among all those of a connector in a config. */
export interface EndOf<F> {
  readonly side: 'source' | 'sink';
  readonly config: F;
}

/** An end that does not go with another one; `message` says why, of `end` as *here* and of `other` as *there*. */
export interface Misfit {
  readonly end: EndOf<unknown>;
  readonly other: EndOf<unknown>;
  readonly message: string;
}

/** What a connector folder exports. */
export interface Connector<C extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields> {
  readonly name: string;
  readonly summary: string;
  /** URL schemes that `mqferry copy` takes for it. */
  readonly schemes?: readonly string[];
  /** The settings of one address with its credentials. Absent: the connector connects to nothing (print, generate). */
  readonly connection?: C;
  readonly source?: SourceKind<C, S>;
  readonly sink?: SinkKind<C, K>;
  /** Looks at all its ends in a config together, offline: an error for each that does not go with another one. */
  misfits?(ends: readonly EndOf<EndConfig<C, S> | EndConfig<C, K>>[]): readonly Misfit[];
}

/** Keeps the types of the fields, so that `create` gets its config typed. */
export function defineConnector<C extends Fields, S extends Fields, K extends Fields>(connector: Connector<C, S, K>): Connector<C, S, K> {
  return connector;
}

/** A connector whose field types nobody needs any more. */
// biome-ignore lint/suspicious/noExplicitAny: create() takes a config of its own type; the compiler of routes has checked it by the fields.
export type AnyConnector = Connector<any, any, any>;
