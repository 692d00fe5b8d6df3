/** A process that reads a topic slowly and tells its parent the numbers it has seen, before it acks them. To be killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { body, never, openSource } from './setup.ts';

const [address, topic] = process.argv.slice(2) as [string, string];
const source = await openSource([address], 'platformatic', topic, { clientId: `member-${topic}`, sessionTimeout: 30_000, window: 200 });
for (;;) {
  const batch = await source.read({ messages: 50, bytes: 1_000_000 }, never);
  if (batch === null) break;
  process.send?.(batch.messages.map((message) => Number(body(message))));
  await sleep(20);
  batch.ack();
}
