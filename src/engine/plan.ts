/** What a route was compiled into: all decisions are made, the engine only runs it. */
import type { Life } from '../buffer/lives.ts';
import type { StageBooks } from '../buffer/stage/stage.ts';
import type { Log, Room, SinkEnd, SourceEnd } from '../connector.ts';
import type { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import type { Aside } from '../steps/step.ts';
import type { BreakerPlan } from './breaker.ts';
import type { Order, Retry } from './outbox.ts';

/** A sink of a pump, with the translation of what its protocol cannot carry. */
export interface SinkPlan {
  /** Shown in logs, metrics and the API, e.g. `sink kafka`. */
  readonly name: string;
  readonly end: SinkEnd;
  /** Steps that must know what becomes of their messages stand around it. */
  readonly around?: ((end: SinkEnd) => SinkEnd) | undefined;
  /** The message as it goes out; an error when it cannot go out like this (a dropped one when the config says so). */
  outbound(message: Message): Message | MqferryError | 'drop';
  readonly breaker?: BreakerPlan | undefined;
}

/** Messages per sink, in the order of the pump's sinks; failed and dropped ones go to `aside`. */
export type Share = (messages: readonly Message[], aside: Aside) => readonly (readonly Message[])[];

/** A share with steps that wait. */
export interface WaitingShare {
  /**
   * Hands on what is ready, each sink's in order. Resolves when all of it is handed on, set aside or filtered. When `signal` is aborted it ends
   * soon; nothing of it is heard any more.
   */
  pass(messages: readonly Message[], aside: Aside, hand: Hand, signal: AbortSignal): Promise<void>;
}

/** Takes what goes to the sink of this number. */
export type Hand = (part: readonly Message[], sink: number) => void;

/** One source, the steps, and the sinks that get their share of each batch. */
export interface PumpPlan {
  readonly name: string;
  readonly source: SourceEnd;
  inbound(message: Message): Message;
  readonly share: Share | WaitingShare;
  /** True when `share` can neither filter, split nor route: every message goes once to every sink. */
  readonly isStraight: boolean;
  readonly sinks: readonly SinkPlan[];
  /** Where a message came in when that was not at the source: its dead letter says so, as then some steps are behind it. Absent: the source. */
  enteredAt?(received: Message): string | undefined;
  /** Where messages wait that failed in it and are to be tried again later. */
  readonly later?: LaterPlan | undefined;
}

/** A sink that gets a copy of each message as it is at one step, best effort: see {@link Tap}. */
export interface TapPlan {
  /** The step that hands them over, as it says to {@link Aside.tap}. */
  readonly step: object;
  readonly sink: SinkPlan;
  /** Copies that have not been confirmed, at most; the newest are dropped. */
  readonly limit: Room;
}

/** What stands between two pumps: the buffer, or a step that keeps messages beyond their ack. */
export interface StorePlan {
  readonly kind: 'buffer' | 'stage';
  /** Shown in the API and in metrics: `buffer`, or the name of the stage. */
  readonly name: string;
  /** Absent: as many leave as have come, so the pumps say it all. */
  readonly books?: StageBooks | undefined;
  stats(): StoreStats;
  close(): Promise<void>;
}

export interface StoreStats {
  readonly messages: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly oldestMs?: number | undefined;
  /** Groups that are open, where it makes groups. */
  readonly groups?: number | undefined;
}

/** Messages go in with the time that they are to wait, and come back to the pump that they failed in. */
export interface LaterPlan extends StorePlan {
  readonly near: SinkEnd;
  readonly far: SourceEnd;
}

/** What a step remembers that stands around what is behind it. */
export interface MemoryPlan {
  /** Shown in the API and in metrics: the name of the step. */
  readonly name: string;
  stats(): MemoryStats;
  close(): Promise<void>;
}

export interface MemoryStats {
  readonly entries: number;
  readonly bytes: number;
  /** Messages that were taken for copies, since the start, where it looks for them. */
  readonly copies?: number;
  /** Calls that waited in vain, since the start. */
  readonly timedOut?: number;
  /** Age of the oldest, where each is waited for. */
  readonly oldestMs?: number | undefined;
}

/** Where dead letters of the route are kept on disk. */
export interface DeadStore {
  /** Undefined until it has been open. Cheap. */
  stats(): StoreStats | undefined;
}

/** When a message is held to be what ends the process, and where that is remembered. */
export interface QuarantinePlan {
  /** Unclean stops in a row at which it was under way. */
  readonly after: number;
  /** Not what has been under way for so long, and the process lives. */
  readonly withinMs: number;
  /** Undefined where nothing can be kept: then the route goes on without. */
  open(): Promise<Life | undefined>;
}

/** A message that a step or a sink has not taken. */
export interface Failure {
  /** What the source handed over: the key of its delivery. */
  readonly received: Message;
  /** As it entered the pump that failed, its `mqf-` headers believed or renamed: what is judged and dead-lettered. */
  readonly entered: Message;
  /** See {@link PumpPlan.enteredAt}. */
  readonly at?: string | undefined;
  readonly error: MqferryError;
  /** Tries so far, this one among them. */
  readonly attempts: number;
  /** The step that failed, when it has an `onError` of its own. */
  readonly step?: object | undefined;
}

/** What the config says of a failure: how often to try, and what then. */
export interface Remedy {
  readonly retry: Retry;
  /** Before it goes the way: how long it is kept until it is tried anew, after the first such time, the second ... In ms. */
  readonly later?: readonly number[] | undefined;
  /** A sink: one of the plan's dead-letter destinations. */
  readonly way: 'drop' | 'stop' | SinkPlan;
}

export interface RoutePlan {
  readonly name: string;
  /** One behind the other; the last one has the sinks of the route. */
  readonly pumps: readonly [PumpPlan, ...PumpPlan[]];
  /** Between each pump and the next. Absent: there is one pump. */
  readonly stores?: readonly StorePlan[];
  readonly memories?: readonly MemoryPlan[];
  readonly quarantine?: QuarantinePlan;
  readonly order: Order | undefined;
  readonly window: Room;
  /** Of links, and of dead letters that their destination refuses for now. */
  readonly retry: Retry;
  readonly deadLetters: readonly SinkPlan[];
  readonly deadStore?: DeadStore;
  readonly taps?: readonly TapPlan[];
  /** Throws when it cannot be told: then the route stops. */
  remedy(failure: Failure): Remedy;
  /** Makes the reason of a dead letter readable for the expressions of its destination. */
  attachError?(letter: Message, error: MqferryError, attempts: number): void;
  readonly log: Log;
}
