/** The steps of a route, one after the other. */
import type { StepModel } from '../config/model.ts';
import type { Message } from '../message.ts';
import { chain, type Step, type StepContext, stepKinds } from '../steps/index.ts';

/** Throws CONFIG_INVALID for what a field alone cannot check. */
export function compileChain(steps: readonly StepModel[], context: StepContext): Step {
  return chain(
    steps.map((model) => {
      const { name, value, onError } = model;
      const kind = stepKinds[name];
      if (!kind) throw new Error(`step ${name} passed the check and is not there`);
      const step = kind.compile(value, context);
      return onError ? signed(step, model) : step;
    }),
  );
}

/** The step, which says of what it fails that it was the one. */
function signed(step: Step, model: StepModel): Step {
  return (messages, aside) => {
    const drop = (message: Message) => aside.drop(message);
    return step(messages, { drop, fail: (message, error) => aside.fail(message, error, model) });
  };
}
