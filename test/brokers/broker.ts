/** What every real broker of the tests has in common: free ports, a temporary directory, started and stopped by pid. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One kind of broker: how to find out that it is installed, and how to start one. */
export interface BrokerKind<B extends Broker = Broker> {
  readonly name: string;
  /** The installed version; undefined when it is missing. Quick, and changes nothing. */
  version(): Promise<string | undefined>;
  /** A fresh broker in a directory of its own, ready to be used. */
  start(): Promise<B>;
}

/** A running broker. Ports and data stay the same over `stop` and `start`. */
export interface Broker {
  readonly dir: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Ends it and waits until it is gone. SIGTERM unless told otherwise; SIGKILL after 30 s. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same directory and ports; resolves when it is ready. */
  start(): Promise<void>;
  /** Stops it and removes its directory. */
  dispose(): Promise<void>;
}

/** What a broker is made of: a prepared directory and a command line. */
export interface Launch {
  readonly prefix: string;
  readonly portNames: readonly string[];
  /** Writes config files; called once, before the first start. */
  prepare?(dir: string, ports: Record<string, number>): void | Promise<void>;
  command(dir: string, ports: Record<string, number>): { file: string; args: string[]; env?: Record<string, string> };
  ready(dir: string, ports: Record<string, number>): Promise<boolean>;
  readyTimeoutMs?: number;
}

const running = new Set<ChildProcess>();
// A run that is ended from outside must not leave brokers behind.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.on('exit', () => {
  for (const child of running) if (child.pid) tryKill(-child.pid, 'SIGKILL');
});

/** Prepares and starts one broker process (group). */
export async function launch(plan: Launch): Promise<Broker> {
  const dir = mkdtempSync(join(tmpdir(), `mqferry-${plan.prefix}-`));
  const numbers = await freePorts(plan.portNames.length);
  const ports: Record<string, number> = Object.fromEntries(plan.portNames.map((name, i) => [name, numbers[i] as number]));
  await plan.prepare?.(dir, ports);
  let child: ChildProcess | undefined;
  const broker: Broker = {
    dir,
    ports,
    async start() {
      child = spawnLogged(plan.command(dir, ports), dir);
      await until(`${plan.prefix} is ready`, () => alive(child, dir) && plan.ready(dir, ports), plan.readyTimeoutMs ?? 90_000);
    },
    async stop(signal = 'SIGTERM') {
      if (child) await end(child, signal);
      child = undefined;
    },
    async dispose() {
      await broker.stop('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.stop('SIGKILL');
    throw error;
  }
  return broker;
}

function spawnLogged(command: ReturnType<Launch['command']>, dir: string): ChildProcess {
  const log = openSync(join(dir, 'out.log'), 'a');
  const child = spawn(command.file, command.args, {
    cwd: dir,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...command.env },
  });
  closeSync(log);
  child.on('error', () => {});
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function alive(child: ChildProcess | undefined, dir: string): boolean {
  if (child && child.exitCode === null && child.signalCode === null && child.pid) return true;
  throw new Error(`the broker ended while starting:\n${tail(join(dir, 'out.log'))}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  tryKill(signal === 'SIGKILL' ? -child.pid : child.pid, signal);
  const kill = globalThis.setTimeout(() => child.pid && tryKill(-child.pid, 'SIGKILL'), 30_000);
  await gone;
  clearTimeout(kill);
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The last lines of a log file. */
export function tail(file: string, lines = 30): string {
  return readFileSync(file, 'utf8').split('\n').slice(-lines).join('\n');
}

/** Polls until `ready` says true. Throws after the limit. */
export async function until(what: string, ready: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await ready())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await sleep(25);
  }
}

/** Ports of 127.0.0.1 that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Whether somebody accepts connections on this port. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Runs a command and gives its output; undefined when it cannot be run. */
export function output(file: string, args: readonly string[], env?: Record<string, string>): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, args, { env: { ...process.env, ...env }, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve(error && (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : stdout + stderr),
    );
  });
}
