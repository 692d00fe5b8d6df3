import type { EndModel, ErrorRuleModel, RouteModel, StepModel } from '../config/model.ts';
import type { Failure, Remedy, SinkPlan } from '../engine/plan.ts';
import { attachError } from '../expr/index.ts';
import { stepsOf } from './share.ts';

/** The dead-letter destinations of a route and of its steps, in the order that {@link remedies} takes them. */
export function deadEndsOf(route: Pick<RouteModel, 'onError' | 'steps' | 'sink'>): readonly EndModel[] {
  const rules = [...route.onError, ...particular(route).flatMap(({ onError }) => onError ?? [])];
  return rules.flatMap(({ deadLetter }) => deadLetter?.end ?? []);
}

/**
 * What `onError` says of a failure: that of the step, then that of the route. A `when` that cannot be judged is not false: a later entry may
 * still take the message to a dead letter, where nothing is lost; when it would drop it, what the `when` threw is thrown.
 */
export function remedies(
  route: Pick<RouteModel, 'onError' | 'steps' | 'sink' | 'order'>,
  deadLetters: readonly SinkPlan[],
): (failure: Failure) => Remedy {
  const rest = [...deadLetters];
  const waits = waitsInPlace(route);
  const ofRoute = compile(route.onError, rest, waits);
  const ofSteps = new Map<object, readonly Rule[]>(particular(route).map((step) => [step, compile(step.onError ?? [], rest, waits)]));
  const last = (ofRoute.at(-1) as Rule).remedy;
  if (ofRoute.length === 1 && ofSteps.size === 0) return () => last;
  return ({ entered, error, attempts, step }) => {
    const { code, message } = error;
    attachError(entered, { code, message, attempts });
    const unjudged: unknown[] = [];
    const holds = ({ when }: Rule) => {
      try {
        return when === undefined || when(entered) === true;
      } catch (thrown) {
        unjudged.push(thrown);
        return false;
      }
    };
    const own = step && ofSteps.get(step)?.find(holds);
    const remedy = (own ?? ofRoute.find(holds))?.remedy ?? last;
    if (unjudged.length > 0 && typeof remedy.way === 'string') throw unjudged[0];
    return remedy;
  };
}

interface Rule {
  readonly when: ErrorRuleModel['when'];
  readonly remedy: Remedy;
}

function compile(rules: readonly ErrorRuleModel[], rest: SinkPlan[], waits: boolean): readonly Rule[] {
  return rules.map(({ when, retry: { afterMs, ...retry }, deadLetter, then = 'stop' }) => ({
    when,
    remedy: {
      retry: afterMs && waits ? { ...retry, thenAfterMs: afterMs } : retry,
      ...(afterMs && !waits && { later: afterMs }),
      way: deadLetter ? (rest.shift() as SinkPlan) : then,
    },
  }));
}

/** Where order is asked for, a message that is tried again later holds its place, and what belongs behind it waits. */
export function waitsInPlace({ order }: Pick<RouteModel, 'order'>): boolean {
  return order === 'key' || order === 'lane';
}

/** Messages of the route that fail may be kept on disk for later. */
export function keepsForLater(route: Pick<RouteModel, 'onError' | 'order'>): boolean {
  return !waitsInPlace(route) && route.onError.some(({ retry }) => retry.afterMs !== undefined);
}

/** The steps that have an `onError` of their own. */
function particular({ steps, sink }: Pick<RouteModel, 'steps' | 'sink'>): readonly StepModel[] {
  return [...steps, ...stepsOf(sink)].filter(({ onError }) => onError !== undefined);
}
