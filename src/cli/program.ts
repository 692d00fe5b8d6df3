import { Command, CommanderError } from 'commander';
import { describeError, MqferryError } from '../errors.ts';
import { codeOf, type Exit, exitCodes, Leave } from './exit-codes.ts';
import { verbs } from './verbs.ts';
import { version } from './version.ts';

/** Reads the command line, runs one verb, and exits: the only place that does. */
async function main(): Promise<number> {
  const program = new Command('mqferry')
    .description('Carries messages between brokers, at least once.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', helpEnd());
  for (const add of verbs) add(program);
  try {
    await program.parseAsync(process.argv);
    return 0;
  } catch (error) {
    return leaveBy(error);
  }
}

function leaveBy(error: unknown): number {
  if (error instanceof Leave) {
    if (error.message !== '') process.stderr.write(`${error.message}\n`);
    return codeOf(error.exit);
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : codeOf('usage');
  process.stderr.write(`mqferry: ${describeError(error)}\n`);
  if (!(error instanceof MqferryError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return codeOf(exitOf(error));
}

function exitOf(error: unknown): Exit {
  if (!(error instanceof MqferryError)) return 'failed';
  if (error.code === 'CONFIG_INVALID') return 'config';
  return error.code === 'DATA_LOCKED' ? 'locked' : 'failed';
}

function helpEnd(): string {
  const codes = Object.values(exitCodes).map(([code, text]) => `  ${String(code).padStart(3)}  ${text}`);
  return `
Examples:
  mqferry demo                          the main job, embedded: nothing else needed
  mqferry init rabbitmq kafka > routes/orders.yaml
  mqferry validate routes/              check the config, offline
  mqferry test routes/                  run the tests beside routes, offline
  mqferry check routes/                 ask the brokers: reachable, permitted, there?
  mqferry run routes/                   run until a signal
  mqferry run routes/ --until-idle 5s   copy what is there, then end

Exit codes:
${codes.join('\n')}`;
}

process.exitCode = await main();
// Links of client libraries may linger; everything that matters has been closed and flushed.
process.exit();
