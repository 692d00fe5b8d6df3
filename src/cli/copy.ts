import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import { redactUrl } from '../config/redact.ts';
import { choiceOf, durationOf } from './arguments.ts';
import { endOfUrl } from './endpoint-url.ts';
import { type LogLevel, logLevels } from './log.ts';
import { run } from './run.ts';

interface CopyOptions {
  readonly filter?: string;
  readonly untilIdle: number;
  readonly follow?: true;
  readonly buffer?: true;
  readonly data?: string;
  readonly connectTimeout: number;
  readonly logLevel: LogLevel;
}

const drainMs = 25_000;

export function addCopy(program: Command): void {
  program
    .command('copy')
    .description('Move messages from one place to another without a config. Ends when nothing more comes, and prints the books.')
    .argument('<source>', 'URL: the scheme chooses the connector, the query holds its options')
    .argument('<sink>', 'URL')
    .option('--filter <expression>', 'only the messages for which this is true')
    .option('--until-idle <time>', 'end when nothing has come for so long', durationOf, 5_000)
    .option('--follow', 'do not end')
    .option('--buffer', 'through a durable buffer on disk')
    .option('--data <dir>', 'where sessions and the buffer are kept (default: a folder of this copy in $MQFERRY_DATA or mqferry-data)')
    .option('--connect-timeout <time>', 'give up when a link is down for so long', durationOf, 60_000)
    .option('--log-level <level>', logLevels.join(', '), choiceOf(logLevels), 'warn')
    .addHelpText('after', examples)
    .action(copy);
}

async function copy(source: string, sink: string, options: CopyOptions): Promise<void> {
  const name = nameOf(source, sink);
  const route = {
    source: await endOfUrl(source, 'source'),
    ...(options.filter !== undefined && { steps: [{ filter: options.filter }] }),
    ...(options.buffer && { buffer: 'disk' }),
    sink: await endOfUrl(sink, 'sink'),
  };
  // JSON is YAML: the options go through the same checks as those of a file.
  const text = JSON.stringify({ routes: { [name]: route } }, null, 2);
  await run(
    { texts: [{ name: 'copy', text }] },
    {
      data: options.data ?? join(process.env['MQFERRY_DATA'] ?? 'mqferry-data', 'copies', name),
      admin: false,
      ...(!options.follow && { untilIdle: options.untilIdle }),
      connectTimeout: options.connectTimeout,
      drain: drainMs,
      logLevel: options.logLevel,
    },
  );
}

/** The same for the same two ends, whatever the password: a copy that was interrupted goes on with its session and its buffer. */
function nameOf(source: string, sink: string): string {
  const digest = createHash('sha256')
    .update(`${redactUrl(source)}\n${redactUrl(sink)}`)
    .digest('hex');
  return `copy-${digest.slice(0, 8)}`;
}

const examples = `
Examples:
  mqferry copy 'amqp://localhost?queue=orders' 'kafka://localhost:9092/orders'
  mqferry copy 'kafka://localhost:9092/orders?groupId=once' print: --filter 'body.total >= 100'
  mqferry copy 'mqtt://localhost/sensors/#' 'amqp://localhost/plant?queue=readings' --follow --buffer
  mqferry copy 'stomp://localhost:61613/queue/a' 'stomp://localhost:61613/queue/b'
  mqferry copy 'generate:?count=3&interval=0' print:

Options of an end stand in the query, as \`mqferry describe\` names them; \`.\` goes into a group (\`declare.durable=true\`).
\${NAME} is filled in from the environment: amqp://user:\${PASSWORD}@host?queue=orders`;
