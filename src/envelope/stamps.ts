/** What mqferry writes on every message: `mqf-hops` and `mqf-id`. */
import type { Carries } from '../carries.ts';
import type { Header, Headers, Message } from '../message.ts';
import { isHops, isId, isStamp } from './names.ts';
import { toText, wireText } from './text.ts';

export const noStamps: readonly Header[] = [];

/** The stamps of a message; without hops none are counted. */
export function stampsOf(hops: number, id: string | undefined, kind: Exclude<Carries['headers'], 'none'>): readonly Header[] {
  if (hops === 0) return id === undefined ? noStamps : [['mqf-id', id]];
  const counted = hops === 1 ? firstHop[kind === 'typed' ? 'typed' : 'text'] : hopsHeader(hops, kind);
  return id === undefined ? [counted] : [counted, ['mqf-id', id]];
}

function hopsHeader(hops: number, kind: Carries['headers']): Header {
  return ['mqf-hops', kind === 'typed' ? hops : String(hops)];
}

/** What nearly every message gets. */
const firstHop = { typed: hopsHeader(1, 'typed'), text: hopsHeader(1, 'text') };

/** The message with these at its end and no others of their kind. */
export function stamped(message: Message, stamps: readonly Header[]): Message {
  const { headers } = message;
  let isStamped = false;
  for (let i = 0; i < headers.length && !isStamped; i++) isStamped = isStamp((headers[i] as Header)[0]);
  if (stamps.length === 0 && !isStamped) return message;
  const kept = isStamped ? headers.filter(([name]) => !isStamp(name)) : headers;
  return message.withHeaders(kept.concat(stamps));
}

/** How often mqferry has carried it. */
export function hopsOf(headers: Headers): number {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (!isHops(header[0])) continue;
    const hops = Number(wireText(header[1]));
    return Number.isInteger(hops) && hops > 0 ? hops : 0;
  }
  return 0;
}

/** The `mqf-id` that a message has: from a trusted source, or set by a step. Whatever type the last broker made of it, it is text. */
export function givenId(headers: Headers): string | undefined {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (isId(header[0])) return toText(header[1])[0] || undefined;
  }
  return undefined;
}
