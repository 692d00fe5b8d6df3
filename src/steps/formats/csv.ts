import type { CsvError } from 'csv-parse/sync';
import { group, list, text, whole, yesNo } from '../../config/fields.ts';
import { MqferryError } from '../../errors.ts';
import { put } from '../../expr/index.ts';
import { load } from '../lazily.ts';
import { type Decode, type Direction, type Encode, undecodable, unencodable, utf8, withDigits } from './format.ts';

const delimiter = text('What stands between values.', { default: ',', pattern: /^[^"\r\n]$/, hint: 'one character, not a quote' });
const header = yesNo('The first line has the names.', { default: true });

interface ReadOptions {
  readonly header: boolean;
  readonly delimiter: string;
  readonly maxRows: number;
}

export const decodeCsv: Direction<ReadOptions, Decode> = {
  field: group(
    'CSV (RFC 4180). A list of maps; without `header` a list of lists. All values are text. Rows of different lengths, and a name that stands twice, are errors.',
    { header, delimiter, maxRows: whole('Rows, at most.', { default: 100_000, min: 1 }) },
    { optional: true },
  ),
  compile({ header, delimiter, maxRows }) {
    const { parse } = load('csv-parse/sync') as typeof import('csv-parse/sync');
    const most = maxRows + (header ? 1 : 0);
    return (body) => {
      const rows = rowsOf(
        () => parse(utf8(body), { delimiter, record_delimiter: ['\r\n', '\n'], to: most + 1, skip_empty_lines: true }) as string[][],
      );
      if (rows.length > most) throw undecodable(`the body has more than ${maxRows} rows`);
      return header ? mapsOf(rows) : rows;
    };
  },
};

/** What the parser says quotes the body: only where and what kind of error it is. */
function rowsOf(parse: () => string[][]): string[][] {
  try {
    return parse();
  } catch (error) {
    const { code, lines } = error as CsvError;
    if (error instanceof MqferryError || typeof code !== 'string') throw error;
    throw undecodable(`the body is not CSV: ${code.replace('CSV_', '').toLowerCase().replaceAll('_', ' ')} (line ${Number(lines)})`);
  }
}

function mapsOf([names = [], ...rows]: readonly string[][]): unknown[] {
  if (new Set(names).size < names.length) throw undecodable('the first line has a name twice');
  return rows.map((row) => {
    const map: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) put(map, names[i] as string, row[i]);
    return map;
  });
}

interface WriteOptions {
  readonly header: boolean;
  readonly delimiter: string;
  readonly columns: readonly string[] | undefined;
}

export const encodeCsv: Direction<WriteOptions, Encode> = {
  field: group(
    'CSV (RFC 4180, lines end with CRLF), of a list of maps or of lists. What a row does not have, and null, is empty; a map or list as a value is an error.',
    {
      header,
      delimiter,
      columns: list(
        'The names, in order, of maps. Absent: those of the first row. A row with a name that is not among them is an error.',
        text('A name.'),
        { optional: true },
      ),
    },
    { optional: true },
  ),
  compile: ({ header, delimiter, columns }) => ({
    contentType: 'text/csv',
    encode(json) {
      const rows = withDigits(json);
      if (!Array.isArray(rows)) throw unencodable('the body is not a list of rows');
      const names = columns ?? (isMap(rows[0]) ? Object.keys(rows[0]) : undefined);
      const known = new Set(names);
      const lines = rows.map((row, i) => line(cellsOf(row, names, known, i), delimiter));
      return Buffer.from((header && names ? [line(names, delimiter), ...lines] : lines).join(''));
    },
  }),
};

function cellsOf(row: unknown, names: readonly string[] | undefined, known: ReadonlySet<string>, index: number): readonly unknown[] {
  if (Array.isArray(row)) return row;
  if (!isMap(row) || names === undefined) throw unencodable(`row ${index} is not of the kind of the first`);
  const stranger = Object.keys(row).some((name) => !known.has(name));
  if (stranger) throw unencodable(`row ${index} has a name that is no column`);
  return names.map((name) => (Object.hasOwn(row, name) ? row[name] : null));
}

function line(cells: readonly unknown[], delimiter: string): string {
  return `${cells.map((cell) => written(cell, delimiter)).join(delimiter)}\r\n`;
}

function written(cell: unknown, delimiter: string): string {
  if (cell === null) return '';
  if (typeof cell === 'object') throw unencodable('a map or list as a value has no CSV');
  const text = String(cell);
  if (!text.isWellFormed()) throw unencodable('a value is not well-formed Unicode text');
  return text === '' || /["\r\n]/.test(text) || text.includes(delimiter) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
