import { expect, test } from 'vitest';
import { compileRoutes } from '../../src/index.ts';
import { explain } from '../../src/route/explain.ts';

async function explained(text: string): Promise<string> {
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  expect(problems).toEqual([]);
  return explain(routes[0]!);
}

test('explain tells the way of a message, what is promised, and each weakness once', async () => {
  const text = await explained(`
routes:
  a:
    source: { rabbitmq: { connection: { url: amqp://localhost }, queue: a } }
    steps: [filter: body.x > 1]
    buffer: { disk: { maxBytes: 64MiB } }
    sink:
      switch:
        - when: body.x > 5
          steps: [set: { header.size: big }]
          sink: print
        - otherwise: { sink: print }
    onError: { retry: { attempts: 3, backoff: 1s..1m } }
`);
  expect(text).toContain('2. Keeps messages for which body.x > 1.');
  expect(text).toContain('Stored in the disk buffer (at most 64MiB) and synced; only then is it settled at the source.');
  expect(text).toContain('When body.x > 5: Sets header.size. Written to print.');
  expect(text).toContain(
    'A message that fails stops the route; one that the sink refuses for now, only when it has been tried 3 times, waiting 1s to 1m.',
  );
  expect(text).toContain('Delivery: at-least-once.');
  expect(text.match(/A message counts as delivered when standard output has taken it/g)).toHaveLength(1);
});

test('explain tells the sinks that a message may name', async () => {
  const text = await explained(`
routes:
  a:
    source: generate
    sink:
      oneOf: '\${{ body.to }}'
      allow:
        here: print
        there: { steps: [remove: body.to], sink: { local: { queue: there } } }
`);
  expect(text).toContain('Sent to the sinks that ${{ body.to }} names, once to each; a name that is not allowed, or none, is a failure.');
  expect(text).toContain('To here: Written to print.');
  expect(text).toContain('To there: Removes body.to. Written to local.');
  expect(text).toContain('Delivery: best-effort.');
});

test('explain says what becomes of each kind of failure', async () => {
  const text = await explained(`
routes:
  a:
    source: generate
    steps: [{ filter: body.x > 1, onError: { then: drop } }]
    sink: print
    onError:
      - { when: 'error.code == "REFUSED"', retry: { attempts: 9, backoff: 1s..1m, maxAge: 1h }, deadLetter: print }
      - { when: error.attempts > 3, then: drop }
      - { retry: { attempts: 1 }, then: stop }
`);
  expect(text).toContain(
    'A message that fails and for which error.code == "REFUSED" goes to print with the reason; one that the sink refuses for now, only when it has been tried 9 times, waiting 1s to 1m, for at most 1h.',
  );
  expect(text).toContain(
    'Any other that fails and for which error.attempts > 3 is dropped and counted; one that the sink refuses for now, only when it has been tried 5 times, waiting 1s to 30s.',
  );
  expect(text).toContain('Keeps messages for which body.x > 1. A message that fails is dropped and counted.');
  expect(text).toContain('Any other that fails stops the route.\n');
});

test('explain does not promise the disk before a buffer that syncs from time to time has it', async () => {
  const text = await explained(
    'routes: { a: { source: generate, buffer: { disk: { sync: interval, every: 200ms } }, sink: print, onError: { then: drop } } }',
  );
  expect(text).toContain(
    'Stored in the disk buffer (at most 1GiB) and settled at the source; synced within 200ms, until when a power cut may lose it.',
  );
  expect(text).not.toContain('only then');
});

test('explain says what becomes of a message that ends the process, and what that needs', async () => {
  const sentence = async (rest: string) =>
    (await explained(`routes: { a: { ${rest}, sink: print } }`))
      .split('\n')
      .find((line) => line.startsWith('A message that ends the process'));
  expect(await sentence(`source: { ${rabbit} }, window: 50`)).toBe(
    'A message that ends the process: when it was under way at 3 unclean stops in a row, it fails (QUARANTINED) and is not handled again. ' +
      'After an unclean stop the route takes few messages at a time until 100 have ended. ' +
      'This needs a data directory that can be written: `run` makes it; `copy` and `--until-idle` use one that is there.',
  );
  expect(await sentence(`source: { ${rabbit} }, quarantine: { after: 5 }`)).toContain('at 5 unclean stops');
  expect(await sentence(`source: { ${rabbit} }, quarantine: { after: 0 }`)).toContain('ends it again each time it comes');
  expect(await sentence(`source: { ${memory} }`)).toBe('A message that ends the process: is gone with it.');
});

test.each([
  ['the route', 'steps: [split: { list: body.items }], sink: print'],
  ['a case of a switch', 'sink: { switch: [{ otherwise: { steps: [split: { list: body.items }], sink: print } }] }'],
])('explain counts the copies of wholes when a step of %s splits', async (_where, rest) => {
  const splitting = await explained(`routes: { a: { source: { ${rabbit} }, ${rest} } }`);
  expect(splitting).toContain('at most window + prefetch per fault and sink, each with all the parts that `split` made of it.');
  const whole = await explained(`routes: { a: { source: { ${rabbit} }, sink: print } }`);
  expect(whole).toContain('at most window + prefetch per fault and sink.\n');
});

const rabbit = 'rabbitmq: { connection: { url: amqp://localhost }, queue: a }';
const memory = 'local: { queue: b }';

test.each([
  ['into', rabbit, memory],
  ['out of', memory, rabbit],
])('a route %s a local queue does not claim at-least-once: what is in memory dies with the process', async (_, source, sink) => {
  const text = await explained(`
routes:
  a:
    source: { ${source} }
    sink: { ${sink} }
`);
  expect(text).toContain('Delivery: best-effort.');
  expect(text).toContain('A local queue is held in memory');
});

test.each([
  ['into', rabbit, 'local: { queue: b, store: disk }'],
  ['out of', 'local: { queue: b, store: disk }', rabbit],
])('a route %s a queue on disk is at-least-once', async (_, source, sink) => {
  const text = await explained(`
routes:
  a:
    guarantee: at-least-once
    order: lane
    source: { ${source} }
    sink: { ${sink} }
`);
  expect(text).toContain('Delivery: at-least-once.');
  expect(text).not.toContain('memory');
});

test('a route that reads a queue in memory cannot ask for at-least-once', async () => {
  const text = `routes: { a: { guarantee: at-least-once, source: { ${memory} }, sink: { ${rabbit} } } }`;
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  expect(problems).toMatchObject([{ rule: 'guarantee', message: expect.stringContaining('can keep best-effort'), severity: 'error' }]);
});
