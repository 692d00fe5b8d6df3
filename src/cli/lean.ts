/**
 * V8 sizes its heap for a program that has the machine to itself: the young generation may take 128 MiB, the old one grows fourfold before it
 * is collected. For one that stands beside others that is too much, and it can only be said when a process starts. A young generation this small
 * is collected cheaper by one thread than by two; the old one is where the CPU goes, in threads beside the main one. ADR 10 has the figures.
 */
const flags = ['--max-semi-space-size=4', '--heap-growing-percent=125', '--no-parallel-scavenge'];

/** glibc gives threads that allocate at once an arena each, which keeps what was freed in it. */
const environment = { MALLOC_ARENA_MAX: '2' };

/** The verbs that run for long. */
const verbs = ['run', 'copy', 'demo'];

/**
 * Starts this process anew, under the same pid, with a smaller heap; takes 30 ms. Does nothing where that cannot be done, or where somebody has
 * sized the heap already (`node --max-semi-space-size=...`, or NODE_OPTIONS).
 */
export function startLean(): void {
  const { argv, execArgv, env, execPath, platform } = process;
  const isSized = /semi-space|heap-growing/.test([...execArgv, env['NODE_OPTIONS'] ?? ''].join(' '));
  const hasParent = process.channel !== undefined; // a channel to it would not survive
  if (!verbs.includes(argv[2] ?? '') || isSized || hasParent || platform === 'win32' || process.execve === undefined) return;
  process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...environment, ...env });
}
