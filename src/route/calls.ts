/** Calls that routes have in common: `request` steps write them, one `reply` step answers them. */
import type { Calls, OpenCalls } from '../buffer/calls/calls.ts';
import { Shared } from '../buffer/shared.ts';
import type { OpenStage } from '../buffer/stage/stage.ts';
import type { RouteModel } from '../config/model.ts';
import { MqferryError } from '../errors.ts';
import { stepKinds } from '../steps/index.ts';
import type { Fault } from './fault.ts';

/** Those of a process, by name. */
export class CallLines {
  readonly #lines = new Map<string, CallLine>();

  /** Opens nothing. */
  of(name: string): CallLine {
    const line = this.#lines.get(name) ?? new CallLine(name);
    this.#lines.set(name, line);
    return line;
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) await line.close();
  }
}

/** The calls of one name. Whichever route starts first opens them. */
export class CallLine {
  readonly #name: string;
  readonly #shared = new Shared<OpenCalls>();
  #open: (() => Promise<OpenCalls>) | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Called by the route that answers them, when it is made. */
  provide(open: () => Promise<OpenCalls>): void {
    this.#open = open;
  }

  calls(): Promise<Calls> {
    return this.#get();
  }

  /** For the route that answers. */
  async stage(): Promise<OpenStage> {
    return (await this.#get()).stage.lent();
  }

  close(): Promise<void> {
    return this.#shared.close();
  }

  #get(): Promise<OpenCalls> {
    if (!this.#open) throw new MqferryError('CONFIG_INVALID', `no route has the step \`reply\` for the calls ${this.#name}`);
    return this.#shared.get(this.#open);
  }
}

/** Calls that nobody would answer, that two routes would answer, or that nobody makes. */
export function loneCalls(routes: readonly RouteModel[]): Fault[] {
  const ends = routes.flatMap(({ steps }) =>
    steps.flatMap(({ name, value, at }) => {
      const end = stepKinds[name]?.calls?.(value);
      return end ? [{ ...end, at }] : [];
    }),
  );
  return [...Map.groupBy(ends, ({ name }) => name)].flatMap(([name, all]) => {
    const [asking, answering] = [all.filter(({ role }) => role === 'asks'), all.filter(({ role }) => role === 'answers')];
    const [first, ...others] = answering;
    const fault = (end: { at: Fault['at'] }, message: string, hint: string): Fault => ({ at: end.at, rule: 'calls', message, hint });
    if (!first)
      return asking.map((end) =>
        fault(end, `nobody answers the calls ${name}`, `write \`- reply: { calls: ${name} }\` into the route that reads the replies`),
      );
    const { file, line, col } = first.at;
    if (asking.length === 0)
      return [
        fault(first, `nobody makes the calls ${name}`, `write \`- request: { calls: ${name} }\` into the route that carries the requests`),
      ];
    return others.map((end) =>
      fault(end, `the calls ${name} are answered by another step already`, `it is at ${file}:${line}:${col}; give these another name`),
    );
  });
}
