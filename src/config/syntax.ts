/** YAML's own errors, said so that somebody who does not know YAML can mend them. They never repeat the text: it may hold a secret. */
const sentences: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias (`*name`) cannot have an anchor or a tag',
  BAD_ALIAS: 'a `*` at the start of a value begins an alias',
  BAD_COLLECTION_TYPE: 'a tag that does not fit its value',
  BAD_DIRECTIVE: 'a line that starts with `%` is a directive, and not one that is known',
  BAD_DQ_ESCAPE: 'an escape with `\\` that YAML does not know, inside "…"',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'an anchor or a tag in a place where none can be',
  BAD_SCALAR_START: 'a value cannot start with this character',
  BLOCK_AS_IMPLICIT_KEY: 'a second `: ` on the line',
  BLOCK_IN_FLOW: 'a block inside `{…}` or `[…]`',
  KEY_OVER_1024_CHARS: 'a key that is longer than 1024 characters',
  MISSING_CHAR: 'a character is missing: `:`, `,`, `]` or `}`',
  MULTILINE_IMPLICIT_KEY: 'a key that goes over several lines: is a `:` missing?',
  MULTIPLE_ANCHORS: 'two anchors on one value',
  MULTIPLE_DOCS: 'a second document (`---`) in one file',
  MULTIPLE_TAGS: 'two tags on one value',
  OPEN_QUOTE: 'a quote opens here that is never closed',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab in the indentation; YAML takes only spaces',
  UNEXPECTED_TOKEN: 'something stands here that YAML does not expect',
};

export function syntaxSentence(code: string): string {
  return sentences[code] ?? 'this is not valid YAML';
}

const quoteIt = "write the value in '…' or after `|-` on lines of its own";

const hints: Readonly<Record<string, string>> = {
  BAD_DIRECTIVE: 'leave the line out',
  BAD_DQ_ESCAPE: 'write `\\\\` for a backslash, or use single quotes',
  BAD_INDENT: 'put it in line with what it belongs to; or is a quote, `}` or `]` above not closed?',
  MULTIPLE_ANCHORS: 'keep one of them',
  MULTIPLE_DOCS: 'put the second document into a file of its own',
  OPEN_QUOTE: 'write the closing quote; a quote inside the text is doubled in \'…\', and \\" in "…"',
  RESOURCE_EXHAUSTION: 'take some of it apart',
  TAB_AS_INDENT: 'replace the tabs by spaces',
};

/** What to do about a syntax error at this column, from 0, of this line. */
export function syntaxHint(code: string, line: string, col: number): string {
  const known = hints[code];
  if (known) return known;
  if (line.includes('\r')) return 'its lines end in the way of old Macintoshes: save it with line feeds';
  const value = /^\s*(?:-\s+)*(?:[^\s:'"{[]+:\s+)?(.*)$/.exec(line)?.[1] ?? '';
  if (code === 'BAD_SCALAR_START') return meaning(line[col] ?? '');
  if (code === 'BLOCK_IN_FLOW') return `\`? \`, \`: \` and \`- \` have a meaning in YAML: ${quoteIt}`;
  if (line.includes('${')) return `\`{\` has a meaning in YAML: ${quoteIt}`;
  if (/^\s*[\w.-]+:[^\s/]/.test(line)) return 'write a blank behind the `:`';
  if (/^\s*[\w.-]+\s*=/.test(line)) return 'a setting is written `name: value`';
  if (/^["'[{*&!@`%|>]/.test(value)) return meaning(value[0] as string);
  if (/:\s/.test(value)) return `\`: \` has a meaning in YAML: ${quoteIt}`;
  return 'a setting is written `name: value`; look at the lines above it, too';
}

function meaning(mark: string): string {
  return `a leading ${mark === '`' ? 'backtick' : `\`${mark}\``} has a meaning in YAML: ${quoteIt}`;
}

const deepest = 1000;

/** Where brackets or dashes nest deeper than any config: the parser would take seconds to say so. */
export function nestedTooDeep(text: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b)
      depth += 1; // [ {
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth -= 1;
    if (depth > deepest) return i;
  }
  const dashes = /(?:[-?:][ \t]){1000}/.exec(text);
  return dashes?.index;
}

/** A piece of a file: an entry of `connections:` or `routes:`, with all that is indented below it. */
export interface Block {
  readonly section: string;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Cuts the text by its indentation, as far as that shows its entries; does not mind what is inside them. */
export function blocksOf(text: string): Block[] {
  const blocks: { section: string; name: string; start: number; end: number }[] = [];
  let section: string | undefined;
  let entryIndent = -1;
  let open: (typeof blocks)[number] | undefined;
  for (const { start, line } of linesOf(text)) {
    const indent = line.search(/\S/);
    if (indent === -1 || line[indent] === '#') continue;
    if (indent <= entryIndent || indent === 0) {
      if (open) open.end = start;
      open = undefined;
    }
    if (indent === 0) {
      section = /^["']?([A-Za-z]+)["']?\s*:\s*(?:#.*)?$/.exec(line)?.[1];
      entryIndent = -1;
    } else if (section !== undefined) {
      if (entryIndent === -1) entryIndent = indent;
      const name = /^\s*["']?([\w.-]+)["']?\s*:/.exec(line)?.[1];
      if (indent === entryIndent && name !== undefined) blocks.push((open = { section, name, start, end: text.length }));
    }
  }
  return blocks;
}

function* linesOf(text: string): Generator<{ start: number; line: string }> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    yield { start, line: text.slice(start, end === -1 ? text.length : end).trimEnd() };
    if (end === -1) return;
    start = end + 1;
  }
}
