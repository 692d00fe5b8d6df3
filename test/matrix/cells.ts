/** The cells of the matrix, and which of them a run takes. */

export const protocols = ['rabbitmq', 'kafka', 'mqtt', 'stomp'] as const;
export type Protocol = (typeof protocols)[number];

export const faultNames = ['plain', 'kill', 'sinkRestart', 'sourceRestart', 'cut'] as const;
export type FaultName = (typeof faultNames)[number];

export interface Cell {
  readonly from: Protocol;
  readonly to: Protocol;
  /** `withheld`: the sink's confirms are held back, and mqferry is killed: nothing may have been settled. */
  readonly fault: FaultName | 'withheld';
  readonly isBuffered: boolean;
  readonly messages: number;
}

export type Mode = 'full' | 'ci' | 'quick';

const buffers = [false, true] as const;

/** All 160 cells of pairs × faults × buffer, and one `withheld` cell for each protocol as the source. */
function allCells(messagesOf: (fault: FaultName) => number): Cell[] {
  const cells: Cell[] = [];
  for (const from of protocols)
    for (const to of protocols)
      for (const fault of faultNames)
        for (const isBuffered of buffers) cells.push({ from, to, fault, isBuffered, messages: messagesOf(fault) });
  for (const from of protocols) cells.push({ from, to: 'rabbitmq', fault: 'withheld', isBuffered: false, messages: 300 });
  return cells;
}

/**
 * - `full`: everything, 5,000 messages in plain cells.
 * - `ci`: all plain, cut and withheld cells, and a share of the others that changes with `turn` (a day, a seed).
 * - `quick`: the plain cells without buffer, few messages.
 */
export function cellsOf(mode: Mode, turn: number): Cell[] {
  if (mode === 'full') return allCells((fault) => (fault === 'plain' ? 5000 : 1500));
  if (mode === 'quick') return allCells(() => 500).filter((cell) => cell.fault === 'plain' && !cell.isBuffered);
  const always = ['plain', 'cut', 'withheld'];
  let others = 0;
  return allCells((fault) => (fault === 'plain' ? 2000 : 1000)).filter((cell) => {
    if (always.includes(cell.fault)) return true;
    return others++ % shareOf === turn % shareOf;
  });
}

/** One in so many of the kill and restart cells: a prime, so that the sample moves over all kinds. */
const shareOf = 7;

const arrows: Record<Cell['fault'], string> = {
  plain: 'plain',
  kill: 'mqferry killed 3 times',
  sinkRestart: 'sink broker restarted',
  sourceRestart: 'source broker restarted',
  cut: 'both links cut 3 times',
  withheld: 'confirms withheld, then killed',
};

export function nameOf({ from, to, fault, isBuffered }: Cell): string {
  return `${from} → ${to} · ${arrows[fault]} · ${isBuffered ? 'disk buffer' : 'no buffer'}`;
}
