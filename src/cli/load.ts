import { type ProblemFormat, renderProblems } from '../config/diagnostics.ts';
import type { Problem } from '../config/model.ts';
import { type CompiledRoute, compileRoutes } from '../index.ts';
import { Leave } from './exit-codes.ts';
import { say } from './say.ts';

/** The option of every verb that reads routes. */
export const allowScripts = ['--allow-scripts', 'let js steps run code: whoever writes the config has the rights of this process'] as const;

export interface LoadOptions {
  readonly format?: ProblemFormat;
  readonly allowScripts?: boolean;
}

/** The routes of these files, for looking at; leaves with 78 and every problem when there is an error. Warnings go to stderr. */
export async function loadRoutes(paths: readonly string[], options: LoadOptions = {}): Promise<readonly CompiledRoute[]> {
  const { format = 'text', allowScripts = false } = options;
  const { routes, problems } = await compileRoutes({ routes: { paths: pathsOr(paths) }, env: process.env, allowScripts });
  await refuse(problems, format);
  return routes;
}

/** Without arguments: the folder `routes`, where there is one. */
export function pathsOr(paths: readonly string[]): readonly string[] {
  return paths.length > 0 ? paths : ['routes'];
}

async function refuse(problems: readonly Problem[], format: ProblemFormat = 'text'): Promise<void> {
  if (problems.length === 0) return;
  const text = renderProblems(problems, format);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (errors === 0) {
    process.stderr.write(`${text}\n`);
    return;
  }
  if (format !== 'text') await say(`${text}\n`);
  throw new Leave('config', format === 'text' ? `${text.trimEnd()}\n\n${count(errors, problems)}; nothing was started` : '');
}

function count(errors: number, problems: readonly Problem[]): string {
  if (problems.some(({ rule }) => rule === 'more')) return `more than ${errors - 1} errors`;
  return errors === 1 ? '1 error' : `${errors} errors`;
}
