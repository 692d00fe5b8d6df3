import { type Command, InvalidArgumentError } from 'commander';
import { compileExpression } from '../expr/index.ts';
import type { Message } from '../message.ts';
import { Selection } from '../route/selection.ts';
import { countOf, durationOf, choiceOf as oneOf, paceOf } from './arguments.ts';
import { writeLetters } from './dlq/export.ts';
import { type Letter, lettersAt } from './dlq/letters.ts';
import { list } from './dlq/list.ts';
import { findPlace, findRoute, type OpenPlace, type WhichPlace } from './dlq/places.ts';
import { purge } from './dlq/purge.ts';
import { choiceOf, type From, keptText, type ReplayOptions, replay } from './dlq/replay.ts';
import { show } from './dlq/show.ts';
import { Leave } from './exit-codes.ts';
import { allowScripts, type LoadOptions, loadRoutes } from './load.ts';
import { logLevels } from './log.ts';
import { say } from './say.ts';

/** `dlq ls|show|replay|export|purge`: the dead letters of routes, on disk and at brokers. */
export function addDlq(program: Command): void {
  const dlq = program
    .command('dlq')
    .description('Look after dead letters: those on disk (`deadLetter: disk`) and those at brokers that a config names.')
    .addHelpText('after', examples);
  addLs(dlq);
  addShow(dlq);
  addReplay(dlq);
  addExport(dlq);
  addPurge(dlq);
}

interface Common extends WhichPlace {
  readonly data?: string;
  readonly when?: (letter: Message) => unknown;
  readonly idle: number;
}

/** A verb for one route and one of its destinations. */
function verb(dlq: Command, name: string, text: string): Command {
  return dlq
    .command(name)
    .description(text)
    .argument('<route>', 'name of the route')
    .option(...data)
    .option('--destination <text>', 'which, when the route has several: a part of its name in `dlq ls`')
    .option('--when <expression>', 'only letters for which this is true; `error.code` and the like as in onError', conditionOf)
    .option('--idle <time>', 'a broker that gives nothing for so long has given all', durationOf, 2000)
    .option(...allowScripts);
}

const data = ['--data <dir>', 'data directory (default: $MQFERRY_DATA, or mqferry-data)'] as const;
const paths = ['[paths...]', 'files, folders or globs (default: routes)'] as const;

function addLs(dlq: Command): void {
  dlq
    .command('ls')
    .description('How many dead letters wait, by route and destination. Touches none.')
    .argument(...paths)
    .option(...data)
    .option('--format <format>', 'text or json', oneOf(['text', 'json']), 'text')
    .option(...allowScripts)
    .action(async (files: string[], options: LoadOptions & { data?: string; format: 'text' | 'json' }) =>
      list(await loadRoutes(files, { allowScripts: options.allowScripts ?? false }), dirOf(options), options.format),
    );
}

function addShow(dlq: Command): void {
  verb(dlq, 'show', 'The letters: when, why, how often. Takes none away; a broker counts it as a delivery.')
    .argument(...paths)
    .option('--limit <n>', 'letters, at most', countOf, 20)
    .option('--body', 'headers and bodies too')
    .option('--format <format>', 'text, or json: a line each', oneOf(['text', 'json']), 'text')
    .action(async (name: string, files: string[], options: Common & { limit: number; body?: true; format: 'text' | 'json' }) => {
      const found = await placeOf(name, files, options);
      // With a condition, the ones that hold may stand far behind.
      const most = options.when ? Number.POSITIVE_INFINITY : options.limit;
      const shown = await show(looking(found, options, most), options);
      if (shown === 0 && options.format === 'text') await say(`no dead letters of route ${name} (${found.place.name})\n`);
    });
}

interface Replaying extends Common, Pick<ReplayOptions, 'maxReplays' | 'connectTimeout' | 'drain' | 'logLevel'> {
  readonly limit?: number;
  /** Milliseconds from one letter to the next. */
  readonly rate?: number;
  readonly from?: string;
  readonly dryRun?: true;
}

function addReplay(dlq: Command): void {
  verb(dlq, 'replay', 'Send letters again through their route. Each leaves only when the sink has it, or it is dead again.')
    .argument(...paths)
    .option('--limit <n>', 'letters, at most', countOf)
    .option('--rate <rate>', 'no faster than this, e.g. 50/s', paceOf)
    .option('--max-replays <n>', 'a letter that was sent again so often stays where it is', countOf, 3)
    .option('--from <file>', 'letters that `dlq export` has written, instead of those of a destination')
    .option('--dry-run', 'only show what would go')
    .option('--connect-timeout <time>', 'give up when a link is down for so long', durationOf, 60_000)
    .option('--drain <time>', 'after a signal: time for what is on its way', durationOf, 25_000)
    .option('--log-level <level>', logLevels.join(', '), oneOf(logLevels), 'warn')
    .action(async (name: string, files: string[], options: Replaying) => {
      const { route, from } = await replayed(name, files, options);
      const { when, maxReplays, limit = Number.POSITIVE_INFINITY, rate: everyMs = 0, idle, connectTimeout, drain, logLevel } = options;
      if (options.dryRun) return dryRun(route, from, { ...options, limit });
      const own = { dataDir: dirOf(options), idleMs: idle, allowScripts: options.allowScripts ?? false };
      await replay(route, from, { ...own, when, maxReplays, limit, everyMs, connectTimeout, drain, logLevel });
    });
}

async function replayed(name: string, files: readonly string[], options: Replaying) {
  if (options.from !== undefined)
    return { route: await findRoute(name, files, options), from: { kind: 'file', path: options.from } as From };
  const { route, place } = await placeOf(name, files, options);
  return { route, from: place as From };
}

async function dryRun(route: Found['route'], from: From, options: Replaying & { limit: number }): Promise<void> {
  if (from.kind === 'file') throw new Leave('usage', '--dry-run is for a destination: all of a file would go');
  const selection = new Selection(choiceOf(route, from, options));
  const count = await show(chosenOf(looking({ route, place: from }, options, Number.POSITIVE_INFINITY), selection), {
    limit: options.limit,
    format: 'text',
  });
  await say(`${count} would be sent again through route ${route.name}; nothing was\n`);
  process.stderr.write(`${keptText(selection)}\n`);
}

async function* chosenOf(letters: AsyncIterable<Letter>, selection: Selection): AsyncGenerator<Letter> {
  for await (const letter of letters) if (!selection.judge(letter.message)) yield letter;
}

function addExport(dlq: Command): void {
  verb(dlq, 'export', 'All of the letters as JSON lines, bodies exactly: for `replay --from`. Takes none away.')
    .argument('[file]', 'written with mode 0600; must not exist (default, and `-`: standard output)')
    .argument(...paths)
    .action(async (name: string, file = '-', files: string[] = [], options: Common) => {
      const letters = looking(await placeOf(name, files, options), options, Number.POSITIVE_INFINITY);
      const count = await writeLetters(letters, file, options.when);
      process.stderr.write(`exported ${count} dead letters of route ${name}\n`);
    });
}

function addPurge(dlq: Command): void {
  verb(dlq, 'purge', 'Delete letters for good.')
    .argument(...paths)
    .option('--yes', 'do not ask')
    .action(async (name: string, files: string[], options: Common & { yes?: true }) => {
      const { route, place } = await placeOf(name, files, options);
      await purge(route, place, { dataDir: dirOf(options), when: options.when, idleMs: options.idle, yes: options.yes ?? false });
    });
}

type Found = Awaited<ReturnType<typeof findPlace>>;

/** The place, and on stderr what dealing with it does to the letters. */
async function placeOf(name: string, files: readonly string[], options: Common): Promise<Found> {
  const found = await findPlace(name, files, options);
  if (found.place.kind === 'broker') for (const note of found.place.back.notes) process.stderr.write(`note: ${note}\n`);
  return found;
}

function looking({ route, place }: { route: Found['route']; place: OpenPlace }, options: Common, most: number): AsyncGenerator<Letter> {
  return lettersAt(place, { route: route.name, dataDir: dirOf(options), most, idleMs: options.idle });
}

function dirOf({ data: dir }: { readonly data?: string }): string {
  return dir ?? process.env['MQFERRY_DATA'] ?? 'mqferry-data';
}

function conditionOf(text: string): (letter: Message) => unknown {
  try {
    return compileExpression(text, 'boolean');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const examples = `
Examples:
  mqferry dlq ls routes/                                          how many, since when, why
  mqferry dlq show orders routes/ --when 'error.code == "STEP_FAILED"'
  mqferry dlq replay orders routes/ --dry-run
  mqferry dlq replay orders routes/ --when 'body.region == "eu"' --rate 50/s
  mqferry dlq export orders letters.jsonl routes/
  mqferry dlq replay orders routes/ --from letters.jsonl
  mqferry dlq purge orders routes/ --when 'error.code == "EXPIRED"' --yes

Dead letters on disk belong to the process that runs the route: replay and purge need it stopped, the others do not.`;
