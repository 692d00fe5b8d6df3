import type { Place } from './model.ts';
import type { SourceFile } from './source-file.ts';

/** A config file as a tree, with places; independent of the YAML library. */
export type Node = ScalarNode | MapNode | ListNode | EmptyNode | BrokenNode;

interface At {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A piece of a scalar: as written, or filled in for a `${…}`. `at` counts characters into the scalar before anything was filled in. */
export interface Part {
  readonly text: string;
  readonly filled: boolean;
  readonly at: number;
  /** What to print in its place: of what was filled in, the `${…}` without its default. */
  readonly shown: string;
}

export interface ScalarNode extends At {
  readonly kind: 'scalar';
  /** As it stands in the file (`007`, `1.0`), with every `${…}` filled in. */
  readonly text: string;
  readonly style: 'plain' | 'quoted' | 'block';
  /** It comes in part from the environment or a file, so it is not repeated in messages. */
  readonly filled: boolean;
  readonly parts: readonly Part[];
  /** What stood in the file, unquoted, before anything was filled in. */
  readonly raw: string;
  /** A comment follows on its line: YAML cut it there if ` #` was meant to be part of it. */
  readonly cut: boolean;
}

export interface Entry {
  readonly key: string;
  readonly keyStart: number;
  readonly value: Node;
}

export interface MapNode extends At {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface ListNode extends At {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

/** Nothing, `null` or `~`. */
export interface EmptyNode extends At {
  readonly kind: 'empty';
  readonly written: '' | 'null' | '~';
}

/** A problem was reported here already. */
export interface BrokenNode extends At {
  readonly kind: 'broken';
}

/** What to call it in a sentence. */
export function nameOf(node: Node): string {
  if (node.kind === 'scalar') return node.text === '' ? 'an empty text' : 'a single value';
  if (node.kind === 'empty') return node.written === '' ? 'nothing' : node.written;
  return `a ${node.kind}`;
}

/** Nothing of this value is ever shown of its file, unless it is only the name of where the secret is. */
export function maskSecret(node: Node): void {
  if (node.kind === 'empty' || (node.kind === 'scalar' && /^\$\{[^{}:]*(?::\?[^{}]*)?\}$/.test(node.raw))) return;
  // What is broken may end anywhere.
  node.file.mask(node.start, node.kind === 'broken' ? undefined : node.end);
}

/** Where the values of a map stand, by their keys. */
export function placesOf(node: Node | undefined): ReadonlyMap<string, Place> {
  if (node?.kind !== 'map') return new Map();
  return new Map([...node.entries].map(([key, { value }]) => [key, value.file.place(value.start)]));
}
