import { expect, test } from 'vitest';
import { compileRoutes } from '../../src/index.ts';
import { explain } from '../../src/route/explain.ts';

const routeTo = (sink: string) =>
  compileRoutes({ routes: { texts: [{ name: 'a.yaml', text: `routes:\n  a:\n    source: generate\n    sink: ${sink}\n` }] } });

const rabbit = (breaker: string) => `{ rabbitmq: { connection: { url: amqp://localhost }, queue: q, breaker: ${breaker} } }`;

test('a breaker has defaults, and explain says what it does', async () => {
  const { routes, problems } = await routeTo(rabbit('{}'));
  expect(problems).toEqual([]);
  expect(explain(routes[0]!)).toContain(
    'When it refuses 5 in a row for now, nothing is written there for 30s, then one alone until one is taken; what waits keeps its tries.',
  );
});

test.each([
  ['a time of 0', rabbit('{ openFor: 0 }'), 'breaker: openFor of the breaker is 0'],
  ['no failure', rabbit('{ failures: 0 }'), 'wrong-type: failures must be a whole number'],
  ['an unknown key', rabbit('{ failure: 3 }'), 'unknown-key: unknown key "failure"'],
  [
    'a sink that keeps order',
    '{ kafka: { connection: { brokers: [localhost:9092] }, topic: t, breaker: {} } }',
    'breaker: the breaker of sink kafka would never open',
  ],
])('%s is refused', async (_, sink, found) => {
  const { problems } = await routeTo(sink);
  expect(problems.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([expect.stringContaining(found)]);
});
