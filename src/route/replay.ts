/** The route that sends dead letters again: the same steps, sinks and dead letters as the one they died in, with another source and no buffer. */

import type { EndModel, ErrorRuleModel, RouteModel } from '../config/model.ts';
import { defineConnector, type SourceEnd } from '../connector.ts';
import type { PumpPlan, RoutePlan, SinkPlan } from '../engine/plan.ts';
import type { Message } from '../message.ts';
import { type CompiledRoute, compileRoute } from './compile.ts';
import { reasonOf, revived, uncounted } from './letter.ts';
import { sectionsOf, stagesOf } from './sections.ts';
import { pass } from './share.ts';
import type { Surroundings } from './surroundings.ts';

type AnyShare = PumpPlan['share'];

export interface Replay {
  readonly source: SourceEnd;
  /** The letter as it was before it was sent to where it lies. */
  open(letter: Message): Message;
  /** What that way has added to its hops. */
  readonly hops: 0 | 1;
}

/**
 * Makes the route; connects to nothing. What a stage keeps is not touched: only what has failed behind the last one can be sent again, see
 * {@link Selection}. Its plan is that of the engine's ordinary routes.
 */
export function compileReplay(model: RouteModel, replay: Replay, around: Surroundings): Pick<CompiledRoute, 'name' | 'plan'> {
  const { buffer, guarantee: _, ...rest } = { ...model, onError: model.onError.map(atOnce) };
  const last = sectionsOf(model).at(-1)?.steps ?? [];
  const hasStages = stagesOf(model).length > 0;
  const direct: RouteModel = { ...rest, steps: hasStages ? last : model.steps, source: endOf(replay.source, model) };
  const whole = compileRoute(direct, around);
  // What came out of the buffer has been through the steps before it.
  const behind = buffer && !hasStages ? compileRoute({ ...direct, steps: last }, around) : undefined;
  return { name: model.name, plan: async () => replayPlan(await whole.plan(), await behind?.plan(), replay) };
}

/** Whoever replays waits for it: what fails again is a dead letter again, and not kept for later. */
function atOnce(rule: ErrorRuleModel): ErrorRuleModel {
  const { afterMs: _, ...retry } = rule.retry;
  return { ...rule, retry };
}

function endOf(source: SourceEnd, { at }: RouteModel): EndModel {
  const connector = defineConnector({ name: 'dead letters', summary: '', source: { fields: {}, create: () => source } });
  return { connector, config: {}, at, places: new Map() };
}

function replayPlan(whole: RoutePlan, behind: RoutePlan | undefined, { open, hops }: Replay): RoutePlan {
  const [pump] = whole.pumps;
  const plan: PumpPlan = {
    ...pump,
    inbound: (letter) => revived(open(letter), hops),
    sinks: pump.sinks.map(countless),
    enteredAt: (letter) => reasonOf(letter).at || undefined,
  };
  return { ...whole, pumps: [behind ? throughEither(plan, behind.pumps[0]) : plan] };
}

/** A target without headers gets the message, and nobody is told how often. */
function countless(sink: SinkPlan): SinkPlan {
  if (sink.end.can.carries.headers !== 'none') return sink;
  return { ...sink, outbound: (message) => sink.outbound(uncounted(message)) };
}

/** Message by message, so that their order stays. */
function throughEither(plan: PumpPlan, behind: PumpPlan): PumpPlan {
  const isStraight = plan.isStraight && behind.isStraight;
  return { ...plan, isStraight, share: either(plan.share, behind.share, plan.sinks.length) };
}

function either(whole: AnyShare, behind: AnyShare, sinks: number): AnyShare {
  const cameFromBuffer = (message: Message) => reasonOf(message.received).at === 'buffer';
  if (typeof whole === 'function' && typeof behind === 'function')
    return (messages, aside) => {
      const shares = Array.from({ length: sinks }, (): Message[] => []);
      for (const message of messages) {
        const share = cameFromBuffer(message) ? behind : whole;
        share([message], aside).forEach((part, sink) => void shares[sink]?.push(...part));
      }
      return shares;
    };
  return {
    async pass(messages, aside, hand, signal) {
      for (const message of messages) await pass(cameFromBuffer(message) ? behind : whole, [message], aside, hand, signal);
    },
  };
}
