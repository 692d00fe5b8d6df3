import type { Message } from '../message.ts';
import { readBodySchema } from './body-schema.ts';
import type { Expression, Mapping, Shown, Template, Value } from './fields.ts';
import { placeInside } from './inside.ts';
import type { About, BodyShape, Compile } from './model.ts';
import { type Node, nameOf, type Part, type ScalarNode } from './node.ts';
import type { Problems, Spot } from './problems.ts';
import { scrub } from './redact.ts';
import { shownError, shownScalar } from './shown.ts';
import { parseExact } from './values.ts';

/** Compiles the slots that hold expressions, and reports what does not compile at the place inside the text. */
export class Compiler {
  readonly #compile: Compile;
  readonly #problems: Problems;
  /** Of the route that is being checked. */
  about: About = {};

  constructor(compile: Compile, problems: Problems) {
    this.#compile = compile;
    this.#problems = problems;
  }

  /** What the file says of the body; undefined when a problem was reported. */
  bodySchema(path: string, at: Spot): BodyShape | undefined {
    try {
      return readBodySchema(path, this.#compile);
    } catch (error) {
      this.#problems.error(at, 'body-schema', (error as Error).message);
      return undefined;
    }
  }

  /** One expression, or with `listAll` a list of them, joined. Undefined when a problem was reported. */
  expression(node: Node, slot: 'boolean' | 'any', listAll: boolean): Expression | undefined {
    if (node.kind !== 'list' || !listAll) return this.#one(node, slot);
    if (node.items.length === 0) this.#problems.error(node, 'empty-expression', 'a list of no expressions is always true', 'leave it out');
    const all = node.items.map((item) => this.#one(item, slot));
    const compiled = all.filter((one) => one !== undefined);
    return compiled.length < all.length ? undefined : joined(compiled);
  }

  mapping(node: Node): Mapping | undefined {
    if (node.kind === 'list') return node.items.map((item) => this.mapping(item)!);
    if (node.kind !== 'map') return this.#one(node, 'any');
    return new Map([...node.entries].map(([key, entry]) => [key, this.mapping(entry.value)!]));
  }

  template(node: ScalarNode, name: string, encode?: 'url'): Template | undefined {
    if (!this.#whole(node, name, true)) return undefined;
    return this.#inTemplate(node, (text, shown) => this.#compile.template(text, shown, this.about, encode));
  }

  value(node: ScalarNode, name: string): Value | undefined {
    if (!this.#whole(node, name, true)) return undefined;
    if (!node.raw.includes('${{')) return constant(this.#shown(node).text, node.style === 'plain' ? parseExact(node.text) : node.text);
    return this.#inTemplate(node, (text, shown) => this.#compile.value(text, shown, this.about));
  }

  #inTemplate<T extends object>(node: ScalarNode, compile: (text: string, shown: Shown) => T): (T & { readonly text: string }) | undefined {
    const parts = templateParts(node);
    const shown = shownScalar(node, this.#problems.secrets, parts);
    const text = parts.map((part) => part.text).join('');
    return this.#at(node, 'bad-template', () => Object.assign(compile(text, shown), { text: shown.text }), parts);
  }

  #shown(node: ScalarNode): Shown {
    return shownScalar(node, this.#problems.secrets);
  }

  #one(node: Node, slot: 'boolean' | 'any'): Expression | undefined {
    if (node.kind === 'broken') return undefined;
    if (node.kind === 'map' || node.kind === 'list') {
      this.#problems.error(node, 'wrong-type', `expected an expression, found ${nameOf(node)}`, "if it is meant as one, quote it: '…'");
      return undefined;
    }
    const text = node.kind === 'empty' ? node.written : node.text;
    if (text.trim() === '' || text === '~') {
      this.#problems.error(node, 'empty-expression', 'an empty expression', 'is it cut by ` #`, or not indented?');
      return undefined;
    }
    if (node.kind === 'empty') return this.#expression(node, text, slot, { text, at: (offset) => offset });
    if (!this.#whole(node, 'the expression', false)) return undefined;
    if (/^\$\{\{.*\}\}$/s.test(text)) {
      this.#problems.error(node, 'bad-expression', 'this is an expression already', 'write it without `${{` and `}}`');
      return undefined;
    }
    return this.#expression(node, text, slot, this.#shown(node));
  }

  #expression(node: Node, text: string, slot: 'boolean' | 'any', shown: Shown): Expression | undefined {
    return this.#at(node, 'bad-expression', () => named(this.#compile.expression(text, slot, shown, this.about), shown.text));
  }

  /**
   * False, and reported, when YAML has cut the text at ` #`. A comment after a text without `${{` is let pass when it looks like one: the `#`
   * followed by a space.
   */
  #whole(node: ScalarNode, what: string, isText: boolean): boolean {
    if (!node.cut) return true;
    const comment = /^[ \t]+#(.?)/.exec(node.file.text.slice(node.end, node.end + 200))?.[1] ?? '';
    if (isText && !node.raw.includes('${') && /^[\s#]?$/.test(comment)) return true;
    const message = `${what} ends at \` #\`: for YAML the rest of the line is a comment`;
    this.#problems.error(node, 'cut-by-comment', message, "quote it: '…', or move the comment to a line of its own");
    return false;
  }

  #at<T>(node: Node, rule: string, compile: () => T, parts?: readonly Part[]): T | undefined {
    try {
      return compile();
    } catch (error) {
      const { message, offset } = error as { message: string; offset?: unknown };
      const filled = node.kind === 'scalar' ? node.parts.filter((part) => part.filled).map((part) => part.text) : [];
      const start = node.kind === 'scalar' && typeof offset === 'number' ? placeInside(node, offset, parts) : node.start;
      const said = scrub(message.split('\n')[0]!, filled);
      this.#problems.error(
        { file: node.file, start },
        rule,
        node.kind === 'scalar' && node.filled ? shownError(said, this.#shown(node)) : said,
      );
      return undefined;
    }
  }
}

function named(compiled: (message: Message) => unknown, text: string): Expression {
  return Object.assign(compiled, { text });
}

/** True when each is; else what the first that is not true yields. */
function joined(all: readonly Expression[]): Expression | undefined {
  if (all.length < 2) return all[0];
  const every = (message: Message): unknown => {
    for (const one of all) {
      const held = one(message);
      if (held !== true) return held;
    }
    return true;
  };
  return named(every, all.map((one) => `(${one.text})`).join(' && '));
}

function constant(text: string, value: NonNullable<Value['constant']>): Value {
  return Object.assign(() => value, { text, constant: value });
}

/**
 * What the template compiler is given, for which `$${{` is a literal `${{`. What was filled in is text, never the start of an expression, nor
 * does a `$` at its end turn the `${{` behind it into a literal.
 */
function templateParts({ parts }: ScalarNode): Part[] {
  const literal = (found: string): string => `\${{ "${found}" }}`;
  return parts.map((part, index) => {
    if (!part.filled) return part;
    return { ...part, text: part.text.replace(index < parts.length - 1 ? /\$+(?:\{\{|\{?$)/g : /\$+\{\{/g, literal) };
  });
}
