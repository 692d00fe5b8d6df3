import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tail } from '../../brokers/broker.ts';

/** A program in a process and a directory of its own, which is started again and again. */
export class Program {
  readonly dir = mkdtempSync(join(tmpdir(), 'mqferry-cell-'));
  readonly #argv: readonly string[];
  #child: ChildProcess | undefined;

  /** `files`: what stands in its directory, by name. */
  constructor(argv: readonly string[], files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.dir, name), text);
    this.#argv = argv;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get hasEnded(): boolean {
    return this.#child?.exitCode !== null || this.#child.signalCode !== null;
  }

  spawn(): void {
    const log = openSync(join(this.dir, 'log'), 'a');
    const [file, ...args] = this.#argv;
    const child = spawn(file as string, args, { cwd: this.dir, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    // A run that is interrupted leaves nothing behind.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
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

  log(lines = 12): string {
    return tail(join(this.dir, 'log'), lines);
  }

  dispose(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || this.hasEnded) return child?.exitCode ?? null;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await gone;
    clearTimeout(late);
    return child.exitCode;
  }
}
