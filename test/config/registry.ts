import { expression, mapping, type Template, value } from '../../src/config/fields.ts';
import { type ConfigInputs, type Loaded, loadConfig } from '../../src/config/load.ts';
import type { Compile, ConfigModel, EndModel, Registry } from '../../src/config/model.ts';
import {
  anything,
  defineConnector,
  duration,
  type Field,
  group,
  list,
  map,
  oneOf,
  secret,
  size,
  template,
  text,
  whole,
  yesNo,
} from '../../src/connector.ts';

const never = () => {
  throw new Error('never opened by these tests');
};

const rabbitmq = defineConnector({
  name: 'rabbitmq',
  summary: 'RabbitMQ, for tests of the config.',
  connection: {
    url: list('Addresses.', text('One.'), { default: ['amqp://localhost'] }),
    user: text('Login.', { optional: true }),
    password: secret('Its password.', { optional: true }),
    heartbeat: duration('Between signs of life.', { default: 10_000 }),
  },
  source: {
    fields: {
      queue: text('Which queue.'),
      prefetch: whole('Unacked at once.', { default: 256, min: 1, max: 65_535 }),
      declare: yesNo('Make the queue.', { default: false }),
      arguments: anything('Of the queue.', { optional: true }),
    },
    create: never,
  },
  sink: {
    fields: {
      queue: template('The queue.', { optional: true }),
      exchange: text('Its exchange.', { default: '' }),
      routingKey: template('Its routing key.', { default: 'all' }),
      headers: map('More headers.', template('One.'), { optional: true }),
    },
    create: never,
  },
});

const kafka = defineConnector({
  name: 'kafka',
  summary: 'Kafka, for tests of the config.',
  connection: {
    brokers: list('Where to start.', text('host:port'), { example: 'localhost:9092' }),
    sasl: group('Login.', {
      mechanism: oneOf('How.', ['plain', 'scram'], { default: 'plain' }),
      password: secret('Of it.', { optional: true }),
    }),
  },
  source: {
    fields: { topics: list('Which.', text('One.')), ports: list('Numbers.', whole('One.'), { optional: true }) },
    create: never,
  },
  sink: {
    fields: {
      topic: template('Which.'),
      maxBytes: size('Of one write.', { default: 1024 }),
      qos: oneOf('Level.', [0, 1, 2], { default: 1 }),
    },
    create: never,
  },
});

const print = defineConnector({
  name: 'print',
  summary: 'To the screen.',
  sink: { fields: { color: yesNo('With colour.', { default: true }) }, create: never },
});

/** Stand-ins: they know nothing of expressions but `SYNTAX`, at whose place they fail. */
const compile: Compile = {
  template(given) {
    fail(given);
    const compiled = (() => given) as Template;
    return given.includes('${{') ? compiled : Object.assign(compiled, { constant: given });
  },
  expression(given, slot) {
    fail(given);
    return () => (slot === 'boolean' ? !given.includes('false') : given);
  },
  value(given) {
    fail(given);
    return () => given;
  },
};

function fail(given: string): void {
  const offset = given.indexOf('SYNTAX');
  if (offset !== -1) throw Object.assign(new Error(`nobody understands ${given}`), { offset });
}

const steps: Registry['steps'] = {
  filter: { name: 'filter', summary: 'Keeps.', value: expression('What to keep.', { slot: 'boolean', listAll: true }) as Field<unknown> },
  set: { name: 'set', summary: 'Sets.', value: map('Targets.', value('To what.')) as Field<unknown> },
  map: { name: 'map', summary: 'Maps.', value: mapping('To what.') as Field<unknown> },
  drop: { name: 'drop', summary: 'Drops.', value: undefined },
  tap: {
    name: 'tap',
    summary: 'Copies.',
    hasSink: true,
    value: group('Its queue.', {
      maxMessages: whole('Most.', { default: 7, min: 1 }),
      maxBytes: size('Bytes.', { default: 1024 }),
    }) as Field<unknown>,
  },
  log: { name: 'log', summary: 'Logs.', value: template('What.') as Field<unknown> },
};

export const loadedConnectors: string[] = [];

function lazily<T extends { name: string }>(connector: T): () => Promise<T> {
  return async () => {
    loadedConnectors.push(connector.name);
    return connector;
  };
}

export const registry: Registry = {
  connectors: { rabbitmq: lazily(rabbitmq), kafka: lazily(kafka), print: lazily(print) },
  steps,
  compile,
};

export function load(text: string, env: Record<string, string> = {}): Promise<Loaded> {
  return loadInputs({ texts: [{ name: 'mqferry.yaml', text }] }, env);
}

export function loadInputs(inputs: ConfigInputs, env: Record<string, string> = {}): Promise<Loaded> {
  return loadConfig(inputs, registry, env);
}

/** The model of a config that must be right. */
export async function model(text: string, env: Record<string, string> = {}): Promise<ConfigModel> {
  const { model: found, problems } = await load(text, env);
  if (!found) throw new Error(problems.map((one) => `${one.line}:${one.col} ${one.rule}: ${one.message}`).join('\n'));
  return found;
}

/** A route from RabbitMQ to the screen with these lines in it, e.g. its steps. */
export function routeWith(lines: string): string {
  return `routes:\n  orders:\n    source: { rabbitmq: { queue: orders } }\n    sink: print\n${lines.replace(/^(?=.)/gm, '    ')}\n`;
}

/** The config of the source of a route whose RabbitMQ source has these lines. */
export async function source(lines: string, env: Record<string, string> = {}): Promise<EndModel> {
  const text = `routes:\n  orders:\n    sink: print\n    source:\n      rabbitmq:\n${lines.replace(/^(?=.)/gm, '        ')}\n`;
  return (await model(text, env)).routes[0]!.source;
}

/** Problems as `line:col rule`. */
export async function rules(text: string, env: Record<string, string> = {}): Promise<string[]> {
  return (await load(text, env)).problems.map(({ line, col, rule }) => `${line}:${col} ${rule}`);
}
