/** The ends that a route names, made by their connectors. */
import type { EndModel, Problem } from '../config/model.ts';
import type { EndContext, SinkEnd, SourceEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';

/** A sink of a compiled route. */
export interface CompiledSink {
  readonly name: string;
  readonly model: EndModel;
  readonly end: SinkEnd;
}

export function makeSource(model: EndModel, context: EndContext): SourceEnd {
  const { source } = model.connector;
  if (!source) throw new Error(`${model.connector.name} passed the check as a source and is none`);
  return placed(model, () => source.create(model.config as Parameters<typeof source.create>[0], context));
}

export function makeSink(model: EndModel, name: string, context: EndContext): CompiledSink {
  const { sink } = model.connector;
  if (!sink) throw new Error(`${model.connector.name} passed the check as a sink and is none`);
  return { name, model, end: placed(model, () => sink.create(model.config as Parameters<typeof sink.create>[0], context)) };
}

/** What only a connector can say about its settings, such as keys that exclude each other, with its place in the file. */
export class BadEnd extends Error {
  readonly problem: Problem;
  constructor(model: EndModel, cause: MqferryError) {
    super(cause.message, { cause });
    this.problem = { ...model.at, rule: 'bad-end', message: cause.message, severity: 'error' };
  }
}

function placed<T>(model: EndModel, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof MqferryError && error.code === 'CONFIG_INVALID') throw new BadEnd(model, error);
    throw error;
  }
}

/** `rabbitmq shop`: the connector, and the connection when it has a name. */
export function nameOf({ connector, connectionName }: EndModel): string {
  return connectionName === undefined ? connector.name : `${connector.name} ${connectionName}`;
}

export function deadName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `dead letter ${name}` : `dead letter ${index + 1} ${name}`;
}

export function tapName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `tap ${name}` : `tap ${index + 1} ${name}`;
}

export function sinkName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `sink ${name}` : `sink ${index + 1} ${name}`;
}
