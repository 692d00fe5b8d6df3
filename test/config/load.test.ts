import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Expression, Value } from '../../src/config/fields.ts';
import { loadConfig } from '../../src/config/load.ts';
import { load, loadedConnectors, loadInputs, model, registry, routeWith, rules, source } from './registry.ts';

const example = `
connections:
  shop:   { rabbitmq: { url: "\${SHOP_URL:-amqp://localhost}" } }
  events: { kafka: { brokers: ["\${KAFKA:-localhost:9092}"] } }

routes:
  orders:
    guarantee: at-least-once                # refuse to start if this route cannot keep it
    source:
      rabbitmq: { connection: shop, queue: orders }
    steps:
      - filter: body.total >= 100
      - set:
          header.region: eu
          key: '\${{ body.customerId }}'
      - map: { id: body.orderId, total: body.total }
    buffer: { disk: { maxBytes: 1GiB } }    # leave out: end-to-end acknowledgement, no disk
    sink:
      kafka: { connection: events, topic: orders }
    onError:
      retry: { attempts: 5, backoff: 1s..30s }
      deadLetter: { rabbitmq: { connection: shop, queue: orders.dead } }
`;

describe('the example of the design', () => {
  test('is understood', async () => {
    const { connections, routes } = await model(example);
    expect(connections.map(({ name, connector }) => [name, connector.name])).toEqual([
      ['shop', 'rabbitmq'],
      ['events', 'kafka'],
    ]);
    expect(routes).toHaveLength(1);
    expect(routes[0]).toMatchObject({
      name: 'orders',
      at: { file: 'mqferry.yaml', line: 7, col: 3 },
      guarantee: 'at-least-once',
      window: { messages: 1000, bytes: 16 * 2 ** 20 },
      source: { connectionName: 'shop', config: { queue: 'orders', prefetch: 256, connection: { url: ['amqp://localhost'] } } },
      buffer: { kind: 'disk', maxBytes: 2 ** 30, sync: 'always' },
      sink: { kind: 'one', end: { connectionName: 'events', config: { connection: { brokers: ['localhost:9092'] } } } },
      onError: [{ retry: { attempts: 5, backoff: { fromMs: 1000, toMs: 30_000 } }, deadLetter: { kind: 'one' } }],
    });
  });

  test('gives its steps compiled', async () => {
    const [filter, set, map] = (await model(example)).routes[0]!.steps;
    expect((filter!.value as Expression).text).toBe('body.total >= 100');
    const targets = set!.value as Record<string, Value>;
    expect(targets['header.region']!.constant).toBe('eu');
    expect(targets['key']!.text).toBe('${{ body.customerId }}');
    expect(targets['key']!.constant).toBe(undefined);
    const leaves = map!.value as ReadonlyMap<string, Expression>;
    expect([...leaves].map(([key, leaf]) => [key, leaf.text])).toEqual([
      ['id', 'body.orderId'],
      ['total', 'body.total'],
    ]);
  });

  test('loads only the connectors it names', async () => {
    loadedConnectors.length = 0;
    await model(example);
    expect(new Set(loadedConnectors)).toEqual(new Set(['rabbitmq', 'kafka']));
  });
});

describe('shapes', () => {
  test('a bare word stands for what needs nothing', async () => {
    const { routes } = await model(routeWith('steps: [drop]\nbuffer: memory'));
    expect(routes[0]).toMatchObject({
      steps: [{ name: 'drop', value: undefined }],
      buffer: { kind: 'memory', maxMessages: 10_000 },
      sink: { kind: 'one', end: { config: { color: true } } },
    });
  });

  test('a list of sinks, and a switch in it', async () => {
    const text = `
routes:
  r:
    source: { rabbitmq: { queue: q } }
    sink:
      - print
      - switch:
          - when: [a, b]
            steps: [drop]
            sink: print
          - otherwise: { sink: [print, print] }
`;
    const sink = (await model(text)).routes[0]!.sink;
    expect(sink).toMatchObject({
      kind: 'all',
      sinks: [
        { kind: 'one' },
        {
          kind: 'switch',
          cases: [
            { whenText: '(a) && (b)', steps: [{ name: 'drop' }] },
            { steps: [], sink: { kind: 'all' } },
          ],
        },
      ],
    });
    expect(sink.kind === 'all' && sink.sinks[1]?.kind === 'switch' && sink.sinks[1].cases[1]?.when).toBe(undefined);
  });

  test('a window is a number of messages, or a map', async () => {
    expect((await model(routeWith('window: 50'))).routes[0]!.window).toEqual({ messages: 50, bytes: 16 * 2 ** 20 });
    expect((await model(routeWith('window: { bytes: 1MiB }'))).routes[0]!.window).toEqual({ messages: 1000, bytes: 2 ** 20 });
  });

  test('a connection may stand in its place, and what has defaults for everything may be left out', async () => {
    expect(await source('queue: q\nconnection: { url: "amqp://a,amqp://b" }')).toMatchObject({
      config: { connection: { url: ['amqp://a', 'amqp://b'] } },
    });
    expect(await source('queue: q')).toMatchObject({ config: { connection: { url: ['amqp://localhost'], heartbeat: 10_000 } } });
  });

  test('trusted and onUnmappable are keys of every end and do not reach the connector', async () => {
    const end = await source('queue: q\ntrusted: true');
    expect(end.trusted).toBe(true);
    expect(end.config).not.toHaveProperty('trusted');
    const text = 'routes: { r: { source: { rabbitmq: { queue: q } }, sink: { print: { onUnmappable: reject } } } }';
    expect((await model(text)).routes[0]!.sink).toMatchObject({ end: { onUnmappable: 'reject', config: { color: true } } });
  });

  test('a list of expressions holds when each of them does', async () => {
    const { routes } = await model(routeWith('steps:\n  - filter: [a, b]\n  - filter: [a, false]'));
    const [both, one] = routes[0]!.steps.map(({ value }) => (value as Expression)(undefined as never));
    expect([both, one]).toEqual([true, false]);
  });

  test('maps and lists of expressions nest, and null is an expression', async () => {
    const { routes } = await model(routeWith('steps:\n  - map: { a: [1, b.c], __proto__: { d: null }, e: "x" }'));
    const tree = routes[0]!.steps[0]!.value as ReadonlyMap<string, unknown>;
    expect((tree.get('a') as Expression[]).map(({ text }) => text)).toEqual(['1', 'b.c']);
    expect(((tree.get('__proto__') as ReadonlyMap<string, Expression>).get('d') as Expression).text).toBe('null');
  });

  test('a name like __proto__ is a name like any other', async () => {
    const { routes } = await model(routeWith('steps:\n  - set: { __proto__: x, constructor: y }'));
    const targets = routes[0]!.steps[0]!.value as Record<string, Value>;
    expect(Object.keys(targets)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['x']).toBe(undefined);
  });

  test('a map is merged into another with <<', async () => {
    const text = `
connections:
  one: { rabbitmq: &base { url: amqp://a, heartbeat: 5s } }
  two: { rabbitmq: { <<: *base, url: amqp://b } }
routes: { r: { source: { rabbitmq: { connection: two, queue: q } }, sink: print } }
`;
    expect((await model(text)).connections[1]).toMatchObject({ config: { url: ['amqp://b'], heartbeat: 5000 } });
  });
});

test.each([
  ['queue: 007', '007'],
  ['queue: 1.0', '1.0'],
  ['queue: +49170', '+49170'],
  ['queue: 0x1F', '0x1F'],
  ['queue: yes', 'yes'],
  ['queue: 2024-01-01', '2024-01-01'],
  ['queue: 1e3', '1e3'],
  ['queue: .5', '.5'],
  ["queue: 'null'", 'null'],
  ['queue: "a\\tb"', 'a\tb'],
  ['queue: |-\n  a\n  b', 'a\nb'],
  ['queue: a b\n  c', 'a b c'],
  ['queue: $share/g/a', '$share/g/a'],
])('text is what stands in the file: %j', async (line, text) => expect((await source(line)).config['queue']).toBe(text));

test('any YAML keeps the types of JSON', async () => {
  const { config } = await source('queue: q\narguments: { x-max: 5, s: "5", f: 1.5, t: true, n: null, l: [1, a], zip: 007 }');
  expect(config['arguments']).toEqual({ 'x-max': 5, s: '5', f: 1.5, t: true, n: null, l: [1, 'a'], zip: '007' });
});

describe('what is wrong is found', () => {
  const connections = 'connections:\n  shop: { rabbitmq: {} }\n  events: { kafka: { brokers: a } }\n';

  test.each([
    ['an unknown key', routeWith('sinkk: a'), '5:5 unknown-key'],
    ['an unknown key at the top', 'route: {}\n' + routeWith(''), '1:1 unknown-key'],
    ['a missing source', 'routes:\n  r: { sink: print }\n', '2:3 missing'],
    ['a missing field', 'routes:\n  r: { sink: print, source: { rabbitmq: {} } }\n', '2:31 missing'],
    ['an unknown connector', 'routes:\n  r: { source: { rabitmq: {} }, sink: print }\n', '2:18 unknown-connector'],
    ['a connector named constructor', 'routes:\n  r: { source: constructor, sink: print }\n', '2:16 unknown-connector'],
    ['a sink as a source', 'routes:\n  r: { source: print, sink: print }\n', '2:16 unknown-connector'],
    ['an unknown step', routeWith('steps: [fliter]'), '5:13 unknown-step'],
    ['a switch as a step', routeWith('steps: [{ switch: [] }]'), '5:15 unknown-step'],
    ['a step that takes nothing with a value', routeWith('steps: [{ drop: { a: b } }]'), '5:21 wrong-type'],
    ['a step without its value', routeWith('steps: [log]'), '5:13 missing'],
    ['two keys in a step', routeWith('steps:\n  - filter: a\n    set: { a: b }'), '7:9 one-key'],
    ['steps that are no list', routeWith('steps: { filter: a }'), '5:12 wrong-type'],
    [
      'an unknown connection',
      'routes: { r: { sink: print, source: { rabbitmq: { queue: q, connection: sop } } } }',
      '1:73 unknown-connection',
    ],
    [
      'a connection of another broker',
      connections + 'routes: { r: { sink: print, source: { rabbitmq: { queue: q, connection: events } } } }',
      '4:73 unknown-connection',
    ],
    [
      'a connection key where there is none',
      'routes: { r: { source: { rabbitmq: { queue: q } }, sink: { print: { connection: a } } } }',
      '1:69 unknown-key',
    ],
    ['a bad name of a route', 'routes:\n  4x: { source: { rabbitmq: { queue: q } }, sink: print }\n', '2:3 bad-name'],
    ['a name with a path in it', 'routes:\n  a/../b: { source: { rabbitmq: { queue: q } }, sink: print }\n', '2:3 bad-name'],
    ['a name that is too long', `routes:\n  ${'a'.repeat(64)}: { source: { rabbitmq: { queue: q } }, sink: print }\n`, '2:3 bad-name'],
    ['both ways out of an error', routeWith('onError: { deadLetter: print, then: drop }'), '5:28 one-of'],
    ['a dead letter that is a list', routeWith('onError: { deadLetter: [print] }'), '5:28 wrong-type'],
    ['a misspelled key in an entry of onError', routeWith('onError: [{ wen: error.code == "X", then: drop }]'), '5:17 unknown-key'],
    ['a condition of onError that is none', routeWith('onError: [{ when: a SYNTAX, then: drop }]'), '5:25 bad-expression'],
    ['both ways out in an entry of onError', routeWith('onError: [{ when: a, then: drop, deadLetter: print }]'), '5:50 one-of'],
    ['an entry of onError behind one that takes all', routeWith('onError: [{ then: drop }, { when: a, then: stop }]'), '5:15 on-error'],
    ['an empty list of onError', routeWith('onError: []'), '5:14 missing'],
    ['an onError of a step that says nothing', routeWith('steps: [{ filter: a, onError: { when: b } }]'), '5:35 missing'],
    [
      'an onError of a step that tries again',
      routeWith('steps: [{ filter: a, onError: { retry: { attempts: 2 }, then: drop } }]'),
      '5:37 unknown-key',
    ],
    ['an onError without a step', routeWith('steps: [{ onError: { then: drop } }]'), '5:15 unknown-step'],
    ['two steps in one, and an onError', routeWith('steps: [{ filter: a, map: b, onError: { then: drop } }]'), '5:26 one-key'],
    ['a word for onError', routeWith('onError: drop'), '5:14 wrong-type'],
    [
      'otherwise before the end',
      routeWith('').replace('sink: print', 'sink: { switch: [{ otherwise: { sink: print } }, { when: a, sink: print }] }'),
      '4:24 switch',
    ],
    ['a oneOf as a step', routeWith('steps: [{ oneOf: a }]'), '5:15 unknown-step'],
    ['a case without when', routeWith('').replace('sink: print', 'sink: { switch: [{ sink: print }] }'), '4:22 missing'],
    ['an unknown buffer', routeWith('buffer: disc'), '5:13 unknown-buffer'],
    ['an unknown guarantee', routeWith('guarantee: exactly-once'), '5:16 wrong-type'],
    ['a number out of bounds', routeWith('window: 0'), '5:13 wrong-type'],
    ['no route at all', 'connections: {}', '1:1 no-routes'],
    ['an empty file', '', '1:1 no-routes'],
    ['a file that is a list', '- a', '1:1 wrong-type'],
  ])('%s', async (_what, text, found) => expect(await rules(text)).toEqual([found]));

  test('all of it at once, in the order of the file', async () => {
    expect(await rules(routeWith('windw: 1\nsteps: [fliter, { drop: 1 }]\nbuffer: { disk: { maxBytes: 1gib } }'))).toEqual([
      '5:5 unknown-key',
      '6:13 unknown-step',
      '6:29 wrong-type',
      '7:33 wrong-type',
    ]);
  });

  test.each([
    ['an unknown key', connections.replace('brokers', 'broker'), 'did you mean "brokers"?'],
    [
      'a connection',
      connections + 'routes: { r: { sink: print, source: { rabbitmq: { queue: q, connection: shopp } } } }',
      'did you mean "shop"?',
    ],
    ['a step', routeWith('steps: [fliter]'), 'did you mean "filter"?'],
    ['a connector', 'routes:\n  r: { source: { rabitmq: {} }, sink: print }\n', 'did you mean "rabbitmq"?'],
    ['a value', routeWith('guarantee: at-least-one'), 'did you mean "at-least-once"?'],
  ])('with the nearest name, for %s', async (_what, text, hint) => {
    const { problems } = await load(text);
    expect(problems.map((one) => one.hint)).toContain(hint);
  });

  test('a connection that is broken itself is not reported again where it is used', async () => {
    const text = `connections:\n  shop: { rabbitmq: { heartbeat: 5 } }\n${routeWith('').replace('{ queue', '{ connection: shop, queue')}`;
    expect(await rules(text)).toEqual(['2:34 wrong-type']);
  });

  test('a step that looks at its value as a whole says where', async () => {
    const check = (): void => {
      throw Object.assign(new Error('b is not a target'), { key: 'b' });
    };
    const steps = { ...registry.steps, set: { ...registry.steps['set']!, check } };
    const texts = [{ name: 'a', text: routeWith('steps: [{ set: { a: x, b: y } }]') }];
    const { problems } = await loadConfig({ texts }, { ...registry, steps }, {});
    expect(problems).toMatchObject([{ rule: 'bad-step', message: 'b is not a target', line: 5, col: 28 }]);
  });

  test('a connector that cannot be loaded is a problem, not a crash', async () => {
    const broken = { ...registry, connectors: { ...registry.connectors, print: () => Promise.reject(new Error('no such module')) } };
    const { problems } = await loadConfig({ texts: [{ name: 'a', text: routeWith('') }] }, broken, {});
    expect(problems).toMatchObject([{ rule: 'connector-broken', message: 'the connector print cannot be loaded: no such module' }]);
  });
});

describe('several files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string | Buffer): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const route = (name: string): string => `routes: { ${name}: { source: { rabbitmq: { queue: q, connection: shop } }, sink: print } }`;
  const names = async (...paths: string[]): Promise<unknown> => {
    const { model: found, problems } = await loadInputs({ paths });
    return found
      ? found.routes.map((one) => one.name)
      : problems.map((one) => `${one.file.replace(folder, '')}: ${one.rule}: ${one.message}`);
  };

  test('are put together: a folder, a glob, or named one by one', async () => {
    mkdirSync(join(folder, 'sub'));
    write('sub/b.yml', route('b'));
    write('sub/a.yaml', route('a'));
    write('sub/.hidden.yaml', 'nonsense: [');
    write('sub/readme.md', 'nonsense: [');
    const shop = write('shop.yaml', 'connections: { shop: { rabbitmq: {} } }');
    expect(await names(join(folder, 'sub'), shop)).toEqual(['a', 'b']);
    expect(await names(join(folder, 'sub/*.y*ml'), shop)).toEqual(['a', 'b']);
    expect(await names(join(folder, 'sub/b.yml'), join(folder, 'sub'), shop)).toEqual(['b', 'a']);
  });

  test('that are tests of routes are no config', async () => {
    mkdirSync(join(folder, 'tested'));
    const tests = write('tested/a.test.yaml', 'tests: []');
    write('tested/a.yaml', route('a'));
    const shop = write('shop.yaml', 'connections: { shop: { rabbitmq: {} } }');
    expect(await names(join(folder, 'tested'), shop)).toEqual(['a']);
    expect(await names(join(folder, 'tested/*.yaml'), shop)).toEqual(['a']);
    expect(await names(tests)).toEqual(['/tested/a.test.yaml: test-file: this is a test of routes, not a config']);
  });

  test('that define a route twice are refused, with both places', async () => {
    const one = write('one.yaml', 'connections: { shop: { rabbitmq: {} } }\n' + route('r'));
    const two = write('two.yaml', route('r'));
    const { problems } = await loadInputs({ paths: [one, two] });
    expect(problems).toMatchObject([
      { file: two, line: 1, col: 11, rule: 'duplicate-name', message: `the route "r" is already at ${one}:2:11` },
    ]);
  });

  test('that are not there, not text, or empty folders are problems', async () => {
    mkdirSync(join(folder, 'none'));
    const binary = write('binary.yaml', Buffer.from([0x61, 0xff, 0xfe]));
    expect(await names(join(folder, 'no.yaml'), join(folder, 'none'), join(folder, '*.none'), binary)).toEqual([
      '/no.yaml: no-file: there is no such file',
      '/none: no-file: there is no *.yaml or *.yml in this folder',
      '/*.none: no-file: no file matches',
      '/binary.yaml: unreadable: not UTF-8 text',
    ]);
  });
});
