/**
 * From a place in a text as YAML gives it to the place in the file. Walks both together, as YAML reads: quotes, escapes, folded lines,
 * indentation. Checked against YAML's own reading for every character; where the two part, the place is near.
 */
import type { Part, ScalarNode } from './node.ts';

/** The place of a character of the text that these parts make; by default of the text as it was filled in. */
export function placeInside(node: ScalarNode, offset: number, parts: readonly Part[] = node.parts): number {
  let raw = node.raw.length;
  let passed = 0;
  for (const part of parts) {
    if (offset < passed + part.text.length) {
      raw = part.filled ? part.at : part.at + (offset - passed);
      break;
    }
    passed += part.text.length;
  }
  return walk(node, raw);
}

/** What stands for one or more characters of the text, and how many characters of the file that are. */
type Step = readonly [written: string, length: number];

function walk(node: ScalarNode, target: number): number {
  const { text: source } = node.file;
  const stepAt = node.style === 'block' ? blockSteps(node) : node.style === 'plain' ? plainStep : quotedSteps(node);
  let at = node.style === 'block' ? endOfLine(source, node.start) : node.style === 'plain' ? node.start : node.start + 1;
  let raw = 0;
  while (at < node.end) {
    const [written, length] = stepAt(source, at, node.raw.slice(raw, raw + 2));
    if (written !== '' && raw + written.length > target) break;
    raw += written.length;
    at += length;
  }
  return Math.min(at, node.end);
}

/** A line break with the blanks around it: one is a space, of several each but the first is kept. */
const fold = /[ \t]*((?:\r?\n[ \t]*)+)/y;

function plainStep(source: string, at: number): Step {
  fold.lastIndex = at;
  const match = fold.exec(source);
  if (match === null) return [source[at] as string, 1];
  const breaks = match[1]!.split('\n').length - 1;
  return [breaks === 1 ? ' ' : '\n'.repeat(breaks - 1), match[0].length];
}

function quotedSteps({ file, start }: ScalarNode): typeof plainStep {
  if (file.text[start] === "'") return (source, at) => (source.startsWith("''", at) ? ["'", 2] : plainStep(source, at));
  return (source, at) => (source[at] === '\\' ? escapeStep(source, at) : plainStep(source, at));
}

const digits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function escapeStep(source: string, at: number): Step {
  // A backslash at the end of the line joins it to the next one.
  const joined = /^\\\r?\n[ \t]*/.exec(source.slice(at, at + 1000))?.[0];
  if (joined !== undefined) return ['', joined.length];
  const length = 2 + (digits[source[at + 1] ?? ''] ?? 0);
  return [Number.parseInt(source.slice(at + 2, at + length), 16) > 0xffff ? '??' : '?', length];
}

/** The text says how a line break was read, as that depends on what stands around it. */
function blockSteps({ file, start, raw, end }: ScalarNode): (source: string, at: number, next: string) => Step {
  const header = endOfLine(file.text, start);
  const body = file.text.slice(header, end);
  const given = /^[|>][+-]?([1-9])/.exec(file.text.slice(start, header))?.[1];
  const first = /^([ ]*)\S/m.exec(body)?.[1]?.length ?? 0;
  const indent = given === undefined ? first : first - (/^[ ]*/.exec(raw.replace(/^\n+/, ''))?.[0].length ?? 0);
  return (source, at, next) => {
    if (source[at - 1] === '\n') {
      const blanks = /^ */.exec(source.slice(at, at + indent))?.[0].length ?? 0;
      if (blanks > 0) return ['', blanks];
    }
    const lineBreak = source.startsWith('\r\n', at) ? 2 : source[at] === '\n' ? 1 : 0;
    if (lineBreak === 0) return [source[at] as string, 1];
    return [next[0] === '\n' || next[0] === ' ' ? next[0] : '', lineBreak];
  };
}

function endOfLine(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at + 1;
}
