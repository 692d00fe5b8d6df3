import { type Command, InvalidArgumentError } from 'commander';
import { choiceOf } from './arguments.ts';

const formats = ['text', 'json'] as const;

export interface EvalOptions {
  readonly json?: string;
  readonly text?: string;
  readonly body?: string;
  readonly message?: string;
  readonly header: readonly Pair[];
  readonly origin: readonly Pair[];
  readonly key?: string;
  readonly schema?: string;
  readonly condition?: true;
  readonly format: (typeof formats)[number];
}

/** Of `name=value`. */
type Pair = readonly [name: string, value: string];

export function addEval(program: Command): void {
  program
    .command('eval')
    .description('What an expression, or a text with ${{ }} in it, is for a sample message. No config, no broker.')
    .argument('<expression>', 'as it stands in `filter`, `when`, or between ${{ and }}; in single quotes for the shell')
    .option('--json <text>', 'the body, as JSON')
    .option('--text <text>', 'the body, as text')
    .option('--body <file>', 'the body, from a file; `-`: standard input')
    .option('--message <file>', 'the whole message, from a YAML or JSON file, as `given` has it in a test file')
    .option('--header <name=value>', 'a header; any number of them', pairs, [])
    .option('--origin <name=value>', 'what the source broker says of it: topic, routingKey ...; any number', pairs, [])
    .option('--key <text>', 'the key')
    .option('--schema <file>', "JSON Schema of the body: misspelled names are found, as by a route's `bodySchema`")
    .option('--condition', 'it must be true or false, as in `filter` and `when`')
    .option('--format <format>', 'text: the value as JSON; json: its type too', choiceOf(formats), 'text')
    .addHelpText('after', examples)
    .action(async (expression: string, options: EvalOptions) => (await import('./eval/evaluate.ts')).evaluate(expression, options));
}

function pairs(text: string, before: readonly Pair[]): readonly Pair[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write name=value.');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

const examples = `
Examples:
  mqferry eval 'body.total > 100' --json '{"total": 120}' --condition
  mqferry eval 'orders.\${{ body.region.lowerAscii() }}' --json '{"region": "EU"}'
  mqferry eval 'sum(body.items.map(i, i.price * i.count))' --body order.json
  mqferry eval 'header["x-trace"] != "" && origin.topic.startsWith("eu.")' --header x-trace=7 --origin topic=eu.orders
  mqferry eval 'body.custmer' --body order.json --schema order.schema.json
  mqferry eval 'type == "order"' --message sample.yaml`;
