import type { AnyConnector } from '../connector.ts';
import { deadDisk } from './dead-disk.ts';
import { stepRuleFields, whenFailedField } from './error-rules.ts';
import type { Field, FieldKind, Fields } from './fields.ts';
import { bufferDocs, bufferFields, endFields, namePattern, onErrorFields, routeFields, windowFields } from './layout.ts';
import type { StepSpecKind } from './model.ts';
import { allowDoc, oneOfField } from './recipients.ts';

/** A JSON Schema, draft-07: the newest that every editor reads. */
export type Schema = { readonly [keyword: string]: unknown };

/**
 * The schema of a config file, for editors: completion, descriptions, misspelled keys. Every scalar also takes a `${…}`, of which an editor
 * cannot know the value; so it accepts a little more than {@link loadConfig} does, and never less.
 */
export function configSchema(connectors: readonly AnyConnector[], steps: readonly StepSpecKind[]): Schema {
  const names = { pattern: namePattern.source };
  const withConnection = connectors.filter((one) => one.connection);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'mqferry config',
    type: 'object',
    additionalProperties: false,
    properties: {
      connections: {
        description: 'Addresses with their credentials, by name. Each end of a route opens its own link.',
        type: 'object',
        propertyNames: names,
        additionalProperties: choice(
          withConnection.map((one) => [one.name, { description: one.summary, ...ref(`connection.${one.name}`) }]),
          [],
        ),
      },
      routes: {
        description: 'Where messages come from, what happens to them, and where they go; by name.',
        type: 'object',
        propertyNames: names,
        additionalProperties: ref('route'),
      },
    },
    definitions: {
      ...shared,
      route: route(),
      errorRule: errorRule(),
      ...ofConnectors([...connectors, deadDisk]),
      ...ofSteps(steps),
      ...ofSinks(connectors),
    },
  };
}

/** The schema of a file that has these fields. */
export function schemaOf(title: string, fields: Fields): Schema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...object(fields) };
}

const reference = { type: 'string', pattern: '\\$\\{' };
const scalar = { type: ['string', 'number', 'boolean'] };

const shared: Schema = {
  mapping: {
    description: 'An expression, or a map or list whose leaves are expressions.',
    anyOf: [
      { type: ['string', 'number', 'boolean', 'null'] },
      { type: 'array', items: ref('mapping') },
      { type: 'object', additionalProperties: ref('mapping') },
    ],
  },
};

function ref(name: string): Schema {
  return { $ref: `#/definitions/${name}` };
}

/** A one-key map, or for `words` the bare word. */
function choice(options: readonly (readonly [name: string, schema: Schema])[], words: readonly string[]): Schema {
  const map = { type: 'object', properties: Object.fromEntries(options), additionalProperties: false, minProperties: 1, maxProperties: 1 };
  return words.length > 0 ? { anyOf: [{ enum: words }, map] } : map;
}

function object(fields: Fields, more: Readonly<Record<string, Schema>> = {}, alsoRequired: readonly string[] = []): Schema {
  const required = [...alsoRequired, ...Object.keys(fields).filter((name) => isRequired(fields[name]!))];
  const properties = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)]));
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: { ...more, ...properties },
  };
}

/** Whether a config must write it: it has no default, nor has every field in its group. */
export function isRequired({ kind, options }: Field<unknown>): boolean {
  if (options.optional || options.default !== undefined) return false;
  return kind.kind !== 'group' || Object.values(kind.fields).some(isRequired);
}

function fieldSchema({ doc, kind, options }: Field<unknown>): Schema {
  const shown = options.default !== undefined && ['string', 'number', 'boolean'].includes(typeof options.default) && !options.secret;
  return {
    description: doc,
    ...(shown && { default: options.default }),
    ...(options.example !== undefined && { examples: [options.example] }),
    ...kindSchema(kind),
  };
}

const kindSchemas: { readonly [K in FieldKind['kind']]: (kind: Extract<FieldKind, { kind: K }>) => Schema } = {
  text: ({ pattern }) =>
    pattern ? { anyOf: [{ type: 'string', pattern: pattern.source }, reference, { type: ['number', 'boolean'] }] } : scalar,
  file: () => scalar,
  template: () => scalar,
  expression: ({ listAll }) => (listAll ? { anyOf: [scalar, { type: 'array', items: scalar, minItems: 1 }] } : scalar),
  value: () => ({ type: ['string', 'number', 'boolean', 'null'] }),
  mapping: () => ref('mapping'),
  whole: ({ min, max }) => ({
    anyOf: [{ type: 'integer', minimum: min, maximum: max }, { type: 'string', pattern: '^-?[0-9]+$' }, reference],
  }),
  yesNo: () => ({ anyOf: [{ type: 'boolean' }, { enum: ['true', 'false'] }, reference] }),
  oneOf: ({ values }) => ({ anyOf: [{ enum: [...new Set([...values, ...values.map(String)])] }, reference] }),
  size: () => ({
    anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)? ?([kKMGT]i?)?B?$' }, reference],
  }),
  duration: () => ({ anyOf: [{ const: 0 }, { type: 'string', pattern: '^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+)$' }, reference] }),
  durationRange: () => ({ anyOf: [{ type: 'string', pattern: '^[0-9.]+(ms|s|m|h|d)' }, reference] }),
  rate: () => ({ anyOf: [{ type: 'string', pattern: '^[0-9]+ ?/ ?(s|min|h|d)$' }, reference] }),
  list: ({ of }) => ({ anyOf: [{ type: 'array', items: fieldSchema(of) }, scalar] }),
  map: ({ of }) => ({ type: 'object', additionalProperties: fieldSchema(of) }),
  group: ({ fields }) => object(fields),
  any: () => ({}),
};

function kindSchema(kind: FieldKind): Schema {
  return (kindSchemas[kind.kind] as (kind: FieldKind) => Schema)(kind);
}

function route(): Schema {
  const { messages } = windowFields;
  const more = {
    source: ref('source'),
    steps: ref('steps'),
    buffer: {
      description: 'Holds messages between source and sink. Absent: the source is acked when the sink has confirmed.',
      ...choice(
        Object.entries(bufferFields).map(([name, fields]) => [name, { description: bufferDocs[name as 'disk'], ...object(fields) }]),
        Object.keys(bufferFields),
      ),
    },
    sink: ref('sink'),
    onError: {
      description: 'What becomes of messages that a step or the sink does not take. A list: the first entry that holds.',
      anyOf: [ref('errorRule'), { type: 'array', minItems: 1, items: ref('errorRule') }],
    },
    window: { description: 'How much may be read and not yet settled.', anyOf: [fieldSchema(messages), object(windowFields)] },
  };
  return object(routeFields, more, ['source', 'sink']);
}

function errorRule(): Schema {
  const rule = object({ when: whenFailedField, ...onErrorFields }, { deadLetter: ref('deadLetter') });
  return { ...rule, not: { required: ['deadLetter', 'then'] } };
}

function ofConnectors(connectors: readonly AnyConnector[]): Schema {
  const found: Record<string, Schema> = {};
  for (const { name, connection, source, sink } of connectors) {
    if (connection) found[`connection.${name}`] = object(connection as Fields);
    if (source) found[`source.${name}`] = end(name, connection, source.fields as Fields, endFields.source);
    if (sink) found[`sink.${name}`] = end(name, connection, sink.fields as Fields, endFields.sink);
  }
  return found;
}

function end(name: string, connection: Fields | undefined, fields: Fields, ours: Fields): Schema {
  if (!connection) return object({ ...fields, ...ours });
  const description = 'The name of an entry of `connections:`, or its settings in place.';
  const link = { description, anyOf: [{ type: 'string' }, ref(`connection.${name}`)] };
  return object({ ...fields, ...ours }, { connection: link }, Object.values(connection).some(isRequired) ? ['connection'] : []);
}

function ofSteps(steps: readonly StepSpecKind[]): Schema {
  const words = steps.filter(({ value, hasSink }) => !hasSink && (!value || !isRequired(value))).map(({ name }) => name);
  const withValue = steps.flatMap(({ name, summary, value, hasSink }) =>
    value ? [[name, { ...(hasSink ? sinkAnd(value) : fieldSchema(value)), description: summary }] as const] : [],
  );
  const entry = {
    ...object(stepRuleFields, { deadLetter: ref('deadLetter') }),
    oneOf: [{ required: ['deadLetter'] }, { required: ['then'] }],
  };
  const onError = {
    description: 'What becomes of messages that this step cannot do; of what no entry takes, the onError of the route says it.',
    anyOf: [entry, { type: 'array', minItems: 1, items: entry }],
  };
  const step = {
    type: 'object',
    properties: { ...Object.fromEntries(withValue), onError },
    additionalProperties: false,
    minProperties: 1,
    anyOf: [
      { maxProperties: 1, not: { required: ['onError'] } },
      { minProperties: 2, maxProperties: 2, required: ['onError'] },
    ],
  };
  const items = words.length > 0 ? { anyOf: [{ enum: words }, step] } : step;
  return { steps: { description: 'What happens to each message, in order.', type: 'array', items } };
}

function sinkAnd({ kind }: Field<unknown>): Schema {
  const { fields } = kind as Extract<FieldKind, { kind: 'group' }>;
  return { anyOf: [ref('oneSink'), object(fields, { sink: ref('oneSink') }, ['sink'])] };
}

function ofSinks(connectors: readonly AnyConnector[]): Schema {
  const when = {
    description: 'Taken for messages of which this is true. A list: all must hold.',
    ...kindSchemas.expression({ kind: 'expression', slot: 'boolean', listAll: true }),
  };
  const body = { steps: ref('steps'), sink: ref('sink') };
  const shape = { type: 'object', additionalProperties: false };
  const otherwise = { ...shape, required: ['otherwise'], properties: { otherwise: { ...shape, required: ['sink'], properties: body } } };
  const one = { ...shape, required: ['when', 'sink'], properties: { when, ...body } };
  const cases = {
    description: 'The first case that holds takes the message.',
    type: 'array',
    minItems: 1,
    items: { anyOf: [one, otherwise] },
  };
  const branch = { anyOf: [ref('sink'), { ...shape, required: ['sink'], properties: body }] };
  const allow = {
    description: allowDoc,
    anyOf: [
      { type: 'object', minProperties: 1, additionalProperties: branch },
      { type: 'array', minItems: 1, items: ref('oneSink') },
    ],
  };
  const recipients = { ...shape, required: ['oneOf', 'allow'], properties: { oneOf: fieldSchema(oneOfField), allow } };
  const sinks = connectors.filter(({ sink }) => sink);
  const oneSink = choice(
    sinks.map((each) => [each.name, linked('sink', each)]),
    wordsOf(sinks, 'sink'),
  );
  const several = { type: 'array', minItems: 1, items: ref('sink') };
  const sources = connectors.filter(({ source }) => source);
  return {
    source: {
      description: 'Where messages come from.',
      ...choice(
        sources.map((each) => [each.name, linked('source', each)]),
        wordsOf(sources, 'source'),
      ),
    },
    oneSink,
    deadLetter: { description: 'A sink, or `disk`.', anyOf: [ref('oneSink'), choice([['disk', linked('sink', deadDisk)]], ['disk'])] },
    sink: {
      description: 'Where messages go. A list: all must confirm.',
      anyOf: [ref('oneSink'), several, choice([['switch', cases]], []), recipients],
    },
  };
}

function linked(side: 'source' | 'sink', { name, summary }: AnyConnector): Schema {
  return { description: summary, allOf: [ref(`${side}.${name}`)] };
}

/** Those that need nothing written behind them. */
function wordsOf(connectors: readonly AnyConnector[], side: 'source' | 'sink'): string[] {
  const needsNothing = (fields: Fields | undefined): boolean => !Object.values(fields ?? {}).some(isRequired);
  return connectors.filter((one) => needsNothing(one.connection) && needsNothing(one[side]?.fields)).map(({ name }) => name);
}
