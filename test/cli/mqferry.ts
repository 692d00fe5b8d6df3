import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'src', 'cli', 'main.ts');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command line that has been started. */
export interface Started {
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  readonly err: () => string;
  readonly ended: Promise<Ended>;
}

export interface Around {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from stdin; else there is none. */
  readonly input?: string;
}

/** Starts mqferry in a process of its own, as a user does, in a folder that is empty unless told; it does not outlive the test. */
export function start(args: readonly string[], { cwd = folder(), env = {}, input }: Around = {}): Started {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return { child, err: () => err, ended };
}

export function mqferry(args: readonly string[], around?: Around): Promise<Ended> {
  return start(args, around).ended;
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mqferry-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
