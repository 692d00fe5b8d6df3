/** A few messages by each pair: `npm run roundtrip` sends more. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activemq } from '../brokers/activemq.ts';
import { artemis } from '../brokers/artemis.ts';
import { kafka } from '../brokers/kafka.ts';
import { mosquitto } from '../brokers/mosquitto.ts';
import { rabbitmq } from '../brokers/rabbitmq.ts';
import { play } from './play.ts';
import { expectNoOrders } from './reserved.ts';
import { Sites } from './sites.ts';

const names = ['rabbitmq', 'kafka', 'mqtt', 'stomp'] as const;
const others = ['mqtt311', 'artemis', 'rabbitmqStomp'] as const;
const sites = new Sites({ rabbitmq, kafka, mosquitto, activemq, artemis });
beforeAll(async () => {
  await Promise.all([...names, ...others].map((name) => sites.get(name)));
});
afterAll(() => sites.dispose());

const pairs = names.flatMap((from) => names.map((to) => [from, to] as const));
const count = 80;
// Other messages each day; the title says which.
const seed = Math.floor(Date.now() / 86_400_000);

describe(`${count} messages of seed ${seed} come back as they were`, () => {
  test.each([...pairs, ...others.map((to) => ['rabbitmq', to] as const)])('%s → %s and back', async (from, to) => {
    const result = await play(await sites.get(from), await sites.get(to), { count, seed });
    expect(result).toMatchObject({ sent: count, arrived: count, refused: 0, different: 0, examples: [] });
  });
});

describe('a header that is an order somewhere arrives once and orders nothing', () => {
  test.each([...names, 'artemis', 'rabbitmqStomp'] as const)('at %s', async (name) => expectNoOrders(await sites.get(name)));
});
