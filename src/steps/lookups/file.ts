/** Lookups in a file, which is read when the step is compiled, and again when it has changed. */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Clock } from '../../clock.ts';
import { readYaml } from '../../config/data.ts';
import { file, group, type Infer, oneOf, size, type Template, text } from '../../config/fields.ts';
import type { Log } from '../../connector.ts';
import { describeError, MqferryError } from '../../errors.ts';
import { decodeCsv } from '../formats/csv.ts';
import { utf8, withBigints } from '../formats/format.ts';
import type { Lookup } from './lookup.ts';

const fields = {
  path: file('The file: CSV with a first line of names, JSON or YAML.', { example: './customers.csv' }),
  format: oneOf('Absent: as the end of its name says.', ['csv', 'json', 'yaml'], { optional: true }),
  column: text(
    'The name under which each row, or map of a list, has its key; it is found by that, and what is found is all of it. Absent: the file is a map, from keys to what is found.',
    { optional: true, example: 'customerId' },
  ),
  maxBytes: size(
    'Bytes of the file, at most. While it is read anew nothing else happens: about a second for 10 MiB of JSON or CSV, far more of YAML.',
    {
      default: 16 * 2 ** 20,
    },
  ),
};

type Settings = Infer<typeof fields>;
type Format = 'csv' | 'json' | 'yaml';

export const fileField = group(
  'A file. It is looked at once a second while messages come, and read again when it has changed; what cannot be read is logged, and the version before stays. Put a new version in its place by renaming it: one that is half written may be read as it is.',
  fields,
  { optional: true },
);

/** Throws CONFIG_INVALID when it cannot be read at first. */
export function fileLookup(settings: Settings, key: Template, clock: Clock, log: Log): Lookup {
  const kept = new KeptFile(settings, clock, log);
  return { place: `in ${settings.path}`, refresh: () => kept.refresh(), find: (message) => kept.entries.get(key(message)) };
}

const lookEveryMs = 1000;

class KeptFile {
  entries: ReadonlyMap<string, unknown>;
  readonly #settings: Settings;
  readonly #format: Format;
  readonly #clock: Clock;
  readonly #log: Log;
  #lookedAt: number;
  /** Of the version that was read last, well or not. */
  #version: string;

  constructor(settings: Settings, clock: Clock, log: Log) {
    this.#settings = settings;
    this.#format = settings.format ?? formatOf(settings.path);
    this.#clock = clock;
    this.#log = log;
    this.#lookedAt = clock.now();
    try {
      const found = statSync(settings.path);
      this.#version = versionOf(found);
      this.#assertReadable(found);
      this.entries = this.#entriesOf(readFileSync(settings.path));
    } catch (error) {
      throw new MqferryError('CONFIG_INVALID', `cannot use the file ${settings.path}: ${sentence(error)}`, { cause: error });
    }
  }

  async refresh(): Promise<void> {
    const { path } = this.#settings;
    if (this.#clock.now() - this.#lookedAt < lookEveryMs) return;
    this.#lookedAt = this.#clock.now();
    const before = this.#version;
    try {
      const found = await stat(path);
      this.#version = versionOf(found);
      if (this.#version === before) return;
      this.#assertReadable(found);
      const bytes = await readFile(path);
      // Changed while it was read: the next look has it.
      if (versionOf(await stat(path)) !== this.#version) {
        this.#version = 'changing';
        return;
      }
      this.entries = this.#entriesOf(bytes);
      this.#log.info({ file: path, entries: this.entries.size }, `${path} has changed and is read anew`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#version = 'gone';
      if (this.#version === before) return;
      this.#log.error({ file: path }, `${path} has changed and cannot be used, so what it held before stays: ${sentence(error)}`);
    }
  }

  #assertReadable(found: Stats): void {
    if (!found.isFile()) throw new Error('not a regular file'); // a pipe would hang
    if (found.size > this.#settings.maxBytes) throw new Error(`larger than ${this.#settings.maxBytes} bytes`);
  }

  #entriesOf(bytes: Buffer): ReadonlyMap<string, unknown> {
    const { column } = this.#settings;
    const data = this.#dataOf(bytes);
    if (Array.isArray(data)) return byColumn(data, column);
    if (typeof data !== 'object' || data === null) throw new Error('neither a list nor a map');
    if (column !== undefined) throw new Error('it is a map, and `column` is for a list');
    return new Map(Object.entries(data));
  }

  #dataOf(bytes: Buffer): unknown {
    if (this.#format === 'csv') return readCsv(bytes);
    if (this.#format === 'yaml') return readYaml(utf8(bytes));
    try {
      return withBigints(utf8(bytes));
    } catch (error) {
      throw error instanceof MqferryError ? error : new Error('it is not JSON'); // what V8 says quotes it
    }
  }
}

const readCsv = (bytes: Buffer) => decodeCsv.compile({ header: true, delimiter: ',', maxRows: 10_000_000 })(bytes);

function byColumn(rows: readonly unknown[], column: string | undefined): ReadonlyMap<string, unknown> {
  if (column === undefined) throw new Error('it is a list: name the `column` that has the key');
  const entries = new Map<string, unknown>();
  for (const [i, row] of rows.entries()) {
    const key =
      typeof row === 'object' && row !== null && Object.hasOwn(row, column) ? (row as Record<string, unknown>)[column] : undefined;
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint')
      throw new Error(`its entry ${i + 1} has no ${column} that is text or a number`);
    if (entries.has(String(key))) throw new Error(`its entry ${i + 1} has the ${column} of one before`);
    entries.set(String(key), row);
  }
  return entries;
}

function formatOf(path: string): Format {
  const end = extname(path).toLowerCase();
  if (end === '.csv' || end === '.json') return end.slice(1) as Format;
  if (end === '.yaml' || end === '.yml') return 'yaml';
  throw new MqferryError('CONFIG_INVALID', `${path} does not say by its name what it is: write \`format: csv\`, \`json\` or \`yaml\``);
}

function versionOf({ mtimeMs, size, ino }: Stats): string {
  return `${mtimeMs} ${size} ${ino}`;
}

function sentence(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof MqferryError || code === undefined ? describeError(error).replace(/^the body/, 'it') : code;
}
