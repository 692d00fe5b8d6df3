import { type Command, InvalidArgumentError } from 'commander';
import { choiceOf } from './arguments.ts';
import { allowScripts } from './load.ts';

const formats = ['text', 'json'] as const;

export interface TestOptions {
  readonly only?: string;
  readonly junit?: string;
  readonly format: (typeof formats)[number];
  readonly coverageMin?: number;
  readonly allowScripts?: boolean;
}

export function addTest(program: Command): void {
  program
    .command('test')
    .description('Run the tests beside routes: messages in, what must arrive where. No broker, no network, no waiting.')
    .argument('[paths...]', 'test files, config files, folders (all below them) or globs (default: routes)')
    .option('--only <text>', 'only tests whose name has this in it')
    .option('--junit <file>', 'also write the results as JUnit XML')
    .option('--format <format>', formats.join(' or '), choiceOf(formats), 'text')
    .option('--coverage-min <percent>', 'fail when messages came to fewer of the steps, branches and ends', percentOf)
    .option(...allowScripts)
    .addHelpText('after', examples)
    .action(async (paths: string[], options: TestOptions) => (await import('./test/run.ts')).test(paths, options));
}

function percentOf(text: string): number {
  if (!/^\d{1,3}(?:\.\d+)?$/.test(text) || Number(text) > 100) throw new InvalidArgumentError('Write a number from 0 to 100.');
  return Number(text);
}

const examples = `
Examples:
  mqferry test                                  all *.test.yaml below routes/
  mqferry test routes/orders.yaml               routes/orders.test.yaml
  mqferry test routes/ --only dead --coverage-min 90
  mqferry test routes/ --junit results.xml

A test file, routes/orders.test.yaml:
  tests:
    - name: small orders are left out
      given:
        - json: { orderId: 1, total: 200 }
        - json: { orderId: 2, total: 20 }
      expect:
        sinks:
          kafka:
            - contains: { id: 1 }
        filtered: 1`;
