import type { Message, Properties, Room, SourceCan, SourceEnd } from '../connector.ts';

/** A destination of its own for one test, empty, and the source that reads it. */
export interface SourceArena {
  readonly end: SourceEnd;
  /** Puts messages there, in order, by other means than the connector; resolves when the broker has them for good. */
  publish(messages: readonly Message[]): Promise<void>;
  /** How many the broker still holds for this source, unsettled ones included; undefined when it does not say. */
  remaining?(): Promise<number | undefined>;
  /** Cuts the source's links, for good where its client would mend them by itself. Offered when the subject says so. */
  cutLinks?(): Promise<void>;
  /** Links work again. */
  mendLinks?(): Promise<void>;
  /** The same source with a wrong password. Offered when the subject says so. */
  readonly badCredentials?: SourceEnd;
  dispose(): Promise<void>;
}

/** What is tested. */
export interface SourceSubject {
  readonly name: string;
  readonly can: SourceCan;
  readonly offers?: readonly ('cutLinks' | 'badCredentials')[];
  /** Cases that the broker, not the connector, makes impossible: by the name of the header set, body or property, with the reason. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** Values of properties that the broker understands, where it does not take the suite's. */
  readonly values?: Partial<Properties>;
  open(window: Room): Promise<SourceArena>;
}
