import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cell, faultTexts, type Mode, type Protocol } from './cells.ts';
import type { Result } from './play.ts';

const scopes: Record<Mode, string> = {
  full: 'all cells of 16 pairs × 12 faults × with and without the disk buffer, and 4 with withheld confirms',
  ci: 'a plain cell of each of the 16 pairs, the withheld cells, and one in five of all others; `--full` runs all',
  quick: 'the plain cells alone',
  all: 'some cells',
};

interface Run {
  readonly mode: Mode;
  readonly seed: number;
  readonly results: readonly { cell: Cell; result: Result }[];
  readonly versions: ReadonlyMap<Protocol, string | undefined>;
  /** All cells of the mode have been played. */
  readonly isWhole: boolean;
}

/** docs/proof.md: what a run has seen. */
export function proofPage({ mode, seed, results, versions, isWhole }: Run): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8')) as { version: string };
  const sum = (pick: (result: Result) => number) => results.reduce((total, { result }) => total + pick(result), 0);
  const failed = results.filter(({ result }) => result.problems.length > 0);
  const rows = results.map(
    ({ cell, result }) =>
      `| ${cell.from} → ${cell.to} | ${faultTexts[cell.fault](cell.times)} | ${cell.isBuffered ? 'disk buffer' : 'no buffer'} | ${result.sent} | ${result.arrived} | ${result.lost} | ${result.corrupt} | ${result.reordered} | ${result.duplicated} | ${result.faults} |`,
  );
  return `# Proof

Written by \`npm run faults -- --${mode} --seed ${seed} --proof\` (${isWhole ? '' : 'a part of: '}${scopes[mode]}) on ${new Date().toISOString().slice(0, 10)}: mqferry ${version}, Node ${process.versions.node},
${[...versions].map(([protocol, found]) => `${protocol} ${found ?? 'missing'}`).join(', ')}
(mqtt is mosquitto with MQTT 5, stomp is ActiveMQ Classic). Two brokers of each kind, one machine, two cores.

Each cell is a route in a process of its own. A ledger outside of it holds what the **source broker confirmed**; it is compared with
everything drained at the sink broker by a native client. Bodies are hostile (empty, NUL, not UTF-8, 1 MiB), so are header names.

**${results.length} cells, ${failed.length} failed. ${sum((one) => one.sent)} messages confirmed by the source brokers, lost ${sum((one) => one.lost)},
phantom ${sum((one) => one.phantom)}, corrupt ${sum((one) => one.corrupt)}; ${sum((one) => one.faults)} faults, ${sum((one) => one.duplicated)} duplicates.**

- *mqferry killed*: SIGKILL in mid-flow (500 messages a second) or while it starts, started again at once. *broker killed*: in mid-flow, and started
  again (SIGKILL for RabbitMQ and Kafka, SIGTERM for mosquitto and ActiveMQ, which confirm what they have not on disk). *cut*: both links reset by a
  TCP proxy, or one link in the middle of the byte stream, or before or behind an ack or a confirm. *silent*: nothing passes, nothing is closed, and what was on its way arrives late.
  *SIGTERM*: it must end with 0 within 25 s, and nothing may come twice.
  *withheld*: the sink's confirms are held back and mqferry is killed; everything must come again, so nothing had been settled.
- mosquitto runs with \`max_queued_messages 0\`: by default it drops what it has confirmed beyond 1,000 queued messages.
- ActiveMQ Classic garbles characters beyond the basic plane (emoji) in headers that it reads back from its store; the headers here stay within it.
- *reordered* counts what arrived for the first time behind one that was sent later in its lane. It must be 0 where the route promises that order and its link to the
  source was not lost; to Kafka (two partitions, no keys) and from several lanes it is only counted.
- Not run: RabbitMQ 4.x, other versions than these.

| pair | fault | buffer | sent | arrived | lost | corrupt | reordered | duplicated | faults |
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
