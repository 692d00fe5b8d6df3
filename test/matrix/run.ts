/**
 * The matrix: every pair of brokers under every fault, with and without the disk buffer; an outside ledger says what was lost.
 *
 * `--proof` writes docs/proof.md.
 *
 *     npm run matrix -- --quick | --ci | --full   [--only rabbitmq-kafka] [--fault kill] [--turn n] [--report file.json] [--proof]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { brokers } from '../brokers/all.ts';
import { type Cell, cellsOf, type Mode, nameOf, type Protocol, protocols } from './cells.ts';
import { play, type Result } from './play.ts';
import { proofPage } from './proof.ts';
import type { Subject } from './subject.ts';
import { kafkaSubject } from './subjects/kafka.ts';
import { mqttSubject } from './subjects/mqtt.ts';
import { rabbitmqSubject } from './subjects/rabbitmq.ts';
import { stompSubject } from './subjects/stomp.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    ci: { type: 'boolean' },
    full: { type: 'boolean' },
    only: { type: 'string' },
    fault: { type: 'string' },
    turn: { type: 'string' },
    report: { type: 'string' },
    proof: { type: 'boolean' },
  },
});
const mode: Mode = options.full ? 'full' : options.ci ? 'ci' : 'quick';
const today = Math.floor(Date.now() / 86_400_000);
const makers: Record<Protocol, () => Promise<Subject>> = {
  rabbitmq: rabbitmqSubject,
  kafka: kafkaSubject,
  mqtt: mqttSubject,
  stomp: stompSubject,
};
const brokerOf: Record<Protocol, string> = { rabbitmq: 'rabbitmq', kafka: 'kafka', mqtt: 'mosquitto', stomp: 'activemq' };

const versions = new Map<Protocol, string | undefined>();
for (const protocol of protocols) versions.set(protocol, await brokers[brokerOf[protocol]]?.version());
const chosen = cellsOf(mode, Number(options.turn ?? today)).filter(
  (cell) => (!options.only || `${cell.from}-${cell.to}` === options.only) && (!options.fault || cell.fault === options.fault),
);
const playable = chosen.filter((cell) => versions.get(cell.from) && versions.get(cell.to));
const skipped = chosen.length - playable.length;

/** Two of each broker: one that is read, one that is written. Started when a cell needs it. */
const started = new Map<string, Promise<Subject>>();
function subject(protocol: Protocol, side: 'source' | 'sink'): Promise<Subject> {
  const key = `${protocol} ${side}`;
  const running = started.get(key) ?? makers[protocol]();
  started.set(key, running);
  return running;
}

const results: { cell: Cell; result: Result }[] = [];
try {
  for (const cell of playable) {
    const result = await play(cell, await subject(cell.from, 'source'), await subject(cell.to, 'sink'));
    results.push({ cell, result });
    const { sent, arrived, lost, phantom, corrupt, duplicated, faults, seconds, problems } = result;
    const counts = `${sent} sent, ${arrived} arrived, lost ${lost}, phantom ${phantom}, corrupt ${corrupt}, duplicated ${duplicated} (${faults} faults)`;
    console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${nameOf(cell)}: ${counts}, ${seconds.toFixed(1)} s`);
    for (const problem of problems) console.log(`     ${problem}`);
  }
} finally {
  for (const running of started.values()) await (await running).broker.dispose();
}
const failed = results.filter(({ result }) => result.problems.length > 0).length;
const isCi = process.env['CI'] === 'true';
const tally = { passed: results.length - failed, failed: failed + (isCi ? skipped : 0), skipped: isCi ? 0 : skipped };
if (options.report) writeFileSync(options.report, JSON.stringify(tally));
if (options.proof) writeFileSync('docs/proof.md', proofPage(mode, results, versions));
console.log(`matrix (${mode}): ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed > 0 ? 1 : 0);
