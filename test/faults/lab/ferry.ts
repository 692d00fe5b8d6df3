import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, tail, until } from '../../brokers/broker.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');

export interface Books {
  readonly read: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly inFlight: number;
  readonly [other: string]: number;
}

/** mqferry as its users have it: a process of its own, a config file, a data directory. */
export class Ferry {
  readonly dir = mkdtempSync(join(tmpdir(), 'mqferry-cell-'));
  readonly #adminPort: number;
  #child: ChildProcess | undefined;

  constructor(config: string, adminPort: number) {
    writeFileSync(join(this.dir, 'cell.yaml'), config);
    this.#adminPort = adminPort;
  }

  static async of(config: string): Promise<Ferry> {
    const [port] = (await freePorts(1)) as [number];
    return new Ferry(config, port);
  }

  /** Resolves when every link of the route has been open. */
  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  spawn(): void {
    const log = openSync(join(this.dir, 'log'), 'a');
    const args = ['run', 'cell.yaml', '--data', 'data', '--admin', `127.0.0.1:${this.#adminPort}`];
    const child = spawn(process.execPath, [main, ...args], { cwd: this.dir, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    // A run that is interrupted leaves nothing behind.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when every link of the route is open in this life. */
  ready(): Promise<void> {
    return until(`mqferry is ready:\n${this.log()}`, () => this.#isReady(), 60_000);
  }

  /** SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  kill(): Promise<number | null> {
    return this.#end('SIGKILL');
  }

  /** Its exit code after SIGTERM. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async books(): Promise<Books> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/routes/cell`);
    return ((await answer.json()) as { books: Books }).books;
  }

  log(lines = 12): string {
    return tail(join(this.dir, 'log'), lines);
  }

  dispose(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #isReady(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`mqferry ended by itself:\n${this.log()}`);
    return (await fetch(`http://127.0.0.1:${this.#adminPort}/readyz`).catch(() => undefined))?.status === 200;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await gone;
    clearTimeout(late);
    return child.exitCode;
  }
}
