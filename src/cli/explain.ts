import type { Command } from 'commander';
import { explain } from '../route/explain.ts';
import { Leave } from './exit-codes.ts';
import { allowScripts, type LoadOptions, loadRoutes } from './load.ts';
import { say } from './say.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('What happens to a message of a route, what is promised, and why not more. Offline.')
    .argument('<route>', 'name of the route, or `all`')
    .argument('[paths...]', 'files, folders or globs (default: routes)')
    .option(...allowScripts)
    .addHelpText('after', '\nExample:\n  mqferry explain orders routes/')
    .action(async (name: string, paths: string[], options: LoadOptions) => {
      const routes = await loadRoutes(paths, options);
      const chosen = name === 'all' ? routes : routes.filter((route) => route.name === name);
      if (chosen.length === 0)
        throw new Leave('usage', `there is no route ${name}; there are ${routes.map((route) => route.name).join(', ')}`);
      await say(`${chosen.map(explain).join('\n\n')}\n`);
    });
}
