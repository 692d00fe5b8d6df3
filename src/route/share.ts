import type { CaseModel, EndModel, SinkModel, StepModel } from '../config/model.ts';
import type { Hand, PumpPlan, Share, WaitingShare } from '../engine/plan.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type AnyStep, type Aside, through } from '../steps/step.ts';

/** Compiles the steps of one place into one. */
export type CompileSteps = (steps: readonly StepModel[]) => AnyStep;

/** The sinks of a route, flat, and how a batch is divided among them. */
export interface Sharing extends Pick<PumpPlan, 'share' | 'isStraight'> {
  /** As `share` numbers them. */
  readonly ends: readonly EndModel[];
}

type PlainBranch = (messages: readonly Message[], aside: Aside, shares: (readonly Message[])[]) => void;
type Branch = PlainBranch | WaitingShare;

const none: readonly Message[] = [];

/** Flattens a tree of sinks. */
export function sharing(sink: SinkModel, compileSteps: CompileSteps): Sharing {
  const ends: EndModel[] = [];
  const branch = compile(sink, ends, compileSteps);
  const empty = ends.map(() => none);
  const share = (plain: PlainBranch): Share => {
    return (messages, aside) => {
      const shares = [...empty];
      plain(messages, aside, shares);
      return shares;
    };
  };
  return { ends, isStraight: isStraight(sink), share: typeof branch === 'function' ? share(branch) : branch };
}

/** The steps, and behind them the sharing. */
export function shareBehind(steps: AnyStep, { share }: Pick<Sharing, 'share'>): Share | WaitingShare {
  if (typeof steps === 'function' && typeof share === 'function') return (messages, aside) => share(steps(messages, aside), aside);
  return {
    async pass(messages, aside, hand, signal) {
      for await (const piece of through(steps, messages, aside, signal)) await pass(share, piece, aside, hand, signal);
    },
  };
}

/** Through either kind of sharing. */
export async function pass(
  share: Share | WaitingShare,
  messages: readonly Message[],
  aside: Aside,
  hand: Hand,
  signal: AbortSignal,
): Promise<void> {
  if (typeof share === 'function') share(messages, aside).forEach(hand);
  else await share.pass(messages, aside, hand, signal);
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
  if (sink.kind === 'all') return together(sink.sinks.map((one) => compile(one, ends, compileSteps)));
  return compileSwitch(sink.cases, ends, compileSteps);
}

/** Each of the branches gets all messages. */
function together(branches: readonly Branch[]): Branch {
  if (branches.every((branch) => typeof branch === 'function'))
    return (messages, aside, shares) => {
      for (const branch of branches) branch(messages, aside, shares);
    };
  return {
    pass: (messages, aside, hand, signal) => allOf(branches.map((branch) => enter(branch, messages, aside, hand, signal))),
  };
}

function compileSwitch(cases: readonly CaseModel[], ends: EndModel[], compileSteps: CompileSteps): Branch {
  const branches = cases.map((one) => behind(compileSteps(one.steps), compile(one.sink, ends, compileSteps)));
  const divide = (messages: readonly Message[], aside: Aside) => {
    const parts = branches.map((): Message[] => []);
    for (const message of messages) {
      const index = choose(cases, message, aside);
      if (index !== undefined) (parts[index] as Message[]).push(message);
    }
    return parts;
  };
  if (branches.every((branch) => typeof branch === 'function'))
    return (messages, aside, shares) => {
      const parts = divide(messages, aside);
      branches.forEach((branch, i) => {
        const part = parts[i] as Message[];
        if (part.length > 0) branch(part, aside, shares);
      });
    };
  return {
    pass(messages, aside, hand, signal) {
      const parts = divide(messages, aside);
      return allOf(branches.map((branch, i) => enter(branch, parts[i] as Message[], aside, hand, signal)));
    },
  };
}

function behind(steps: AnyStep, next: Branch): Branch {
  if (typeof steps === 'function' && typeof next === 'function') return (part, aside, shares) => next(steps(part, aside), aside, shares);
  return {
    async pass(messages, aside, hand, signal) {
      for await (const piece of through(steps, messages, aside, signal)) await enter(next, piece, aside, hand, signal);
    },
  };
}

async function enter(branch: Branch, messages: readonly Message[], aside: Aside, hand: Hand, signal: AbortSignal): Promise<void> {
  if (messages.length === 0) return;
  if (typeof branch !== 'function') return branch.pass(messages, aside, hand, signal);
  const shares: (readonly Message[])[] = [];
  branch(messages, aside, shares);
  shares.forEach(hand); // only the sinks of this branch
}

/** When one has thrown, the others are heard out first: nothing may come after the end. */
async function allOf(branches: readonly Promise<void>[]): Promise<void> {
  const broken = (await Promise.allSettled(branches)).find((outcome) => outcome.status === 'rejected');
  if (broken) throw broken.reason;
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
