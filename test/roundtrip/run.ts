/**
 * Round trips over real brokers: generated messages go from A to B and back to A, and are compared with what they were.
 *
 *     npm run roundtrip -- [--count 10000] [--pair kafka-rabbitmq] [--seed N] [--all] [--proof]
 *
 * `--all` also takes MQTT 3.1.1, Artemis and RabbitMQ's STOMP; `--proof` writes docs/roundtrips.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { activemq } from '../brokers/activemq.ts';
import { artemis } from '../brokers/artemis.ts';
import { kafka } from '../brokers/kafka.ts';
import { mosquitto } from '../brokers/mosquitto.ts';
import { rabbitmq } from '../brokers/rabbitmq.ts';
import { isWhole, play, type Result } from './play.ts';
import { resultLine, roundtripPage } from './proof.ts';
import { brokerOf, type SiteName, Sites, siteNames } from './sites.ts';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    pair: { type: 'string' },
    all: { type: 'boolean', default: false },
    proof: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed ?? Math.trunc(Math.random() * 2 ** 31));
const count = Number(options.count);
const main: readonly SiteName[] = ['rabbitmq', 'kafka', 'mqtt', 'stomp'];
const chosen = pairs().filter(([from, to]) => options.pair === undefined || options.pair === `${from}-${to}`);
if (chosen.length === 0) throw new Error(`no pair ${options.pair}: a-b, of ${siteNames.join(', ')}`);

const versions = new Map<SiteName, string | undefined>();
const brokers = { rabbitmq, kafka, mosquitto, activemq, artemis };
for (const name of siteNames) versions.set(name, await brokers[brokerOf[name]].version());
const sites = new Sites(brokers);
const results: Result[] = [];
let failed = 0;
try {
  for (const [from, to] of chosen) {
    if (!versions.get(from) || !versions.get(to)) {
      console.log(`left out ${from} → ${to}: not installed`);
      continue;
    }
    const result = await play(await sites.get(from), await sites.get(to), { count, seed });
    results.push(result);
    if (!isWhole(result)) failed++;
    console.log(`${isWhole(result) ? 'ok  ' : 'FAIL'} ${resultLine(result)}`);
    for (const example of result.examples) console.log(`     ${example}`);
  }
} finally {
  await sites.dispose();
}
if (options.proof) writeFileSync('docs/roundtrips.md', roundtripPage(results, { count, seed }, versions));
console.log(`${results.length - failed} pairs are the same, ${failed} are not; seed ${seed}`);
process.exit(failed > 0 ? 1 : 0);

/** The 16 pairs; with `--all`, or when it is named, every other, too. */
function pairs(): (readonly [SiteName, SiteName])[] {
  const names = options.all || options.pair !== undefined ? siteNames : main;
  return names.flatMap((from) => names.map((to) => [from, to] as const)).filter(([from, to]) => from !== 'mqtt311' || to === 'mqtt311');
}
