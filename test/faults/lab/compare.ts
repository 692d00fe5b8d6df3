/**
 * mqferry and its peers under the same faults, on the same brokers, judged by the same ledger.
 *
 *     npm run faults:peers [-- --seed N --pair mqtt-mqtt --write]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Cell, cellsOf, faultTexts, nameOf, pairOf } from './cells.ts';
import { mqferry } from './ferry.ts';
import { peers } from './peers.ts';
import { play, type Result } from './play.ts';
import { Subjects, versionsOfBrokers } from './subjects.ts';
import type { Tool } from './tool.ts';

const { values: options } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, pair: { type: 'string' }, write: { type: 'boolean' } },
});
const seed = Number(options.seed);
const versions = await versionsOfBrokers();
const subjects = new Subjects();
const rows: { readonly cell: Cell; readonly tool: Tool; readonly result: Result }[] = [];
try {
  for (const cell of cellsOf('all', seed)) {
    const able = peers.filter((peer) => peer.plays(cell));
    if (able.length === 0 || (options.pair && pairOf(cell) !== options.pair) || !versions.get(cell.from) || !versions.get(cell.to))
      continue;
    for (const tool of [mqferry, ...able]) {
      const result = await play(cell, await subjects.get(cell.from, 'source'), await subjects.get(cell.to, 'sink'), tool);
      rows.push({ cell, tool, result });
      console.log(
        `${tool.name}, ${nameOf(cell)}: sent ${result.sent}, lost ${result.lost}, duplicated ${result.duplicated}${note(result)}`,
      );
    }
  }
} finally {
  await subjects.dispose();
}
if (options.write) writeFileSync('docs/peers.md', page());
process.exit(rows.some(({ tool, result }) => tool === mqferry && result.problems.length > 0) ? 1 : 0);

/** What a table of numbers does not say. */
function note({ problems, lost }: Result): string {
  const other = problems.filter((problem) => !/^(lost|duplicated|its log|its books|Error: waited .* everything has arrived)/.test(problem));
  return other.length === 0 ? '' : `; ${lost > 0 ? '' : 'but '}${(other[0] as string).split('\n')[0]}`;
}

function page(): string {
  const lines = rows.map(
    ({ cell, tool, result }) =>
      `| ${cell.from} → ${cell.to} | ${faultTexts[cell.fault](cell.times).replace('mqferry', 'it')} | ${tool.name} | ${result.sent} | **${result.lost}** | ${result.phantom + result.corrupt} | ${result.duplicated} | ${note(result).replace(/^; /, '')} |`,
  );
  return `# Beside peers

Written by \`npm run faults:peers -- --seed ${seed} --write\` on ${new Date().toISOString().slice(0, 10)}: rabbitmq ${versions.get('rabbitmq')}, mosquitto ${versions.get('mqtt')}, Node ${process.versions.node}. What comes
with the two brokers and carries messages, under the faults that it can be put under, beside mqferry without a disk buffer. *Lost*: confirmed by the source broker
and not at the sink within 90 seconds after the last fault. mosquitto's bridge is set as safely as it can be: everything on disk, saved with each change; by MQTT 3.1.1 it carries no properties, by MQTT 5 it cannot keep its session over a cut. A Shovel lives in the broker that is read, so it
cannot be killed by itself; it is killed with that broker. Others have not been tried yet; one that is a program with a file needs some lines in
\`test/faults/lab/peers.ts\`.

| pair | fault | tool | sent | lost | phantom or corrupt | duplicated | |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
