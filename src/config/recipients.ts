import type { Checker } from './check.ts';
import { type Value, value } from './fields.ts';
import type { BranchModel, EndModel, SinkModel } from './model.ts';
import type { Entry, MapNode, Node } from './node.ts';
import type { Spot } from './problems.ts';

export const oneOfField = value(
  'Yields the name of an entry of `allow`, or a list of names: the message goes to each of them once, and all must confirm. Text with `${{ }}` in it.',
  { example: '${{ body.region }}' },
);
export const allowDoc =
  'Where messages may go: a map of names to sinks (or to `{ steps: …, sink: … }`); or a list of sinks, each named after its connection, or after its connector when it names none.';

const rule = 'oneOf';
const mapForm = 'write `allow` as a map of names that you choose: `allow: { first: …, second: … }`';

type Allowed = Map<string, BranchModel>;

/** Checks `{ oneOf: …, allow: … }`: each message names its sinks, out of those that the config allows. */
export class Recipients {
  readonly #checker: Checker;
  readonly #branch: (node: Node) => Promise<BranchModel | undefined>;

  /** `branch` checks an entry of `allow`. */
  constructor(checker: Checker, branch: (node: Node) => Promise<BranchModel | undefined>) {
    this.#checker = checker;
    this.#branch = branch;
  }

  async sink(node: MapNode): Promise<SinkModel | undefined> {
    this.#checker.map(node, { name: '`oneOf`', known: ['oneOf', 'allow'] });
    const pick = this.#pick((node.entries.get('oneOf') as Entry).value);
    const allowed = node.entries.get('allow')?.value;
    if (!allowed && !this.#checker.means(node, 'allow'))
      this.#checker.problems.error(node, 'missing', 'allow is missing', 'it names the sinks that a message may go to');
    const allow = allowed && (await this.#allow(allowed));
    return pick && allow && { kind: 'oneOf', pick, allow, at: node.file.place(node.start) };
  }

  #pick(node: Node): Value | undefined {
    if (node.kind === 'empty') this.#checker.scalar(node, 'oneOf');
    if (node.kind === 'empty') return undefined;
    const pick = this.#checker.value(node, oneOfField, 'oneOf') as Value | undefined;
    if (pick?.constant === undefined) return pick;
    const hint = "name the sink itself, or write an expression: '${{ body.region }}'";
    this.#checker.problems.error(node, rule, 'oneOf is the same for every message', hint);
    return undefined;
  }

  async #allow(node: Node): Promise<Allowed | undefined> {
    if (node.kind === 'broken') return undefined;
    if (node.kind !== 'map' && node.kind !== 'list') {
      this.#checker.wrongType(node, 'a map of names to sinks, or a list of sinks, for allow');
      return undefined;
    }
    const allowed = node.kind === 'map' ? await this.#named(node) : await this.#listed(node.items);
    const count = node.kind === 'map' ? node.entries.size : node.items.length;
    if (count === 0) this.#checker.problems.error(node, 'missing', 'allow names no sink');
    return allowed;
  }

  async #named(map: MapNode): Promise<Allowed> {
    const allowed: Allowed = new Map();
    for (const { key, keyStart, value: node } of map.entries.values()) {
      if (key === '') this.#checker.problems.error({ file: map.file, start: keyStart }, 'wrong-type', 'an empty name in allow');
      const branch = await this.#branch(node);
      if (branch) allowed.set(key, branch);
    }
    return allowed;
  }

  async #listed(items: readonly Node[]): Promise<Allowed> {
    const allowed: Allowed = new Map();
    for (const item of items) {
      const branch = await this.#branch(item);
      if (branch) this.#add(allowed, branch, item);
    }
    return allowed;
  }

  #add(allowed: Allowed, branch: BranchModel, at: Spot): void {
    const { problems } = this.#checker;
    if (branch.sink.kind !== 'one' || branch.steps.length > 0) {
      problems.error(at, rule, 'only a single sink without steps has a name of its own', mapForm);
      return;
    }
    const name = ownName(branch.sink.end);
    if (allowed.has(name)) problems.error(at, rule, `two sinks of allow have the name "${name}"`, mapForm);
    else allowed.set(name, branch);
  }
}

function ownName({ connectionName, connector }: EndModel): string {
  return connectionName ?? connector.name;
}
