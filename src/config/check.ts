import { dirname, resolve } from 'node:path';
import { Compiler } from './compiled.ts';
import { missingHint, settingsHint, singleHint } from './expected.ts';
import type { Field, FieldKind, Fields } from './fields.ts';
import type { Compile } from './model.ts';
import { didYouMean, nearest } from './nearest.ts';
import { type MapNode, maskSecret, type Node, nameOf, type ScalarNode } from './node.ts';
import type { Problems, Spot } from './problems.ts';
import { looksSecret, redactUrl, urlSecrets } from './redact.ts';
import { NotAValue, parseDuration, parseDurationRange, parsePlain, parseRate, parseSize, parseWhole, parseYesNo } from './values.ts';
import { cut } from './visible.ts';

/** Of a map of fields. */
interface Around {
  /** Keys that are somebody else's. */
  readonly besides?: readonly string[];
  /** What to call it in a sentence. */
  readonly name?: string;
  /** What to do with a key that belongs to another place. */
  readonly elsewhere?: ((key: string) => string | undefined) | undefined;
}

interface MapOf {
  readonly name: string;
  readonly known?: readonly string[];
  readonly hint?: string | undefined;
  readonly elsewhere?: Around['elsewhere'];
}

type KindOf<K extends FieldKind['kind']> = Extract<FieldKind, { kind: K }>;

/**
 * Checks a tree by declared fields and gives the values the program works with. Everything wrong becomes a problem; the value of what is
 * wrong is undefined, and the caller drops the whole result when there are errors.
 */
export class Checker {
  readonly problems: Problems;
  /** Compiles expressions and templates. */
  readonly compiler: Compiler;
  #unreadable = 0;
  /** What the unknown keys of a map seem to mean: not also missing. */
  readonly #meant = new WeakMap<Node, Set<string>>();

  constructor(compile: Compile, problems: Problems) {
    this.problems = problems;
    this.compiler = new Compiler(compile, problems);
  }

  /** Errors so far, and values that could not be read: of those the error was told before. */
  get wrongs(): number {
    return this.problems.errors + this.#unreadable;
  }

  /** All fields of a map. Without a node: the defaults. */
  fields(
    node: Node | undefined,
    fields: Fields,
    at: Spot,
    { besides = [], name = 'this', elsewhere }: Around = {},
  ): Record<string, unknown> {
    const known = [...Object.keys(fields), ...besides];
    const map = node && this.map(node, { known, name, elsewhere, hint: settingsHint(node, fields, name) });
    if (node && !map) return {};
    const values: [string, unknown][] = [];
    for (const [key, field] of Object.entries(fields)) {
      const entry = map?.entries.get(key);
      if (entry) values.push([key, this.value(entry.value, field, key)]);
      else values.push([key, map && this.means(map, key) ? undefined : this.absent(field, key, at)]);
    }
    return Object.fromEntries(values);
  }

  /** The node as a map that has no keys but these; undefined when it is not a map. */
  map(node: Node, { known, name, hint, elsewhere }: MapOf): MapNode | undefined {
    if (node.kind === 'broken') return undefined;
    if (node.kind !== 'map') {
      this.wrongType(node, name === 'this' ? 'a map' : `a map for ${name}`, hint);
      return undefined;
    }
    const meant = new Set<string>();
    this.#meant.set(node, meant);
    for (const [key, { keyStart, value }] of node.entries) {
      if (!known || known.includes(key)) continue;
      const near = nearest(key, known);
      if (near !== undefined) meant.add(near);
      this.#unknownKey({ file: node.file, start: keyStart }, key, value, known, elsewhere);
    }
    return node;
  }

  /** An unknown key of this map is probably this one, and reported already. */
  means(map: MapNode, key: string): boolean {
    return this.#meant.get(map)?.has(key) ?? false;
  }

  #unknownKey(at: Spot, key: string, value: Node, known: readonly string[], elsewhere: MapOf['elsewhere']): void {
    // A misspelled key may be that of a secret.
    if (looksSecret(nearest(key, known) ?? key)) maskSecret(value);
    const shown = known.length === 0 ? 'nothing is known here' : known.length <= 12 ? `known here: ${known.join(', ')}` : undefined;
    this.problems.error(at, 'unknown-key', `unknown key "${key}"`, elsewhere?.(key) ?? didYouMean(key, known) ?? shown);
  }

  value(node: Node, field: Field<unknown>, name: string): unknown {
    const { kind, options } = field;
    if (options.secret) this.#keepSecret(node);
    if (node.kind === 'broken') {
      this.#unreadable++;
      return undefined;
    }
    if (kind.kind === 'expression') return this.compiler.expression(node, kind.slot, kind.listAll);
    if (kind.kind === 'mapping') return this.compiler.mapping(node);
    if (kind.kind === 'any') return this.#anything(node);
    if (kind.kind === 'list') return this.#list(node, field, name);
    if (kind.kind === 'map') return this.#named(node, kind, name);
    if (kind.kind === 'group') return this.fields(node, kind.fields, node, { name });
    if (kind.kind === 'value' && node.kind === 'empty' && node.written !== '') return null;
    const scalar = this.scalar(node, name, singleHint(node, field, name));
    return scalar && this.#scalar(scalar, field, name);
  }

  /** The node as a single value, or a problem. */
  scalar(node: Node, name: string, hint?: string): ScalarNode | undefined {
    if (node.kind === 'scalar') return node;
    if (node.kind === 'empty') {
      const found = node.written === '' ? 'nothing' : node.written;
      const remedy = node.written === '' ? 'give it a value, or leave out the key' : `quote it if it is meant as text: '${node.written}'`;
      this.problems.error(node, 'null', `${name} needs a value, found ${found}`, remedy);
    } else if (node.kind !== 'broken') {
      this.wrongType(node, `a single value for ${name}`, hint);
    }
    return undefined;
  }

  wrongType(node: Node, expected: string, hint?: string): void {
    const rule = node.kind === 'empty' ? 'null' : 'wrong-type';
    this.problems.error(node, rule, `expected ${expected}, found ${nameOf(node)}`, hint);
  }

  /** What a field is when its key is not there: its default, or a problem. */
  absent(field: Field<unknown>, name: string, at: Spot): unknown {
    const { kind, options } = field;
    if (options.default !== undefined) {
      const { default: value } = options;
      if (kind.kind !== 'template' && kind.kind !== 'expression' && kind.kind !== 'value') return value;
      return this.value(literal(String(value), at), { doc: '', kind, options: {} }, name);
    }
    if (options.optional) return undefined;
    if (kind.kind === 'group') return this.fields(undefined, kind.fields, at);
    this.problems.error(at, 'missing', `${name} is missing`, missingHint(field, name));
    return undefined;
  }

  #scalar(node: ScalarNode, field: Field<unknown>, name: string): unknown {
    const { kind, options } = field;
    if (kind.kind === 'template') return this.compiler.template(node, name, kind.encode);
    if (kind.kind === 'value') return this.compiler.value(node, name);
    for (const secret of urlSecrets(node.text)) this.problems.secrets.add(secret);
    if (options.secret && node.cut && !/^\$\{[^{}]*\}$/.test(node.raw)) {
      const message = `${name} ends at \` #\`: for YAML the rest of the line is a comment`;
      this.problems.error(node, 'cut-by-comment', message, "quote it: '…', or move the comment to a line of its own");
    }
    if (this.#isMistakenTemplate(node, name) || this.#isEmptyText(node, field, name)) return undefined;
    if (kind.kind === 'file') return resolve(dirname(node.file.name), node.text);
    try {
      return parse(node.text.replaceAll('$${{', '${{'), kind);
    } catch (error) {
      if (!(error instanceof NotAValue)) throw error;
      const found = options.secret ? '' : node.filled ? `, found ${standsFor(node)}` : `, found "${short(redactUrl(node.text))}"`;
      this.problems.error(
        node,
        'wrong-type',
        `${name} must be ${error.message}${found}`,
        options.secret || node.filled ? undefined : error.hint,
      );
      return undefined;
    }
  }

  /** A setting is the same for all messages: a `${{ … }}` in it would stay as it is. */
  #isMistakenTemplate({ parts, ...at }: ScalarNode, name: string): boolean {
    if (!parts.some(({ text, filled }) => !filled && /(?<!\$)\$\{\{/.test(text))) return false;
    const message = `${name} is the same for all messages: nothing evaluates a \`\${{ … }}\` here`;
    this.problems.error(at, 'wrong-type', message, 'write `$${{` for a literal `${{`');
    return true;
  }

  /** What has to be written has to say something. */
  #isEmptyText(node: ScalarNode, { kind, options }: Field<unknown>, name: string): boolean {
    const isNeeded = !options.optional && options.default === undefined;
    if (node.text !== '' || !isNeeded || options.secret || (kind.kind !== 'text' && kind.kind !== 'file')) return false;
    this.problems.error(node, 'wrong-type', node.filled ? `${name} is empty: ${standsFor(node)}` : `${name} is empty`, 'write what it is');
    return true;
  }

  #list(node: Node, field: Field<unknown>, name: string): readonly unknown[] | undefined {
    const { kind, options } = field;
    const { of } = kind as KindOf<'list'>;
    if (node.kind === 'list') {
      const mayBeEmpty = options.mayBeEmpty || options.optional || (Array.isArray(options.default) && options.default.length === 0);
      if (node.items.length === 0 && !mayBeEmpty)
        this.problems.error(node, 'missing', `${name} is a list of nothing`, missingHint(field, name));
      return node.items.flatMap((item) => this.#items(item, of, name));
    }
    if (node.kind === 'scalar' && isPlain(of)) return this.#items(node, of, name, true);
    if (node.kind === 'empty') this.scalar(node, name);
    else this.wrongType(node, `a list for ${name}`, `write \`${name}: [ … ]\``);
    return undefined;
  }

  /** `a,b` text is two items; inside a list only when all of it was filled in, so that `["${BROKERS}"]` may name several. */
  #items(node: Node, of: Field<unknown>, name: string, split = node.kind === 'scalar' && /^\$\{[^{}]*\}$/.test(node.raw)): unknown[] {
    if (!split || node.kind !== 'scalar' || !isPlain(of) || node.text.includes('${{')) return [this.value(node, of, name)];
    return node.text.split(',').map((text) => {
      const item = text.trim();
      if (item === '') {
        const what = node.text.trim() === '' ? `${name} is empty` : `${name} has an empty item`;
        this.problems.error(node, 'wrong-type', what, 'write each item, with a comma only between two');
        return undefined;
      }
      const part = { ...node, text: item, parts: [{ text: item, filled: node.filled, at: 0, shown: node.filled ? '***' : item }] };
      return this.value(part, of, name);
    });
  }

  #named(node: Node, { of }: KindOf<'map'>, name: string): Record<string, unknown> {
    const map = node.kind === 'map' ? node : this.map(node, { name, hint: `write \`${name}: { a-name: … }\`` });
    const values: [string, unknown][] = [];
    for (const [key, entry] of map?.entries ?? []) {
      if (key === '') this.problems.error({ file: node.file, start: entry.keyStart }, 'wrong-type', `an empty name in ${name}`);
      values.push([key, this.value(entry.value, of, key)]);
    }
    return Object.fromEntries(values); // never a plain assignment: `__proto__` is a name like any other
  }

  #anything(node: Node): unknown {
    if (node.kind === 'empty') return null;
    if (node.kind === 'list') return node.items.map((item) => this.#anything(item));
    if (node.kind === 'map') return Object.fromEntries([...node.entries].map(([key, entry]) => [key, this.#anything(entry.value)]));
    if (node.kind === 'scalar') return node.style === 'plain' ? parsePlain(node.text) : node.text;
    return undefined;
  }

  /** Nothing below this node is ever shown. */
  #keepSecret(node: Node): void {
    maskSecret(node);
    if (node.kind === 'scalar' && node.text !== '') this.problems.secrets.add(node.text);
    if (node.kind === 'list') for (const item of node.items) this.#keepSecret(item);
    if (node.kind === 'map') for (const { value } of node.entries.values()) this.#keepSecret(value);
  }
}

function parse(text: string, kind: FieldKind): unknown {
  if (kind.kind === 'whole') return parseWhole(text, kind.min, kind.max);
  if (kind.kind === 'yesNo') return parseYesNo(text);
  if (kind.kind === 'size') return parseSize(text);
  if (kind.kind === 'duration') return parseDuration(text);
  if (kind.kind === 'durationRange') return parseDurationRange(text);
  if (kind.kind === 'rate') return parseRate(text);
  if (kind.kind === 'oneOf') return parseOneOf(text, kind.values);
  if (kind.kind === 'text' && kind.pattern && !kind.pattern.test(text)) throw new NotAValue(kind.hint ?? `like ${kind.pattern.source}`);
  return text;
}

function parseOneOf(text: string, values: readonly (string | number)[]): string | number {
  const found = values.find((value) => String(value) === text);
  if (found === undefined) throw new NotAValue(`one of ${values.join(', ')}`, didYouMean(text, values.map(String)));
  return found;
}

const plainKinds: ReadonlySet<FieldKind['kind']> = new Set(['text', 'template', 'whole', 'yesNo', 'oneOf', 'size', 'duration', 'rate']);

function isPlain(field: Field<unknown>): boolean {
  return plainKinds.has(field.kind.kind);
}

function short(text: string): string {
  return cut(text, 60);
}

/** What was filled in is not said. */
function standsFor({ parts, text }: ScalarNode): string {
  const shown = parts.map((part) => part.shown).join('');
  return text === '' ? `nothing, for which ${shown} stands` : `what ${shown} stands for`;
}

function literal(text: string, { file, start }: Spot): ScalarNode {
  return {
    kind: 'scalar',
    text,
    raw: text,
    style: 'quoted',
    filled: false,
    parts: [{ text, filled: false, at: 0, shown: text }],
    cut: false,
    file,
    start,
    end: start,
  };
}
