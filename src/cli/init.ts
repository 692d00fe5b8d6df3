import type { Command } from 'commander';
import { type FieldRow, fieldRows } from '../config/docs.ts';
import type { AnyConnector, Fields } from '../connector.ts';
import { compileRoutes, registryOf } from '../index.ts';
import { Leave } from './exit-codes.ts';
import { say } from './say.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description('Print a commented route for a pair of connectors, ready to be edited.')
    .argument('<source>', 'connector to read from')
    .argument('<sink>', 'connector to write to')
    .addHelpText('after', '\nExample:\n  mqferry init rabbitmq kafka > routes/orders.yaml')
    .action(async (source: string, sink: string) => {
      await say(await starterRoute(source, sink));
    });
}

/** A route from one connector to another that is valid as it stands, with a comment for each field that is not rarely needed. */
export async function starterRoute(sourceName: string, sinkName: string): Promise<string> {
  const source = await load(sourceName);
  const sink = await load(sinkName);
  if (!source.source) throw new Leave('usage', `${sourceName} cannot be a source`);
  if (!sink.sink) throw new Leave('usage', `${sinkName} cannot be a sink`);
  const text = render(source, sink, '');
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'init', text }] } });
  if (routes[0]?.label.delivery !== 'at-least-once' || problems.some((problem) => problem.severity === 'error')) return text;
  return render(
    source,
    sink,
    '    # Refuse to start when the route cannot keep this; `mqferry explain` says why.\n    guarantee: at-least-once\n',
  );
}

async function load(name: string): Promise<AnyConnector> {
  const { connectors } = registryOf();
  const connector = await connectors[name]?.();
  if (connector) return connector;
  throw new Leave('usage', `there is no connector ${name}; there are ${Object.keys(connectors).join(', ')}`);
}

function render(source: AnyConnector, sink: AnyConnector, guarantee: string): string {
  const isOne = source.name === sink.name;
  const connections = [connectionText(source, 'from', isOne ? 'FROM_' : ''), connectionText(sink, 'to', isOne ? 'TO_' : '')].join('');
  return `# ${source.name} to ${sink.name}. What is commented out shows the default, or is optional.
# Then: mqferry validate FILE, mqferry check FILE, mqferry run FILE
${connections === '' ? '' : `connections:\n${connections}\n`}routes:
  ${source.name}-to-${sink.name}:
${guarantee}    source:
${endText(source, 'source', 'from')}
    # Each step sees what the one before made of the message; \`mqferry list steps\` shows them.
    #steps:
    #  - filter: body.total >= 100
    #  - set:
    #      header.region: eu
    #      key: '\${{ body.customerId }}'
    #  - map: { id: body.orderId, total: body.total }

    # With a buffer the source is settled once a message is synced to disk here; without it, when the sink has confirmed.
    #buffer: { disk: { maxBytes: 1GiB } }

    sink:
${endText(sink, 'sink', 'to')}
    onError:
      retry: { attempts: 5, backoff: 1s..30s }
      # A message that has failed for good stops the route, unless it has somewhere to go.
      #deadLetter: ${deadLetterText(source, sink)}
`;
}

function deadLetterText(source: AnyConnector, sink: AnyConnector): string {
  const [connector, connection] = source.sink && source.connection ? [source, 'from'] : [sink, 'to'];
  const own = starters[connector.name]?.sink;
  if (!own) return 'disk';
  const settings: Record<string, string> = { ...(connector.connection && { connection }), ...own };
  const parts = Object.entries(settings).map(([name, value]) => `${name}: ${value.replace(/^orders$|^\/queue\/orders$/, '$&.dead')}`);
  return `{ ${connector.name}: { ${parts.join(', ')} } }`;
}

function connectionText(connector: AnyConnector, name: string, prefix: string): string {
  if (!connector.connection) return '';
  const starter = starters[connector.name]?.connection ?? {};
  const values = Object.fromEntries(Object.entries(starter).map(([key, value]) => [key, value.replace('${', `\${${prefix}`)]));
  return `  ${name}:\n    ${connector.name}:\n${fieldsText(connector.connection, values, 6)}`;
}

function endText(connector: AnyConnector, side: 'source' | 'sink', connection: string): string {
  const fields: Fields = connector[side]?.fields ?? {};
  const values = starters[connector.name]?.[side] ?? {};
  const link = connector.connection ? `        connection: ${connection}\n` : '';
  const isBare = link === '' && !fieldRows(fields).some((row) => isWritten(row, values));
  return isBare ? `      ${connector.name}\n` : `      ${connector.name}:\n${link}${fieldsText(fields, values, 8)}`;
}

/** The fields one below the other: those that a route needs as they are, the others commented out. */
function fieldsText(fields: Fields, values: Readonly<Record<string, string>>, indent: number): string {
  const rows = fieldRows(fields).filter((row) => !row.advanced && !row.name.includes('.'));
  rows.sort((a, b) => Number(isWritten(b, values)) - Number(isWritten(a, values)));
  return rows.map((row) => fieldText(row, values, ' '.repeat(indent))).join('');
}

function fieldText(row: FieldRow, values: Readonly<Record<string, string>>, margin: string): string {
  const value = values[row.name] ?? defaultOf(row) ?? exampleOf(row);
  const hash = isWritten(row, values) ? '' : '#';
  return `${wrap(row.doc, `${margin}# `)}${margin}${hash}${row.name}:${value === '' ? '' : ` ${value}`}\n`;
}

function isWritten(row: FieldRow, values: Readonly<Record<string, string>>): boolean {
  return row.required || row.name in values;
}

function defaultOf({ type, default: value }: FieldRow): string | undefined {
  return value !== undefined && type.startsWith('text') ? quoted(value) : value;
}

function exampleOf({ example }: FieldRow): string {
  if (example === undefined) return '';
  return typeof example === 'string' ? quoted(example) : JSON.stringify(example);
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

function wrap(text: string, margin: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && margin.length + line.length + word.length >= 120) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((one) => `${margin}${one}\n`).join('');
}

type Starter = Readonly<Record<'connection' | 'source' | 'sink', Readonly<Record<string, string>>>>;

/** What to write for the fields without which a route says nothing. A connector that is not here gets its required fields, by example. */
const starters: Readonly<Record<string, Partial<Starter>>> = {
  rabbitmq: {
    connection: { url: "'${RABBITMQ_URL:-amqp://localhost}'" },
    source: { queue: 'orders' },
    sink: { queue: 'orders' },
  },
  kafka: {
    connection: { brokers: "'${KAFKA_BROKERS:-localhost:9092}'" },
    source: { groupId: 'mqferry', topics: '[orders]' },
    sink: { topic: 'orders' },
  },
  mqtt: {
    connection: { url: "'${MQTT_URL:-mqtt://localhost:1883}'" },
    source: { topics: "['orders/#']" },
    sink: { topic: 'orders' },
  },
  stomp: {
    connection: { url: "'${STOMP_URL:-stomp://localhost:61613}'" },
    source: { destination: '/queue/orders' },
    sink: { destination: '/queue/orders' },
  },
  generate: { source: { interval: '1s', body: '\'{"orderId": ${{ origin.sequence }}, "total": 120}\'' } },
  print: { sink: { format: 'json' } },
  local: { source: { queue: 'orders' }, sink: { queue: 'orders' } },
};
