import { basename } from 'node:path';
import { isDeadDisk } from '../config/dead-disk.ts';
import type { BranchModel, BufferModel, EndModel, ErrorRuleModel, SinkModel, StepModel } from '../config/model.ts';
import { durationText, sizeText } from '../config/values.ts';
import { careWindows } from '../engine/quarantine.ts';
import { stepKinds } from '../steps/index.ts';
import type { CompiledRoute } from './compile.ts';
import { nameOf } from './ends.ts';
import { waitsInPlace } from './remedies.ts';
import { type Store, sectionsOf, stagesOf } from './sections.ts';
import { stepsOf } from './share.ts';

/** What happens to a message of this route, what is promised, and what is not, in sentences. No secrets. */
export function explain(route: CompiledRoute): string {
  const { model, label, source, sinks } = route;
  const lines = [
    `Route ${route.name}: ${oneLine(route)}`,
    '',
    'The way of a message',
    `  1. Read from ${nameOf(source.model)}; at most ${model.window.messages} messages or ${sizeText(model.window.bytes)} are on their way at once.`,
    ...numbered(way(route), 2),
    '',
    `Delivery: ${label.delivery}.`,
    ...(label.delivery === 'at-least-once' ? [`  Survives kill -9, cut links and restarts of either broker. ${copiesText(route)}`] : []),
    ...label.copies.map((sentence) => `  ${sentence}`),
    ...stagesOf(model).map(({ name }) => `  The stage ${name} keeps what it holds over kill -9 and power cuts, and goes on where it was.`),
    `A message that ends the process: ${quarantineText(route)}`,
    `Order: ${orderText(route)}`,
    ...(model.bodySchema === undefined ? [] : [`Names in expressions: checked against ${basename(model.bodySchema)}; messages are not.`]),
    ...bullets('Weaker than it could be, because', [...new Set(label.weaknesses)]),
    ...bullets('What changes on the way', label.losses),
    ...bullets(
      'The sinks confirm',
      sinks.map(({ name, end }) => `${name}: ${confirmText(end.can.confirms, end.can.routed)}`),
    ),
  ];
  return lines.join('\n');
}

/** `rabbitmq shop → filter, map → disk buffer → kafka events · at-least-once · order lane`. */
export function oneLine({ model, label, source, sinks }: CompiledRoute): string {
  const parts = [nameOf(source.model)];
  for (const { steps, into } of sectionsOf(model)) {
    if (steps.length > 0) parts.push(steps.map((step) => step.name).join(', '));
    if (into) parts.push(into.kind === 'buffer' ? `${into.model.kind} buffer` : into.step.name);
  }
  parts.push(sinks.map((sink) => nameOf(sink.model)).join(' + '));
  const but = label.orderBut ? ' (but for refused messages)' : '';
  return `${parts.join(' → ')} · ${label.delivery} · order ${label.order}${but}`;
}

function way({ model }: CompiledRoute): string[] {
  const { onError } = model;
  const sections = sectionsOf(model);
  const steps = sections.flatMap(({ steps: own, into }) => [...own.map(stepText), ...(into ? [storeText(into)] : [])]);
  steps.push(...sinkText(model.sink));
  if (sections.length === 1) steps.push('When every sink has confirmed it, it is settled at the source.');
  steps.push(...onError.map((rule, i) => ruleText(rule, i > 0, waitsInPlace(model))));
  return steps;
}

function storeText(store: Store): string {
  if (store.kind === 'stage') return `${stepText(store.step)} It is settled where it came from as soon as it is on disk here, and synced.`;
  const { model } = store;
  if (model.kind === 'memory') return 'Kept in memory, and settled at the source.';
  return `Stored in the disk buffer (at most ${sizeText(model.maxBytes)}) ${syncText(model)}`;
}

function copiesText({ model }: CompiledRoute): string {
  const most = 'Copies are possible, at most window + prefetch per fault and sink';
  return [...model.steps, ...stepsOf(model.sink)].some(({ name }) => name === 'split')
    ? `${most}, each with all the parts that \`split\` made of it.`
    : `${most}.`;
}

function syncText({ sync, everyMs }: Extract<BufferModel, { kind: 'disk' }>): string {
  if (sync === 'always') return 'and synced; only then is it settled at the source.';
  return `and settled at the source; synced within ${durationText(everyMs)}, until when a power cut may lose it.`;
}

function ruleText(rule: ErrorRuleModel, isAnother: boolean, waits: boolean): string {
  const { attempts, backoff, maxAgeMs, afterMs = [] } = rule.retry;
  const times = afterMs.map(durationText).join(', then ');
  const later = times === '' || waits ? '' : `is kept on disk for ${times}, and tried anew each time, out of its order; then it `;
  const fate = `${whoText(rule, isAnother)} ${later}${lastText(rule)}`;
  if (attempts === 1 && (times === '' || !waits)) return `${fate}.`;
  const limit = maxAgeMs === undefined ? '' : `, for at most ${durationText(maxAgeMs)}`;
  const tries = `${attempts} times, waiting ${durationText(backoff.fromMs)} to ${durationText(backoff.toMs)}${limit}`;
  const inPlace = times === '' || !waits ? '' : `, and again after ${times}, in its place, while what belongs behind it waits`;
  return `${fate}; one that the sink refuses for now, only when it has been tried ${tries}${inPlace}.`;
}

function whoText({ when }: ErrorRuleModel, isAnother: boolean): string {
  return `${isAnother ? 'Any other' : 'A message'} that fails${when ? ` and for which ${when.text}` : ''}`;
}

function lastText({ deadLetter, then }: ErrorRuleModel): string {
  if (deadLetter && isDeadDisk(deadLetter.end)) return 'is kept on disk with the reason (`mqferry dlq`)';
  if (deadLetter) return `goes to ${nameOf(deadLetter.end)} with the reason`;
  return then === 'drop' ? 'is dropped and counted' : 'stops the route';
}

function stepText({ name, value, sink, onError = [] }: StepModel): string {
  const text = stepKinds[name]?.explain(value, sink && nameOf(sink.end)) ?? name;
  const failures = onError.map((rule, i) => ` ${whoText(rule, i > 0)} ${lastText(rule)}.`);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${failures.join('')}`;
}

function sinkText(sink: SinkModel): string[] {
  if (sink.kind === 'one') return [`Written to ${nameOf(sink.end)}.${breakerText(sink.end)}`];
  if (sink.kind === 'all') return sink.sinks.flatMap(sinkText);
  if (sink.kind === 'oneOf')
    return [
      `Sent to the sinks that ${sink.pick.text} names, once to each; a name that is not allowed, or none, is a failure.`,
      ...[...sink.allow].map(([name, branch]) => `To ${name}: ${branchText(branch)}`),
    ];
  return sink.cases.map((one) => {
    const condition = one.when === undefined ? 'Otherwise' : `When ${one.whenText ?? 'its condition holds'}`;
    return `${condition}: ${branchText(one)}`;
  });
}

function breakerText({ breaker }: EndModel): string {
  if (!breaker) return '';
  const { failures, openForMs } = breaker;
  const opens = failures === 1 ? 'it refuses one' : `it refuses ${failures} in a row`;
  return ` When ${opens} for now, nothing is written there for ${durationText(openForMs)}, then one alone until one is taken; what waits keeps its tries.`;
}

function branchText({ steps, sink }: BranchModel): string {
  return [...steps.map(stepText), ...sinkText(sink)].join(' ');
}

function quarantineText({ model: { quarantine, window }, source }: CompiledRoute): string {
  if (source.end.can.diesWithProcess) return 'is gone with it.';
  if (!quarantine) return 'ends it again each time it comes (quarantine.after is 0).';
  const care = `After an unclean stop the route takes few messages at a time until ${careWindows * window.messages} have ended.`;
  const needs = 'This needs a data directory that can be written: `run` makes it; `copy` and `--until-idle` use one that is there.';
  return `when it was under way at ${quarantine.after} unclean stops in a row, it fails (QUARANTINED) and is not handled again. ${care} ${needs}`;
}

function orderText({ label }: CompiledRoute): string {
  if (label.order === 'none') return 'none is promised.';
  const unit =
    label.order === 'lane' ? 'the first copies of one lane (queue, partition or session)' : 'the first copies of one lane and key';
  const but = label.orderBut ? ` But ${label.orderBut}.` : '';
  return `${label.order}: ${unit} arrive in the order they were read; a dead letter leaves it.${but}`;
}

function confirmText(confirms: string, routed: boolean): string {
  const what = { stored: 'a message when it is stored', received: 'a message when it is received', none: 'nothing' }[confirms] ?? confirms;
  return routed && confirms !== 'none' ? `${what}, and that a queue has it` : what;
}

function numbered(lines: readonly string[], from: number): string[] {
  return lines.map((line, i) => `  ${from + i}. ${line}`);
}

function bullets(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  - ${line}`)];
}
