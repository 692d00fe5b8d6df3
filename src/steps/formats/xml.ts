import { group, list, text, whole } from '../../config/fields.ts';
import { put } from '../../expr/index.ts';
import { load } from '../lazily.ts';
import { type Decode, type Direction, type Encode, undecodable, utf8, withDigits } from './format.ts';
import { writeXml } from './xml-write.ts';

const depthMax = 100;

interface ReadOptions {
  readonly lists: readonly string[];
  readonly maxElements: number;
}

export const decodeXml: Direction<ReadOptions, Decode> = {
  field: group(
    'XML. An element is a map of its elements, with attributes as `@name` and text as `#text`; one with nothing but text is that text. Elements of one name are a list. All values are text. A DTD is refused; so is anything deeper than 100.',
    {
      lists: list('Names of elements that are a list even when there is only one.', text('A name.'), { default: [], example: ['item'] }),
      maxElements: whole('Elements and attributes, at most.', { default: 100_000, min: 1 }),
    },
    { optional: true },
  ),
  compile({ lists, maxElements }) {
    const { SaxesParser } = load('saxes') as typeof import('saxes');
    const isList = new Set(lists);
    return (body) => {
      const tree = new Tree(isList, maxElements);
      const parser = new SaxesParser({ position: true });
      parser.on('error', () => {
        throw undecodable(`the body is not well-formed XML (line ${parser.line})`); // What the parser says quotes the body.
      });
      parser.on('xmldecl', ({ encoding }) => {
        if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding)) throw undecodable('the body says that it is not UTF-8');
      });
      parser.on('doctype', () => {
        throw undecodable('the body has a DTD');
      });
      parser.on('opentagstart', ({ name }) => tree.open(name));
      parser.on('attribute', ({ name, value }) => tree.attribute(name, value));
      parser.on('text', (found) => tree.text(found));
      parser.on('cdata', (found) => tree.text(found));
      parser.on('closetag', () => tree.close());
      parser.write(utf8(body)).close();
      return tree.root;
    };
  },
};

export const encodeXml: Direction<object, Encode> = {
  field: group(
    'XML, of a map with one name, that of the root, written as `decode` reads it. Null is an empty element. A name that XML does not have is an error.',
    {},
    { optional: true },
  ),
  compile: () => ({ contentType: 'application/xml', encode: (json) => writeXml(withDigits(json)) }),
};

interface Element {
  readonly name: string;
  /** Attributes and elements by name. */
  readonly parts: Map<string, unknown[]>;
  text: string;
}

class Tree {
  readonly #isList: ReadonlySet<string>;
  readonly #maxElements: number;
  readonly #open: Element[] = [{ name: '', parts: new Map(), text: '' }];
  #count = 0;

  constructor(isList: ReadonlySet<string>, maxElements: number) {
    this.#isList = isList;
    this.#maxElements = maxElements;
  }

  get root(): unknown {
    return this.#valueOf(this.#open[0] as Element);
  }

  open(name: string): void {
    if (this.#open.length > depthMax) throw undecodable(`the body is nested more than ${depthMax} deep`);
    this.#counted();
    this.#open.push({ name, parts: new Map(), text: '' });
  }

  attribute(name: string, value: string): void {
    this.#counted();
    (this.#open.at(-1) as Element).parts.set(`@${name}`, [value]);
  }

  text(found: string): void {
    (this.#open.at(-1) as Element).text += found;
  }

  close(): void {
    const element = this.#open.pop() as Element;
    const { parts } = this.#open.at(-1) as Element;
    const brothers = parts.get(element.name);
    if (brothers) brothers.push(this.#valueOf(element));
    else parts.set(element.name, [this.#valueOf(element)]);
  }

  #counted(): void {
    if (++this.#count > this.#maxElements) throw undecodable(`the body has more than ${this.#maxElements} elements and attributes`);
  }

  #valueOf({ parts, text }: Element): unknown {
    if (parts.size === 0) return text;
    const map: Record<string, unknown> = {};
    for (const [name, values] of parts) put(map, name, values.length > 1 || this.#isList.has(name) ? values : values[0]);
    if (text.trim() !== '') put(map, '#text', text);
    return map;
  }
}
