/**
 * What becomes of each thing that a message of one protocol may have, on its way to another: found by sending a message that has it through
 * the envelope. The mapping table of the docs is this, in words; a test sends the same messages through the connectors.
 */
import type { Carries } from '../carries.ts';
import { outbound } from '../envelope.ts';
import { MqferryError } from '../errors.ts';
import { type Header, type HeaderValue, Message, type MessageInit, type Properties, propertyNames, Typed } from '../message.ts';
import { headerOfProperty, plainNames } from './names.ts';
import { inbound } from './open.ts';
import { isSendable } from './text.ts';

/** A protocol, or one way of speaking it. */
export interface Speaker {
  readonly title: string;
  readonly source: Carries;
  readonly sink: Carries;
}

export interface Fate {
  readonly what: string;
  /** The message that has it, as the source reads it. */
  readonly sample: Message;
  /** What is written with `onUnmappable: envelope`; undefined when it is refused. */
  readonly written: Message | undefined;
  /** Where it is found there. */
  readonly places: readonly Place[];
  readonly isRejected: boolean;
  /** With `onUnmappable: drop`: `kept`, `changed` or `gone`. */
  readonly dropped: 'kept' | 'changed' | 'gone';
  /** Back at the source's broker, by a route that trusts the target; undefined when it is not. */
  readonly back: Message | undefined;
  /** It is what and where it was before. */
  readonly isBack: boolean;
}

/** A slot, by its name there, or a header with the text of its value and the code of the type that it had. */
export interface Place {
  readonly slot?: string;
  readonly header?: string;
  readonly value?: HeaderValue;
  readonly code?: string;
}

/** The fates of all that `from` may hand over, on the way to `to`. */
export function fatesOf(from: Speaker, to: Speaker, nowMs: number): Fate[] {
  return probesOf(from, to, nowMs).map((probe) => fateOf(probe, from, to));
}

interface Probe {
  readonly what: string;
  readonly init: Partial<MessageInit>;
  readonly property?: keyof Properties | 'key' | 'body';
}

function fateOf({ what, init, property }: Probe, from: Speaker, to: Speaker): Fate {
  const sample = new Message({ body: Buffer.from('body'), ...init });
  const give = (carries: Carries, mode: 'envelope' | 'reject' | 'drop', message: Message) => {
    const out = outbound(carries, mode)(message);
    return out instanceof MqferryError ? undefined : out;
  };
  const written = give(to.sink, 'envelope', sample);
  const stripped = give(to.sink, 'drop', sample) as Message;
  const back = written && give(from.sink, 'envelope', opened(written, to));
  return {
    what,
    sample,
    written,
    places: written === undefined ? [] : placesOf(written, sample, to.sink, property),
    isRejected: give(to.sink, 'reject', sample) === undefined,
    dropped: dropFate(sample, stripped, property),
    back,
    isBack: back !== undefined && isHome(sample, back),
  };
}

/** As who trusts reads it: a protocol of bytes gives text back as bytes. */
function opened(written: Message, { sink, source }: Speaker): Message {
  const isBytes = sink.headers === 'bytes';
  const headers = written.headers.map(([name, value]): Header => [name, isBytes && typeof value === 'string' ? Buffer.from(value) : value]);
  return inbound(true, source)(written.change({ headers }).asReceived()).change({});
}

function isHome(sample: Message, back: Message): boolean {
  const own = ({ headers }: Message) =>
    JSON.stringify(headers.filter(([name]) => name !== 'mqf-types').map(([name, value]) => [name, describe(value)]));
  if (own(back) !== own(sample) || describe(back.body) !== describe(sample.body) || describe(back.key) !== describe(sample.key))
    return false;
  return propertyNames.every((name) => describe(back[name] ?? null) === describe(sample[name] ?? null));
}

/** Kind and content of a value, comparable. */
export function describe(value: HeaderValue): string {
  if (value instanceof Typed) return `${value.type} ${describe(value.value)}`;
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`;
  if (value instanceof Date) return `time ${value.toISOString()}`;
  if (Array.isArray(value)) return `[${value.map(describe).join()}]`;
  if (value instanceof Map) return `{${[...value].map(([name, one]) => `${name}:${describe(one)}`).join()}}`;
  return `${typeof value} ${String(value)}`;
}

function placesOf(written: Message, sample: Message, carries: Carries, property: Probe['property']): Place[] {
  if (property === undefined) return headerPlaces(written, sample);
  const places: Place[] = [];
  if (isInSlot(written, carries, property)) places.push({ slot: slotName(carries, property) });
  for (const [name, value] of written.headers)
    if (namesOf(property).includes(name)) places.push({ header: name, value, ...codeOf(written, name) });
  return places;
}

function isInSlot(written: Message, { key, properties }: Carries, property: NonNullable<Probe['property']>): boolean {
  if (property === 'key' || property === 'body') return key && (property === 'key' ? written.key !== null : written.body === null);
  return properties.includes(property) && written[property] !== undefined;
}

/** The sample has this header, or these, and no other. */
function headerPlaces(written: Message, sample: Message): Place[] {
  return written.headers
    .filter(([name]) => name !== 'mqf-types')
    .filter(([name]) => sample.headers.some(([own]) => name === own || /^mqf-[hx]-/.test(name)))
    .map(([name, value]) => ({ header: name, value, ...codeOf(written, name) }));
}

function namesOf(property: keyof Properties | 'key' | 'body'): string[] {
  if (property === 'key') return ['mqf-key'];
  if (property === 'body') return ['mqf-tombstone'];
  return [headerOfProperty[property], ...(property in plainNames ? [plainNames[property as keyof typeof plainNames]] : [])];
}

function codeOf({ headers }: Message, name: string): { code?: string } {
  const types = String(headers.find(([one]) => one === 'mqf-types')?.[1] ?? '').split(';');
  const entry = types.find((one) => one.includes('=') && decodeURIComponent(one.split('=')[0] as string) === name);
  return entry === undefined ? {} : { code: entry.slice(entry.indexOf('=') + 1) };
}

function slotName({ slots }: Carries, property: keyof Properties | 'key' | 'body'): string {
  if (property === 'key' || property === 'body') return property === 'key' ? 'key' : 'no body';
  return slots?.[property]?.name ?? property;
}

function dropFate(sample: Message, stripped: Message, property: Probe['property']): Fate['dropped'] {
  if (property === undefined) {
    const left = stripped.headers.filter(([name]) => sample.headers.some(([own]) => own === name));
    if (left.length === 0) return 'gone';
    const same =
      left.length === sample.headers.length && left.every(([, value], i) => describe(value) === describe((sample.headers[i] as Header)[1]));
    return same ? 'kept' : 'changed';
  }
  const [before, after] = [sample[property], stripped[property]] as [HeaderValue | undefined, HeaderValue | undefined];
  if (property === 'body') return after === null ? 'kept' : 'changed';
  if (after === undefined || after === null) return 'gone';
  return describe(before as HeaderValue) === describe(after) ? 'kept' : 'changed';
}

/** One for each property, and each kind of header, that the source has. */
function probesOf(from: Speaker, to: Speaker, nowMs: number): Probe[] {
  const { source } = from;
  const probes: Probe[] = [];
  for (const name of propertyNames) if (source.properties.includes(name)) probes.push(...propertyProbes(name, source, nowMs));
  if (source.key) {
    probes.push({ what: 'key of text', init: { key: Buffer.from('key') }, property: 'key' });
    probes.push({ what: 'key of bytes', init: { key: Buffer.from([0xff]) }, property: 'key' });
    probes.push({ what: 'tombstone', init: { body: null }, property: 'body' });
  }
  if (source.headers !== 'none') probes.push(...headerProbes(from, to));
  return probes;
}

const secondsMs = 1_700_000_000_000;

function propertyProbes(name: keyof Properties, source: Carries, nowMs: number): Probe[] {
  const slot = source.slots?.[name];
  const keeps = (value: unknown) => (slot?.keeps as ((value: unknown) => string) | undefined)?.(value) ?? 'exactly';
  const all: readonly (readonly [what: string, value: unknown])[] = {
    id: [['id', 'order-1']],
    group: [['group', 'group-1']],
    correlationId: [
      ['correlationId', 'c-1'],
      ['correlationId of bytes', Buffer.from([0xff])],
    ],
    replyTo: [['replyTo', source.headers === 'text' && !source.repeats ? '/queue/answers' : 'answers']],
    timestamp: [
      ['timestamp', secondsMs],
      ['timestamp with milliseconds', secondsMs + 123],
    ],
    expiresAt: [['expiresAt', nowMs + 3_600_000]],
    priority: [
      ['priority', 5],
      ['priority above 9', 200],
    ],
    persistent: [['persistent: false', false]],
    contentType: [['contentType', 'text/plain']],
    contentEncoding: [['contentEncoding', 'gzip']],
    type: [['type', 'order']],
    appId: [['appId', 'shop']],
  }[name] as never;
  return all
    .filter(([, value]) => name === 'persistent' || keeps(value) === 'exactly')
    .map(([what, value]) => ({ what, init: { [name]: value } as Partial<MessageInit>, property: name }));
}

function headerProbes({ source, sink: own }: Speaker, { sink }: Speaker): Probe[] {
  const text = (value: string): HeaderValue => (source.headers === 'bytes' ? Buffer.from(value) : value);
  const probes: Probe[] = [];
  const add = (what: string, value: HeaderValue, name = 'h') => {
    if (isName(name, own) && isValue(value, own)) probes.push({ what, init: { headers: [[name, value]] } });
  };
  add('header of text', text('é'));
  add('header with a line end', text('a\nb'));
  if (source.headers !== 'text') add('header of bytes', Buffer.from([0xff]));
  if (source.headers !== 'text' && own.nulls !== false) add('header of null', null);
  if (source.headers === 'typed') for (const [what, value] of typedValues) add(`header of ${what}`, value);
  if (source.repeats) probes.push({ what: 'header `h` twice, `i` between', init: { headers: [['h', text('1')], ['i', text('2')], ['h', text('3')]] } }); // biome-ignore format: one line
  add('header `traceparent`', text('00-0af7-b7ad-01'), 'traceparent');
  add('header `content-type`', text('x'), 'content-type');
  for (const name of sink.reserved?.filter((one) => !one.endsWith('*')).slice(0, 1) ?? []) add(`header \`${name}\``, text('x'), name);
  add('header with a line end in its name', text('x'), 'line\nend');
  add('header with an empty name', text('x'), '');
  return probes;
}

const typedValues: readonly (readonly [string, HeaderValue])[] = [
  ['boolean', true],
  ['integer', 42],
  ['integer beyond 2^53', 2n ** 60n],
  ['fraction', 0.5],
  ['int16', new Typed('int16', 7)],
  ['decimal', new Typed('decimal', '1.50')],
  ['time', new Date(secondsMs)],
  ['list', [1, 'a']],
  ['map', new Map<string, HeaderValue>([['a', 1]])],
];

function isName(name: string, { reserved = [], allowsName }: Carries): boolean {
  return !reserved.includes(name) && (allowsName?.(name) ?? true);
}

function isValue(value: HeaderValue, { headers, keepsValue }: Carries): boolean {
  return keepsValue?.(value) ?? (headers !== 'text' || (typeof value === 'string' && isSendable(value)));
}
