import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { jsonMessage } from '../expr/messages.ts';
import { explanationOf, failure, problemsOf, stepsOf, through } from './route.ts';

const message = (body: string | Buffer, init = {}) => new Message({ body: Buffer.from(body as string), ...init });
const decoded = async (step: string, body: string | Buffer) => (await through(`- decode: ${step}`, message(body)))[0]?.json();
const encoded = async (step: string, body: unknown) => (await through(`- encode: ${step}`, jsonMessage(body)))[0]?.body?.toString();

describe('json', () => {
  test.each([
    ['{"a": 1.50,\n "b": 12345678901234567890}', '{"a": 1.50,\n "b": 12345678901234567890}'],
    ['\ufeff[1]', '[1]'],
    ['null', 'null'],
    ['"x"', '"x"'],
  ])('decode takes %j as it is', async (body, expected) => {
    const [out] = await through('- decode: { json: {} }', message(body, { contentType: 'text/plain' }));
    expect(out).toMatchObject({ contentType: 'application/json', body: Buffer.from(expected) });
  });

  test.each(['', '{', '{"a":1}x', Buffer.from([0x22, 0xff, 0x22]), '\ufeff\ufeff1'])(
    'decode fails for %j, and does not quote it',
    async (body) => {
      expect(await failure('- decode: { json: {} }', message(body))).toMatch(/^DECODE_FAILED decode: the body is not (JSON|UTF-8)$/);
    },
  );

  test('a tombstone passes', async () => {
    expect((await through('- decode: { json: {} }', new Message({ body: null })))[0]?.body).toBeNull();
  });

  test.each([
    ['{ json: {} }', '{"a":1.50,"b":[12345678901234567890,{}]}'],
    ['{ json: { indent: 2 } }', '{\n  "a": 1.50,\n  "b": [\n    12345678901234567890,\n    {}\n  ]\n}'],
  ])('encode: %s keeps digits', async (step, expected) => {
    const [out] = await through(`- encode: ${step}`, message('{ "a": 1.50, "b": [12345678901234567890, {}] }'));
    expect(out).toMatchObject({ contentType: 'application/json', body: Buffer.from(expected) });
  });
});

describe('decode xml', () => {
  test.each<[string, unknown]>([
    ['<a/>', { a: '' }],
    ['<?xml version="1.0" encoding="utf-8"?>\n<!-- c --><?pi x?><a> x </a>\n', { a: ' x ' }],
    ['<a><b>1</b><c/><b>2</b></a>', { a: { b: ['1', '2'], c: '' } }],
    ['<a x="1" y="&lt;&#233;"/>', { a: { '@x': '1', '@y': '<é' } }],
    ['<a x="1">t</a>', { a: { '@x': '1', '#text': 't' } }],
    ['<a>one<b/>two</a>', { a: { b: '', '#text': 'onetwo' } }],
    ['<a>&amp;<![CDATA[<x>&amp;]]></a>', { a: '&<x>&amp;' }],
    ['<n:a xmlns:n="u"><n:b/></n:a>', { 'n:a': { '@xmlns:n': 'u', 'n:b': '' } }],
    ['<a>007</a>', { a: '007' }],
    ['\ufeff<é>x</é>', { é: 'x' }],
    ['<a><__proto__>1</__proto__><constructor><x/></constructor></a>', JSON.parse('{"a":{"__proto__":"1","constructor":{"x":""}}}')],
    ['<a __proto__="1" hasOwnProperty="2"/>', JSON.parse('{"a":{"@__proto__":"1","@hasOwnProperty":"2"}}')],
  ])('%s', async (xml, expected) => {
    expect(JSON.stringify(await decoded('{ xml: {} }', xml))).toBe(JSON.stringify(expected));
  });

  test('makes a list of what is to be one', async () => {
    expect(await decoded('{ xml: { lists: [b] } }', '<a><b>1</b><c>1</c></a>')).toEqual({ a: { b: ['1'], c: '1' } });
  });

  test('makes JSON with its content type', async () => {
    const [out] = await through('- decode: { xml: {} }', message('<a>x</a>', { contentType: 'text/xml', id: 'i' }));
    expect(out).toMatchObject({ contentType: 'application/json', id: 'i', body: Buffer.from('{"a":"x"}') });
  });

  test.each<[string | Buffer, RegExp]>([
    ['<a><b></a></b>', /not well-formed/],
    ['<a x="1" x="2"/>', /not well-formed/],
    ['<a>&nope;</a>', /not well-formed/],
    ['<a>&#0;</a>', /not well-formed/],
    ['<a/><b/>', /not well-formed/],
    ['<a/>x', /not well-formed/],
    ['<a', /not well-formed/],
    ['', /not well-formed/],
    ['{"a":1}', /not well-formed/],
    ['<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', /has a DTD/],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /has a DTD/],
    ['<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /not UTF-8/],
    [Buffer.from('<a>\xff</a>', 'latin1'), /not UTF-8/],
    ['<a>'.repeat(200), /nested more than 100 deep/],
    [`<a>${'<b/>'.repeat(100)}</a>`, /more than 20 elements/],
    [`<a ${Array.from({ length: 30 }, (_, i) => `a${i}=""`).join(' ')}/>`, /more than 20 elements/],
  ])('refuses %s', async (xml, sentence) => {
    expect(
      await failure('- decode: { xml: { maxElements: 150 } }'.replace('150', /20/.test(sentence.source) ? '20' : '150'), message(xml)),
    ).toMatch(new RegExp(`^DECODE_FAILED decode: .*${sentence.source}`));
  });
});

describe('encode xml', () => {
  test.each<[string, string]>([
    [
      '{"a":{"@x":"\\"<&>\\n","b":[1,null,true],"#text":"<&>\\r"}}',
      '<a x="&quot;&lt;&amp;&gt;&#10;"><b>1</b><b/><b>true</b>&lt;&amp;&gt;&#13;</a>',
    ],
    ['{"a":12345678901234567890.10}', '<a>12345678901234567890.10</a>'],
    ['{"a":{"b":[]}}', '<a/>'],
    ['{"é":"ü😀"}', '<é>ü😀</é>'],
  ])('%s', async (json, xml) => {
    const [out] = await through('- encode: { xml: {} }', message(json, { contentEncoding: 'identity' }));
    expect(out?.body?.toString()).toBe(`<?xml version="1.0" encoding="UTF-8"?>${xml}`);
    expect(out).toMatchObject({ contentType: 'application/xml', contentEncoding: undefined });
  });

  test.each([
    ['[1]', /one root/],
    ['{}', /one root/],
    ['{"a":1,"b":2}', /one root/],
    ['{"a":[1,2]}', /one root/],
    ['{"a b":1}', /no name in XML/],
    ['{"a":{"":1}}', /no name in XML/],
    ['{"a":{"b><c":1}}', /no name in XML/],
    ['{"a":{"@x y":1}}', /no name in XML/],
    ['{"a":{"@x":{}}}', /hold text/],
    ['{"a":{"#text":[]}}', /hold text/],
    ['{"a":{"b":[[1]]}}', /list in a list/],
    ['{"a":"\\u0000"}', /character that XML does not have/],
    ['{"a":"\\ud800"}', /character that XML does not have/],
    [`${'{"a":'.repeat(150)}1${'}'.repeat(150)}`, /nested more than 100/],
    ['{', /not JSON/],
  ])('refuses %s', async (json, sentence) => {
    expect(await failure('- encode: { xml: {} }', message(json))).toMatch(new RegExp(`^STEP_FAILED encode: .*${sentence.source}`));
  });

  test('what it writes, decode reads again', async () => {
    const name = fc.stringMatching(/^[a-zA-Z_é][a-zA-Z0-9._-]{0,5}$/);
    const text = fc
      .string({ unit: 'grapheme', maxLength: 8 })
      .filter((one) => !/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(one));
    const { element } = fc.letrec((tie) => ({
      element: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.dictionary(name, fc.oneof(tie('element'), fc.array(tie('element'), { minLength: 2, maxLength: 3 })), { minKeys: 1, maxKeys: 3 }),
        fc
          .tuple(
            name,
            text,
            text.filter((one) => one.trim() !== ''),
          )
          .map(([attribute, value, inside]) => ({ [`@${attribute}`]: value, '#text': inside })),
      ),
    }));
    const write = await stepsOf('- encode: { xml: {} }\n- decode: { xml: {} }');
    fc.assert(
      fc.property(name, element, (root, value) => {
        const before = JSON.parse(JSON.stringify({ [root]: value }));
        const { out, failed } = write([jsonMessage(before)]);
        expect(failed).toEqual([]);
        expect(out[0]?.json()).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });
});

describe('decode csv', () => {
  test.each<[string, string, unknown]>([
    [
      '{}',
      'id,name\n1,"a, ""b""\nc"\r\n2,\n',
      [
        { id: '1', name: 'a, "b"\nc' },
        { id: '2', name: '' },
      ],
    ],
    [
      '{ header: false }',
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['{ delimiter: ";" }', 'a;b\n1,0;2', [{ a: '1,0', b: '2' }]],
    ['{}', '\ufeffid\n007\n', [{ id: '007' }]],
    ['{}', 'id\n\n1\n', [{ id: '1' }]],
    ['{}', '', []],
    ['{}', 'id,x\n', []],
    ['{}', '__proto__,constructor\n1,2\n', JSON.parse('[{"__proto__":"1","constructor":"2"}]')],
  ])('%s of %j', async (options, csv, expected) => {
    expect(JSON.stringify(await decoded(`{ csv: ${options} }`, csv))).toBe(JSON.stringify(expected));
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['{}', 'a,b\n"x,1\n', /not CSV: quote not closed \(line \d\)/],
    ['{}', 'a,b\nx"y,1\n', /not CSV: invalid opening quote/],
    ['{}', 'a,b\n1\n', /not CSV: record inconsistent fields length/],
    ['{}', 'a,a\n1,2\n', /name twice/],
    ['{ maxRows: 2 }', 'a\n1\n2\n3\n', /more than 2 rows/],
    ['{}', Buffer.from('a\n\xff\n', 'latin1'), /not UTF-8/],
  ])('%s of %j fails', async (options, csv, sentence) => {
    expect(await failure(`- decode: { csv: ${options} }`, message(csv))).toMatch(new RegExp(`^DECODE_FAILED decode: .*${sentence.source}`));
    if (/maxRows/.test(options)) expect(await decoded('{ csv: { maxRows: 3 } }', csv)).toHaveLength(3);
  });
});

describe('encode csv', () => {
  test.each<[string, string, string]>([
    ['{}', '[{"id":1,"name":"a, \\"b\\"\\nc"},{"name":"x"}]', 'id,name\r\n1,"a, ""b""\nc"\r\n,x\r\n'],
    ['{ columns: [b, a], header: false }', '[{"a":1},{"b":2,"a":null}]', ',1\r\n2,\r\n'],
    ['{ delimiter: ";" }', '[["a,b","c;d"],[1.50,true]]', 'a,b;"c;d"\r\n1.50;true\r\n'],
    ['{}', '[{"id":12345678901234567890}]', 'id\r\n12345678901234567890\r\n'],
    ['{}', '[]', ''],
    ['{ columns: [a] }', '[]', 'a\r\n'],
  ])('%s of %s', async (options, json, csv) => {
    const [out] = await through(`- encode: { csv: ${options} }`, message(json));
    expect(out?.body?.toString()).toBe(csv);
    expect(out?.contentType).toBe('text/csv');
  });

  test.each([
    ['{}', '{"a":1}', /not a list of rows/],
    ['{}', '[{"a":1},{"a":1,"b":2}]', /row 1 has a name that is no column/],
    ['{}', '[{"a":1},3]', /row 1 is not of the kind/],
    ['{}', '[1]', /row 0 is not of the kind/],
    ['{}', '[{"a":{}}]', /map or list as a value/],
    ['{}', '[{"a":"\\ud800"}]', /well-formed/],
  ])('%s of %s fails', async (options, json, sentence) => {
    expect(await failure(`- encode: { csv: ${options} }`, message(json))).toMatch(sentence);
  });

  test('what it writes, decode reads again', async () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => one.isWellFormed());
    const both = await stepsOf('- encode: { csv: { header: false } }\n- decode: { csv: { header: false } }');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }).chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 5 })),
        (rows) => {
          const { out, failed } = both([jsonMessage(rows)]);
          expect(failed).toEqual([]);
          expect(out[0]?.json()).toEqual(rows);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('decode and encode take one format, and explain themselves', async () => {
  expect(await problemsOf('- decode: {}')).toEqual([expect.stringMatching(/^decode needs one of json, xml, csv/)]);
  expect(await problemsOf('- encode: { xml: {}, csv: {} }')).toEqual(['xml and csv exclude each other: keep one of them']);
  expect(await problemsOf('- decode: { csv: { delimiter: ab } }')).toEqual([expect.stringContaining('one character')]);
  expect(await explanationOf('- decode: { xml: {} }')).toBe('reads the body as XML and makes it JSON');
  expect(await explanationOf('- encode: { csv: {} }')).toBe('writes the JSON body as CSV');
});

test('a tombstone passes, a compressed body does not', async () => {
  const tombstone = new Message({ body: null });
  expect(await through('- decode: { xml: {} }\n- encode: { csv: {} }', tombstone)).toEqual([tombstone]);
  expect(await failure('- decode: { csv: {} }', message('a', { contentEncoding: 'gzip' }))).toMatch(/decompress it first/);
  expect(await encoded('{ xml: {} }', { a: 1 })).toContain('<a>1</a>');
});
