/** The ends that a route names, made by their connectors. */
import type { EndModel } from '../config/model.ts';
import type { EndContext, SinkEnd, SourceEnd } from '../connector.ts';
import { BadSetting, MqferryError } from '../errors.ts';
import type { Fault } from './fault.ts';
import type { CompiledTap, TapModel } from './taps.ts';

/** A sink of a compiled route. */
export interface CompiledSink {
  readonly name: string;
  readonly model: EndModel;
  readonly end: SinkEnd;
}

/** The ends of a route that its connectors will not have, such as those with keys that exclude each other. */
export class BadEnds extends Error {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super(faults.map(({ message }) => message).join('; '));
    this.faults = faults;
  }
}

export interface Ends {
  readonly source: { readonly name: string; readonly model: EndModel; readonly end: SourceEnd };
  readonly sinks: readonly CompiledSink[];
  /** In the order of the entries of `onError`. */
  readonly deadLetters: readonly CompiledSink[];
  readonly taps: readonly CompiledTap[];
}

/** Makes all ends of a route; `context` is that of an end by its name: `source`, `sink`, `sink2` ... Throws {@link BadEnds} of all that cannot be. */
export function makeEnds(
  source: EndModel,
  sinks: readonly EndModel[],
  dead: readonly EndModel[],
  tapSteps: readonly TapModel[],
  context: (end: string) => EndContext,
): Ends {
  const faults: Fault[] = [];
  const attempt = <T>(model: EndModel, make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof MqferryError) || error.code !== 'CONFIG_INVALID') throw error;
      faults.push(faultOf(model, error));
      return undefined;
    }
  };
  const end = attempt(source, () => makeSource(source, context('source')));
  const madeSinks = sinks.map((sink, i) =>
    attempt(sink, () => makeSink(sink, sinkName(sinks, i), context(i === 0 ? 'sink' : `sink${i + 1}`))),
  );
  const madeDead = dead.map((sink, i) =>
    attempt(sink, () => makeSink(sink, deadName(dead, i), context(i === 0 ? 'dead' : `dead${i + 1}`))),
  );
  const tapped = tapSteps.map(({ sink }) => sink.end);
  const madeTaps = tapSteps.map((step, i) => {
    const name = tapName(tapped, i);
    const made = attempt(step.sink.end, () => makeSink(step.sink.end, name, context(i === 0 ? 'tap' : `tap${i + 1}`)));
    return made && { step, ...made };
  });
  if (end === undefined || faults.length > 0) throw new BadEnds(faults);
  const made = <T>(one: T | undefined): T[] => (one ? [one] : []);
  return {
    source: { name: `source ${nameOf(source)}`, model: source, end },
    sinks: madeSinks.flatMap(made),
    deadLetters: madeDead.flatMap(made),
    taps: madeTaps.flatMap(made),
  };
}

export function makeSource({ connector, config }: EndModel, context: EndContext): SourceEnd {
  const { source } = connector;
  if (!source) throw new Error(`${connector.name} passed the check as a source and is none`);
  return source.create(config as Parameters<typeof source.create>[0], context);
}

function makeSink(model: EndModel, name: string, context: EndContext): CompiledSink {
  const { sink } = model.connector;
  if (!sink) throw new Error(`${model.connector.name} passed the check as a sink and is none`);
  return { name, model, end: sink.create(model.config as Parameters<typeof sink.create>[0], context) };
}

function faultOf({ at, places }: EndModel, error: MqferryError): Fault {
  const key = error instanceof BadSetting ? String(error.key) : '';
  return { at: places.get(key) ?? at, rule: 'bad-end', message: error.message };
}

/** `rabbitmq shop`: the connector, and the connection when it has a name. */
export function nameOf({ connector, connectionName }: EndModel): string {
  return connectionName === undefined ? connector.name : `${connector.name} ${connectionName}`;
}

function deadName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `dead letter ${name}` : `dead letter ${index + 1} ${name}`;
}

function tapName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `tap ${name}` : `tap ${index + 1} ${name}`;
}

function sinkName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `sink ${name}` : `sink ${index + 1} ${name}`;
}
