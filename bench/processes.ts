/** What processes cost, read from /proc: the system's own count, the same for every tool. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ticksPerSecond = 100;

/** CPU seconds, user and system, of these processes; 0 for one that is gone. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / ticksPerSecond;
}

/** Resident memory of a process in MiB: now, and the most it ever was. */
export function memoryMiB(pid: number): { now: number; peak: number } {
  const status = read(`/proc/${pid}/status`);
  const value = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { now: value('VmRSS'), peak: value('VmHWM') };
}

/** The processes that run in a directory or were started with it in their command line: those of one broker. */
export function processesOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workingDirectory(pid).startsWith(dir) || read(`/proc/${pid}/cmdline`).includes(dir))
    .map(Number);
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // it ended meanwhile
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}
