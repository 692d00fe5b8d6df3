/** The steps of a route, one after the other. */
import type { StepModel } from '../config/model.ts';
import type { Around, AroundSpec } from '../steps/around.ts';
import { type AnyStep, chain, type StepContext, stepKinds } from '../steps/index.ts';
import type { Aside, StageSpec } from '../steps/step.ts';

/** Lets somebody look at what comes to a step: gives back the step in its place. */
export type Watch = (model: StepModel, step: AnyStep) => AnyStep;

/** Steps that stand around what is behind them, opened. */
export type Arounds = ReadonlyMap<StepModel, Around>;

const noArounds: Arounds = new Map();

/** Throws CONFIG_INVALID for what a field alone cannot check. */
export function compileChain(
  steps: readonly StepModel[],
  context: StepContext,
  watch: Watch = unwatched,
  arounds: Arounds = noArounds,
): AnyStep {
  return chain(
    steps.map((model) => {
      const { name, value, onError, sink } = model;
      const kind = stepKinds[name];
      if (!kind) throw new Error(`step ${name} passed the check and is not there`);
      const step = arounds.get(model)?.step ?? kind.compile(value, context);
      return watch(model, onError || sink ? signed(step, model) : step);
    }),
  );
}

/** Of a step that is a stage. */
export function specOf({ name, value }: StepModel, context: StepContext): StageSpec {
  const spec = stepKinds[name]?.stage?.(value, context);
  if (!spec) throw new Error(`step ${name} is no stage`);
  return spec;
}

/** Of a step that stands around what is behind it; undefined of any other. */
export function aroundOf({ name, value }: StepModel, context: StepContext): AroundSpec | undefined {
  return stepKinds[name]?.around?.(value, context);
}

const unwatched: Watch = (_, step) => step;

/** The step, which says of what it fails or taps that it was the one. */
function signed(step: AnyStep, model: StepModel): AnyStep {
  const own = (aside: Aside): Aside => ({
    drop: (message) => aside.drop(message),
    fail: (message, error) => aside.fail(message, error, model),
    tap: (message) => aside.tap(message, model),
  });
  if (typeof step === 'function') return (messages, aside) => step(messages, own(aside));
  return { pass: (messages, aside, signal) => step.pass(messages, own(aside), signal) };
}
