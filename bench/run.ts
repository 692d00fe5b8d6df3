/** What mqferry costs, beside its peers, on real brokers. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { backlog } from './backlog.ts';
import { calibrate } from './calibration.ts';
import { keys } from './keys.ts';
import { Brokers, type Pair, pairs } from './pairs.ts';
import { machine, type Report, table, writePage } from './report.ts';
import { judge } from './rows.ts';
import { startup } from './startup.ts';
import { steps } from './steps.ts';
import { freshDir, mqferry, type Tool } from './tools.ts';
import { type Figures, trial } from './trial.ts';

const others = ['steps', 'startup', 'backlog', 'keys'];
const usage = `npm run bench                            everything
npm run bench -- kafka-kafka startup     some of it: ${[...pairs.map((pair) => pair.name), ...others].join(', ')}
  --messages 20000 --rounds 1            quicker, and less sure
  --tool mqferry                         only this tool of each pair
  --dist                                 as shipped (npm run build) instead of from its sources
  --profile DIR                          a CPU profile of mqferry in each run
  --json | --write                       for programs; or into docs/bench.md`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string' },
    rounds: { type: 'string' },
    dist: { type: 'boolean' },
    tool: { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const program = options.dist ? 'dist' : 'src';
const dir = mkdtempSync(join(tmpdir(), 'mqferry-bench-'));
const brokers = new Brokers();
const report: Report = { rows: [], program, calibrations: [calibrate()] };
const isWanted = (name: string) => positionals.length === 0 || positionals.includes(name);
const flags = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : [];
let turn = 0;

try {
  for (const name of positionals)
    if (![...pairs.map((pair) => pair.name), ...others].includes(name)) throw new Error(`there is no ${name}`);
  for (const pair of pairs) if (isWanted(pair.name)) report.rows.push(...judge(pair, await measure(pair)));
  if (isWanted('steps')) report.rows.push(...(await steps()));
  if (isWanted('startup'))
    report.rows.push(...(await startup(await brokers.rabbitmq(), dir, existsSync('dist') ? ['dist', 'src'] : ['src'])));
  if (isWanted('backlog'))
    report.rows.push(...(await backlog(await brokers.mosquitto('sink'), dir, program, Number(options.messages ?? 1_000_000))));
  if (isWanted('keys')) report.rows.push(...(await keys(dir, program, Number(options.messages ?? 10_000_000))));
} finally {
  await brokers.dispose();
  rmSync(dir, { recursive: true, force: true });
}
report.calibrations.push(calibrate());
if (options.write) await writePage(report);
console.log(options.json ? JSON.stringify(report, null, 2) : `${table(report.rows)}\n${machine(report)}`);
process.exitCode = report.rows.some((row) => row.isMissed) ? 1 : 0;

/** All tools of a pair in turn, round after round: what else the machine does hits all of them alike. */
async function measure(pair: Pair): Promise<Map<string, Figures[]>> {
  const [from, to] = await pair.ends(brokers);
  const messages = Number(options.messages ?? pair.messages);
  const all: Tool[] = [mqferry(program, undefined, flags)];
  for (const between of pair.between) all.push(mqferry(program, between, flags));
  if (pair.peer) all.push(pair.peer);
  const tools = all.filter((tool) => options.tool === undefined || tool.name === options.tool);
  const results = new Map<string, Figures[]>(tools.map((tool) => [tool.name, []]));
  for (let round = 0; round < Number(options.rounds ?? pair.rounds); round++)
    for (const tool of tools) {
      const id = `${pair.name}-${++turn}`;
      const source = `${pair.name}-in-${messages}`;
      const journey = { from, to, source, sink: `${pair.name}-out-${turn}`, reader: id, dir: freshDir(dir, id) };
      const figures = await trial(tool, journey, messages);
      results.get(tool.name)?.push(figures);
      process.stderr.write(
        `${pair.name} ${tool.name}: ${figures.cpu.toFixed(1)} CPU-s/M (second half ${figures.cpuLater.toFixed(1)}), ${Math.round(figures.rate)} msg/s\n`,
      );
    }
  return results;
}
