import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { rehearse, routeWith } from './rehearsal.ts';

const plain = routeWith('');
const two = `${plain}  more:
    source: { local: { queue: q } }
    sink: [print, { kafka: { connection: events, topic: a } }, { kafka: { connection: events, topic: b } }]
`;
const one = (body: string) => `tests:\n  - name: n\n${body.replace(/^(?=.)/gm, '    ')}`;

describe('a test file is checked as a config is', () => {
  test.each<[what: string, tests: string, problem: string, config?: string]>([
    [
      'an unknown key',
      `${one('expect: { dropped: 1 }')}\nmore: 1`,
      '4:1 unknown-key: unknown key "more" — known here: config, env, files, now, tests',
    ],
    ['a misspelled key', one('expect: { droped: 1, filtered: 1 }'), '3:15 unknown-key: unknown key "droped" — did you mean "dropped"?'],
    [
      'a misspelled matcher',
      one('expect: { sinks: { kafka: [{ jsn: 1 }] } }'),
      '3:34 unknown-key: unknown key "jsn" — did you mean "json"?',
    ],
    ['no test', 'tests: []', '1:8 no-tests: there is no test in this list'],
    ['an empty file', '', '1:1 no-tests: there is no test in this file'],
    ['broken YAML', 'tests: [', '1:8 yaml-syntax: '],
    [
      'nothing expected',
      one('given: [{ text: x }]'),
      '2:5 no-expectation: the test "n" expects nothing — write one of sinks, deadLetters, filtered, dropped, outcome, reason below `expect`',
    ],
    [
      'nothing but how',
      one('expect: { anyOrder: true }'),
      '3:13 no-expectation: the test "n" expects nothing — write one of sinks, deadLetters, filtered, dropped, outcome, reason below `expect`',
    ],
    [
      'the same name twice',
      `${one('expect: { dropped: 1 }')}\n  - { name: n, expect: { dropped: 1 } }`,
      '4:7 duplicate-name: there are two tests named "n"',
    ],
    [
      'a sink that is not there',
      one('expect: { sinks: { kafak: [] } }'),
      '3:24 unknown-sink: there is no sink "kafak" — did you mean "kafka"?',
    ],
    [
      'a sink that is one of several',
      one('route: more\nexpect: { sinks: { kafka: [] } }'),
      '4:24 which-sink: "kafka" is the name of several sinks — write "2" or "3"',
      two,
    ],
    ['a sink twice', one('expect: { sinks: { kafka: [], 1: [] } }'), '3:24 duplicate-name: "kafka" and "1" are the same sink'],
    [
      'an ignored sink that is not there',
      one('expect: { filtered: 1, ignore: [prnt] }'),
      '3:28 unknown-sink: there is no sink "prnt" — there are: 1, sink kafka events, kafka events, kafka, orders',
    ],
    [
      'a fault of a sink that is not there',
      one('faults: { orders.ded: [{ answer: refuse }] }\nexpect: { dropped: 1 }'),
      '3:15 unknown-sink: there is no sink "orders.ded" — there are: 1, sink kafka events, kafka events, kafka, orders, dead letter rabbitmq shop, dead letter 1, dead letter',
    ],
    [
      'an answer that is none',
      one('faults: { kafka: [{ answer: hangup }] }\nexpect: { dropped: 1 }'),
      '3:33 wrong-type: answer must be one of refuse, refuseForNow, hangUp, loseConfirm, found "hangup" — did you mean "hangUp"?',
    ],
    [
      'a link that is not lost and down',
      one('faults: { kafka: [{ answer: refuse, downFor: 1s }] }\nexpect: { dropped: 1 }'),
      '3:41 contradiction: a link that is not lost is not down — downFor is for hangUp and loseConfirm',
    ],
    [
      'no dead letter to expect',
      one('route: more\nexpect: { deadLetters: [{}] }'),
      '4:15 no-dead-letter: the route has no dead-letter destination — a message that fails stops it: `outcome: stopped`',
      two,
    ],
    [
      'another dead-letter destination',
      one('expect: { deadLetters: [{ at: rabit }] }'),
      '3:31 unknown-sink: there is no dead-letter destination "rabit" — there are: 1, dead letter rabbitmq shop, rabbitmq shop, rabbitmq, orders.dead',
    ],
    ['an error that is none', one('expect: { deadLetters: [{ code: STEP_FAILD }] }'), '3:37 wrong-type: code must be one of '],
    ['no route of several', one('expect: { dropped: 1 }'), '2:5 missing: route is missing — the config has several: orders, more', two],
    [
      'a route that is not there',
      one('route: order\nexpect: { dropped: 1 }'),
      '3:5 unknown-route: there is no route "order" — did you mean "orders"?',
    ],
    [
      'two bodies',
      one('given: [{ text: x, json: 1 }]\nexpect: { dropped: 1 }'),
      '3:15 one-of: a message has one body, and here are json and text — keep one of them',
    ],
    [
      'two bodies expected',
      one('expect: { sinks: { kafka: [{ text: x, contains: 1 }] } }'),
      '3:43 one-of: a message has one body, and here are text and contains — keep one of them',
    ],
    [
      'bytes that are no base64',
      one('given: [{ base64: x }]\nexpect: { dropped: 1 }'),
      '3:23 wrong-type: base64 must be bytes in base64, padded, found "x"',
    ],
    [
      'a time that is none',
      one('now: noon\nexpect: { dropped: 1 }'),
      '3:10 wrong-type: now must be a time such as 2026-01-31T10:00:00Z, or milliseconds since 1970, found "noon"',
    ],
    ['a day that is none', one('now: 2026-13-31T10:00:00Z\nexpect: { dropped: 1 }'), '3:5 wrong-type: there is no such time'],
    [
      'a target that is none',
      one('expect: { sinks: { kafka: [{ without: [heder.x] }] } }'),
      '3:34 wrong-type: "heder.x" is no part of a message — did you mean "header.x"?',
    ],
    ['an origin that is a map', one('given: [{ origin: { a: {} } }]\nexpect: { dropped: 1 }'), '3:25 wrong-type: a must be a single value'],
    [
      'a reason of a route that runs',
      one('expect: { reason: x }'),
      '3:15 contradiction: a route that has not stopped has no reason — write `outcome: stopped`',
    ],
    [
      'an expression that is none',
      one('expect: { sinks: { kafka: [{ holds: bdy }] } }'),
      '3:41 bad-expression: there is no name "bdy" in expressions — did you mean body?',
    ],
    [
      'a variable that the machine does not have',
      one('given: [{ text: "${NONE}" }]\nexpect: { dropped: 1 }'),
      '3:22 unresolved: the environment variable NONE is not set — set it, or give a default: ${NONE:-…}',
    ],
    [
      'an error in the config',
      one('expect: { dropped: 1 }'),
      'r.yaml:2:3 missing: the route "orders" has no sink',
      'routes:\n  orders:\n    source: print\n',
    ],
  ])('%s', async (_what, tests, problem, config = plain) => {
    const { report, problems } = await rehearse(config, tests);
    expect(report).toBe(undefined);
    expect(problems.join('\n')).toContain(problem);
  });

  test('all problems of a file show at once', async () => {
    const { problems } = await rehearse(plain, `${one('expect: { sinks: { a: [] } }')}\n  - { name: m, given: [{ text: x }] }`);
    expect(problems).toHaveLength(2);
  });

  test('the config gets nothing of the machine but what the test names', async () => {
    const config = routeWith("steps: [{ set: { header.home: '${HOME_OF_MINE}' } }]");
    const tests = one('given: [{ text: x }]\nexpect: { sinks: { kafka: [{ headers: { home: here } }] } }');
    const { problems } = await rehearse(config, tests, { HOME_OF_MINE: 'here' });
    expect(problems).toEqual([expect.stringContaining('the environment variable HOME_OF_MINE is not set')]);
    const named = await rehearse(config, `env: { HOME_OF_MINE: '\${HOME_OF_MINE}' }\n${tests}`, { HOME_OF_MINE: 'here' });
    expect([named.problems, named.failures]).toEqual([[], []]);
  });
});

describe('the editor schema of test files', () => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../mqferry-test.schema.json'), 'utf8')) as object;
  const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);

  test.each([
    [
      true,
      one(
        'given: [{ json: [1], key: 7, headers: { a: 1 }, after: 1s }]\nexpect: { sinks: { 1: [{ json: null, exact: true }] }, filtered: 1 }',
      ),
    ],
    [false, one('given: [{ jsn: 1 }]\nexpect: { dropped: 1 }')],
    [false, one('expect: { outcome: over }')],
    [false, 'tests: {}'],
  ])('takes what the program takes: %s', (isRight, text) => {
    expect([validate(parse(text)), validate.errors]).toEqual([isRight, isRight ? null : expect.anything()]);
  });
});
