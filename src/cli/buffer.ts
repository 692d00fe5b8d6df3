import type { Command } from 'commander';
import { dumpBuffer, verifyBuffer } from '../buffer/inspect.ts';
import { adoptBuffer, dropBuffer, listBuffers } from '../buffer/instance.ts';
import { verifyKeys } from '../buffer/keys/inspect.ts';
import { lockDirectory } from '../buffer/lock.ts';
import { bufferDirectory, bufferName, layoutOf } from '../buffer/owners.ts';
import { dumpStage, verifyStage } from '../buffer/stage/inspect.ts';
import type { Message } from '../message.ts';
import { dataFiles } from './data-keys.ts';
import { Leave } from './exit-codes.ts';
import { say } from './say.ts';
import { table } from './table.ts';

/**
 * `buffer ls|verify|dump|adopt|drop`: the disk buffers of a data directory, the dead letters of its routes (`dead:`), what their steps keep
 * (`stage:`) and know messages by (`keys:`), and the queues between routes (`queue:`).
 * Those that change something need it unlocked.
 */
export function addBuffer(program: Command): void {
  const buffer = program
    .command('buffer')
    .description(
      'Look after the disk buffers of a data directory: that of a route by its name, its dead letters as dead:ROUTE, what a step keeps as stage:ROUTE/STEP, what it knows messages by as keys:ROUTE/STEP, bodies of claimCheck as claims:STORE, a queue on disk as queue:NAME, one of many readers as pool:NAME.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  mqferry buffer ls --data /var/lib/mqferry\n  mqferry buffer dump orders | head\n  mqferry buffer adopt old-orders orders\n  mqferry buffer drop queue:alarms',
    );
  const verb = (name: string, text: string) =>
    buffer.command(name).description(text).option('--data <dir>', 'data directory (default: $MQFERRY_DATA, or mqferry-data)');
  verb('ls', 'The buffers, stages, keys and queues, and what they hold.').action((options: Data) => list(dirOf(options)));
  verb('verify', 'Read everything and check every checksum. Changes nothing.')
    .argument('<name>')
    .action((name: string, options: Data) => verify(dirOf(options), name));
  verb('dump', 'The messages as JSON lines, oldest first. Changes nothing.')
    .argument('<name>')
    .action((name: string, options: Data) => dump(dirOf(options), name));
  verb('adopt', 'Give the buffer of a route, stage or queue that is gone to another one.')
    .argument('<old>')
    .argument('<new>')
    .action((from: string, to: string, options: Data) =>
      whileLocked(dirOf(options), async (dir) => {
        const { messages } = await adoptBuffer(dir, from, to, dataFiles());
        await say(`${bufferName(to)} now has the ${messages} messages of ${from}\n`);
      }),
    );
  verb('drop', 'Delete a buffer with everything in it.')
    .argument('<name>')
    .action((name: string, options: Data) =>
      whileLocked(dirOf(options), async (dir) => {
        const { messages } = await dropBuffer(dir, name, dataFiles());
        await say(`deleted ${bufferName(name)} with ${messages} messages\n`);
      }),
    );
}

interface Data {
  readonly data?: string;
}

function dirOf({ data }: Data): string {
  return data ?? process.env['MQFERRY_DATA'] ?? 'mqferry-data';
}

async function list(dir: string): Promise<void> {
  const rows = (await listBuffers(dir, dataFiles())).map(({ owner, messages, bytes }) => [owner, String(messages), String(bytes)]);
  await say(rows.length === 0 ? `no buffers in ${dir}\n` : `${table([['name', 'messages', 'bytes'], ...rows])}\n`);
}

async function verify(dir: string, name: string): Promise<void> {
  const directory = bufferDirectory(dir, name);
  const verifyOne = { buffer: verifyBuffer, stage: verifyStage, keys: verifyKeys };
  const report = await verifyOne[layoutOf(name)](directory, dataFiles());
  await say(`${JSON.stringify(report, null, 2)}\n`);
  if (report.problems.length > 0) throw new Leave('failed', `${bufferName(name)} is damaged`);
}

async function dump(dir: string, name: string): Promise<void> {
  if (layoutOf(name) === 'keys') throw new Leave('usage', `${bufferName(name)} are no messages: of each there are 16 bytes of its SHA-256`);
  const [directory, files] = [bufferDirectory(dir, name), dataFiles()];
  for await (const { sequence, message } of layoutOf(name) === 'stage' ? dumpStage(directory, files) : dumpBuffer(directory, files)) {
    await say(`${JSON.stringify({ sequence, ...plain(message) }, asJson)}\n`);
  }
}

function plain(message: Message): object {
  const { id, key, headers, contentType, timestamp, lane, origin } = message;
  return { id, key: key?.toString(), contentType, timestamp, lane, origin, headers, body: message.body?.toString() ?? null };
}

function asJson(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

async function whileLocked(dir: string, work: (dir: string) => Promise<void>): Promise<void> {
  const lock = await lockDirectory(dir);
  try {
    await work(dir);
  } finally {
    await lock.release();
  }
}
