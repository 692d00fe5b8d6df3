import type { Checker } from './check.ts';
import { Ends } from './ends.ts';
import { ErrorRules } from './error-rules.ts';
import type { Field, FieldKind, Fields, Infer } from './fields.ts';
import { followBody, withoutBody } from './follow-body.ts';
import { bufferFields, routeFields, windowFields } from './layout.ts';
import type { About, BufferModel, Registry, RouteModel, StepModel, StepSpecKind } from './model.ts';
import { didYouMean } from './nearest.ts';
import { type Node, placesOf } from './node.ts';
import type { Spot } from './problems.ts';
import { type Choice, choiceOf, refuseEmpty } from './shapes.ts';
import { Sinks } from './sinks.ts';

type GroupKind = Extract<FieldKind, { kind: 'group' }>;
const buffers = { what: 'a buffer (disk or memory)', names: Object.keys(bufferFields), several: 'keep one of them' };
const stepItems = 'write each step as an item of its own: `- name: …`';

const ownKeys = ['source', 'steps', 'buffer', 'sink', 'onError', 'window'];

/** Checks the entries of `routes:`. */
export class Routes {
  readonly ends: Ends;
  readonly #checker: Checker;
  readonly #steps: Registry['steps'];
  readonly #sinks: Sinks;
  readonly #errorRules: ErrorRules;

  constructor(checker: Checker, registry: Registry) {
    this.#checker = checker;
    this.#steps = registry.steps;
    this.ends = new Ends(checker, registry.connectors);
    this.#sinks = new Sinks(checker, this.ends, (node) => this.steps(node));
    this.#errorRules = new ErrorRules(checker, this.#sinks);
  }

  async route(name: string, node: Node, at: Spot): Promise<RouteModel | undefined> {
    const hint = 'write its `source:` and `sink:` below it, indented';
    const map = this.#checker.map(node, { name: `the route "${name}"`, hint });
    if (!map) return undefined;
    const part = (key: string): Node | undefined => map.entries.get(key)?.value;
    const own = this.#checker.fields(node, routeFields, at, { besides: ownKeys }) as Infer<typeof routeFields>;
    const { expressions } = own;
    const { compiler } = this.#checker;
    const about = this.#about(own, part('bodySchema') ?? at);
    compiler.about = about;
    for (const key of ['source', 'sink']) {
      if (!part(key) && !this.#checker.means(map, key))
        this.#checker.problems.error(at, 'missing', `the route "${name}" has no ${key}`, `write \`${key}: { a-connector: … }\` into it`);
    }
    const source = part('source') && (await this.ends.end(part('source')!, 'source'));
    const steps = part('steps') ? await this.steps(part('steps')!) : [];
    const buffer = part('buffer') && this.#buffer(part('buffer')!);
    const sink = part('sink') && (await this.#sinks.sink(part('sink')!));
    compiler.about = buffer ? withoutBody(about) : about; // of the message as it entered the pump
    const onError = await this.#errorRules.rules(part('onError'), at);
    const window = this.#window(part('window'), at);
    if (!source || !sink) return undefined;
    return {
      name,
      at: at.file.place(at.start),
      ...(own.guarantee && { guarantee: own.guarantee }),
      ...(own.order && { order: own.order }),
      places: placesOf(map),
      maxHops: own.maxHops,
      mqfId: own.mqfId,
      expressions,
      ...(own.bodySchema !== undefined && { bodySchema: own.bodySchema }),
      ...(own.quarantine.after > 0 && { quarantine: { after: own.quarantine.after, withinMs: own.quarantine.within } }),
      window,
      source,
      steps,
      ...(buffer && { buffer }),
      sink,
      onError,
    };
  }

  async steps(node: Node): Promise<StepModel[]> {
    if (node.kind === 'broken') return [];
    if (node.kind !== 'list') {
      const isDash = node.kind === 'scalar' && node.text.startsWith('-');
      const hint = isDash ? 'write a blank behind the `-`' : 'write each as an item: `- name: …`';
      this.#checker.wrongType(node, 'a list of steps', hint);
      return [];
    }
    const steps: StepModel[] = [];
    for (const item of node.items) {
      const { step, onError } = partsOf(item);
      const model = await this.#step(step);
      const rules = onError && (await this.#ofStep(onError));
      if (model?.sink && onError)
        this.#checker.problems.error(onError, 'on-error', `a ${model.name} never fails, so its onError is never asked`, 'leave it out');
      if (model) steps.push(rules ? { ...model, onError: rules } : model);
    }
    return steps;
  }

  /** Of the message as it entered the pump, of which no more is known here. */
  async #ofStep(node: Node): Promise<StepModel['onError']> {
    const { compiler } = this.#checker;
    const { about } = compiler;
    compiler.about = withoutBody(about);
    const rules = await this.#errorRules.ofStep(node);
    compiler.about = about;
    return rules;
  }

  async #step(node: Node): Promise<StepModel | undefined> {
    const { problems } = this.#checker;
    const names = Object.keys(this.#steps);
    const choice = choiceOf(node, { what: 'a step', names, several: stepItems }, problems);
    if (!choice) return undefined;
    const kind = Object.hasOwn(this.#steps, choice.name) ? this.#steps[choice.name] : undefined;
    const at = choice.file.place(choice.start);
    if (!kind) {
      const isSink = choice.name === 'switch' || choice.name === 'oneOf';
      const other = isSink ? `\`${choice.name}\` is a kind of sink` : (notSteps[choice.name] ?? didYouMean(choice.name, names));
      const hint = other ?? '`mqferry list steps` names them all';
      problems.error(choice, 'unknown-step', `there is no step "${choice.name}"`, hint);
      return undefined;
    }
    if (kind.hasSink) return this.#tap(kind.name, (kind.value as Field<unknown>).kind as GroupKind, choice);
    if (!kind.value) {
      if (choice.value) problems.error(choice.value, 'wrong-type', `${kind.name} takes no value`, `write the bare word \`${kind.name}\``);
      followBody(this.#checker, kind, undefined, choice);
      return { name: kind.name, value: undefined, at };
    }
    const speaks = kind.value.kind.kind === 'expression' || kind.value.kind.kind === 'mapping';
    if (!speaks && refuseEmpty(choice, problems)) return undefined;
    const errorsBefore = problems.errors;
    const value = choice.value
      ? this.#checker.value(choice.value, kind.value, kind.name)
      : this.#checker.absent(kind.value, kind.name, choice);
    if (problems.errors === errorsBefore) this.#checkStep(kind, value, choice);
    followBody(this.#checker, kind, problems.errors === errorsBefore ? value : undefined, choice);
    return { name: kind.name, value, at };
  }

  /** A step whose value is a sink, or a map of `sink` and its own fields. */
  async #tap(name: string, { fields }: GroupKind, choice: Choice): Promise<StepModel | undefined> {
    const { problems } = this.#checker;
    const { value } = choice;
    const isMap = value?.kind === 'map' && ['sink', ...Object.keys(fields)].some((key) => value.entries.has(key));
    const sinkNode = isMap ? value.entries.get('sink')?.value : value;
    if (!sinkNode) problems.error(value ?? choice, 'missing', `${name} has no sink`, `e.g. ${name}: print`);
    const own = this.#checker.fields(isMap ? value : undefined, fields, choice, { besides: ['sink'], name });
    const sink = sinkNode && (await this.#sinks.one(sinkNode));
    return sink && { name, value: own, sink, at: choice.file.place(choice.start) };
  }

  /** What expressions of this route may take for granted. */
  #about({ expressions, bodySchema }: Infer<typeof routeFields>, at: Spot): About {
    const { compiler } = this.#checker;
    const body = bodySchema === undefined ? undefined : compiler.bodySchema(bodySchema, at);
    return { ...(expressions && { limits: { steps: expressions.maxSteps, made: expressions.maxText } }), ...(body && { body }) };
  }

  #checkStep(kind: StepSpecKind, value: unknown, choice: Choice): void {
    try {
      kind.check?.(value);
    } catch (error) {
      const { message, key } = error as { message: string; key?: unknown };
      this.#checker.problems.error(spotOf(choice.value, key) ?? choice, 'bad-step', message);
    }
  }

  #buffer(node: Node): BufferModel | undefined {
    const choice = choiceOf(node, buffers, this.#checker.problems);
    if (!choice || refuseEmpty(choice, this.#checker.problems)) return undefined;
    const at = choice.file.place(choice.start);
    if (choice.name === 'disk') {
      const { every, maxMessages, ...rest } = this.#group(choice.value, bufferFields.disk, choice, 'disk');
      this.#assertRoom(rest.maxBytes, choice);
      return { kind: 'disk', ...rest, ...(maxMessages !== undefined && { maxMessages }), everyMs: every, at };
    }
    if (choice.name === 'memory') return { kind: 'memory', ...this.#group(choice.value, bufferFields.memory, choice, 'memory'), at };
    const hint = didYouMean(choice.name, Object.keys(bufferFields)) ?? 'write disk or memory';
    this.#checker.problems.error(choice, 'unknown-buffer', `there is no buffer "${choice.name}"`, hint);
    return undefined;
  }

  /** Of less a buffer could not even keep a segment. */
  #assertRoom(maxBytes: number | undefined, { value, ...at }: Choice): void {
    if (maxBytes === undefined || maxBytes >= 2 ** 20) return;
    const spot = value?.kind === 'map' ? value.entries.get('maxBytes')?.value : undefined;
    this.#checker.problems.error(spot ?? at, 'buffer', 'maxBytes of a disk buffer is at least 1MiB');
  }

  #window(node: Node | undefined, at: Spot): RouteModel['window'] {
    if (node?.kind !== 'scalar') return this.#group(node, windowFields, at, 'window');
    const messages = this.#checker.value(node, windowFields.messages, 'window') as number;
    return { ...this.#group(undefined, windowFields, at, 'window'), messages };
  }

  #group<F extends Fields>(node: Node | undefined, fields: F, at: Spot, name: string): Infer<F> {
    return this.#checker.fields(node, fields, at, { name }) as Infer<F>;
  }
}

/** What is written in the place of a step by mistake. */
const notSteps: Readonly<Record<string, string>> = {
  switch: '`switch` is a kind of sink: write it as `sink: { switch: … }`',
  onError: 'it stands beside the name of a step, and there is none here',
  sink: 'the sink of a route stands beside `steps:`',
};

/** The place of a key, or of an item by its index, in the value of a step. */
function spotOf(value: Node | undefined, key: unknown): Spot | undefined {
  if (value?.kind === 'list' && typeof key === 'number') return value.items[key];
  const entry = value?.kind === 'map' && typeof key === 'string' ? value.entries.get(key) : undefined;
  return entry && { file: entry.value.file, start: entry.keyStart };
}

/** A step, and the `onError` that stands beside it. */
function partsOf(node: Node): { step: Node; onError: Node | undefined } {
  const onError = node.kind === 'map' && node.entries.size > 1 ? node.entries.get('onError')?.value : undefined;
  if (node.kind !== 'map' || !onError) return { step: node, onError: undefined };
  return { step: { ...node, entries: new Map([...node.entries].filter(([key]) => key !== 'onError')) }, onError };
}
