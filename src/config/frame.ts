import { joined, looksSecret, type Range, urlSecretRanges } from './redact.ts';
import type { SourceFile } from './source-file.ts';
import { visible } from './visible.ts';

/** The line of `offset` between its neighbours, with a mark under the place, and without anything that could be secret. */
export function codeFrame(file: SourceFile, offset: number): string {
  const { line, col } = file.place(offset);
  const width = String(line + 1).length;
  const rows: string[] = [];
  for (let n = Math.max(1, line - 1); n <= Math.min(file.lines, line + 1); n++) {
    const shown = showLine(file, n, n === line ? col : 1);
    rows.push(`${n === line ? '>' : ' '} ${String(n).padStart(width)} | ${shown.text}`.trimEnd());
    if (n === line) rows.push(`  ${' '.repeat(width)} | ${' '.repeat(shown.col - 1)}^`);
  }
  return rows.join('\n');
}

const widest = 120;

function showLine(file: SourceFile, line: number, col: number): { text: string; col: number } {
  const [start, end] = file.range(line);
  let text = '';
  let shownCol = col;
  let at = start;
  for (const [from, to] of rangesIn(file, start, end)) {
    if (from < at) continue;
    text += file.text.slice(at, from) + '***';
    const removed = to - from - 3;
    if (start + col - 1 >= to) shownCol -= removed;
    else if (start + col - 1 > from) shownCol = text.length - 2;
    at = to;
  }
  return cut(text + file.text.slice(at, end), shownCol);
}

function cut(text: string, col: number): { text: string; col: number } {
  const shown = visible(text);
  if (shown.length <= widest) return { text: shown, col };
  const from = Math.max(0, Math.min(col - widest / 2, shown.length - widest));
  return { text: shown.slice(from, from + widest), col: col - from };
}

interface Known {
  readonly masks: number;
  readonly ranges: Range[];
}

/** Of the lines that were asked for, as many problems may be on one long line. */
const knownRanges = new WeakMap<SourceFile, Map<number, Known>>();

/** The masked ranges of one line, in order, joined where they overlap. */
function rangesIn(file: SourceFile, start: number, end: number): Range[] {
  const lines = knownRanges.get(file) ?? new Map<number, Known>();
  knownRanges.set(file, lines);
  const known = lines.get(start);
  if (known?.masks === file.masks.length) return known.ranges;
  const ranges = foundIn(file, start, end);
  lines.set(start, { masks: file.masks.length, ranges });
  return ranges;
}

function foundIn(file: SourceFile, start: number, end: number): Range[] {
  const found: Range[] = [];
  for (const [from, to] of [...file.masks, ...guessed(file)]) {
    if (from < end && to > start) found.push([Math.max(from, start), Math.min(to, end)]);
  }
  for (const [from, to] of urlSecretRanges(file.text.slice(start, end))) found.push([start + from, start + to]);
  return joined(found);
}

const guesses = new WeakMap<SourceFile, Range[]>();
// A name begins where none goes on before it: else a long word would take quadratic time.
const keyed = /(?<![\w.-])(["']?)([\w.-]+)\1[ \t]*:(?:[ \t]+|$)/g;
const onlyReference = /^['"]?\$\{(?:[A-Za-z_]\w*|file:[^{}]*)\}['"]?[\s,}\]]*$/;

/**
 * Values of keys whose name sounds secret, found line by line, as the YAML may be broken: the rest of the line, and the deeper lines below
 * it. A value that is only a `${REFERENCE}` may be seen. Of a file that was parsed, only what stands in comments.
 */
function guessed(file: SourceFile): Range[] {
  const known = guesses.get(file);
  if (known) return known;
  const ranges: Range[] = [];
  let deeperThan = -1;
  for (let line = 1; line <= file.lines; line++) {
    const [start, end] = file.range(line);
    const text = file.text.slice(start, end);
    const indent = text.search(/\S/);
    if (deeperThan >= 0 && (indent > deeperThan || indent === -1)) {
      if (indent !== -1) ranges.push([start + indent, end]);
      continue;
    }
    deeperThan = -1;
    const hit = secretValue(text, file.isParsed ? commentAt(text) : 0);
    if (!hit) continue;
    if (!file.isParsed) deeperThan = Math.max(indent, hit.keyAt);
    if (!onlyReference.test(text.slice(hit.valueAt)) && hit.valueAt < text.length) ranges.push([start + hit.valueAt, end]);
  }
  guesses.set(file, ranges);
  return ranges;
}

function commentAt(line: string): number {
  const at = line.search(/(?:^|\s)#/);
  return at === -1 ? line.length : at;
}

function secretValue(line: string, from: number): { keyAt: number; valueAt: number } | undefined {
  for (const match of line.matchAll(keyed)) {
    if (match.index >= from && looksSecret(match[2]!)) return { keyAt: match.index, valueAt: match.index + match[0].length };
  }
  return undefined;
}
