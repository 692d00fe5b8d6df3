/** What is different about a message that has been to another broker and back, and which of it is declared. */
import { isDeepStrictEqual } from 'node:util';
import { type Carries, type Header, type Headers, type Message, type Properties, propertyNames } from '../../src/connector.ts';
import { headerOfProperty, plainNames } from '../../src/envelope/names.ts';
import { inbound } from '../../src/envelope.ts';

/** One way: what its sink writes, and what its source reads. */
export interface Side {
  readonly sink: Carries;
  readonly source: Carries;
}

export interface Differences {
  /** Sentences. */
  readonly wrong: readonly string[];
  /** What the declarations say beforehand, by its name. */
  readonly declared: readonly string[];
}

/**
 * `want` is what a stranger's message is read as at A, `got` what is read of it at A again, untrusted, after it went by B. Times that count down
 * may differ by `slackMs`.
 */
export function differences(want: Message, got: Message, a: Side, b: Side, slackMs: number): Differences {
  const wrong: string[] = [];
  const declared: string[] = [];
  if (!isDeepStrictEqual(got.body, want.body)) wrong.push(`body ${shown(got.body)} for ${shown(want.body)}`);
  if (!isDeepStrictEqual(got.key, want.key)) wrong.push(`key ${shown(got.key)} for ${shown(want.key)}`);
  if (got.fault) wrong.push(`a fault: ${got.fault.message}`);
  // Whether mqf-types gave a value another type than it had shows in the value.
  const explained = new Set(['mqf-hops', 'mqf-id', 'mqf-types']);
  const opened = inbound(true, a.source)(got);
  for (const name of propertyNames) {
    const fate = compareProperty(name, { want: want[name], got: got[name], opened: opened[name] }, a, b, slackMs);
    if (fate === 'wrong') wrong.push(`${name} ${shown(got[name])}, opened ${shown(opened[name])}, for ${shown(want[name])}`);
    if (fate === 'declared') {
      declared.push(name);
      explained.add(headerOfProperty[name]);
      if (name in plainNames) explained.add(plainNames[name as keyof typeof plainNames]);
    }
  }
  wrong.push(...compareHeaders(want.headers, got.headers, explained, isOrdered(a) && isOrdered(b)));
  return { wrong, declared };
}

interface Values {
  readonly want: Message[keyof Properties];
  readonly got: Message[keyof Properties];
  readonly opened: Message[keyof Properties];
}

function compareProperty(name: keyof Properties, { want, got, opened }: Values, a: Side, b: Side, slackMs: number): string {
  if (isSame(name, want, got, slackMs) && (want !== undefined || opened === undefined)) return 'same';
  // No such property: the broker on the way, or the one at home, gives one.
  if (want === undefined) return a.source.fills?.[name] !== undefined || b.source.fills?.[name] !== undefined ? 'declared' : 'wrong';
  // Not in its slot, as the sink at home has none that keeps it: exact in its header.
  return isSame(name, want, opened, slackMs) && !keepsExactly(name, want, a.sink) ? 'declared' : 'wrong';
}

function isSame(name: keyof Properties, want: unknown, got: unknown, slackMs: number): boolean {
  if (name === 'expiresAt' && want !== undefined && got !== undefined) return Math.abs((got as number) - (want as number)) <= slackMs;
  return isDeepStrictEqual(got, want);
}

function keepsExactly(name: keyof Properties, value: unknown, { properties, slots }: Carries): boolean {
  const keeps = slots?.[name]?.keeps as ((value: unknown) => string) | undefined;
  return properties.includes(name) && (keeps === undefined || keeps(value) === 'exactly');
}

function isOrdered({ sink, source }: Side): boolean {
  return sink.ordered !== false && source.ordered !== false;
}

function compareHeaders(want: Headers, got: Headers, explained: ReadonlySet<string>, isOrdered: boolean): string[] {
  const own = got.filter(([name]) => !explained.has(name));
  const [left, right] = isOrdered ? [want, own] : [byName(want), byName(own)];
  return isDeepStrictEqual(right, left) ? [] : [`headers ${shown(right)} for ${shown(left)}`];
}

function byName(headers: Headers): Header[] {
  return headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, one) => {
    if (typeof one === 'bigint') return `${one}n`;
    if (one instanceof Map) return { map: [...one] };
    return one?.type === 'Buffer' ? `0x${Buffer.from(one.data).toString('hex')}` : one;
  });
  return (text ?? 'absent').slice(0, 600);
}
