import type { Message } from '../../../src/message.ts';
import { breaker, isDeadly, isStepPoison, type Scenario } from './scenario.ts';
import type { SinkBroker } from './sink-broker.ts';

export interface Verdict {
  /** Each begins with its kind: lost, early, order, books, duplicates, window, stuck, PUBACK, ack, tap, given up, breaker. */
  readonly problems: readonly string[];
  readonly duplicates: number;
  readonly faults: number;
  readonly virtualMs: number;
  /** Dead letters that neither a step nor the broker had anything against. */
  readonly innocents: number;
}

/** Judges a run by what the brokers saw. */
export function audit(scenario: Scenario, hasFinished: boolean): Verdict {
  const { source, sinks, logs, problems: noted } = scenario;
  const problems = [...noted, ...source.violations, ...[...logs, ...scenario.laters].flatMap((log) => log.violations)];
  if (!hasFinished) {
    const left = source.all.filter((message) => !source.settled.has(message.id as string)).length;
    problems.push(`stuck: ${left} unsettled, ${JSON.stringify(scenario.run.books)}`);
  }
  for (const message of source.all) {
    if (source.isOverLimit(message)) problems.push(`lost at the broker (delivery limit): ${message.id}`);
    else if (hasFinished && !scenario.isDelivered(message)) problems.push(`lost ${message.id}`);
  }
  for (const sink of sinks) problems.push(...inversions(scenario, sink));
  const faults = source.cuts + scenario.crashes + sinks.reduce((sum, sink) => sum + sink.cuts, 0);
  const duplicates = sinks.reduce((sum, sink) => sum + sink.stored.length - sink.has.size, 0);
  const bound = faults * (scenario.windowSize + scenario.prefetch) * sinks.length;
  if (duplicates > bound) problems.push(`duplicates: ${duplicates}, at most ${bound}`);
  problems.push(...overflows(scenario), ...quarantined(scenario));
  const isGuilty = (m: Message) => isStepPoison(m) || scenario.poison(m) !== undefined || (scenario.setup.hasDeadly && isDeadly(m));
  const innocents = new Set(scenario.dead.stored.filter((m) => !isGuilty(m)).map((m) => m.id));
  problems.push(...ill(scenario, innocents));
  return { problems, duplicates, faults, virtualMs: scenario.world.now, innocents: innocents.size };
}

/** First copies out of order within a lane (and key). What has failed has left the order. */
function inversions({ setup, dead, leftOrder }: Scenario, sink: SinkBroker): string[] {
  const { order = 'none' } = setup;
  if (order === 'none') return [];
  const problems: string[] = [];
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const message of sink.stored) {
    const id = message.id as string;
    if (seen.has(id) || dead.has.has(id) || leftOrder.has(id)) continue;
    seen.add(id);
    const unit = order === 'lane' ? message.lane : `${message.lane}/${message.key}`;
    const sequence = sequenceOf(message);
    if (sequence < (last.get(unit) ?? -1)) problems.push(`order: ${id} (${sequence}) after ${last.get(unit)}`);
    last.set(unit, Math.max(sequence, last.get(unit) ?? -1));
  }
  return problems;
}

/** Only what ends the process may be held to. */
function quarantined({ dead, setup }: Scenario): string[] {
  const letters = dead.stored.filter((letter) => letter.header('mqf-error-code') === 'QUARANTINED');
  return letters.filter((letter) => !setup.hasDeadly || !isDeadly(letter)).map(({ id }) => `quarantined: ${id}`);
}

/** With a breaker no message fails because its sink is ill, and an ill sink is left alone. */
function ill({ setup, sinks, faults, crashes, windowSize }: Scenario, innocents: ReadonlySet<string | undefined>): string[] {
  const { illMs } = setup;
  if (illMs === undefined) return [];
  const problems = faults.refuse === 0 ? [...innocents].map((id) => `given up: ${id}`) : [];
  // In each life: what opens it, what was on its way by then, and one now and then.
  const most = (crashes + 1) * (breaker.failures + windowSize) + illMs / breaker.openForMs + 1;
  for (const { illRefusals } of sinks)
    if (illRefusals > most) problems.push(`breaker: ${illRefusals} written to an ill sink, at most ${most}`);
  return problems;
}

function sequenceOf(message: Message): number {
  return message.received.origin['sequence'] as number;
}

/** The window may be passed by one message's worth of bytes, never by messages; and no outbox sends more than the window. */
function overflows({ run, windowSize }: Scenario): string[] {
  const problems: string[] = [];
  for (const pump of run.pumps) {
    if (pump.window.messagesMax > windowSize) problems.push(`window: read ${pump.window.messagesMax} of ${windowSize}`);
    for (const box of pump.outboxes) if (box.sentMax > windowSize) problems.push(`window: sent ${box.sentMax} of ${windowSize}`);
  }
  return problems;
}
