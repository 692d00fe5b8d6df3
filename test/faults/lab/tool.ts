/** What carries the messages of a cell: mqferry, or another one to compare it with. */
import type { Cell } from './cells.ts';
import type { Books } from './ferry.ts';
import type { Subject } from './subject.ts';

/** One cell's way: from a place at one broker to a place at the other, on these ports. */
export interface Journey {
  readonly cell: Cell;
  readonly source: Subject;
  readonly sink: Subject;
  readonly from: string;
  readonly to: string;
  readonly sourcePort: number;
  readonly sinkPort: number;
}

export interface Carrier {
  /** Starts a life. */
  spawn(): void;
  /** Resolves when this life carries. */
  ready(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<number | null>;
  /** Ends it in good order; its exit code. */
  stop(): Promise<number | null>;
  log(): string;
  dispose(): void;
  /** What it says of itself, if it does. */
  books?(): Promise<Books>;
  /** Of which order it promises, if it does. */
  order?(): Promise<string>;
}

export interface Tool {
  readonly name: string;
  /** Whether it can be in such a cell at all. */
  plays(cell: Cell): boolean;
  make(journey: Journey): Promise<Carrier>;
}
