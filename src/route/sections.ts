/** How a route is divided: steps, and behind each part of them what its messages are kept in, or the sinks. */
import type { BufferModel, RouteModel, StepModel } from '../config/model.ts';
import { stepKinds } from '../steps/index.ts';

export interface BufferStore {
  readonly kind: 'buffer';
  readonly name: 'buffer';
  readonly model: BufferModel;
}

export interface StageStore {
  readonly kind: 'stage';
  /** `delay`, and of several in a route `delay-2` ...: also the name of its directory. */
  readonly name: string;
  readonly step: StepModel;
}

export type Store = BufferStore | StageStore;

export interface Section {
  readonly steps: readonly StepModel[];
  /** What they go into. Undefined in the last one: the sinks. */
  readonly into: Store | undefined;
}

/**
 * The first step that makes many of one, waits, or keeps messages stands behind the buffer, and so do those after it. The buffer holds the whole,
 * so that the parts have one fate and the books count what was read; and it takes in what comes while a step waits.
 */
export function sectionsOf({ steps, buffer }: Pick<RouteModel, 'steps' | 'buffer'>): readonly Section[] {
  const sections: Section[] = [];
  const counts = new Map<string, number>();
  let open: StepModel[] = [];
  let due: BufferModel | undefined = buffer;
  const close = (into: Store | undefined) => {
    sections.push({ steps: open, into });
    open = [];
  };
  const closeByBuffer = () => {
    if (due) close({ kind: 'buffer', name: 'buffer', model: due });
    due = undefined;
  };
  for (const step of steps) {
    const kind = stepKinds[step.name];
    if (kind?.behindBuffer) closeByBuffer();
    if (kind?.stage) close({ kind: 'stage', name: numbered(step.name, counts), step });
    else open.push(step);
  }
  closeByBuffer();
  close(undefined);
  return sections;
}

/** The stages of a route, in order. */
export function stagesOf(model: Pick<RouteModel, 'steps' | 'buffer'>): readonly StageStore[] {
  return sectionsOf(model).flatMap(({ into }) => (into?.kind === 'stage' ? [into] : []));
}

/** A step that stands around what is behind it. */
export interface NamedAround {
  /** `dedupe`, and of several in a route `dedupe-2` ...: also the name of its directory. */
  readonly name: string;
  readonly step: StepModel;
}

/** The steps of a route that stand around what is behind them, in order. */
export function aroundsOf({ steps }: Pick<RouteModel, 'steps'>): readonly NamedAround[] {
  const counts = new Map<string, number>();
  return steps.flatMap((step) => (stepKinds[step.name]?.around ? [{ name: numbered(step.name, counts), step }] : []));
}

function numbered(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count === 1 ? name : `${name}-${count}`;
}
