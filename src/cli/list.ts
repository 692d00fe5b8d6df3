import type { Command } from 'commander';
import { fieldRows } from '../config/docs.ts';
import { endFields } from '../config/layout.ts';
import type { AnyConnector, Field, Fields } from '../connector.ts';
import { registryOf } from '../index.ts';
import { stepKinds } from '../steps/index.ts';
import { choiceOf } from './arguments.ts';
import { Leave } from './exit-codes.ts';
import { say } from './say.ts';
import { table } from './table.ts';

const outputs = ['text', 'json'] as const;
type Output = (typeof outputs)[number];

/** `list` and `describe`: what a config may name. */
export function addList(program: Command): void {
  program
    .command('list')
    .description('The connectors and steps that a config may name.')
    .argument('[kind]', '`connectors` or `steps` (default: both)', choiceOf(['connectors', 'steps']))
    .addHelpText('after', '\nExample:\n  mqferry list connectors')
    .action(async (kind?: 'connectors' | 'steps') => {
      const parts: string[] = [];
      if (kind !== 'steps') parts.push(table([['connector', 'as', 'what it is'], ...(await connectorRows())]));
      if (kind !== 'connectors')
        parts.push(table([['step', 'what it does'], ...Object.values(stepKinds).map((step) => [step.name, step.summary])]));
      await say(`${parts.join('\n\n')}\n`);
    });
  program
    .command('describe')
    .description('The fields of a connector or a step.')
    .argument('<name>', 'a connector or a step')
    .option('-o, --output <format>', outputs.join(' or '), choiceOf(outputs), 'text')
    .addHelpText('after', '\nExamples:\n  mqferry describe rabbitmq\n  mqferry describe set -o json')
    .action(async (name: string, { output }: { output: Output }) => {
      const sections = await sectionsOf(name);
      await say(
        output === 'json'
          ? `${JSON.stringify(Object.fromEntries(sections.map(jsonOf)), null, 2)}\n`
          : `${sections.map(textOf).join('\n\n')}\n`,
      );
    });
}

interface Section {
  readonly title: string;
  readonly text: string;
  readonly fields: Fields;
}

async function connectorRows(): Promise<string[][]> {
  const connectors = await Promise.all(Object.values(registryOf().connectors).map((load) => load()));
  return connectors.map((one) => [one.name, [one.source && 'source', one.sink && 'sink'].filter(Boolean).join(', '), one.summary]);
}

async function sectionsOf(name: string): Promise<Section[]> {
  const { connectors } = registryOf();
  const load = connectors[name];
  const step = stepKinds[name];
  if (load) return connectorSections(await load());
  if (step) return [{ title: step.name, text: step.summary, fields: step.value ? { [step.name]: step.value as Field<unknown> } : {} }];
  throw new Leave('usage', `there is no connector or step ${name}; \`mqferry list\` shows what there is`);
}

function connectorSections({ name, summary, connection, source, sink }: AnyConnector): Section[] {
  const sections: Section[] = [];
  if (connection) sections.push({ title: `connections: <name>: ${name}`, text: summary, fields: connection });
  if (source)
    sections.push({ title: `source: ${name}`, text: connection ? '' : summary, fields: { ...source.fields, ...endFields.source } });
  if (sink) sections.push({ title: `sink: ${name}`, text: connection ? '' : summary, fields: { ...sink.fields, ...endFields.sink } });
  return sections;
}

function textOf({ title, text, fields }: Section): string {
  const rows = fieldRows(fields).map((row) => [row.name, row.type, row.required ? 'required' : (row.default ?? ''), row.doc]);
  const head = text === '' ? title : `${title}\n${text}`;
  return rows.length === 0 ? head : `${head}\n\n${table([['field', 'type', 'default', 'meaning'], ...rows])}`;
}

function jsonOf({ title, fields }: Section): [string, unknown] {
  return [title, fieldRows(fields)];
}
