import { join } from 'node:path';
import { freePorts, until } from '../../brokers/broker.ts';
import type { Cell } from './cells.ts';
import { Program } from './program.ts';
import type { Carrier, Journey, Tool } from './tool.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');

export interface Books {
  readonly read: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly inFlight: number;
  readonly [other: string]: number;
}

/** Innocent messages would be suspected by so many kills. */
const manyKills = 10;

/** mqferry as its users have it: a process of its own, a config file, a data directory. */
export class Ferry extends Program implements Carrier {
  readonly #adminPort: number;

  constructor(config: string, adminPort: number) {
    const args = ['run', 'cell.yaml', '--data', 'data', '--admin', `127.0.0.1:${adminPort}`];
    super([process.execPath, main, ...args], { 'cell.yaml': config });
    this.#adminPort = adminPort;
  }

  /** Resolves when every link of the route is open in this life. */
  ready(): Promise<void> {
    return until(`mqferry is ready:\n${this.log()}`, () => this.#isReady(), 60_000);
  }

  async books(): Promise<Books> {
    return (await this.#route()).books;
  }

  async order(): Promise<string> {
    return (await this.#route()).order;
  }

  async #route(): Promise<{ readonly books: Books; readonly order: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/routes/cell`);
    return (await answer.json()) as { books: Books; order: string };
  }

  async #isReady(): Promise<boolean> {
    if (this.hasEnded) throw new Error(`mqferry ended by itself:\n${this.log()}`);
    return (await fetch(`http://127.0.0.1:${this.#adminPort}/readyz`).catch(() => undefined))?.status === 200;
  }
}

export const mqferry: Tool = {
  name: 'mqferry',
  plays: () => true,
  async make(journey) {
    const [port] = (await freePorts(1)) as [number];
    return new Ferry(configOf(journey), port);
  },
};

function configOf({ cell, source, sink, from, to, sourcePort, sinkPort }: Journey): string {
  const isImpatient = (['blackHole', 'pause'] as readonly Cell['fault'][]).includes(cell.fault);
  return `connections:
  from: ${source.connection(sourcePort, isImpatient)}
  to: ${sink.connection(sinkPort, isImpatient)}
routes:
  cell:
    source:
      ${source.source(from)}
${cell.isBuffered ? '    buffer: { disk: { maxBytes: 1GiB } }\n' : ''}${cell.times > manyKills ? '    quarantine: { after: 0 }\n' : ''}    sink:
      ${sink.sink(to)}
    onError:
      retry: { attempts: 20, backoff: 200ms..2s }
`;
}
