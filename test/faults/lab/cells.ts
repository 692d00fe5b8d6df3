/** The cells of the laboratory, a pair of brokers under one fault each, and which of them a run takes. */
import { randomOf } from '../../buffer/sim-fs.ts';
import { seedOf } from './seed.ts';

export const protocols = ['rabbitmq', 'kafka', 'mqtt', 'stomp'] as const;
export type Protocol = (typeof protocols)[number];

/** Each of them for every pair, with and without the disk buffer. */
export const faultNames = [
  'plain',
  'kill',
  'sinkRestart',
  'sourceRestart',
  'cut',
  'cutAtByte',
  'cutAtAck',
  'slices',
  'slow',
  'blackHole',
  'pause',
  'drain',
] as const;
export type FaultName = (typeof faultNames)[number];

export interface Cell {
  readonly from: Protocol;
  readonly to: Protocol;
  /** `withheld`: the sink's confirms are held back, and mqferry is killed: nothing may have been settled. */
  readonly fault: FaultName | 'withheld';
  readonly isBuffered: boolean;
  /** At least; they are sent until the last fault is over. */
  readonly messages: number;
  /** How often the fault comes. */
  readonly times: number;
  readonly seed: number;
}

export type Mode = 'full' | 'ci' | 'quick' | 'all';

const buffers = [false, true] as const;

/** How often a fault comes in a sample. */
const fewTimes: Record<Cell['fault'], number> = {
  plain: 0,
  kill: 3,
  sinkRestart: 1,
  sourceRestart: 1,
  cut: 3,
  cutAtByte: 4,
  cutAtAck: 6,
  slices: 0,
  slow: 0,
  blackHole: 1,
  pause: 1,
  drain: 3,
  withheld: 1,
};

/** What `--full` does instead: as often as the promise is to be proved. */
const manyTimes: Partial<Record<Cell['fault'], number>> = {
  kill: 200,
  sinkRestart: 50,
  sourceRestart: 50,
  cutAtByte: 200,
  cutAtAck: 100,
  cut: 20,
  drain: 10,
};

/** One in so many of the cells that a sample does not always have. Within 20 samples a cell is missed by chance once in a hundred. */
const shareOf = 5;

/**
 * - `full`: everything, as often as the promise is to be proved. Hours.
 * - `ci`: a plain cell of each pair, the withheld cells, and a share of all others that the seed chooses; each fault has one at least.
 * - `quick`: the plain cells without buffer, few messages.
 * - `all`: everything, as a sample plays it.
 */
export function cellsOf(mode: Mode, seed: number): Cell[] {
  if (mode === 'full') return allCells(seed, (fault) => manyTimes[fault] ?? fewTimes[fault], 5000);
  const all = allCells(seed, (fault) => fewTimes[fault], mode === 'quick' ? 500 : 2000);
  if (mode === 'all') return all;
  if (mode === 'quick') return all.filter((cell) => cell.fault === 'plain' && !cell.isBuffered);
  const random = randomOf(seed);
  const sampled = all.filter((cell) => {
    const isChosen = random() < 1 / shareOf;
    if (cell.fault === 'withheld') return true;
    return cell.fault === 'plain' ? cell.isBuffered === seedOf(`${seed} ${pairOf(cell)}`) % 2 > 0 : isChosen;
  });
  const missing = faultNames.filter((fault) => !sampled.some((cell) => cell.fault === fault));
  return [...sampled, ...missing.map((fault) => all.find((cell) => cell.fault === fault) as Cell)];
}

/** All pairs × faults × buffer, and one `withheld` cell for each protocol as the source. */
function allCells(seed: number, timesOf: (fault: Cell['fault']) => number, plain: number): Cell[] {
  const cells: Cell[] = [];
  const add = (from: Protocol, to: Protocol, fault: Cell['fault'], isBuffered: boolean, messages: number) => {
    const own = seedOf(`${seed} ${from} ${to} ${fault} ${isBuffered}`);
    cells.push({ from, to, fault, isBuffered, messages, times: timesOf(fault), seed: own });
  };
  for (const from of protocols)
    for (const to of protocols)
      for (const fault of faultNames) for (const isBuffered of buffers) add(from, to, fault, isBuffered, fault === 'plain' ? plain : 1000);
  for (const from of protocols) add(from, 'rabbitmq', 'withheld', false, 300);
  return cells;
}

export function pairOf({ from, to }: Pick<Cell, 'from' | 'to'>): string {
  return `${from}-${to}`;
}

export const faultTexts: Record<Cell['fault'], (times: number) => string> = {
  plain: () => 'plain',
  kill: (times) => `mqferry killed ${times} times`,
  sinkRestart: (times) => `sink broker killed ${times === 1 ? 'once' : `${times} times`}`,
  sourceRestart: (times) => `source broker killed ${times === 1 ? 'once' : `${times} times`}`,
  cut: (times) => `both links cut ${times} times`,
  cutAtByte: (times) => `a link cut at ${times} random bytes`,
  cutAtAck: (times) => `a link cut at ${times} acks and confirms`,
  slices: () => 'bytes in slices of 1 to 32',
  slow: () => '20 to 200 ms of latency',
  blackHole: () => 'both networks silent for 6 s',
  pause: () => 'mqferry stopped for seconds, then continued',
  drain: (times) => `mqferry ended by SIGTERM ${times} times`,
  withheld: () => 'confirms withheld, then killed',
};

export function nameOf(cell: Cell): string {
  return `${cell.from} → ${cell.to} · ${faultTexts[cell.fault](cell.times)} · ${cell.isBuffered ? 'disk buffer' : 'no buffer'}`;
}
