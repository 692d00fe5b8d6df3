import { isUtf8 } from 'node:buffer';
import type { HeaderValue, Properties } from '../message.ts';

/** The header of each property. */
export const headerOfProperty: Readonly<Record<keyof Properties, string>> = {
  id: 'mqf-message-id',
  group: 'mqf-group',
  correlationId: 'mqf-correlation-id',
  replyTo: 'mqf-reply-to',
  timestamp: 'mqf-timestamp-ms',
  expiresAt: 'mqf-expires-at',
  priority: 'mqf-priority',
  persistent: 'mqf-persistent',
  contentType: 'mqf-content-type',
  contentEncoding: 'mqf-content-encoding',
  type: 'mqf-type',
  appId: 'mqf-app-id',
};

/** Properties that have a name of their own among ordinary headers. */
export const plainNames = { contentType: 'content-type', contentEncoding: 'content-encoding' } as const;

export const propertyOfPlain = { 'content-type': 'contentType', 'content-encoding': 'contentEncoding' } as const;
export type PlainName = keyof typeof propertyOfPlain;

export function isPlainName(name: string): name is PlainName {
  return (name.length === 12 || name.length === 16) && Object.hasOwn(propertyOfPlain, name);
}

/** W3C trace context. Its readers expect text; from Kafka it comes as the bytes of that text. */
export function isTraceAsBytes(name: string, value: HeaderValue): value is Buffer {
  if (name !== 'traceparent' && name !== 'tracestate' && name !== 'baggage') return false;
  return Buffer.isBuffer(value) && isUtf8(value);
}

/** Of this name in any spelling there is one header, and it is believed from everybody. */
export function isHops(name: string): boolean {
  return name.length === 8 && name.toLowerCase() === 'mqf-hops';
}

export function isId(name: string): boolean {
  return name.length === 6 && name.toLowerCase() === 'mqf-id';
}

/** Written anew by each route: never renamed, never there twice. */
export function isStamp(name: string): boolean {
  return isHops(name) || isId(name);
}

/** Why a message is a dead letter, and how often it was replayed. A stranger's are renamed on the way in, so these are ours. */
export function isReason(name: string): boolean {
  return name.startsWith('mqf-error-') || name === 'mqf-replays';
}

/** What begins the name of a header whose own name the target cannot spell; behind it stands that name, percent-escaped. */
export const escapedPrefix = 'mqf-x-';

/**
 * The names that headers are sent by: not one that is an order to the broker, nor one of our own, nor one that cannot be spelled there.
 * Remembers, as names come again.
 */
export function wireNames(reserved: readonly string[], allows: (name: string) => boolean = anyName): (name: string) => string {
  const exact = new Set(reserved.filter((name) => !name.endsWith('*')));
  const prefixes = ['mqf-', ...reserved.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))];
  const known = new Map<string, string>();
  return (name) => {
    let wire = known.get(name);
    if (wire !== undefined) return wire;
    const lower = name.toLowerCase();
    const isOurs = lower.startsWith('mqf-h-') || isReason(name);
    wire = !isOurs && (exact.has(lower) || prefixes.some((prefix) => lower.startsWith(prefix))) ? `mqf-h-${name}` : name;
    if (!allows(wire)) wire = spelled(name, allows);
    if (known.size >= 1000) known.clear(); // names are data
    known.set(name, wire);
    return wire;
  };
}

/** The escaped name; the name itself where that cannot be sent either, or is no text: the sink refuses it. */
function spelled(name: string, allows: (name: string) => boolean): string {
  if (!name.isWellFormed()) return name;
  const escaped = escapedPrefix + encodeURIComponent(name);
  return allows(escaped) ? escaped : name;
}

function anyName(): boolean {
  return true;
}
