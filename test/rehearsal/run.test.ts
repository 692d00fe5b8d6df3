import { describe, expect, test } from 'vitest';
import { rehearse, routeWith } from './rehearsal.ts';

/** A test that must hold: nothing failed, and it was run. */
async function holds(config: string, tests: string): Promise<void> {
  const { report, problems, failures } = await rehearse(config, tests);
  expect(problems).toEqual([]);
  expect(failures).toEqual([]);
  expect(report?.results.length).toBeGreaterThan(0);
}

async function failuresOf(config: string, tests: string, env?: Record<string, string>): Promise<readonly string[]> {
  const { problems, failures } = await rehearse(config, tests, env);
  expect(problems).toEqual([]);
  return failures;
}

const shaped = routeWith(`steps:
  - filter: body.total >= 100
  - set: { header.region: eu, key: '\${{ string(body.customer) }}' }
  - map: { id: body.orderId, total: body.total }`);

const orders = `tests:
  - name: big orders go on
    given:
      - json: { orderId: 7, total: 120, customer: 3 }
        headers: { x-trace: abc }
        type: order
      - json: { orderId: 8, total: 20, customer: 3 }
      - text: not JSON
    expect:
`;

describe('a test of a route holds', () => {
  test('when all that it expects has come, as the target gets it, and nothing else', async () => {
    await holds(
      shaped,
      `${orders}
      sinks:
        kafka events:
          - json: { id: 7, total: 120 }
            key: '3'
            headers: { x-trace: abc, region: eu, content-type: application/json, mqf-type: order, mqf-types: '*=s' }
            to: { topic: orders }
            without: [contentType, body.customer, header.y]
            holds: [body.total > 100, header.region == "eu"]
            exact: true
      deadLetters:
        - { code: STEP_FAILED, text: not JSON, reason: not JSON, to: { queue: orders.dead } }
      filtered: 1`,
    );
  });

  test('whatever bodies there are', async () => {
    await holds(
      routeWith(''),
      `tests:
  - name: bodies are untouched
    given:
      - { tombstone: true, key: k }
      - { base64: //4= }
      - { text: '{"a": 1.50}' }
      - { json: { big: 12345678901234567890, list: [1, null, x] } }
      - {}
    expect:
      sinks:
        kafka:
          - { tombstone: true, key: k }
          - { base64: //4= }
          - { text: '{"a": 1.50}' }
          - { contains: { big: 12345678901234567890 } }
          - { text: '' }`,
    );
  });

  test('when it fails a message that the source could not decode', async () => {
    await holds(
      shaped,
      'tests: [{ name: n, given: [{ text: raw, fault: bad UTF-8 }], expect: { deadLetters: [{ code: DECODE_FAILED, reason: bad UTF-8, text: raw }] } }]',
    );
  });

  test('with the messages in any order, each with a partner of its own', async () => {
    const config = routeWith('');
    const tests = (anyOrder: boolean) => `tests:
  - name: n
    given: [{ json: { a: 1, b: 1 } }, { json: { a: 1, b: 2 } }]
    expect:
      anyOrder: ${anyOrder}
      sinks: { kafka: [{ contains: { a: 1 } }, { contains: { b: 1 } }] }`;
    await holds(config, tests(true));
    expect(await failuresOf(config, tests(false))).toEqual(['sink kafka events, message 2, json.b: expected 1, found 2']);
  });

  test('behind a disk buffer, which is in memory', async () => {
    await holds(
      routeWith('guarantee: at-least-once\nbuffer: disk\nsteps:\n  - filter: body.ok\n  - split: { list: body.items }'),
      `tests:
  - name: the parts of a stored message, and a whole that has none
    given:
      - json: { ok: true, items: [{ n: 1 }, { n: 2 }] }
      - json: { ok: true, items: [] }
      - json: { ok: false, items: [{ n: 3 }] }
      - json: { ok: true, items: [null] }
    expect:
      sinks:
        kafka: [{ json: { n: 1 }, headers: { mqf-id: 'orders/test/1#1' } }, { json: { n: 2 }, headers: { mqf-id: 'orders/test/1#2' } }]
      deadLetters: [{ code: STEP_FAILED, json: { ok: true, items: [null] } }]
      filtered: 2`,
    );
  });

  test('of a target that cannot carry a message', async () => {
    const config = routeWith('').replace(/sink:.*/, 'sink: { mqtt: { connection: { url: "mqtt://hall", version: 3.1.1 }, topic: hall } }');
    await holds(
      config,
      'tests: [{ name: n, given: [{ text: x, headers: { a: b } }, { text: y }], expect: { sinks: { mqtt: [{ text: y }] }, deadLetters: [{ code: UNMAPPABLE, headers: { a: b } }] } }]',
    );
  });
});

describe('time is the test’s', () => {
  test('it begins when the test says, and passes between messages without waiting', async () => {
    await holds(
      routeWith("steps:\n  - set: { header.at: '${{ string(now) }}' }\n  - expire: { olderThan: 1h, then: drop }"),
      `now: 2026-01-31T10:00:00Z
tests:
  - name: what is late is dropped
    given:
      - { text: a, timestamp: 2026-01-31T09:30:00Z }
      - { text: b, timestamp: 2026-01-31T09:30:00Z, after: 40m }
    expect:
      sinks: { kafka: [{ text: a, timestamp: 2026-01-31T09:30:00Z, headers: { at: 2026-01-31T10:00:00.000Z } }] }
      dropped: 1
  - name: a test has a time of its own
    now: 1769850000000
    given: [{ text: a, after: 90s }]
    expect:
      sinks: { kafka: [{ headers: { at: 2026-01-31T09:01:30.000Z } }] }`,
    );
  });

  test('back-offs run through, and a dead letter says when it was given up', async () => {
    const config = routeWith('', 'retry: { attempts: 4, backoff: 10s..30s }, deadLetter: { rabbitmq: { connection: shop, queue: dead } }');
    const rabbit = config.replace(/sink:.*/, 'sink: { rabbitmq: { connection: shop, queue: out } }');
    await holds(
      rabbit,
      `tests:
  - name: a refusal that goes away costs time alone
    given: [{ text: a }, { text: b }]
    faults: { out: [{ when: 'raw == b"a"', answer: refuseForNow, times: 3 }] }
    expect: { sinks: { out: [{ text: b }, { text: a }] } }
  - name: one that stays is given up after 10, 20 and 30 s
    given: [{ text: a }]
    faults: { out: [{ answer: refuseForNow, code: TOO_LARGE }] }
    expect:
      deadLetters:
        - code: TOO_LARGE
          text: a
          headers: { mqf-error-attempts: '4', mqf-error-time: 2026-01-01T00:01:00.000Z }`,
    );
  });
});

describe('sinks fail on cue', () => {
  test('they refuse, hang up, take a message without saying so, and stay away', async () => {
    await holds(
      routeWith(''),
      `tests:
  - name: refused for good
    given: [{ text: a }, { text: b }]
    faults: { kafka: [{ answer: refuse, times: 1, code: TOO_LARGE }] }
    expect: { sinks: { kafka: [{ text: b }] }, deadLetters: [{ code: TOO_LARGE, text: a }] }
  - name: a link that is lost costs nothing
    given: [{ text: a }, { text: b }]
    faults: { kafka: [{ answer: hangUp, times: 1, downFor: 1h }] }
    expect: { sinks: { kafka: [{ text: a }, { text: b }] } }
  - name: a confirm that is lost makes copies
    given: [{ text: a }, { text: b }]
    faults: { kafka: [{ answer: loseConfirm, when: 'raw == b"b"', times: 1 }] }
    expect: { sinks: { kafka: [{ text: a }, { text: b }, { text: a }, { text: b }] } }
  - name: a message that the sink hangs up on does not stop the others
    given: [{ text: a }, { text: bad }, { text: c }]
    faults: { kafka: [{ answer: hangUp, when: 'raw == b"bad"' }] }
    expect: { sinks: { kafka: [{ text: a }, { text: c }] }, deadLetters: [{ code: REFUSED, text: bad }] }
  - name: a dead letter that is refused stops the route
    given: [{ text: a }]
    faults: { kafka: [{ answer: refuse }], dead letter: [{ answer: refuse }] }
    expect: { outcome: stopped, reason: dead-letter destination refused }`,
    );
  });

  test('a sink that keeps order is not passed by later messages when it refuses for now', async () => {
    await holds(
      routeWith(''),
      `tests:
  - name: in order
    given: [{ text: a }, { text: b }]
    faults: { kafka: [{ answer: refuseForNow, when: 'raw == b"a"', times: 1 }] }
    expect: { sinks: { kafka: [{ text: a }, { text: b }] } }`,
    );
  });

  test('a route without a dead letter stops', async () => {
    await holds(
      routeWith('steps: [{ filter: body.a }]', 'then: stop'),
      'tests: [{ name: n, given: [{ text: x, id: m1 }], expect: { outcome: stopped, reason: message "m1" failed (STEP_FAILED } }]',
    );
  });
});

describe('a test fails', () => {
  test('with what differs, field by field', async () => {
    const failures = await failuresOf(
      shaped,
      `${orders}
      sinks:
        kafka:
          - { json: { id: 8, total: 120, more: 1 }, key: '4', headers: { region: us, gone: x }, to: { topic: other }, without: [header.x-trace], holds: body.total < 0 }
      deadLetters: [{ code: INVALID, reason: why }]
      filtered: 2
      dropped: 1`,
    );
    expect(failures).toEqual([
      'sink kafka events, message 1, json.id: expected 8, found 7',
      'sink kafka events, message 1, json.more: expected 1, found nothing',
      'sink kafka events, message 1, key: expected "4", found "3"',
      'sink kafka events, message 1, header.region: expected "us", found "eu"',
      'sink kafka events, message 1, header.gone: expected "x", found nothing',
      'sink kafka events, message 1, to.topic: expected "other", found "orders"',
      'sink kafka events, message 1, header.x-trace: expected nothing, found "abc"',
      'sink kafka events, message 1, holds: expected body.total < 0, found it is false',
      'dead letters, message 1, code: expected "INVALID", found "STEP_FAILED"',
      expect.stringMatching(/^dead letters, message 1, reason: expected … why …, found filter: /),
      'filtered, filtered: expected 2, found 1',
      'dropped, dropped: expected 1, found 0',
    ]);
  });

  test('when something has arrived that it does not speak of', async () => {
    expect(await failuresOf(shaped, `${orders}\n      filtered: 1`)).toEqual([
      'sink kafka events, messages: expected 0, found 1',
      'sink kafka events, message 1, message: expected nothing, found this',
      'dead letters, messages: expected 0, found 1',
      'dead letters, message 1, message: expected nothing, found this',
    ]);
  });

  test('when something is missing, or the route has stopped', async () => {
    const config = routeWith('steps: [{ filter: body.a }]', 'then: stop');
    expect(await failuresOf(config, 'tests: [{ name: n, given: [{ text: x, id: m }], expect: { sinks: { kafka: [{}] } } }]')).toEqual([
      expect.stringMatching(/^outcome, outcome: expected done, found stopped: message "m" failed/),
      'sink kafka events, messages: expected 1, found 0',
      'sink kafka events, message 1, message: expected one, found nothing',
    ]);
  });

  test('when not everything came to its end in time, and says which link is down', async () => {
    const tests = `tests:
  - name: n
    given: [{ text: x }]
    within: 1h
    faults: { kafka: [{ answer: hangUp, downFor: 2h }] }
    expect: { sinks: { kafka: [{}] } }`;
    expect((await failuresOf(routeWith(''), tests))[0]).toMatch(
      /^outcome, outcome: expected done, found after 1h 1 messages are still on their way: sink kafka events: the test keeps this link down/,
    );
  });

  test('when the condition of a fault cannot be worked out', async () => {
    const tests =
      'tests: [{ name: n, given: [{ text: x }], faults: { kafka: [{ answer: refuse, when: body.a }] }, expect: { sinks: { kafka: [{}] } } }]';
    expect(await failuresOf(routeWith(''), tests)).toEqual([
      expect.stringMatching(/^faults, when: expected true or false, found .*body\.a/),
    ]);
  });

  test('without a word of a secret', async () => {
    const config = routeWith("steps: [{ set: { header.token: '${API_TOKEN}', header.file: '${file:/run/secrets/x}' } }]");
    const tests = `env: { API_TOKEN: '\${FROM_THE_MACHINE}' }
files: { /run/secrets/x: out-of-a-file }
tests:
  - name: n
    given: [{ text: x }]
    expect: { sinks: { kafka: [{ headers: { token: other, file: other } }] } }`;
    const failures = await failuresOf(config, tests, { FROM_THE_MACHINE: 'very-secret' });
    expect(failures).toEqual([
      'sink kafka events, message 1, header.token: expected "other", found "***"',
      'sink kafka events, message 1, header.file: expected "other", found "***"',
    ]);
  });
});

describe('coverage', () => {
  const config = `routes:
  sorted:
    source: { local: { queue: q } }
    steps: [filter: body.n > 0]
    sink:
      switch:
        - when: body.n > 10
          steps: [{ set: { header.size: large } }]
          sink: print
        - when: body.n > 5
          sink: { local: { queue: middle } }
        - otherwise: { sink: { local: { queue: small } } }
    onError: { deadLetter: { local: { queue: dead } } }
`;

  test('says which steps, branches and ends no message has come to', async () => {
    const { report } = await rehearse(
      config,
      'tests: [{ name: n, given: [{ json: { n: 7 } }, { json: { n: 1 } }], expect: { sinks: { middle: [{}], small: [{}] } } }]',
    );
    const seen = report?.coverage.parts.map(({ label, hits, at }) => `${at.line} ${label} ${hits}`);
    expect(seen).toEqual([
      '4 step filter 2',
      '7 branch when body.n > 10 0',
      '8 step set 0',
      '9 sink 1 print 0',
      '10 branch when body.n > 5 1',
      '11 sink 2 local 1',
      '12 branch otherwise 1',
      '12 sink 3 local 1',
      '13 dead letter local 0',
    ]);
    expect(report?.coverage.percent).toBeCloseTo((5 / 9) * 100);
  });

  test('knows the sinks that a message may name', async () => {
    const { report, failures } = await rehearse(
      `routes:
  a:
    source: { local: { queue: q } }
    sink:
      oneOf: '\${{ body.to }}'
      allow:
        one: print
        two: { steps: [{ set: { header.to: two } }], sink: { local: { queue: two } } }
        three: { local: { queue: three } }
`,
      'tests: [{ name: n, given: [{ json: { to: [one, two] } }, { json: { to: two } }], expect: { sinks: { print: [{}], two: [{ times: 2 }] } } }]',
    );
    expect(failures).toEqual([]);
    expect(report?.coverage.parts.map(({ label, hits, at }) => `${at.line} ${label} ${hits}`)).toEqual([
      '7 branch one 1',
      '7 sink 1 print 1',
      '8 branch two 2',
      '8 step set 2',
      '8 sink 2 local 2',
      '9 branch three 0',
      '9 sink 3 local 0',
    ]);
  });

  test('counts over all tests, each of which begins afresh', async () => {
    const { report, failures } = await rehearse(
      config.replace('[filter: body.n > 0]', '[sample: { oneIn: 2 }]'),
      `tests:
  - { name: one, given: [{ json: { n: 11 }, repeat: 3 }], expect: { sinks: { print: [{ times: 2 }] }, filtered: 1 } }
  - { name: two, given: [{ json: { n: 11 }, repeat: 3 }], expect: { sinks: { 1: [{ times: 2 }] }, filtered: 1 } }`,
    );
    expect(failures).toEqual([]);
    expect(report?.coverage.parts[0]).toMatchObject({ label: 'step sample', hits: 6 });
  });
});
