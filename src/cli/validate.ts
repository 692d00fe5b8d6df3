import type { Command } from 'commander';
import { type ProblemFormat, problemFormats } from '../config/diagnostics.ts';
import { oneLine } from '../route/explain.ts';
import { choiceOf } from './arguments.ts';
import { allowScripts, loadRoutes } from './load.ts';
import { say } from './say.ts';

export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('Check the config, offline: every problem at once, and one line a route.')
    .argument('[paths...]', 'files, folders or globs (default: routes)')
    .option('--format <format>', `how problems are printed: ${problemFormats.join(', ')}`, choiceOf(problemFormats), 'text')
    .option(...allowScripts)
    .addHelpText('after', '\nExample:\n  mqferry validate routes/ --format github')
    .action(async (paths: string[], options: { format: ProblemFormat; allowScripts?: boolean }) => {
      const routes = await loadRoutes(paths, options);
      if (options.format === 'json') await say('[]\n');
      else await say(`${routes.map((route) => `${route.name}: ${oneLine(route)}`).join('\n')}\n`);
    });
}
