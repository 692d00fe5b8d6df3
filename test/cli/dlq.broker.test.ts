/** Dead letters at brokers: looked at without taking them, sent again in part, never twice in one replay. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activemq, activemqLogin } from '../brokers/activemq.ts';
import { artemis, artemisLogin } from '../brokers/artemis.ts';
import type { Broker } from '../brokers/broker.ts';
import { createTopics, kafka } from '../brokers/kafka.ts';
import { makeQueues, publish, type RabbitmqBroker, rabbitmq, rabbitmqPassword, rabbitmqUser, untilReady } from '../brokers/rabbitmq.ts';
import { type Ended, folder, mqferry } from './mqferry.ts';

const versions = new Map<string, string | undefined>();
for (const { name, version } of [activemq, artemis]) versions.set(name, await version());

/** A route that makes letters of the odd numbers from 1 to 9, and the same route mended. */
function site(deadLetter: string) {
  const cwd = folder();
  const config = (step: string) => `
routes:
  a:
    source: { generate: { interval: 0, count: 9, body: '{"n": \${{ origin.sequence }}}' } }
    steps: [ filter: '${step}' ]
    sink: { print: { format: json } }
    onError: { deadLetter: ${deadLetter} }
`;
  writeFileSync(join(cwd, 'broken.yaml'), config('body.n % 2 == 0 || body.missing'));
  writeFileSync(join(cwd, 'mended.yaml'), config('body.n != 99'));
  const fill = () => mqferry(['run', 'broken.yaml', '--no-admin', '--until-idle', '500ms'], { cwd });
  const dlq = (verb: string, ...args: string[]) => mqferry(['dlq', verb, ...args], { cwd });
  return { fill, dlq };
}

const numbers = ({ out }: Ended) => [...out.matchAll(/\\"n\\": (\d+)/g)].map(([, n]) => Number(n)).sort();
const codesOf = ({ out }: Ended) =>
  out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { error: string }).error);

describe.skipIf((await rabbitmq.version()) === undefined)('in a queue of RabbitMQ', () => {
  let broker: RabbitmqBroker;
  beforeAll(async () => {
    broker = await rabbitmq.start();
    await makeQueues(broker, ['amqp.dead', 'stomp.dead']);
  });
  afterAll(() => broker.dispose());

  test.each(['amqp.dead', 'stomp.dead'])('%s', async (queue) => {
    const stomp = `{ url: "stomp://127.0.0.1:${broker.ports['stomp']}", broker: rabbitmq, vhost: mq, username: ${rabbitmqUser}, password: ${rabbitmqPassword} }`;
    const { fill, dlq } = site(
      queue === 'amqp.dead'
        ? `{ rabbitmq: { connection: { url: "${broker.url()}" }, queue: ${queue} } }`
        : `{ stomp: { connection: ${stomp}, destination: /amq/queue/${queue} } }`,
    );
    await publish(broker, queue, ['not a letter of ours']);
    expect((await fill()).err).toContain('deadLettered 5');
    await untilReady(broker, queue, 6);
    const ls = await dlq('ls', 'mended.yaml');
    expect(ls.out).toMatch(queue === 'amqp.dead' ? /queue amqp.dead +6 / : /stomp.dead +\? /);
    for (let looks = 0; looks < 2; looks++) {
      const shown = await dlq('show', 'a', 'mended.yaml', '--format', 'json');
      expect(codesOf(shown).sort(), shown.err).toEqual(['', ...Array.from({ length: 5 }, () => 'STEP_FAILED')]);
      expect(shown.err).toContain('note: ');
      await untilReady(broker, queue, 6);
    }
    const some = await dlq('replay', 'a', 'mended.yaml', '--when', 'body.n > 5');
    expect(some.code, some.err).toBe(0);
    expect(numbers(some)).toEqual([7, 9]);
    expect(some.err).toMatch(/1 are no dead letters of mqferry/);
    await untilReady(broker, queue, 4);
    const again = await dlq('replay', 'a', 'broken.yaml');
    expect(again.code, again.err).toBe(1);
    expect(again.err).toContain('read 3, deadLettered 3');
    await untilReady(broker, queue, 4);
    const exported = await dlq('export', 'a', '-', 'mended.yaml');
    expect(exported.out.trim().split('\n')).toHaveLength(4);
    const last = await dlq('replay', 'a', 'mended.yaml', '--limit', '2');
    expect(numbers(last)).toHaveLength(2);
    await untilReady(broker, queue, 2);
    expect((await dlq('purge', 'a', 'mended.yaml', '--yes')).out).toContain('deleted 1 dead letter of route a');
    await untilReady(broker, queue, 1);
  });
});

describe.each([
  { kind: activemq, login: activemqLogin },
  { kind: artemis, login: artemisLogin },
])('in a queue of $kind.name', ({ kind, login: { username, password } }) => {
  const it = test.skipIf(versions.get(kind.name) === undefined);
  let broker: Broker | undefined;
  beforeAll(async () => {
    if (versions.get(kind.name)) broker = await kind.start();
  });
  afterAll(() => broker?.dispose());

  it('what is looked at stays, what is replayed is gone, what fails again comes back', async () => {
    const connection = `{ url: "stomp://127.0.0.1:${broker?.ports['stomp']}", broker: ${kind.name}, username: ${username}, password: ${password} }`;
    const { fill, dlq } = site(`{ stomp: { connection: ${connection}, destination: /queue/dead } }`);
    const show = async () => codesOf(await dlq('show', 'a', 'mended.yaml', '--format', 'json'));
    expect((await fill()).err).toContain('deadLettered 5');
    for (let looks = 0; looks < 2; looks++) expect(await show()).toEqual(Array.from({ length: 5 }, () => 'STEP_FAILED'));
    const some = await dlq('replay', 'a', 'mended.yaml', '--when', 'body.n > 5');
    expect(some.code, some.err).toBe(0);
    expect(numbers(some)).toEqual([7, 9]);
    const again = await dlq('replay', 'a', 'broken.yaml');
    expect(again.code, again.err).toBe(1);
    expect(again.err).toContain('read 3, deadLettered 3');
    expect(await show()).toHaveLength(3);
    const last = await dlq('replay', 'a', 'mended.yaml', '--limit', '2');
    expect(numbers(last), last.err).toHaveLength(2);
    expect((await dlq('purge', 'a', 'mended.yaml', '--yes')).out).toContain('deleted 1 dead letter of route a');
    expect((await dlq('show', 'a', 'mended.yaml', '--format', 'json')).out).toBe('');
  });
});

describe.skipIf((await kafka.version()) === undefined)('in a topic of Kafka', () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await kafka.start();
    await createTopics([`127.0.0.1:${broker.ports['plain']}`], [{ name: 'dead' }]);
  });
  afterAll(() => broker.dispose());

  test('the position of a group of its own says what is done, and never passes what was not chosen', async () => {
    const { fill, dlq } = site(`{ kafka: { connection: { brokers: "127.0.0.1:${broker.ports['plain']}" }, topic: dead } }`);
    expect((await fill()).err).toContain('deadLettered 5');
    const shown = await dlq('show', 'a', 'mended.yaml', '--format', 'json');
    expect(codesOf(shown), shown.err).toHaveLength(5);
    expect(shown.err).toContain('group mqferry-dlq-a');
    const some = await dlq('replay', 'a', 'mended.yaml', '--when', 'body.n != 3');
    expect(some.code, some.err).toBe(0);
    expect(numbers(some)).toEqual([1, 5, 7, 9]);
    expect(some.err).toContain('comes again at the next replay');
    const rest = await dlq('replay', 'a', 'mended.yaml');
    expect(numbers(rest), rest.err).toEqual([3, 5, 7, 9]);
    expect(numbers(await dlq('replay', 'a', 'mended.yaml'))).toEqual([]);
    await fill();
    expect((await dlq('purge', 'a', 'mended.yaml', '--yes')).out).toContain('deleted 5 dead letters');
    expect(numbers(await dlq('replay', 'a', 'mended.yaml'))).toEqual([]);
  });
});
