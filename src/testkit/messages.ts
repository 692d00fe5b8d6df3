import assert from 'node:assert/strict';
import { type Carries, type Header, type Headers, Message, type MessageInit, type Properties, propertyNames } from '../connector.ts';

/** Messages with the bodies `<prefix>0`, `<prefix>1` ... */
export function numbered(count: number, prefix = 'm'): Message[] {
  return Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`${prefix}${i}`), key: Buffer.from('key') }));
}

/** The bodies as text. */
export function texts(messages: readonly Pick<Message, 'body'>[]): string[] {
  return messages.map((message) => String(message.body));
}

/** Bodies that are easily damaged on the way. */
export function hostileBodies(carries: Carries): readonly (readonly [name: string, body: Buffer])[] {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  return [
    ['empty', Buffer.alloc(0)],
    ['one NUL', Buffer.from([0])],
    ['every byte', all],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0xc0, 0x80])],
    ['line ends', Buffer.from('\r\n\n\r\0\n')],
    ['UTF-8', Buffer.from('Grüße 你好 🚢 ')],
    ['64 KiB', pattern(65_536)],
    ['1 MiB', pattern(1_048_576)],
  ].filter(([, body]) => (body as Buffer).length <= carries.maxBytes) as [string, Buffer][];
}

/** Bytes that no compression and no chunk boundary repeats. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = 1;
  for (let i = 0; i < length; i++) bytes[i] = (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16;
  return bytes;
}

/** Sets of headers of text (bytes where the protocol has bytes), each with a name. */
export function textSets(carries: Carries): readonly (readonly [name: string, headers: Headers])[] {
  if (carries.headers === 'none') return [];
  const wrap = (text: string) => (carries.headers === 'bytes' ? Buffer.from(text) : text);
  const header = (name: string, value: string): Header => [name, wrap(value)];
  const sets: [string, Headers][] = [
    ['one', [header('a', 'x')]],
    ['an empty value', [header('empty', '')]],
    ['names and values beyond ASCII', [header('größe-名', 'Grüße 🚢')]],
    [
      'what protocols use as marks',
      [header('colon:name', 'a:b\\c'), header('equals=name', 'a=b;c'), header('spaces in it', '  both ends  ')],
    ],
    ['names of Object.prototype', [header('constructor', '1'), header('__proto__', '2'), header('toString', '3')]],
    ['a hundred', Array.from({ length: 100 }, (_, i) => header(`h${i}`, `v${i}`))],
    ['a long value', [header('long', 'x'.repeat(8000))]],
  ];
  if (carries.repeats) sets.push(['repeats', [header('r', '1'), header('r', '2'), header('other', '3')]]);
  return sets;
}

/** {@link textSets}, and the other types of header values that the protocol has. */
export function headerSets(carries: Carries): readonly (readonly [name: string, headers: Headers])[] {
  const sets = [...textSets(carries)];
  if (carries.headers === 'bytes') sets.push(['bytes and null', bytesSet]);
  if (carries.headers === 'typed') sets.push(...typedSets);
  return sets;
}

const bytesSet: Headers = [
  ['bytes', Buffer.from([0, 0xff])],
  ['null', null],
  ['empty', Buffer.alloc(0)],
];

const typedSets: [string, Headers][] = [
  [
    'booleans and null',
    [
      ['yes', true],
      ['no', false],
      ['null', null],
    ],
  ],
  [
    'numbers',
    [
      ['int', 42],
      ['negative', -1],
      ['large', Number.MAX_SAFE_INTEGER],
      ['larger', 2n ** 62n],
      ['fraction', 0.1],
    ],
  ],
  ['bytes', [['bytes', Buffer.from([0, 0xff])]]],
  ['a timestamp', [['when', new Date(1_700_000_000_000)]]],
  [
    'lists and maps',
    [
      ['list', [1, 'a', [true]]],
      [
        'map',
        new Map<string, number | string>([
          ['b', 1],
          ['a', 'x'],
        ]),
      ],
    ],
  ],
];

/** A value for every property that the protocol says it carries. */
export function propertiesOf(carries: Carries, values: Partial<Properties> = {}): Partial<Properties> {
  const inAnHour = Math.ceil((Date.now() + 3_600_000) / 1000) * 1000;
  const all: Partial<Properties> = {
    id: 'id-1',
    group: 'group-1',
    correlationId: 'correlation-1',
    replyTo: 'answers',
    timestamp: 1_700_000_000_000,
    expiresAt: inAnHour,
    priority: 5,
    persistent: true,
    contentType: 'application/json',
    contentEncoding: 'identity',
    type: 'order.created',
    appId: 'shop',
    ...values,
  };
  return Object.fromEntries(propertyNames.filter((name) => carries.properties.includes(name)).map((name) => [name, all[name]]));
}

/** Whether a property came through; times that count down may lose a little. */
export function isSameProperty(name: keyof Properties, sent: unknown, got: unknown): boolean {
  if (name === 'expiresAt') return typeof got === 'number' && Math.abs(got - (sent as number)) < 60_000;
  if (name === 'correlationId') return String(sent) === String(got);
  return sent === got;
}

/** Those that were sent are there; brokers add some, and mix those of different names. */
export function assertHeaders(got: Message, sent: Headers): void {
  const names = new Set(sent.map(([name]) => name));
  assert.deepEqual(byName(got.headers.filter(([name]) => names.has(name))), byName(sent));
}

function byName(headers: Headers): Headers {
  return headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A message of its own for each test. */
export function messageWith(init: Partial<MessageInit>): Message {
  return new Message({ body: Buffer.from('body'), ...init });
}
