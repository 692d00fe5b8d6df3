/** From figures to verdicts. */
import { betweenCpu, type Pair } from './pairs.ts';
import { type Figures, median, medianOf } from './trial.ts';

export interface Row {
  readonly what: string;
  readonly tool: string;
  readonly rounds: number;
  readonly figures?: Figures;
  readonly verdicts: readonly Verdict[];
  readonly isMissed: boolean;
}

/** One figure beside its bar. */
export interface Verdict {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bar: string;
  readonly isMet: boolean;
}

export function atMost(what: string, value: number, unit: string, bar: number): Verdict {
  return { what, value, unit, bar: `≤ ${bar}`, isMet: value <= bar };
}

export function atLeast(what: string, value: number, unit: string, bar: number): Verdict {
  return { what, value, unit, bar: `≥ ${bar}`, isMet: value >= bar };
}

export function unjudged(what: string, value: number, unit: string): Verdict {
  return { what, value, unit, bar: 'no bar', isMet: true };
}

export function row(what: string, tool: string, rounds: number, verdicts: readonly Verdict[], figures?: Figures): Row {
  return { what, tool, rounds, verdicts, isMissed: verdicts.some((verdict) => !verdict.isMet), ...(figures && { figures }) };
}

/** The rows of one pair. CPU is judged; the rate only where the pair has a bar for it. */
export function judge(pair: Pair, results: ReadonlyMap<string, readonly Figures[]>): Row[] {
  const plain = results.get('mqferry');
  const peer = pair.peer && results.get(pair.peer.name);
  return [...results].map(([tool, all]) => {
    const figures = medianOf(all);
    const verdicts: Verdict[] = [];
    if (tool === 'mqferry') verdicts.push(...ownVerdicts(pair, figures, peer));
    const between = pair.between.find((one) => tool.endsWith(one));
    if (between && plain) verdicts.push(atMost('more than without', figures.cpu - medianOf(plain).cpu, 'CPU-s/M', betweenCpu[between]));
    return row(pair.name, tool, all.length, verdicts, figures);
  });
}

function ownVerdicts({ bars }: Pair, figures: Figures, peer: readonly Figures[] | undefined): Verdict[] {
  const verdicts = [atMost('CPU', figures.cpu, 'CPU-s/M', bars.cpu)];
  if (bars.rate !== undefined) verdicts.push(atLeast('rate', figures.rate, 'msg/s', bars.rate));
  if (bars.ofPeer !== undefined && peer)
    verdicts.push(atLeast("of the peer's rate", figures.rate / median(peer.map((one) => one.rate)), '×', bars.ofPeer));
  return verdicts;
}
