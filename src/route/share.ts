import type { BranchModel, EndModel, SinkModel, StepModel } from '../config/model.ts';
import type { Hand, PumpPlan, Share, WaitingShare } from '../engine/plan.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type AnyStep, type Aside, through } from '../steps/step.ts';
import { type Choose, caseOf, recipientsOf } from './choose.ts';
import type { Arounds } from './steps.ts';

/** Compiles the steps of one place into one. */
export type CompileSteps = (steps: readonly StepModel[], arounds?: Arounds) => AnyStep;

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
  return sink.kind === 'one' ? [sink.end] : branchesOf(sink).flatMap((branch) => endsOf(branch.sink));
}

/** All steps in the branches of a tree of sinks. */
export function stepsOf(sink: SinkModel): readonly StepModel[] {
  return branchesOf(sink).flatMap(({ steps, sink: inner }) => [...steps, ...stepsOf(inner)]);
}

function branchesOf(sink: SinkModel): readonly Pick<BranchModel, 'steps' | 'sink'>[] {
  if (sink.kind === 'one') return [];
  if (sink.kind === 'all') return sink.sinks.map((one) => ({ steps: [], sink: one }));
  return sink.kind === 'switch' ? sink.cases : [...sink.allow.values()];
}

function compile(sink: SinkModel, ends: EndModel[], compileSteps: CompileSteps): Branch {
  if (sink.kind === 'one') {
    const index = ends.push(sink.end) - 1;
    return (messages, _aside, shares) => {
      shares[index] = messages;
    };
  }
  if (sink.kind === 'all') return together(sink.sinks.map((one) => compile(one, ends, compileSteps)));
  const branches = branchesOf(sink).map((one) => behind(compileSteps(one.steps), compile(one.sink, ends, compileSteps)));
  return apart(branches, sink.kind === 'switch' ? caseOf(sink.cases) : recipientsOf(sink.pick, [...sink.allow.keys()]));
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

/** Each of the branches gets the messages that take it. */
function apart(branches: readonly Branch[], choose: Choose): Branch {
  const divide = (messages: readonly Message[], aside: Aside) => {
    const parts = branches.map((): Message[] => []);
    for (const message of messages) {
      try {
        for (const index of choose(message)) (parts[index] as Message[]).push(message);
      } catch (error) {
        aside.fail(message, asFailure(error));
      }
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

function asFailure(error: unknown): MqferryError {
  return error instanceof MqferryError ? error : new MqferryError('STEP_FAILED', 'the choice of a sink failed', { cause: error });
}

function isStraight(sink: SinkModel): boolean {
  return sink.kind === 'one' || (sink.kind === 'all' && sink.sinks.every(isStraight));
}
