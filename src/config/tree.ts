import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, type Pair, type Scalar, type Node as YamlNode } from 'yaml';
import { placeInside } from './inside.ts';
import { interpolate, type Surroundings, Unresolved } from './interpolate.ts';
import { type Entry, maskSecret, type Node, type ScalarNode } from './node.ts';
import type { Problems } from './problems.ts';
import { looksSecret, urlSecrets } from './redact.ts';
import type { SourceFile } from './source-file.ts';

/** More values than any config has; an alias bomb reaches it at once. */
const mostNodes = 100_000;

/** Turns a parsed document into our own tree: aliases followed, `${…}` filled in, YAML's traps reported. */
export class TreeBuilder {
  readonly #file: SourceFile;
  readonly #problems: Problems;
  readonly #surroundings: Surroundings;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #used = new Set<YamlNode>();
  readonly #open = new Set<YamlNode>();
  #nodes = 0;

  constructor(file: SourceFile, problems: Problems, surroundings: Surroundings) {
    this.#file = file;
    this.#problems = problems;
    this.#surroundings = surroundings;
  }

  /** `isWhole`: nothing of the file was left out of the document. */
  build(doc: Document.Parsed, isWhole: boolean): Node {
    const root = this.#node(doc.contents, 0);
    this.#file.isParsed = isWhole;
    for (const node of this.#anchors.values()) {
      if (this.#used.has(node)) continue;
      this.#anchorOfNothing(node);
    }
    return root;
  }

  #node(node: YamlNode | null, near: number): Node {
    if (node === null) return { kind: 'empty', written: '', file: this.#file, start: near, end: near };
    if (isAlias(node)) return this.#alias(node, startOf(node));
    if (++this.#nodes === mostNodes) {
      this.#error(startOf(node), 'yaml-limit', `more than ${mostNodes} values in one file`, 'are there aliases of aliases? Split the file');
    }
    if (this.#nodes >= mostNodes) return this.#broken(node);
    if (node.tag !== undefined) return this.#tagged(node);
    if ((isScalar(node) || isCollection(node)) && node.anchor) {
      if (isScalar(node) && node.type === 'PLAIN' && sourceText(node) === '') return this.#anchorOfNothing(node);
      this.#anchors.set(node.anchor, node);
    }
    this.#open.add(node);
    const built = isMap(node) ? this.#map(node as never) : isSeq(node) ? this.#list(node) : this.#scalar(node as Scalar);
    this.#open.delete(node);
    return built;
  }

  #alias(node: { source: string }, start: number): Node {
    const target = this.#anchors.get(node.source);
    if (target) this.#used.add(target);
    if (target && !this.#open.has(target)) return this.#node(target, start);
    if (target) this.#error(start, 'yaml-alias', 'an alias (`*`) of what it stands in goes round for ever', 'write it out');
    else {
      const what = 'a leading `*` makes an alias in YAML, and there is no anchor of this name above it';
      this.#error(start, 'yaml-alias', what, "quote it if it is meant as text: '*…'");
    }
    return { kind: 'broken', file: this.#file, start, end: start };
  }

  #tagged(node: YamlNode): Node {
    const message = 'a leading `!` makes a tag in YAML, and mqferry knows no tags';
    this.#error(this.#markBefore(node, '!'), 'yaml-tag', message, "quote it: '!…'");
    return this.#broken(node);
  }

  #anchorOfNothing(node: YamlNode): Node {
    const message = 'a leading `&` makes an anchor in YAML, and nothing uses this one';
    const hint = isCollection(node) ? 'leave it out' : "quote it: '&…'";
    this.#error(this.#markBefore(node, '&'), 'yaml-anchor', message, hint);
    return this.#broken(node);
  }

  /** A tag or an anchor stands before its node. */
  #markBefore(node: YamlNode, mark: string): number {
    const at = Math.max(0, this.#file.text.lastIndexOf(mark, startOf(node)));
    return this.#file.text[at - 1] === mark ? at - 1 : at;
  }

  #map(map: YamlNode & { items: Pair<YamlNode | null, YamlNode | null>[] }): Node {
    const entries = new Map<string, Entry>();
    const merged: [string, Entry][] = [];
    for (const pair of map.items) {
      const key = this.#key(pair.key, startOf(map));
      if (key === undefined) continue;
      const value = this.#node(pair.value, key.start + key.text.length);
      if (looksSecret(key.text)) this.#maskValue(value, key.start + key.text.length);
      if (key.text === '<<' && key.plain) merged.push(...this.#merge(value));
      else this.#enter(entries, { key: key.text, keyStart: key.start, value });
    }
    for (const [key, entry] of merged) if (!entries.has(key)) entries.set(key, entry);
    return { kind: 'map', entries, file: this.#file, start: startOf(map), end: endOf(map) };
  }

  /** Also what YAML took for an anchor, an alias or a tag, and is the beginning of a password. */
  #maskValue(value: Node, keyEnd: number): void {
    maskSecret(value);
    const [before] = /^["']?[ \t]*:[ \t]+(?=[&*!])/.exec(this.#file.text.slice(keyEnd, keyEnd + 200)) ?? [];
    if (before !== undefined) this.#file.mask(keyEnd + before.length);
  }

  #enter(entries: Map<string, Entry>, entry: Entry): void {
    const before = entries.get(entry.key);
    if (before === undefined) {
      entries.set(entry.key, entry);
      return;
    }
    const { line } = this.#file.place(before.keyStart);
    this.#error(
      entry.keyStart,
      'duplicate-key',
      `the key "${entry.key}" is here twice; the first is on line ${line}`,
      'keep one of them, or put both into one',
    );
  }

  #merge(value: Node): [string, Entry][] {
    if (value.kind === 'map') return [...value.entries];
    if (value.kind === 'list') return value.items.flatMap((item) => this.#merge(item));
    if (value.kind !== 'broken')
      this.#error(value.start, 'wrong-type', '`<<` needs a map, or a list of maps, to merge', 'name an anchor: `<<: *name`');
    return [];
  }

  #key(node: YamlNode | null, near: number): { text: string; start: number; plain: boolean } | undefined {
    if (!isScalar(node) || node.tag !== undefined || node.anchor) {
      this.#error(node ? startOf(node) : near, 'yaml-key', 'a key must be plain text', "quote it: '…'");
      return undefined;
    }
    const text = sourceText(node);
    const start = startOf(node);
    if (/(?<!\$)\$\{(?!\{)/.test(text)) {
      this.#error(start, 'unresolved', 'names are not filled in: a `${` cannot stand in a key', 'write the name out');
      return undefined;
    }
    return { text: text.replaceAll('$${', '${'), start, plain: node.type === 'PLAIN' };
  }

  #list(list: YamlNode & { items: unknown[] }): Node {
    const start = startOf(list);
    const items = list.items.map((item) => this.#node(item as YamlNode | null, start));
    return { kind: 'list', items, file: this.#file, start, end: endOf(list) };
  }

  #scalar(scalar: Scalar): Node {
    const at = { file: this.#file, start: startOf(scalar), end: endOf(scalar) };
    const raw = sourceText(scalar);
    const plain = scalar.type === 'PLAIN';
    if (plain && (raw === '' || raw === '~' || /^(?:null|Null|NULL)$/.test(raw))) {
      return { kind: 'empty', written: raw === '' || raw === '~' ? raw : 'null', ...at };
    }
    const style = plain ? 'plain' : scalar.type?.startsWith('BLOCK') ? 'block' : 'quoted';
    const cut = plain && /^[ \t]+#/.test(this.#file.text.slice(at.end, at.end + 200));
    const asWritten = [{ text: raw, filled: false, at: 0, shown: raw }];
    const written: ScalarNode = { kind: 'scalar', text: raw, style, filled: false, parts: asWritten, raw, cut, ...at };
    try {
      const parts = interpolate(raw, this.#surroundings);
      const text = parts.map((part) => part.text).join('');
      for (const secret of urlSecrets(text)) this.#problems.secrets.add(secret);
      return { ...written, text, filled: parts.some((part) => part.filled), parts };
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      this.#error(placeInside(written, error.offset), 'unresolved', error.message, error.hint);
      return { kind: 'broken', ...at };
    }
  }

  #broken(node: YamlNode): Node {
    return { kind: 'broken', file: this.#file, start: startOf(node), end: endOf(node) };
  }

  #error(start: number, rule: string, message: string, hint?: string): void {
    this.#problems.error({ file: this.#file, start }, rule, message, hint);
  }
}

/** A plain scalar as it stands in the file: YAML would make 7 of `007`, and 31 of `0x1F`. */
function sourceText(scalar: Scalar): string {
  if (scalar.type === 'PLAIN') return scalar.source ?? '';
  return String(scalar.value ?? '');
}

function startOf(node: YamlNode): number {
  return node.range?.[0] ?? 0;
}

function endOf(node: YamlNode): number {
  return node.range?.[1] ?? 0;
}
