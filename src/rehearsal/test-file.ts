/** A test file, read and checked as a config is: unknown keys, wrong types and what can never hold are problems with their place. */
import { dirname, isAbsolute, join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { Checker } from '../config/check.ts';
import { readOne } from '../config/files.ts';
import type { Compile, Problem, RouteModel } from '../config/model.ts';
import { Problems } from '../config/problems.ts';
import { parseFile } from '../config/yaml.ts';
import { compileRoutes } from '../index.ts';
import { Cases, type TestCase } from './cases.ts';
import { type FileValues, fileFields } from './fields.ts';
import { around } from './surroundings.ts';

/** A test file without a problem. */
export interface TestFile {
  readonly name: string;
  readonly cases: readonly TestCase[];
  /** All routes of the config under test; each call compiles them anew, so that no test leaves something to the next. */
  load(clock: Clock): Promise<readonly RouteModel[]>;
  /** What must not be printed. */
  readonly secrets: ReadonlySet<string>;
}

export interface ReadOptions {
  readonly compile: Compile;
  /** What a test file may fill in by `${NAME}`; the config under test gets only what the file gives it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly allowScripts: boolean;
}

/** Undefined when there are problems, in it or in the config under test: all of them are given. */
export async function readTestFile(
  name: string,
  options: ReadOptions,
): Promise<{ file: TestFile | undefined; problems: readonly Problem[] }> {
  const problems = new Problems();
  const source = readOne(name, problems);
  const root = source && parseFile(source, problems, { env: options.env, file: name, secrets: problems.secrets }).root;
  if (root?.kind === 'empty') problems.error(root, 'no-tests', 'there is no test in this file');
  if (!root || root.kind === 'empty') return { file: undefined, problems: problems.list() };
  const values = new Checker(options.compile, problems).fields(root, fileFields, root) as FileValues;
  if (problems.errors > 0) return { file: undefined, problems: problems.list() };

  const load = (clock: Clock = systemClock) => compileUnderTest(name, values, options.allowScripts, clock);
  const { routes, model, problems: found } = await load();
  const wrong = found.filter(({ severity }) => severity === 'error');
  if (wrong.length > 0) return { file: undefined, problems: wrong };
  const cases = new Cases(routes, values, problems).all(root);
  if (problems.errors > 0) return { file: undefined, problems: problems.list() };
  const secrets = new Set([...problems.secrets, ...(model?.secrets ?? [])]);
  return { file: { name, cases, secrets, load: async (clock) => (await load(clock)).model?.routes ?? [] }, problems: [] };
}

function compileUnderTest(name: string, { config, env, files }: FileValues, allowScripts: boolean, clock: Clock) {
  const inFolder = (path: string) => (isAbsolute(path) ? path : join(dirname(name), path));
  const paths = config?.map(inFolder) ?? [beside(name)];
  return compileRoutes({ routes: { paths }, env, files, allowScripts }, around({ allowScripts, clock }));
}

/** `orders.yaml` of `orders.test.yaml`. */
function beside(name: string): string {
  return name.replace(/\.test(\.ya?ml)$/, '$1');
}
