import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options, Result } from './play.ts';
import { type SiteName, siteNames } from './sites.ts';

const titles: Readonly<Record<SiteName, string>> = {
  rabbitmq: 'RabbitMQ',
  kafka: 'Kafka',
  mqtt: 'MQTT 5',
  stomp: 'STOMP (ActiveMQ)',
  mqtt311: 'MQTT 3.1.1',
  artemis: 'STOMP (Artemis)',
  rabbitmqStomp: 'STOMP (RabbitMQ)',
};

export function resultLine({ from, to, sent, arrived, different, refused, declared, seconds }: Result): string {
  const known = Object.entries(declared).map(([name, times]) => `${name} ${times}`);
  return `${from} → ${to} → ${from}: ${sent} sent, ${arrived} came back, ${refused} refused, ${different} different (declared: ${known.join(', ') || 'none'}), ${seconds.toFixed(1)} s`;
}

/** docs/roundtrips.md: what a run has seen. */
export function roundtripPage(
  results: readonly Result[],
  { count, seed }: Options,
  versions: ReadonlyMap<SiteName, string | undefined>,
): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };
  const title = (name: string) => titles[name as SiteName];
  const rows = results.map(({ from, to, sent, arrived, different, refused, declared }) => {
    const known = Object.entries(declared).map(([name, times]) => `${name} ${times}`);
    return `| ${title(from)} → ${title(to)} → ${title(from)} | ${sent} | ${arrived} | ${refused} | ${different} | ${known.join(', ')} |`;
  });
  const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0);
  return `# Round trips

Written by \`npm run roundtrip -- --count ${count} --seed ${seed}${results.length > 16 ? ' --all' : ''} --proof\` on ${new Date().toISOString().slice(0, 10)}: mqferry ${version}, Node ${process.versions.node},
${siteNames.map((name) => `${titles[name]} ${versions.get(name) ?? 'missing'}`).join(', ')} (MQTT is mosquitto).

Each message is made from the seed: header types that the protocol has, at their limits; repeats, null and empty; names that are orders
somewhere; bodies of any bytes, tombstones, keys, every property or none. It goes by two routes of mqferry, from A to B and back to A;
the second has \`trusted: true\`. What is read at A in the end is compared with what was read there at first, value by value and type by
type. Beside its own headers \`mqf-hops\`, \`mqf-id\` and \`mqf-types\` nothing may be different but what the [mapping](reference/mapping.md)
says beforehand: *declared* counts the messages that met such a difference, by property.

**${results.length} pairs, ${sum(({ sent }) => sent)} messages: ${sum(({ arrived }) => arrived)} came back, ${sum(({ refused }) => refused)} were refused, ${sum(({ different }) => different)} were different.**

| way | sent | came back | refused | different | declared |
|---|---|---|---|---|---|
${rows.join('\n')}

What is declared: Kafka gives a message without a timestamp one, ActiveMQ and Artemis a timestamp and the priority 4, ActiveMQ an id; what
ActiveMQ and Artemis gave at first stays in a header when they give something else again. A way through MQTT 3.1.1 is by the steps \`envelope\` and \`unwrap\`.

What this does not see: messages are published and read by mqferry's own ends, so a fault that writing and reading share would hide (tests hold them
against bytes made by hand: \`test/connectors\`). They are always published as persistent, and without what only a native client sends (AMQP's
app-id, MQTT's retain flag). An expiry, 2 to 24 hours away, may differ by what the run took. ActiveMQ gets no characters beyond the basic plane at first,
as it garbles them; from other brokers it does.
`;
}
