import type { Checker } from './check.ts';
import { deadDisk } from './dead-disk.ts';
import type { Ends } from './ends.ts';
import { expression } from './fields.ts';
import type { BranchModel, CaseModel, OneSink, SinkModel, StepModel } from './model.ts';
import type { MapNode, Node } from './node.ts';
import { Recipients } from './recipients.ts';

const whenField = expression('The case is taken for messages of which this is true. A list: all must hold.', {
  slot: 'boolean',
  listAll: true,
});

/** Checks a sink: one end, a list of sinks, a switch of cases with steps of their own, or sinks that a message is sent to by name. */
export class Sinks {
  readonly #checker: Checker;
  readonly #ends: Ends;
  readonly #steps: (node: Node) => Promise<StepModel[]>;
  readonly #recipients: Recipients;

  constructor(checker: Checker, ends: Ends, steps: (node: Node) => Promise<StepModel[]>) {
    this.#checker = checker;
    this.#ends = ends;
    this.#steps = steps;
    this.#recipients = new Recipients(checker, (node) => this.#branch(node));
  }

  async sink(node: Node): Promise<SinkModel | undefined> {
    if (node.kind === 'list') return this.#all(node.items, node);
    if (node.kind === 'map' && node.entries.size === 1 && node.entries.has('switch'))
      return this.#switch(node.entries.get('switch')!.value, node);
    if (node.kind === 'map' && node.entries.has('oneOf')) return this.#recipients.sink(node);
    return this.one(node);
  }

  async one(node: Node): Promise<OneSink | undefined> {
    const end = await this.#ends.end(node, 'sink');
    return end && { kind: 'one', end };
  }

  /** A single end, or the disk. */
  async dead(node: Node): Promise<OneSink | undefined> {
    const end = await this.#ends.end(node, 'sink', deadDisk);
    return end && { kind: 'one', end };
  }

  async #all(items: readonly Node[], at: Node): Promise<SinkModel | undefined> {
    if (items.length === 0) this.#checker.problems.error(at, 'missing', 'a list of no sinks', 'name one: `sink: [ print ]`');
    const sinks: SinkModel[] = [];
    for (const item of items) {
      const sink = await this.sink(item);
      if (sink) sinks.push(sink);
    }
    return sinks.length === 1 ? sinks[0] : { kind: 'all', sinks };
  }

  async #switch(node: Node, at: Node): Promise<SinkModel | undefined> {
    const { problems } = this.#checker;
    if (node.kind === 'broken') return undefined;
    if (node.kind !== 'list' || node.items.length === 0) {
      const hint = 'write each as an item: `- { when: …, sink: … }`, and last `- otherwise: { sink: … }`';
      if (node.kind === 'list') problems.error(node, 'switch', 'a switch without cases', hint);
      else this.#checker.wrongType(node, 'a list of cases', hint);
      return undefined;
    }
    const cases: CaseModel[] = [];
    for (const [index, item] of node.items.entries()) {
      const known = ['when', 'steps', 'sink', 'otherwise'];
      const map = this.#checker.map(item, { name: 'a case', known, hint: 'write `- { when: …, sink: … }`, or `- otherwise: { sink: … }`' });
      if (!map) continue;
      const last = index === node.items.length - 1;
      const one = map.entries.has('otherwise') ? await this.#otherwise(map, last) : await this.#case(map);
      if (one) cases.push(one);
    }
    return { kind: 'switch', cases, at: at.file.place(at.start) };
  }

  async #otherwise(map: MapNode, last: boolean): Promise<CaseModel | undefined> {
    const { problems } = this.#checker;
    const { keyStart, value } = map.entries.get('otherwise')!;
    const at = { file: map.file, start: keyStart };
    if (!last) problems.error(at, 'switch', '`otherwise` takes all that is left, so it must be the last case', 'move it to the end');
    if (map.entries.size > 1) {
      problems.error(at, 'switch', '`otherwise` stands alone in its case', 'write `otherwise: { steps: […], sink: … }`');
      return undefined;
    }
    const inner = this.#checker.map(value, { name: '`otherwise`', known: ['steps', 'sink'], hint: 'write `otherwise: { sink: … }`' });
    return inner && this.#body(inner);
  }

  async #case(map: MapNode): Promise<CaseModel | undefined> {
    const when = map.entries.get('when');
    if (!when && !this.#checker.means(map, 'when'))
      this.#checker.problems.error(map, 'missing', 'when is missing', 'the case for all the rest is `otherwise: { sink: … }`');
    const compiled = when && (this.#checker.value(when.value, whenField, 'when') as CaseModel['when']);
    const body = await this.#body(map);
    return body && compiled && { ...body, when: compiled, whenText: compiled.text };
  }

  /** A sink, or `{ steps: …, sink: … }`. */
  async #branch(node: Node): Promise<BranchModel | undefined> {
    if (node.kind === 'map' && (node.entries.has('sink') || node.entries.has('steps'))) {
      const map = this.#checker.map(node, { name: 'an entry of `allow`', known: ['steps', 'sink'] });
      return map && this.#body(map);
    }
    const sink = await this.sink(node);
    return sink && { steps: [], sink, at: node.file.place(node.start) };
  }

  async #body(map: MapNode): Promise<BranchModel | undefined> {
    const steps = map.entries.get('steps');
    const sinkNode = map.entries.get('sink')?.value;
    if (!sinkNode && !this.#checker.means(map, 'sink'))
      this.#checker.problems.error(map, 'missing', 'the case has no sink', 'write `sink: …` into it');
    const { about } = this.#checker.compiler;
    const checkedSteps = steps ? await this.#steps(steps.value) : [];
    const sink = sinkNode && (await this.sink(sinkNode));
    this.#checker.compiler.about = about; // what the steps of one case make, the next does not see
    return sink && { steps: checkedSteps, sink, at: map.file.place(map.start) };
  }
}
