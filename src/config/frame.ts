import { looksSecret, urlSecretRanges } from './redact.ts';
import type { SourceFile } from './source-file.ts';

type Range = readonly [start: number, end: number];

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
  const visible = text.replace(/\t/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '·');
  if (visible.length <= widest) return { text: visible, col };
  const from = Math.max(0, Math.min(col - widest / 2, visible.length - widest));
  return { text: visible.slice(from, from + widest), col: col - from };
}

/** The masked ranges of one line, in order, joined where they overlap. */
function rangesIn(file: SourceFile, start: number, end: number): Range[] {
  const found: Range[] = [];
  for (const [from, to] of [...file.masks, ...guessed(file)]) {
    if (from < end && to > start) found.push([Math.max(from, start), Math.min(to, end)]);
  }
  for (const [from, to] of urlSecretRanges(file.text.slice(start, end))) found.push([start + from, start + to]);
  found.sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [from, to] of found) {
    const last = joined.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

const guesses = new WeakMap<SourceFile, Range[]>();
const keyed = /(["']?)([\w.-]+)\1[ \t]*:(?:[ \t]+|$)/g;
const onlyReference = /^['"]?\$\{(?:[A-Za-z_]\w*|file:[^{}]*)\}['"]?[\s,}\]]*$/;

/**
 * Values of keys whose name sounds secret, found line by line, as the YAML may be broken: the rest of the line, and the deeper lines below
 * it. A value that is only a `${REFERENCE}` may be seen.
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
    const hit = secretValue(text);
    if (!hit) continue;
    deeperThan = Math.max(indent, hit.keyAt);
    if (!onlyReference.test(text.slice(hit.valueAt)) && hit.valueAt < text.length) ranges.push([start + hit.valueAt, end]);
  }
  guesses.set(file, ranges);
  return ranges;
}

function secretValue(line: string): { keyAt: number; valueAt: number } | undefined {
  for (const match of line.matchAll(keyed)) {
    if (looksSecret(match[2]!)) return { keyAt: match.index, valueAt: match.index + match[0].length };
  }
  return undefined;
}
