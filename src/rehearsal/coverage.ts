import type { BranchModel, CaseModel, Place, RouteModel, SinkModel, StepModel } from '../config/model.ts';
import type { Message } from '../message.ts';
import type { CompiledRoute } from '../route/compile.ts';
import type { Watch } from '../route/steps.ts';

type Recipients = Extract<SinkModel, { kind: 'oneOf' }>;

/** A part of a route that a message can come to. */
export interface Part {
  readonly kind: 'step' | 'branch' | 'end';
  readonly label: string;
  readonly route: string;
  readonly at: Place;
  /** Messages that came to it. */
  hits: number;
}

/** Which steps, branches of a switch or a oneOf, sinks and dead-letter destinations messages have come to, over all tests. */
export class Coverage {
  readonly #parts = new Map<string, Part>();

  /** In the order of the config. */
  get parts(): readonly Part[] {
    const place = ({ at }: Part) => [at.file, at.line, at.col] as const;
    return [...this.#parts.values()].sort((a, b) => {
      const [fileA, lineA, colA] = place(a);
      const [fileB, lineB, colB] = place(b);
      return fileA === fileB ? lineA - lineB || colA - colB : fileA < fileB ? -1 : 1;
    });
  }

  /** Of all parts; 100 when there is none. */
  get percent(): number {
    const { parts } = this;
    return parts.length === 0 ? 100 : (parts.filter(({ hits }) => hits > 0).length / parts.length) * 100;
  }

  /** All parts of a route under test, whether or not anything will come to them. */
  expect({ name, model, sinks, deadLetters, taps }: CompiledRoute): void {
    for (const step of model.steps) this.#part(name, 'step', stepLabel(step), step.at);
    this.#expectIn(name, model.sink);
    for (const end of [...sinks, ...deadLetters, ...taps]) this.#part(name, 'end', end.name, end.model.at);
  }

  arrived(route: string, label: string, at: Place, messages: number): void {
    this.#part(route, 'end', label, at).hits += messages;
  }

  /** Counts what comes to each step. */
  watch(route: string): Watch {
    return (model, step) => {
      const part = this.#part(route, 'step', stepLabel(model), model.at);
      const count = (messages: readonly Message[]) => {
        part.hits += messages.length;
        return messages;
      };
      if (typeof step === 'function') return (messages, aside) => step(count(messages), aside);
      return { pass: (messages, aside, signal) => step.pass(count(messages), aside, signal) };
    };
  }

  /** The route with conditions that count for what they hold. */
  watched(model: RouteModel): RouteModel {
    return { ...model, sink: this.#watchedSink(model.name, model.sink) };
  }

  #watchedSink(route: string, sink: SinkModel): SinkModel {
    if (sink.kind === 'one') return sink;
    if (sink.kind === 'all') return { ...sink, sinks: sink.sinks.map((one) => this.#watchedSink(route, one)) };
    if (sink.kind === 'oneOf') return this.#watchedRecipients(route, sink);
    return { ...sink, cases: sink.cases.map((one) => this.#watchedCase(route, one)) };
  }

  #watchedRecipients(route: string, { pick, allow, ...rest }: Recipients): SinkModel {
    const parts = new Map<unknown, Part>([...allow].map(([name, { at }]) => [name, this.#part(route, 'branch', nameLabel(name), at)]));
    const counted = (message: Message) => {
      const found = pick(message);
      for (const name of new Set(Array.isArray(found) ? found : [found])) {
        const part = parts.get(name);
        if (part) part.hits++;
      }
      return found;
    };
    const inside = [...allow].map(([name, one]) => [name, { ...one, sink: this.#watchedSink(route, one.sink) }] as const);
    return { ...rest, pick: Object.assign(counted, { text: pick.text }), allow: new Map(inside) };
  }

  #watchedCase(route: string, one: CaseModel): CaseModel {
    const part = this.#part(route, 'branch', caseLabel(one), one.at);
    const { when, whenText = 'true' } = one;
    const counted: CaseModel['when'] = Object.assign(
      (message: Parameters<NonNullable<CaseModel['when']>>[0]) => {
        const holds = when === undefined ? true : when(message);
        if (holds === true) part.hits++;
        return holds;
      },
      { text: whenText },
    );
    return { ...one, when: counted, sink: this.#watchedSink(route, one.sink) };
  }

  #expectIn(route: string, sink: SinkModel): void {
    if (sink.kind === 'all') for (const one of sink.sinks) this.#expectIn(route, one);
    if (sink.kind === 'switch') for (const one of sink.cases) this.#expectBranch(route, caseLabel(one), one);
    if (sink.kind === 'oneOf') for (const [name, one] of sink.allow) this.#expectBranch(route, nameLabel(name), one);
  }

  #expectBranch(route: string, label: string, { at, steps, sink }: BranchModel): void {
    this.#part(route, 'branch', label, at);
    for (const step of steps) this.#part(route, 'step', stepLabel(step), step.at);
    this.#expectIn(route, sink);
  }

  #part(route: string, kind: Part['kind'], label: string, at: Place): Part {
    const key = `${kind} ${at.file}:${at.line}:${at.col}`;
    const known = this.#parts.get(key) ?? { kind, label, route, at, hits: 0 };
    this.#parts.set(key, known);
    return known;
  }
}

function stepLabel({ name }: StepModel): string {
  return `step ${name}`;
}

function nameLabel(name: string): string {
  return `branch ${name}`;
}

function caseLabel({ when, whenText }: CaseModel): string {
  return when === undefined ? 'branch otherwise' : `branch when ${whenText ?? 'it holds'}`;
}
