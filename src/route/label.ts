import { type BufferModel, type Guarantee, guarantees, type Order } from '../config/model.ts';
import type { Carries, SinkCan, SourceCan } from '../connector.ts';
import { slides } from '../engine/outbox.ts';

/** What a route keeps, computed from what its parts declare. */
export interface RouteLabel {
  readonly delivery: Guarantee;
  readonly order: Order;
  /** Order is kept but for this. */
  readonly orderBut: string | undefined;
  /** Why it is not stronger, with the remedy; one sentence each. */
  readonly weaknesses: readonly string[];
  /** Those of them that limit the delivery. */
  readonly deliveryLimits: readonly string[];
  /** Those of them that limit the order, and what the source says of it. */
  readonly orderLimits: readonly string[];
  /** Which copies of a message can be known by their `mqf-id`; one sentence each. */
  readonly copies: readonly string[];
  /** What becomes of properties and headers on the way; one sentence each. */
  readonly losses: readonly string[];
}

export interface NamedSink {
  readonly name: string;
  readonly can: SinkCan;
}

export interface NamedStage {
  readonly name: string;
  /** Why messages of one lane leave in another order than they came; undefined: they do not. */
  readonly orderLimit: string | undefined;
}

export interface RouteParts {
  readonly source: { readonly name: string; readonly can: SourceCan };
  readonly sinks: readonly NamedSink[];
  readonly buffer: BufferModel | undefined;
  /** In order. */
  readonly stages: readonly NamedStage[];
  /** What fails may be kept and tried again while others pass. */
  readonly triesLater?: boolean;
  /** As written; `undefined` when the config says nothing. */
  readonly order: Order | undefined;
  /** As written. */
  readonly mqfId: boolean;
}

/** The guarantee of a route is that of its weakest part. */
export function labelOf(parts: RouteParts): RouteLabel {
  const { source, sinks, buffer } = parts;
  const limits = [sourceLimit(source.name, source.can), bufferLimit(buffer), ...sinks.map(sinkLimit)].filter(
    (limit) => limit !== undefined,
  );
  const delivery = limits.reduce<Guarantee>((least, limit) => weaker(least, limit.delivery), 'at-least-once');
  const { order, orderBut, reasons } = orderOf(parts);
  const taken = sinks.filter((sink) => sink.can.confirms === 'received');
  const uncertain = taken.map(
    (sink) => `${sink.name} confirms what it has taken over, not that it is stored or has a reader: from there on it is the target's`,
  );
  const notes = [...uncertain, ...(source.can.notes ?? []), ...sinks.flatMap((sink) => sink.can.notes ?? [])];
  return {
    delivery,
    order,
    orderBut,
    weaknesses: [...limits.map((limit) => limit.why), ...reasons, ...notes],
    deliveryLimits: limits.map((limit) => limit.why),
    orderLimits: [...reasons, ...(source.can.notes ?? [])],
    copies: copiesOf(parts),
    losses: sinks.flatMap((sink) => lossesOf(source.can.carries, sink)),
  };
}

/** True when `truth` is at least `asked`. */
export function keeps(truth: Guarantee, asked: Guarantee): boolean {
  return guarantees.indexOf(truth) >= guarantees.indexOf(asked);
}

/** True when `truth` is at least `asked`: lane order is also key order. */
export function keepsOrder(truth: Order, asked: Order): boolean {
  const rank: Record<Order, number> = { none: 0, key: 1, lane: 2 };
  return rank[truth] >= rank[asked];
}

interface Limit {
  readonly delivery: Guarantee;
  readonly why: string;
}

function weaker(a: Guarantee, b: Guarantee): Guarantee {
  return keeps(a, b) ? b : a;
}

function sourceLimit(name: string, can: SourceCan): Limit | undefined {
  if (can.diesWithProcess) return { delivery: 'best-effort', why: `${name} holds its messages in memory: they are gone when mqferry ends` };
  if (can.redelivers !== 'never') return undefined;
  return {
    delivery: 'best-effort',
    why: `${name} does not deliver a message again: what is on its way when mqferry or the link ends is gone`,
  };
}

function bufferLimit(buffer: BufferModel | undefined): Limit | undefined {
  if (buffer?.kind === 'memory')
    return { delivery: 'best-effort', why: 'buffer memory loses what it holds when mqferry ends; write `buffer: disk` to keep it' };
  if (buffer?.kind === 'disk' && buffer.sync === 'interval')
    return {
      delivery: 'at-least-once (process crash)',
      why: `the buffer syncs every ${buffer.everyMs} ms: a power cut loses what came since; write \`sync: always\``,
    };
  return undefined;
}

function sinkLimit({ name, can }: NamedSink): Limit | undefined {
  if (can.confirms === 'none') return { delivery: 'best-effort', why: `${name} does not say whether a message has arrived safely` };
  return undefined;
}

function orderOf({ source, sinks, stages, order, triesLater }: RouteParts): {
  order: Order;
  orderBut: string | undefined;
  reasons: string[];
} {
  if (order === 'none') return { order: 'none', orderBut: undefined, reasons: [] };
  if (source.can.redelivers === 'anyOrder')
    return {
      order: 'none',
      orderBut: undefined,
      reasons: [`${source.name} may deliver again in another order, so no order can be promised`],
    };
  const mixing = stages.flatMap(({ orderLimit }) => orderLimit ?? []);
  if (mixing.length > 0) return { order: 'none', orderBut: undefined, reasons: mixing };
  if (order !== undefined) return { order, orderBut: undefined, reasons: paceReasons(order, sinks) };
  const byKey = sinks.find((sink) => sink.can.keepsOrder === 'key');
  const loose = sinks.find((sink) => sink.can.keepsOrder === 'none');
  const reasons = byKey ? [`${byKey.name} keeps order for each key, not across keys`] : [];
  const who = triesLater ? 'a message that is tried again later' : loose && `a message that ${loose.name} refuses for now`;
  const orderBut = who && `${who} leaves the order; write \`order: lane\` or \`order: key\` to wait for it`;
  return { order: byKey ? 'key' : 'lane', orderBut, reasons };
}

function paceReasons(order: Order, sinks: readonly NamedSink[]): string[] {
  const slow = sinks.filter((sink) => !slides(order, sink.can.keepsOrder));
  const unit = order === 'lane' ? 'lane' : 'lane and key';
  return slow.map(
    (sink) => `${sink.name} goes on after a refusal, so \`order: ${order}\` writes one message of each ${unit} at a time: slower, in order`,
  );
}

function copiesOf({ source, sinks, buffer, stages, mqfId }: RouteParts): string[] {
  if (!mqfId) return ['`mqfId: false`: mqferry gives no message an `mqf-id`, so copies cannot be known by it.'];
  const without = sinks
    .filter(({ can }) => can.carries.headers === 'none')
    .map(({ name }) => `${name} has no headers, so no \`mqf-id\` arrives there; nor does \`mqf-hops\`, so a loop through it does not end.`);
  const stage = stages.at(-1);
  return [stage ? stageCopiesText(source, stage) : copiesText(source, buffer), ...without];
}

function stageCopiesText({ name, can }: RouteParts['source'], stage: NamedStage): string {
  const but = can.redelivers === 'never' ? '' : `; what ${name} delivers again before it is stored there is another message to it`;
  return `Copies from the stage ${stage.name} carry the same \`mqf-id\`${but}.`;
}

function copiesText({ name, can }: RouteParts['source'], buffer: BufferModel | undefined): string {
  if (can.stableIds.length > 0) return 'All copies of a message carry the same `mqf-id`.';
  if (buffer?.kind === 'disk' && buffer.sync === 'always') {
    const but = can.redelivers === 'never' ? '' : `; a message that ${name} delivers to the buffer again gets another`;
    return `Copies from the buffer carry the same \`mqf-id\`${but}.`;
  }
  const remedy = buffer?.kind === 'disk' ? '`sync: always` on the buffer' : '`buffer: disk`';
  return `There is no \`mqf-id\`: ${name} gives a message nothing that its copies share. With ${remedy}, copies from the buffer have one.`;
}

function lossesOf(from: Carries, { name, can }: NamedSink): string[] {
  const to = can.carries;
  const losses: string[] = [];
  if (to.headers === 'none' && from.headers !== 'none')
    losses.push(`${name} has no headers: a message with headers is refused unless \`onUnmappable: drop\``);
  const homeless = from.properties.filter((property) => !to.properties.includes(property));
  if (homeless.length > 0 && to.headers !== 'none') losses.push(`${name} has no slot for ${homeless.join(', ')}: they travel as headers`);
  if (from.headers === 'typed' && (to.headers === 'text' || to.headers === 'bytes'))
    losses.push(`${name} has no header types: values travel as text, their types in \`mqf-types\``);
  if (from.repeats && !to.repeats && to.headers !== 'none')
    losses.push(`${name} holds a header name once: repeats travel as a list, said in \`mqf-types\``);
  if (from.key && !to.key && to.headers !== 'none') losses.push(`${name} has no key: it travels as \`mqf-key\``);
  if (from.maxBytes > to.maxBytes) losses.push(`${name} takes at most ${to.maxBytes} bytes a message`);
  return losses;
}
