import type { MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { Hold } from '../../../connectors/mqtt/hold.ts';
import { until } from '../../brokers/broker.ts';

test('short holds that come again and again do not put off the pings', async () => {
  const counts = { pings: 0, rescheduled: 0 };
  const client = { keepalive: 0.3, sendPing: () => counts.pings++, reschedulePing: () => counts.rescheduled++ } as unknown as MqttClient;
  const hold = new Hold(client);
  const again = setInterval(() => {
    hold.hold(() => {});
    setTimeout(() => hold.release(), 10);
  }, 20);
  onTestFinished(() => {
    clearInterval(again);
    hold.stop();
  });
  await until('it has pinged three times', () => counts.pings >= 3, 3000);
  expect(counts.rescheduled).toBeGreaterThan(0);
  clearInterval(again);
  hold.stop();
  const pings = counts.pings;
  await until('time has passed', () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 250)));
  expect(counts.pings).toBe(pings);
});
