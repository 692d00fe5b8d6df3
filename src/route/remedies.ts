import type { EndModel, ErrorRuleModel } from '../config/model.ts';
import type { Failure, Remedy, SinkPlan } from '../engine/plan.ts';
import { attachError } from '../expr/index.ts';

/** The dead-letter destinations of the entries, in their order. */
export function deadEndsOf(rules: readonly ErrorRuleModel[]): readonly EndModel[] {
  return rules.flatMap(({ deadLetter }) => deadLetter?.end ?? []);
}

/** What the entries of `onError` say of a failure; `deadLetters` are theirs, in the same order. Throws what a `when` throws. */
export function remedies(rules: readonly ErrorRuleModel[], deadLetters: readonly SinkPlan[]): (failure: Failure) => Remedy {
  const rest = [...deadLetters];
  const compiled = rules.map(({ when, retry, deadLetter, then = 'stop' }) => ({
    when,
    remedy: { retry, way: deadLetter ? (rest.shift() as SinkPlan) : then },
  }));
  const last = (compiled.at(-1) as (typeof compiled)[number]).remedy;
  if (compiled.length === 1) return () => last;
  return ({ received, error, attempts }) => {
    const { code, message } = error;
    attachError(received, { code, message, attempts });
    return compiled.find(({ when }) => when === undefined || when(received) === true)?.remedy ?? last;
  };
}
