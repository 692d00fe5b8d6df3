import type { Field, Fields } from './fields.ts';
import type { BranchModel, ConfigModel, EndModel, ErrorRuleModel, RouteModel, SinkModel, StepModel } from './model.ts';
import { redactUrl, scrub } from './redact.ts';

/** What JSON can hold. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** The config in force, defaults filled in, as plain data that may be shown: no secret is in it, wherever it was written. */
export function describeConfig(model: ConfigModel): Plain {
  const { secrets } = model;
  return {
    connections: Object.fromEntries(
      model.connections.map(({ name, connector, config }) => [
        name,
        { [connector.name]: describeFields(config, connector.connection, secrets) },
      ]),
    ),
    routes: Object.fromEntries(model.routes.map((route) => [route.name, describeRoute(route, secrets)])),
  };
}

/** One route as {@link describeConfig} shows it. */
export function describeRoute(route: RouteModel, secrets: ReadonlySet<string>): Plain {
  const { guarantee, order, maxHops, mqfId, expressions, bodySchema, quarantine, window, source, steps, buffer, sink, onError } = route;
  const { kind, at: _at, ...limits } = buffer ?? { kind: undefined, at: undefined };
  return withoutUndefined({
    guarantee,
    order,
    maxHops,
    mqfId,
    expressions: { ...expressions },
    bodySchema,
    quarantine: show(quarantine ?? { after: 0 }, secrets),
    window: { ...window },
    source: describeEnd(source, 'source', secrets),
    steps: steps.map((step) => describeStep(step, secrets)),
    buffer: kind && { [kind]: show(limits, secrets) },
    sink: describeSink(sink, secrets),
    onError: onError.length === 1 ? describeRule(onError[0]!, secrets) : onError.map((rule) => describeRule(rule, secrets)),
  });
}

// biome-ignore-start lint/suspicious/noThenProperty: the key that users write; it is never a function.
type ShownRule = Omit<ErrorRuleModel, 'retry'> & { readonly retry: ErrorRuleModel['retry'] | undefined };

function describeRule({ when, retry, deadLetter, then }: ShownRule, secrets: ReadonlySet<string>): Plain {
  return withoutUndefined({
    when: when && show(when, secrets),
    retry: retry && show(retry, secrets),
    deadLetter: deadLetter && describeSink(deadLetter, secrets),
    then,
  });
}
// biome-ignore-end lint/suspicious/noThenProperty: as above

type Values = Readonly<Record<string, unknown>>;

function describeEnd(end: EndModel, side: 'source' | 'sink', secrets: ReadonlySet<string>): Plain {
  const { connection, ...own } = end.config;
  const { connector, connectionName, trusted, onUnmappable, breaker } = end;
  const shown = describeFields(own, connector[side]?.fields, secrets);
  const settings = connection === undefined ? undefined : describeFields(connection as Values, connector.connection, secrets);
  return { [connector.name]: withoutUndefined({ connection: connectionName ?? settings, ...shown, trusted, onUnmappable, breaker }) };
}

function describeSink(sink: SinkModel, secrets: ReadonlySet<string>): Plain {
  if (sink.kind === 'one') return describeEnd(sink.end, 'sink', secrets);
  if (sink.kind === 'all') return sink.sinks.map((one) => describeSink(one, secrets));
  if (sink.kind === 'oneOf') {
    const allow = [...sink.allow].map(([name, branch]) => [name, describeBranch(branch, secrets)] as const);
    return { oneOf: show(sink.pick, secrets), allow: Object.fromEntries(allow) };
  }
  const cases = sink.cases.map(({ whenText, ...branch }) => {
    const rest = describeBranch(branch, secrets);
    return whenText === undefined ? { otherwise: rest } : { when: scrub(whenText, secrets), ...rest };
  });
  return { switch: cases };
}

function describeBranch({ steps, sink }: BranchModel, secrets: ReadonlySet<string>): { readonly [key: string]: Plain } {
  const shownSteps = steps.length > 0 ? { steps: steps.map((step) => describeStep(step, secrets)) } : {};
  return { ...shownSteps, sink: describeSink(sink, secrets) };
}

function describeStep({ name, value, sink, onError }: StepModel, secrets: ReadonlySet<string>): Plain {
  if (sink) return { [name]: { sink: describeSink(sink, secrets), ...(show(value, secrets) as object) } };
  if (onError)
    return { [name]: show(value ?? null, secrets), onError: onError.map((rule) => describeRule({ ...rule, retry: undefined }, secrets)) };
  return value === undefined ? name : { [name]: show(value, secrets) };
}

function describeFields(
  values: Readonly<Record<string, unknown>>,
  fields: Fields | undefined,
  secrets: ReadonlySet<string>,
): Record<string, Plain> {
  const shown: [string, Plain][] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) shown.push([name, describeField(value, fields?.[name], secrets)]);
  }
  return Object.fromEntries(shown);
}

function describeField(value: unknown, field: Field<unknown> | undefined, secrets: ReadonlySet<string>): Plain {
  if (field?.options.secret) return '***';
  const kind = field?.kind;
  if (kind?.kind === 'group') return describeFields(value as Values, kind.fields, secrets);
  if (kind?.kind === 'list') return (value as readonly unknown[]).map((item) => describeField(item, kind.of, secrets));
  if (kind?.kind === 'map') {
    return Object.fromEntries(Object.entries(value as Values).map(([key, item]) => [key, describeField(item, kind.of, secrets)]));
  }
  return show(value, secrets);
}

function show(value: unknown, secrets: ReadonlySet<string>): Plain {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return redactUrl(scrub(value, secrets));
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function') return scrub(textOf(value), secrets);
  if (Array.isArray(value)) return value.map((item) => show(item, secrets));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, show(item, secrets)]));
  if (typeof value !== 'object') return String(value);
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, show(item, secrets)]])));
}

/** What a compiled slot was compiled from. */
function textOf(compiled: object): string {
  const { text, constant } = compiled as { text?: string; constant?: unknown };
  return redactUrl(text ?? (constant === undefined ? '${{ … }}' : String(constant)));
}

function withoutUndefined(shape: Readonly<Record<string, Plain | undefined>>): Plain {
  return Object.fromEntries(Object.entries(shape).filter((entry): entry is [string, Plain] => entry[1] !== undefined));
}
