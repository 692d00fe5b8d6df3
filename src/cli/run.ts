import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { AdminServer } from '../admin/server.ts';
import type { Log } from '../connector.ts';
import { createEngine, type Mqferry } from '../index.ts';
import { oneLine } from '../route/explain.ts';
import { addressOf, choiceOf, durationOf } from './arguments.ts';
import { dataKeys } from './data-keys.ts';
import { Leave } from './exit-codes.ts';
import { Idle } from './idle.ts';
import { allowScripts, pathsOr } from './load.ts';
import { type LogFormat, type LogLevel, logLevels, openLog } from './log.ts';
import { summary, verdict } from './summary.ts';
import { version } from './version.ts';

export interface RunOptions {
  readonly data?: string;
  readonly admin: { host: string; port: number } | false;
  readonly untilIdle?: number;
  readonly connectTimeout: number;
  readonly drain: number;
  readonly logLevel: LogLevel;
  readonly logFormat?: LogFormat;
  readonly allowScripts?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('Run routes until a signal, or until they have nothing more to do.')
    .argument('[paths...]', 'files, folders or globs (default: routes)')
    .option('--data <dir>', 'data directory (default: $MQFERRY_DATA, or mqferry-data)')
    .option('--admin <host:port>', 'where health, metrics and routes are served', addressOf, { host: '127.0.0.1', port: 9797 })
    .option('--no-admin', 'serve nothing')
    .option('--until-idle <time>', 'end when every route has been idle for so long', durationOf)
    .option('--connect-timeout <time>', 'with --until-idle: give up when a link is down for so long', durationOf, 60_000)
    .option('--drain <time>', 'after a signal: time for what is on its way', durationOf, 25_000)
    .option('--log-level <level>', logLevels.join(', '), choiceOf(logLevels), 'info')
    .option('--log-format <format>', 'json or pretty (default: pretty on a terminal)', choiceOf(['json', 'pretty']))
    .option(...allowScripts)
    .addHelpText('after', '\nExamples:\n  mqferry run routes/\n  mqferry run orders.yaml --until-idle 5s --no-admin')
    .action(async (paths: string[], options: RunOptions) => run({ paths: pathsOr(paths) }, options));
}

/** Runs routes to their end. Leaves by exit code; returns when everything was moved and is accounted for. */
export async function run(routes: Parameters<typeof createEngine>[0]['routes'], options: RunOptions): Promise<void> {
  const format = options.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json');
  const log = await openLog(options.logLevel, format);
  surviveStrays(log);
  const signals = new Signals();
  const dataDir = options.data ?? process.env['MQFERRY_DATA'] ?? 'mqferry-data';
  // Nobody starts again for ever what ends by itself: not worth a directory where there is none.
  const quarantine = options.untilIdle === undefined || existsSync(dataDir);
  const ferry = await createEngine({
    routes,
    env: process.env,
    dataDir,
    dataKeys: dataKeys(),
    quarantine,
    log,
    allowScripts: options.allowScripts ?? false,
  });
  for (const warning of ferry.warnings) log.warn({ file: warning.file, line: warning.line, rule: warning.rule }, warning.message);
  const admin = await openAdmin(ferry, options);
  banner(ferry, log, admin);
  await toTheEnd(ferry, signals, options, async () => {
    await admin?.close();
    return summary(ferry.engine);
  });
}

type Limits = Pick<RunOptions, 'untilIdle' | 'connectTimeout' | 'drain'>;

/** Starts what is ready to run, and stops it when it is done or somebody says so; `told` is then printed. Leaves by exit code unless all is well. */
export async function toTheEnd(
  ferry: Pick<Mqferry, 'engine' | 'start' | 'stop'>,
  signals: Signals,
  { untilIdle, connectTimeout, drain }: Limits,
  told: () => Promise<string>,
): Promise<void> {
  await ferry.start();
  const idle = new Idle(ferry.engine, untilIdle, connectTimeout);
  const outcome = await Promise.race([signals.first, idle.outcome()]);
  const drainMs = outcome === 'linkDown' ? 0 : drain; // what waits for a link that does not come would wait in vain
  const isDrained = await Promise.race([ferry.stop(drainMs, signals.second.signal), signals.killed]);
  process.stderr.write(`${await told()}\n`);
  if (outcome === 'linkDown') throw new Leave('linkDown', idle.reason);
  verdict(ferry.engine, outcome, isDrained, untilIdle !== undefined);
}

async function openAdmin(ferry: Mqferry, options: RunOptions): Promise<AdminServer | undefined> {
  if (options.admin === false) return undefined;
  const { startAdmin } = await import('../admin/server.ts');
  const facts = ferry.routes.map((route) => [
    route.name,
    { summary: oneLine(route), delivery: route.label.delivery, order: route.label.order },
  ]) as [string, { summary: string; delivery: string; order: string }][];
  const token = process.env['MQFERRY_ADMIN_TOKEN'];
  return startAdmin(ferry.engine, { access: { ...options.admin, token }, version, facts: new Map(facts), drainMs: options.drain });
}

function banner(ferry: Mqferry, log: Log, admin: AdminServer | undefined): void {
  const routes = ferry.routes.map((route) => `${route.name}: ${oneLine(route)}`);
  log.info({ version, routes, admin: admin?.url }, `mqferry ${version} runs ${routes.length} ${routes.length === 1 ? 'route' : 'routes'}`);
}

/**
 * A client library that throws out of a socket callback must not end the other routes: nothing is settled by it, and the link that it broke
 * is missed by its own deadlines.
 */
export function surviveStrays(log: Log): void {
  const stray = (kind: string) => (error: unknown) => log.error({ err: error }, `${kind}, outside of any route; mqferry goes on`);
  process.on('uncaughtException', stray('an uncaught exception'));
  process.on('unhandledRejection', stray('an unhandled rejection'));
}

/** The first signal asks to drain, the second means now. */
export class Signals {
  readonly first: Promise<'signal'>;
  readonly second = new AbortController();
  /** Rejects a while after the second signal, in case something does not close. */
  readonly killed: Promise<never>;

  constructor() {
    const { promise: first, resolve } = Promise.withResolvers<'signal'>();
    const { promise: killed, reject } = Promise.withResolvers<never>();
    killed.catch(() => {});
    let count = 0;
    const on = (exit: 'interrupted' | 'terminated') => () => {
      if (++count === 1) return resolve('signal');
      this.second.abort();
      reject(new Leave(exit));
    };
    process.on('SIGINT', on('interrupted'));
    process.on('SIGTERM', on('terminated'));
    this.first = first;
    this.killed = killed;
  }
}
