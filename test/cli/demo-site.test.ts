import { connect } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { Site } from '../../src/cli/demo/site.ts';

/** The packet ids of the next readings on a connection of one session; none of them is acked. */
async function idsOf(port: number, count: number): Promise<number[]> {
  const ids: number[] = [];
  const client = connect(`mqtt://127.0.0.1:${port}`, { clientId: 'session', clean: false, reconnectPeriod: 0 });
  client.on('error', () => {});
  client.handleMessage = (_, done) => done(new Error('no PUBACK for it'));
  const enough = new Promise<void>((resolve) =>
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'publish' && ids.push(packet.messageId as number) >= count) resolve();
    }),
  );
  client.on('connect', () => client.subscribe('sensors/#', { qos: 1 }));
  await enough;
  await client.endAsync(true);
  return ids;
}

test('the broker of the demo gives no packet id twice in a session, over its connections', async () => {
  const site = await Site.open();
  onTestFinished(() => site.close());
  site.report(200);
  const first = await idsOf(site.port, 20);
  // What waits comes again under its id; what is new, behind all of them.
  const again = await idsOf(site.port, 60);
  const fresh = again.filter((id) => !first.includes(id));
  expect(first[0]).toBe(1);
  expect(fresh.length).toBeGreaterThan(10);
  expect(Math.min(...fresh)).toBeGreaterThan(Math.max(...first));
});
