import { Composer, type Document, isScalar, Parser, visit, type YAMLError } from 'yaml';
import type { Surroundings } from './interpolate.ts';
import type { Node } from './node.ts';
import type { Problems } from './problems.ts';
import type { SourceFile } from './source-file.ts';
import { type Block, blocksOf, nestedTooDeep, syntaxHint, syntaxSentence } from './syntax.ts';
import { TreeBuilder } from './tree.ts';

/** A file as a tree, and the entries that are left out of it because their YAML is broken. */
export interface ParsedFile {
  readonly root: Node | undefined;
  readonly broken: readonly Block[];
}

/** Larger files with a syntax error get only that error: looking at each entry alone would take too long. */
const tolerantBytes = 64 * 1024;

/**
 * Parses one file. A syntax error costs only the entry it stands in: the other routes and connections are still checked, so that all
 * problems show at once.
 */
export function parseFile(file: SourceFile, problems: Problems, surroundings: Surroundings): ParsedFile {
  const deep = nestedTooDeep(file.text);
  if (deep !== undefined) {
    problems.error(
      { file, start: deep },
      'yaml-limit',
      'nested too deeply',
      'a config has no need of so many brackets or dashes: is one not closed?',
    );
    return { root: undefined, broken: [] };
  }
  const whole = compose(file.text);
  const build = (doc: Document.Parsed | undefined, isWhole: boolean): Node | undefined =>
    doc && new TreeBuilder(file, problems, surroundings).build(doc, isWhole);
  if (!whole.error) return { root: build(whole.doc, true), broken: [] };

  const broken: Block[] = [];
  let rest = file.text;
  if (file.text.length <= tolerantBytes) {
    for (const block of blocksOf(file.text)) {
      const { error } = compose(file.text.slice(block.start, block.end));
      if (!error) continue;
      report(file, problems, error, block);
      broken.push(block);
      rest = blank(rest, block);
    }
  }
  const mended = broken.length > 0 ? compose(rest) : whole;
  if (!mended.error) return { root: build(mended.doc, false), broken };
  report(file, problems, mended.error);
  return { root: undefined, broken };
}

function compose(text: string): { doc: Document.Parsed | undefined; error: YAMLError | undefined } {
  // Twice-written keys are found in TreeBuilder: the library's own check takes quadratic time.
  const composer = new Composer({ uniqueKeys: false, logLevel: 'silent' });
  let doc: Document.Parsed | undefined;
  let error: YAMLError | undefined;
  for (const one of composer.compose(new Parser().parse(text), true, text.length)) {
    if (doc === undefined) {
      doc = one;
      error = placed(firstError(one), one);
      if (error) break;
    } else if (one.contents !== null) {
      error = { code: 'MULTIPLE_DOCS', pos: [text.lastIndexOf('---', one.range[0]), 0] } as YAMLError;
      break;
    }
  }
  return { doc, error };
}

/** Tags are found in TreeBuilder: the library only warns of some, and resolves others. */
function firstError(doc: Document.Parsed): YAMLError | undefined {
  const found = [...doc.errors, ...doc.warnings].filter((one) => one.code !== 'TAG_RESOLVE_FAILED');
  return found.sort((a, b) => a.pos[0] - b.pos[0])[0];
}

/** A quote that is not closed is found at the end of all that follows; said is where it opens. */
function placed(error: YAMLError | undefined, doc: Document.Parsed): YAMLError | undefined {
  if (!error || !/^Missing closing [\w"'-]+ ?quote/.test(error.message)) return error;
  let opens = error.pos[0];
  visit(doc, {
    Scalar(_key, node) {
      const [start = 0, end = 0] = node.range ?? [];
      if (isScalar(node) && node.type?.startsWith('QUOTE_') && start <= error.pos[0] && end >= error.pos[0]) opens = start;
    },
  });
  return { ...error, code: 'OPEN_QUOTE' as never, pos: [opens, opens] } as YAMLError;
}

function report(file: SourceFile, problems: Problems, error: YAMLError, block?: Block): void {
  const base = block?.start ?? 0;
  const limit = (block?.end ?? file.text.length) - 1;
  let start = Math.max(base, Math.min(base + error.pos[0], limit));
  const [from, to] = file.range(file.place(start).line);
  const line = file.text.slice(from, to);
  // The fault is what stands there, not the blanks before it.
  if (error.code === 'BAD_INDENT' && start === from) start = from + Math.max(0, line.search(/\S/));
  problems.error({ file, start }, 'yaml-syntax', syntaxSentence(error.code), syntaxHint(error.code, line, start - from));
}

/** The text with the block as spaces, so that every other place stays where it was. */
function blank(text: string, { start, end }: Block): string {
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + text.slice(end);
}
