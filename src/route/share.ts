import type { CaseModel, EndModel, SinkModel, StepModel } from '../config/model.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import type { Aside, Step } from '../steps/step.ts';

/** Compiles the steps of one place into one. */
export type CompileSteps = (steps: readonly StepModel[]) => Step;

/** The sinks of a route, flat, and how a batch is divided among them. */
export interface Sharing {
  readonly ends: readonly EndModel[];
  /** Every message goes once to every sink. */
  readonly isStraight: boolean;
  /** Messages per end, in the order of `ends`. */
  share(messages: readonly Message[], aside: Aside): readonly (readonly Message[])[];
}

type Branch = (messages: readonly Message[], aside: Aside, shares: (readonly Message[])[]) => void;

const none: readonly Message[] = [];

/** Flattens a tree of sinks. */
export function sharing(sink: SinkModel, compileSteps: CompileSteps): Sharing {
  const ends: EndModel[] = [];
  const branch = compile(sink, ends, compileSteps);
  const empty = ends.map(() => none);
  return {
    ends,
    isStraight: isStraight(sink),
    share(messages, aside) {
      const shares = [...empty];
      branch(messages, aside, shares);
      return shares;
    },
  };
}

/** All ends of a tree of sinks, in the order in which sharing() numbers them. */
export function endsOf(sink: SinkModel): readonly EndModel[] {
  if (sink.kind === 'one') return [sink.end];
  const children = sink.kind === 'all' ? sink.sinks : sink.cases.map((one) => one.sink);
  return children.flatMap(endsOf);
}

/** All steps in the cases of a tree of sinks. */
export function stepsOf(sink: SinkModel): readonly StepModel[] {
  if (sink.kind === 'one') return [];
  if (sink.kind === 'all') return sink.sinks.flatMap(stepsOf);
  return sink.cases.flatMap((one) => [...one.steps, ...stepsOf(one.sink)]);
}

function compile(sink: SinkModel, ends: EndModel[], compileSteps: CompileSteps): Branch {
  if (sink.kind === 'one') {
    const index = ends.push(sink.end) - 1;
    return (messages, _aside, shares) => {
      shares[index] = messages;
    };
  }
  if (sink.kind === 'all') {
    const branches = sink.sinks.map((one) => compile(one, ends, compileSteps));
    return (messages, aside, shares) => {
      for (const branch of branches) branch(messages, aside, shares);
    };
  }
  return compileSwitch(sink.cases, ends, compileSteps);
}

function compileSwitch(cases: readonly CaseModel[], ends: EndModel[], compileSteps: CompileSteps): Branch {
  const branches = cases.map((one) => ({
    steps: compileSteps(one.steps),
    next: compile(one.sink, ends, compileSteps),
  }));
  return (messages, aside, shares) => {
    const parts = branches.map((): Message[] => []);
    for (const message of messages) {
      const index = choose(cases, message, aside);
      if (index !== undefined) (parts[index] as Message[]).push(message);
    }
    branches.forEach(({ steps, next }, i) => {
      const part = parts[i] as Message[];
      if (part.length > 0) next(steps(part, aside), aside, shares);
    });
  };
}

/** The first case that holds; a message that none takes, or that a condition cannot judge, has failed. */
function choose(cases: readonly CaseModel[], message: Message, aside: Aside): number | undefined {
  try {
    for (let i = 0; i < cases.length; i++) {
      const { when } = cases[i] as CaseModel;
      if (when === undefined || when(message) === true) return i;
    }
  } catch (error) {
    aside.fail(
      message,
      error instanceof MqferryError ? error : new MqferryError('STEP_FAILED', 'a condition of the switch failed', { cause: error }),
    );
    return undefined;
  }
  aside.fail(message, new MqferryError('UNROUTABLE', 'no case of the switch takes this message, and it has no otherwise'));
  return undefined;
}

function isStraight(sink: SinkModel): boolean {
  return sink.kind === 'one' || (sink.kind === 'all' && sink.sinks.every(isStraight));
}
