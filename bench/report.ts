/** The results as a table, and as a page of the docs. */
import { writeFileSync } from 'node:fs';
import { cpus, type } from 'node:os';
import { join } from 'node:path';
import { brokers } from '../test/brokers/all.ts';
import type { Row, Verdict } from './rows.ts';

export interface Report {
  readonly rows: Row[];
  readonly program: 'src' | 'dist';
  /** CPU microseconds of the calibration loop, before and behind the rows. */
  readonly calibrations: number[];
}

/** How fast the machine was, in one line. */
export function machine({ calibrations }: Report): string {
  return `calibration (bench/calibration.ts): ${calibrations.map((one) => one.toFixed(2)).join(' and ')} µs, before and behind`;
}

const columns = [
  'what',
  'tool',
  'rounds',
  'msg/s',
  'CPU-s/M',
  'second half',
  'with start',
  "brokers' CPU-s/M",
  'RSS MiB',
  'start ms',
  'bar',
  'verdict',
];

/** Markdown. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, tool, rounds, figures, verdicts }) => {
    const own = figures && tool !== 'Shovel (on-confirm)'; // its CPU is the broker's
    const hasBuffer = tool.includes(' + '); // filled ahead of the sink: its second half is only the way out
    return [
      what,
      tool,
      rounds,
      figures ? Math.round(figures.rate) : '',
      own ? figures.cpu.toFixed(1) : '',
      own && !hasBuffer ? figures.cpuLater.toFixed(1) : '',
      own ? figures.cpuWithStart.toFixed(1) : '',
      figures ? figures.brokerCpu.toFixed(0) : '',
      own ? Math.round(figures.rssMiB) : '',
      figures ? Math.round(figures.startMs) : '',
      verdicts.map(barOf).join('; '),
      verdicts.map(({ isMet }) => (isMet ? 'met' : '**missed**')).join('; '),
    ];
  });
  return [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function barOf({ what, value, unit, bar }: Verdict): string {
  return `${what} ${Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1)} ${unit} (${bar})`;
}

/** Writes docs/bench.md: figures, versions, date; nothing that belongs to one machine. */
export async function writePage(report: Report): Promise<void> {
  const { rows, program } = report;
  const versions: string[] = [];
  for (const [name, kind] of Object.entries(brokers)) {
    const version = await kind.version();
    if (version && ['rabbitmq', 'kafka', 'mosquitto'].includes(name)) versions.push(`${name} ${version}`);
  }
  const page = `# What mqferry costs

Written by \`npm run bench -- --write\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.versions.node}, ${versions.join(', ')},
${type()}, ${cpus().length} cores that tool, brokers and bench share; run ${program === 'dist' ? 'as shipped' : 'from its sources'}.

Bodies of 1 KiB, three headers, persistent, window and prefetch 1,000, at least once. The source is filled, the tool is started, and the sink
broker is asked how many have arrived; each figure is the median of its rounds, and the tools of a pair take turns. *CPU-s/M* are CPU
seconds of the tool for a million messages, which is microseconds for one: the figure to compare. Messages per second are those of brokers and
tool together on these few cores. *Second half*: without the time in which V8 compiles what is hot. *With start* counts the CPU of the start as well. mosquitto's bridge acks the source before the sink has the
message. Figures of two machines, or of one machine on two days, can be compared only beside the calibration loop of each: the same cores were seen
to be twice as slow on another day.

${machine(report)}

${table(rows)}
`;
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'bench.md'), page);
}
