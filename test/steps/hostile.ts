/** Messages that somebody made to break a router: each by what is wrong with it. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, type HeaderValue, Message, type MessageInit, Typed } from '../../src/message.ts';

/** Stands in many of them: no error may quote it. */
export const canary = 'CANARY-4711';

export function hostileMessages(): ReadonlyMap<string, Message> {
  const all = new Map<string, Message>();
  const add = (name: string, body: string | Buffer | null, init: Partial<MessageInit> = {}) =>
    all.set(name, new Message({ body: typeof body === 'string' ? Buffer.from(body) : body, ...init }));
  for (const [name, body] of Object.entries({ ...json(), ...text(), ...binary(), ...xml(), ...csv(), ...wrapped() })) add(name, body);
  for (const [name, headers] of Object.entries(headerSets())) add(name, `{"id":"${canary}","total":1}`, { headers });
  for (const [name, init] of Object.entries(properties())) add(name, `{"id":"${canary}","total":1}`, init);
  for (const [name, [body, init]] of Object.entries(bombs())) add(name, body, init);
  for (const [name, body] of Object.entries(xml())) add(`${name}, said to be JSON`, body, { contentType: 'application/json' });
  const flood = Array.from({ length: 20_000 }, (_, i): Header => [`h${i}`, 'x'.repeat(40)]);
  add('2,000 lines and 20,000 headers', '1\n'.repeat(2000), { headers: flood });
  add('a tombstone', null);
  return all;
}

const nested = (open: string, close: string, depth: number, inside = '1') => open.repeat(depth) + inside + close.repeat(depth);

function json(): Record<string, string> {
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'then',
    'length',
    'toJSON',
    '$ref',
    'rawJSON',
  ];
  const own = names.flatMap((name): [string, string][] => [
    [`an own ${name}`, `{"id":1,"total":5,"${name}":{"polluted":"${canary}"}}`],
    [`an own ${name} inside`, `{"id":{"${name}":{"polluted":true}},"items":[{"${name}":1}],"total":5}`],
  ]);
  return {
    ...Object.fromEntries(own),
    'lists 300 deep': nested('[', ']', 300),
    'lists 100,000 deep': nested('[', ']', 100_000),
    'a list 100,000 deep, never closed': '['.repeat(100_000),
    'maps 5,000 deep': nested('{"a":', '}', 5000),
    'a map 100,000 deep under items': `{"items":${nested('{"a":', '}', 100_000)}}`,
    'items 250 deep': `{"id":1,"total":1,"items":[${nested('[', ']', 250)}]}`,
    'a number of a million digits': `{"id":${'9'.repeat(1_000_000)},"total":1}`,
    'a number beyond all': '{"id":1e99999,"total":-1e99999,"items":[1e99999]}',
    'numbers that a double rounds': '{"id":9007199254740993,"total":0.1000000000000000055511151231257827,"items":[18446744073709551616]}',
    'minus zero': '{"id":-0,"total":-0.0,"items":[-0]}',
    'a text of a million characters': `{"id":"${'x'.repeat(1_000_000)}","total":1}`,
    'a name of a million characters': `{"${'x'.repeat(1_000_000)}":1}`,
    '100,000 names': `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`,
    '100,000 elements': `{"items":[${'0,'.repeat(99_999)}0],"id":1,"total":1}`,
    'half a surrogate pair': `{"id":"\\ud83d","total":1,"items":["\\udc00"]}`,
    'half a surrogate pair in a name': '{"\\ud800":1,"id":1,"total":1}',
    'the same name twice': `{"id":1,"id":"${canary}","total":1,"total":"x"}`,
    'other types than expected': '{"id":[],"total":{},"items":"text"}',
    nulls: '{"id":null,"total":null,"items":[null]}',
    'an empty list': '{"id":1,"total":1,"items":[]}',
    'a bare null': 'null',
    'a bare text': `"${canary}"`,
    'a bare number': '1e999',
    'an empty map': '{}',
    'JSON with a byte order mark': '\ufeff{"id":1,"total":1}',
    'JSON with a comment': `{"id":1/*${canary}*/}`,
    'two values': `{"id":1}{"id":2} [3] ${canary}`,
    'JSON cut short': `{"id":"${canary}`,
    'a control character': '{"id":"\u0001","total":1}',
    'a NUL in a text': '{"id":"a\\u0000b","total":1,"items":["\\u0000"]}',
    'not a number': '{"id":NaN}',
  };
}

function text(): Record<string, string> {
  return {
    'nothing at all': '',
    'white space': ' \n\t ',
    'only line breaks': '\n'.repeat(50_000),
    'a template': `\${{ ${canary} }}`,
    'an environment variable': '${HOME}',
    'a pattern that explodes': `{"id":"${'a'.repeat(50_000)}!","total":1}`,
    'terminal escapes': `\u001b]0;${canary}\u0007\u001b[2J`,
    'right to left': '{"id":"\u202e","total":1}',
  };
}

function binary(): Record<string, Buffer> {
  return {
    'bytes that are not UTF-8': Buffer.from([0xff, 0xfe, 0xfd, 0x80, 0xc0, 0x80]),
    'JSON with bytes that are not UTF-8': Buffer.from('{"id":"\xff\xc0\x80","total":1,"items":["\xfe"]}', 'latin1'),
    'UTF-8 cut short': Buffer.from([0x7b, 0x22, 0xf0, 0x9f, 0x98]),
    'a surrogate as UTF-8': Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    'UTF-16': Buffer.from('\ufeff{"id":1}', 'utf16le'),
    zeros: Buffer.alloc(100_000),
    'a length of 2^63': Buffer.from('feffffffffffffffff01', 'hex'),
    'a length of 2^31': Buffer.from('0affffffff07', 'hex'),
    'an endless varint': Buffer.alloc(1000, 0xff),
    'groups 100,000 deep': Buffer.alloc(100_000, 0x0b),
    'messages inside messages': Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0x1a, 0x7f]))),
    'a confluent prefix': Buffer.from('00000000010000', 'hex'),
  };
}

function xml(): Record<string, string> {
  const lol = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i} "${i === 0 ? 'lol' : `&l${i - 1};`.repeat(10)}">`).join('');
  return {
    'a billion laughs': `<?xml version="1.0"?><!DOCTYPE x [${lol}]><order><id>&l9;</id></order>`,
    'an entity of a file': '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><order><id>&e;</id></order>',
    'an entity of another host': '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><order/>',
    'an unknown entity': '<order><id>&nope;&#0;&#x110000;</id></order>',
    'elements 100,000 deep': nested('<a>', '</a>', 100_000),
    'elements 100,000 deep, never closed': '<a>'.repeat(100_000),
    'hostile elements': '<order><__proto__><polluted>1</polluted></__proto__><constructor>1</constructor><toString/></order>',
    'hostile attributes': '<order __proto__="polluted" constructor="1" hasOwnProperty="2"/>',
    '50,000 attributes': `<order ${Array.from({ length: 50_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`,
    '50,000 brothers': `<order>${'<i/>'.repeat(50_000)}</order>`,
    'a comment that never ends': `<order><!-- ${canary}`,
    'CDATA that never ends': `<order><![CDATA[ ${canary}`,
    'an attribute twice': '<order a="1" a="2"/>',
    'two roots': '<order/><order/>',
    'tags that cross': `<a><b>${canary}</a></b>`,
    'no end': '<order',
    'only a declaration': '<?xml version="1.0"?>',
  };
}

function csv(): Record<string, string> {
  return {
    'a quote that never ends': `id,total\n"${canary},1\n`,
    'a quote inside': `id,total\n${canary}"x,1\n`,
    'rows of other lengths': 'id,total\n1\n1,2,3\n',
    'hostile columns': '__proto__,constructor,toString\npolluted,1,2\n',
    'a column twice': 'id,id\n1,2\n',
    '50,000 columns': `${'a,'.repeat(50_000)}\n${'1,'.repeat(50_000)}\n`,
    '100,000 rows': 'id\n'.repeat(100_000),
    'a formula': '=HYPERLINK("http://x"),total\n@SUM(1),+1\n',
  };
}

/** For what reads a format of its own. */
function wrapped(): Record<string, string> {
  const event = (more: string) => `{"specversion":"1.0","id":"1","source":"/s","type":"t"${more}}`;
  const envelope = (more: string) => `{"mqferry":1,"body":"","key":null,"headers":[],"properties":{}${more}}`;
  return {
    'an event with data twice': event(`,"data":1,"data_base64":"${canary}"`),
    'an event with data that is not base64': event(`,"data_base64":"***${canary}"`),
    'an event with hostile attributes': event(',"__proto__":"x","constructor":"y","mqfid":"z"'),
    'an event with attributes of other types': event(',"time":{},"subject":[1],"n":null,"big":1e999'),
    'an event whose data is deep': event(`,"data":${nested('[', ']', 100_000)}`),
    'an event of another version': '{"specversion":"9","id":"1","source":"/s","type":"t"}',
    'an envelope with hostile headers': envelope(',"headers":[["__proto__","x","s"],["constructor","y","nope/nope"],["a"],[1,2,3],null]'),
    'an envelope with hostile properties': envelope(',"properties":{"__proto__":"x","priority":"high","expiresAt":-1,"timestamp":1e99}'),
    'an envelope whose body is a map': envelope(`,"body":{"x":"${canary}"}`),
    'an envelope whose body is not base64': envelope(`,"body":"***${canary}"`),
    'an envelope of 50,000 headers': envelope(`,"headers":[${'["a","b","s"],'.repeat(49_999)}["a","b","s"]]`),
    'an envelope with deep headers': envelope(`,"headers":[["a",${JSON.stringify(nested('[', ']', 50_000))},"json"]]`),
    'an envelope of another version': '{"mqferry":99,"body":""}',
  };
}

function headerSets(): Record<string, readonly Header[]> {
  let deep: HeaderValue = 'x';
  for (let i = 0; i < 5000; i++) deep = [deep];
  return {
    '50,000 headers': Array.from({ length: 50_000 }, (_, i) => [`h${i}`, canary]),
    '50,000 headers of one name': Array.from({ length: 50_000 }, () => ['region', 'x']),
    'a header of a million characters': [['region', 'x'.repeat(1_000_000)]],
    'a header name of a million characters': [['x'.repeat(1_000_000), canary]],
    'hostile header names': [
      '__proto__',
      'constructor',
      'toString',
      '',
      '\u0000',
      'mqf-id',
      'mqf-hops',
      'mqf-h-x',
      'content-type',
      '\ud800',
    ].map((name) => [name, 'x']),
    'hostile header values': [
      ['region', Number.NaN],
      ['region', Number.POSITIVE_INFINITY],
      ['a', new Date(Number.NaN)],
      ['b', 2n ** 64n],
      ['c', '\ud800'],
      ['d', new Typed('\ud800', -1n)],
      ['e', Buffer.from([255])],
      ['f', null],
      ['g', new Map<string, HeaderValue>([['__proto__', new Map([['polluted', true]])]])],
    ],
    'headers 5,000 deep': [['region', deep]],
    'split headers of somebody else': [
      ['split-index', -1],
      ['split-count', 'many'],
    ],
    'event headers of every kind': ['ce_', 'cloudEvents:', 'cloudEvents_', 'ce-', ''].flatMap((prefix) =>
      ['specversion', 'id', 'source', 'type', 'Bad-Name', '__proto__'].map(
        (name): Header => [`${prefix}${name}`, name === 'specversion' ? '1.0' : canary],
      ),
    ),
    'event headers that are no text': [
      ['ce_specversion', '1.0'],
      ['ce_id', Buffer.from([255])],
      ['ce_source', null],
      ['ce_type', new Map()],
    ],
  };
}

function properties(): Record<string, Partial<MessageInit>> {
  return {
    'times that are none': { timestamp: Number.NaN, expiresAt: Number.POSITIVE_INFINITY },
    'times before all time': { timestamp: -8.64e18, expiresAt: -1 },
    'a priority that is none': { priority: -1 },
    'a content type that is none': { contentType: `;;;${canary}\u0000` },
    'a content type of a million characters': { contentType: 'application/json;'.repeat(60_000) },
    'a content encoding nobody knows': { contentEncoding: `${canary}` },
    'a thousand content encodings': { contentEncoding: Array(1000).fill('gzip').join(', ') },
    'a content encoding named like a member': { contentEncoding: 'constructor, __proto__' },
    'a content encoding that is not true': { contentEncoding: 'gzip' },
    'half a surrogate pair as id': { id: '\ud83d', type: '\udc00', replyTo: '\ud83d' },
    'a key of bytes': { key: Buffer.from([0xff, 0x00]) },
    'a key of a megabyte': { key: Buffer.alloc(1_000_000) },
    'an empty id': { id: '', group: '', correlationId: Buffer.alloc(0) },
    'an event said to be in the body': { contentType: 'application/cloudevents+json' },
    'events said to be in the body': { contentType: 'application/cloudevents-batch+json' },
  };
}

function bombs(): Record<string, [Buffer, Partial<MessageInit>]> {
  const zeros = Buffer.alloc(32 * 2 ** 20);
  const gzip = gzipSync(zeros);
  // LZ4: a literal, then a match of 16 MB at offset 1; its lengths are bytes of 255.
  const lz4Block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(65_000, 255), Buffer.from([0, 0x50, 0, 0, 0, 0, 0])]);
  const lz4Size = Buffer.alloc(4);
  lz4Size.writeUInt32LE(lz4Block.length);
  return {
    'a gzip bomb': [gzip, { contentEncoding: 'gzip' }],
    'a gzip bomb inside another': [gzipSync(gzip), { contentEncoding: 'gzip, gzip' }],
    'a gzip bomb of many members': [Buffer.concat([gzip, gzip, gzip, gzip]), { contentEncoding: 'gzip' }],
    'a deflate bomb': [deflateSync(zeros), { contentEncoding: 'deflate' }],
    'a brotli bomb': [brotliCompressSync(zeros, { params: { 1: 1 } }), { contentEncoding: 'br' }],
    'a zstd bomb': [zstdCompressSync(zeros), { contentEncoding: 'zstd' }],
    'a zstd bomb of many frames': [
      Buffer.concat(Array.from({ length: 100 }, () => zstdCompressSync(Buffer.alloc(2 ** 20)))),
      { contentEncoding: 'zstd' },
    ],
    'a zstd window of 2 GiB': [Buffer.from('28b52ffd00a80b0000', 'hex'), { contentEncoding: 'zstd' }],
    'an lz4 bomb': [Buffer.concat([Buffer.from('04224d18604082', 'hex'), lz4Size, lz4Block, Buffer.alloc(4)]), { contentEncoding: 'lz4' }],
    'a snappy length of 4 GiB': [Buffer.from('ffffffff0f0000', 'hex'), { contentEncoding: 'snappy' }],
    'gzip cut short': [gzipSync('hello').subarray(0, 15), { contentEncoding: 'gzip' }],
    'zstd cut short': [zstdCompressSync('hello').subarray(0, 10), { contentEncoding: 'zstd' }],
    'lz4 cut short': [Buffer.from('04224d18604082ff000000', 'hex'), { contentEncoding: 'lz4' }],
    'snappy cut short': [Buffer.from('0514', 'hex'), { contentEncoding: 'snappy' }],
  };
}
