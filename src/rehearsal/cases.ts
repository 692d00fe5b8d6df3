/** The tests of a file, checked for what fields alone cannot: that names lead somewhere, and that something is expected. */
import type { Place } from '../config/model.ts';
import { didYouMean } from '../config/nearest.ts';
import type { Node } from '../config/node.ts';
import type { Problems } from '../config/problems.ts';
import { describeError } from '../errors.ts';
import type { CompiledRoute } from '../route/compile.ts';
import { parseTarget } from '../steps/target.ts';
import { type CaseValues, claims, type FileValues } from './fields.ts';
import { bodyKeys, givenMessage, propertiesOf } from './messages.ts';
import { allNames, type EndNames, findEnd, sinkNames } from './names.ts';
import { inside, type Path, spotOf } from './spots.ts';

export interface TestCase extends CaseValues {
  readonly at: Place;
  readonly routeName: string;
  /** When it begins; milliseconds since the epoch. */
  readonly startMs: number;
}

const defaultStart = '2026-01-01T00:00:00Z';

/** Milliseconds since the epoch; the field has seen to the form. */
function timeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

export class Cases {
  readonly #routes: readonly CompiledRoute[];
  readonly #values: FileValues;
  readonly #problems: Problems;
  readonly #names = new Set<string>();

  constructor(routes: readonly CompiledRoute[], values: FileValues, problems: Problems) {
    this.#routes = routes;
    this.#values = values;
    this.#problems = problems;
  }

  all(root: Node): TestCase[] {
    const list = inside(root, 'tests') as Node;
    if (this.#values.tests.length === 0) this.#problems.error(list, 'no-tests', 'there is no test in this list');
    return this.#values.tests.flatMap((values, i) => this.#case(values, inside(list, i) as Node) ?? []);
  }

  #case(values: CaseValues, node: Node): TestCase | undefined {
    if (this.#names.has(values.name)) this.#wrong(node, ['name'], 'duplicate-name', `there are two tests named "${values.name}"`);
    this.#names.add(values.name);
    const expected = inside(node, 'expect');
    const claimed = expected?.kind === 'map' ? [...expected.entries.keys()] : [];
    if (!claims.some((claim) => claimed.includes(claim)))
      this.#problems.error(
        expected ?? node,
        'no-expectation',
        `the test "${values.name}" expects nothing`,
        `write one of ${claims.join(', ')} below \`expect\``,
      );
    if (values.expect.reason !== undefined && values.expect.outcome !== 'stopped')
      this.#wrong(node, ['expect', 'reason'], 'contradiction', 'a route that has not stopped has no reason', 'write `outcome: stopped`');
    this.#messages(values, node);
    const route = this.#route(values, node);
    if (route) this.#ends(values, route, node);
    const startMs = this.#start(values, node);
    return route && { ...values, routeName: route.name, startMs, at: node.file.place(node.start) };
  }

  #start({ now }: CaseValues, node: Node): number {
    const startMs = timeOf(now ?? this.#values.now ?? defaultStart);
    if (Number.isNaN(startMs)) this.#wrong(node, now === undefined ? [] : ['now'], 'wrong-type', 'there is no such time');
    return startMs;
  }

  #route({ route: name }: CaseValues, node: Node): CompiledRoute | undefined {
    const names = this.#routes.map((route) => route.name);
    if (name === undefined && names.length === 1) return this.#routes[0];
    if (name === undefined) this.#problems.error(node, 'missing', 'route is missing', `the config has several: ${names.join(', ')}`);
    else if (!names.includes(name)) {
      const hint = didYouMean(name, names) ?? `there are: ${names.join(', ')}`;
      this.#wrong(node, ['route'], 'unknown-route', `there is no route "${name}"`, hint);
    }
    return this.#routes.find((route) => route.name === name);
  }

  #messages({ given, expect }: CaseValues, node: Node): void {
    for (const [i, message] of given.entries()) {
      this.#body(message, node, ['given', i]);
      this.#valued(node, ['given', i], () => givenMessage(message));
      for (const [name, value] of Object.entries(message.origin))
        if (typeof value === 'object' && value !== null)
          this.#wrong(node, ['given', i, 'origin', name], 'wrong-type', `${name} must be a single value`);
    }
    const all = [
      ...Object.entries(expect.sinks).map(([name, list]) => [['sinks', name], list] as const),
      [['deadLetters'], expect.deadLetters] as const,
    ];
    for (const [path, list] of all)
      for (const [i, message] of list.entries()) {
        const at = ['expect', ...path, i];
        this.#body(message, node, at);
        this.#valued(node, at, () => propertiesOf(message));
        for (const one of message.without) this.#valued(node, [...at, 'without'], () => parseTarget(one));
      }
  }

  #body(message: Parameters<typeof bodyKeys>[0] & { readonly contains?: unknown }, node: Node, at: Path): void {
    const keys = [...bodyKeys(message), ...(message.contains === undefined ? [] : ['contains'])];
    if (keys.length > 1)
      this.#wrong(
        node,
        [...at, keys[1] as string],
        'one-of',
        `a message has one body, and here are ${keys.join(' and ')}`,
        'keep one of them',
      );
  }

  #ends({ expect, faults }: CaseValues, { sinks, deadLetters }: CompiledRoute, node: Node): void {
    const bySink = sinkNames(sinks);
    this.#named(Object.keys(expect.sinks), bySink, node, ['expect', 'sinks']);
    for (const name of expect.ignore) findEnd(name, bySink, 'sink', spotOf(node, ['expect', 'ignore']), this.#problems);
    const everywhere = allNames(sinks, deadLetters);
    this.#named(Object.keys(faults), everywhere, node, ['faults']);
    for (const [name, list] of Object.entries(faults)) {
      for (const [i, { answer, downFor }] of list.entries())
        if (downFor > 0 && answer !== 'hangUp' && answer !== 'loseConfirm')
          this.#wrong(
            node,
            ['faults', name, i, 'downFor'],
            'contradiction',
            'a link that is not lost is not down',
            'downFor is for hangUp and loseConfirm',
          );
    }
    const byLetter = sinkNames(deadLetters);
    if (expect.deadLetters.length > 0 && deadLetters.length === 0)
      this.#wrong(
        node,
        ['expect', 'deadLetters'],
        'no-dead-letter',
        'the route has no dead-letter destination',
        'a message that fails stops it: `outcome: stopped`',
      );
    else
      for (const [i, { at }] of expect.deadLetters.entries())
        if (at !== undefined)
          findEnd(at, byLetter, 'dead-letter destination', spotOf(node, ['expect', 'deadLetters', i, 'at']), this.#problems);
  }

  /** Each name leads to a sink, and no two to the same. */
  #named(names: readonly string[], ends: EndNames, node: Node, path: Path): void {
    const seen = new Map<number, string>();
    for (const name of names) {
      const index = findEnd(name, ends, 'sink', spotOf(node, [...path, name]), this.#problems);
      if (index === undefined) continue;
      const before = seen.get(index);
      if (before !== undefined) this.#wrong(node, [...path, name], 'duplicate-name', `"${name}" and "${before}" are the same sink`);
      seen.set(index, name);
    }
  }

  #wrong(node: Node, path: Path, rule: string, message: string, hint?: string): void {
    this.#problems.error(spotOf(node, path), rule, message, hint);
  }

  /** Undefined, and reported, when it throws. */
  #valued<T>(node: Node, path: Path, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.#wrong(node, path, 'wrong-type', describeError(error));
      return undefined;
    }
  }
}
