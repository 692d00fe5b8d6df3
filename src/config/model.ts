/**
 * The checked config: what the rest of the program gets to see. Everything in it is of its final type; templates and expressions are
 * compiled. Nothing here may be printed as it is, as it holds secrets: see `describeConfig` in describe.ts.
 */
import type { Time } from '../clock.ts';
import type { AnyConnector } from '../connector.ts';
import type { DurationRange, Expression, Field, Shown, Template, Value } from './fields.ts';

/** Where something stands in the config; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

export interface Problem extends Place {
  /** A short stable name of the rule that was broken, e.g. `unknown-key`. */
  readonly rule: string;
  readonly message: string;
  /** What to do; one sentence without a full stop. */
  readonly hint?: string;
  readonly severity: 'error' | 'warning';
  /** The lines around the place with the place marked; what could be secret is masked. */
  readonly frame?: string;
}

export interface ConfigModel {
  readonly connections: readonly ConnectionModel[];
  readonly routes: readonly RouteModel[];
  /** Values that must never be printed: of secret fields, from files, passwords inside URLs. */
  readonly secrets: ReadonlySet<string>;
}

export interface ConnectionModel {
  readonly name: string;
  readonly connector: AnyConnector;
  /** Checked by the fields of the connector's `connection`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly at: Place;
  readonly places: Places;
}

/** Where the values of keys stand, for what is found out about them later. */
export type Places = ReadonlyMap<string, Place>;

/** From the weakest to the strongest. */
export const guarantees = ['best-effort', 'at-least-once (process crash)', 'at-least-once'] as const;
export type Guarantee = (typeof guarantees)[number];

export const orders = ['none', 'key', 'lane'] as const;
export type Order = (typeof orders)[number];

export interface RouteModel {
  readonly name: string;
  readonly at: Place;
  /** The weakest that the user accepts. */
  readonly guarantee?: Guarantee;
  readonly order?: Order;
  readonly places: Places;
  readonly window: { readonly messages: number; readonly bytes: number };
  readonly maxHops: number;
  /** Write `mqf-id`, where the route knows one. */
  readonly mqfId: boolean;
  readonly expressions: { readonly maxSteps: number; readonly maxText: number };
  /** Absent: a message that ends the process is not looked for. */
  readonly quarantine?: { readonly after: number; readonly withinMs: number };
  /** A file. Only for finding misspelled names when the config is loaded. */
  readonly bodySchema?: string;
  readonly source: EndModel;
  readonly steps: readonly StepModel[];
  readonly buffer?: BufferModel;
  readonly sink: SinkModel;
  /** The first that holds. The last one has no `when`. */
  readonly onError: readonly ErrorRuleModel[];
}

export interface EndModel {
  readonly connector: AnyConnector;
  /** Checked by the fields of this end; `connection` is filled in. What `create` of the end takes. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly at: Place;
  /** Of its own keys, and of those of its connection, wherever that stands. */
  readonly places: Places;
  /** Absent when the connection is written in place, or when the connector has none. */
  readonly connectionName?: string;
  /** On a source: believe inbound `mqf-*` headers. */
  readonly trusted?: boolean;
  /** On a sink: what becomes of a message that the target cannot carry. */
  readonly onUnmappable?: OnUnmappable;
  /** On a sink: when it is left alone, after refusals for now in a row. */
  readonly breaker?: { readonly failures: number; readonly openForMs: number };
}

export const onUnmappables = ['envelope', 'reject', 'drop'] as const;
export type OnUnmappable = (typeof onUnmappables)[number];

export interface OneSink {
  readonly kind: 'one';
  readonly end: EndModel;
}

export type SinkModel =
  | OneSink
  /** All must confirm. */
  | { readonly kind: 'all'; readonly sinks: readonly SinkModel[] }
  /** The first case that holds. */
  | { readonly kind: 'switch'; readonly cases: readonly CaseModel[]; readonly at: Place }
  /** Those that `pick` names for a message: one name, or a list. All of them must confirm. */
  | { readonly kind: 'oneOf'; readonly pick: Value; readonly allow: ReadonlyMap<string, BranchModel>; readonly at: Place };

/** A way that a message may take among others: steps of its own, and where they lead. */
export interface BranchModel {
  readonly steps: readonly StepModel[];
  readonly sink: SinkModel;
  readonly at: Place;
}

export interface CaseModel extends BranchModel {
  /** Absent: `otherwise`, always the last. It throws when it is neither true nor false. */
  readonly when?: Expression;
  readonly whenText?: string;
}

/**
 * A step and its checked value, by the field of its kind; undefined for a bare word. The function kinds arrive compiled:
 * `expression` as one function (a list of expressions is joined into one that is true when each is), `value` as a function or null,
 * `mapping` as a function, or an array or Map of them.
 */
export interface StepModel {
  readonly name: string;
  readonly value: unknown;
  /** Where its copies go, of a kind that has a sink. */
  readonly sink?: OneSink;
  /** For what this step cannot do; what none of them takes is the route's. Their `retry` is never asked. */
  readonly onError?: readonly ErrorRuleModel[];
  readonly at: Place;
}

export type BufferModel =
  | {
      readonly kind: 'disk';
      readonly maxBytes: number;
      readonly maxMessages?: number;
      /** `interval`: the source is acked before the disk has it; a power cut may lose what came within `everyMs`. */
      readonly sync: 'always' | 'interval';
      readonly everyMs: number;
      readonly at: Place;
    }
  | { readonly kind: 'memory'; readonly maxMessages: number; readonly maxBytes: number; readonly at: Place };

/** What becomes of some of the messages that failed. */
export interface ErrorRuleModel {
  /** Of the message as it entered the pump that failed, with `error`. Absent in the last one: for all that no other takes. */
  readonly when?: Expression;
  readonly retry: {
    readonly attempts: number;
    readonly backoff: DurationRange;
    /** No further try later than this after the first refusal. */
    readonly maxAgeMs?: number;
    /** Tries after these times, when the others are over. */
    readonly afterMs?: readonly number[];
  };
  readonly deadLetter?: OneSink;
  /** What becomes of a message that has failed for good when there is no dead letter. Absent: `stop`. */
  readonly then?: 'drop' | 'stop';
}

/**
 * What steps make of one message. A message is written as lines of `name: value` (`key`, a property, `header.<name>`, last `body`), several are
 * parted by `---`.
 */
export interface StepExample {
  /** The items of `steps:`. */
  readonly steps: string;
  /** Files that the steps name, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly before: string;
  /** The messages that go on; or `filtered`, `dropped`, or the code of an error. */
  readonly after: string;
}

/** A kind of step as the config sees it. */
export interface StepSpecKind {
  readonly name: string;
  readonly summary: string;
  /** Undefined: a bare word, e.g. `drop`. */
  readonly value: Field<unknown> | undefined;
  /** Its value is a sink, bare or as `sink:` among the fields of `value`, which is a group. */
  readonly hasSink?: true;
  /** What else to know; paragraphs. */
  readonly notes?: string;
  readonly example?: StepExample;
  /** The parts of the body that it changes. Absent: it may make any other body. */
  readonly touches?: 'nothing' | ((value: unknown) => readonly Touch[]);
  /** Looks at a checked value as a whole; throws what is wrong with it. With a `key` on the error (a name, or an index), it is reported there. */
  check?(value: unknown): void;
}

/** A part of the body, `body` or `body.a.b`, as a step's value spells it. */
export interface Touch {
  readonly part: string;
  /** Afterwards it is there; else it was there before. */
  readonly sets: boolean;
}

/** What the config may name, and how to compile what it says. */
export interface Registry {
  /** Each is loaded only when a config names it. */
  readonly connectors: Readonly<Record<string, () => Promise<AnyConnector>>>;
  readonly steps: Readonly<Record<string, StepSpecKind>>;
  readonly compile: Compile;
}

/** What expressions of a route may take for granted. */
export interface About {
  /** What evaluating one of them may cost: steps, and characters made. */
  readonly limits?: { readonly steps: number; readonly made: number };
  /** What time it is to them; absent: as the system has it. */
  readonly time?: Time;
  /** Absent: nothing is known of the body. */
  readonly body?: BodyShape;
}

/** What a JSON Schema says of the names in a body. */
export interface BodyShape {
  /** The body in which a step has set this: it is there, and nothing is known of it. */
  with(path: readonly string[]): BodyShape;
  /** Why this cannot be there, as a sentence; undefined when it may be. `mayBeNew`: only a name that looks like a slip of a known one cannot. */
  problem(path: readonly string[], mayBeNew?: boolean): string | undefined;
}

/**
 * Each throws an Error, whose `offset` (characters into the text), if it has one, says where. What the compiled functions throw quotes
 * `shown`, never the text.
 */
export interface Compile {
  /** With `encode`, what the expressions yield is percent-encoded. */
  template(text: string, shown: Shown, about: About, encode?: 'url'): Template;
  expression(text: string, slot: 'boolean' | 'any', shown: Shown, about: About): (message: Parameters<Expression>[0]) => unknown;
  /** A text with `${{ expr }}` in it; what is exactly one keeps its type. */
  value(text: string, shown: Shown, about: About): (message: Parameters<Value>[0]) => unknown;
  /** Of a JSON Schema. Throws an Error when it is none. Absent: expressions are compiled without. */
  bodyShape?(schema: unknown, file: string): BodyShape;
}
