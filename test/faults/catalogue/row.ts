/** A fault or an attack, what mqferry does about it, and the tests that have seen it. */
export interface Row {
  readonly id: string;
  readonly what: string;
  /** What is promised. */
  readonly does: string;
  /** Tests, by file below `test/` and a piece of the title as it stands there. */
  readonly tests: readonly Seen[];
  /** Faults of the laboratory (lab/cells.ts) that bring it over every pair of brokers. */
  readonly lab?: readonly string[];
  /** Where it is weaker than could be wished, or why it cannot be run here. */
  readonly weaker?: string;
}

export type Seen = readonly [file: string, title: string];
