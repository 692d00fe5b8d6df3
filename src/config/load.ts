import { Checker } from './check.ts';
import { readFiles, sourceFile } from './files.ts';
import type { Surroundings } from './interpolate.ts';
import { nameHint, namePattern } from './layout.ts';
import type { ConfigModel, Place, Problem, Registry, RouteModel } from './model.ts';
import type { Entry } from './node.ts';
import { Problems, type Spot } from './problems.ts';
import { Routes } from './routes.ts';
import type { SourceFile } from './source-file.ts';
import { parseFile } from './yaml.ts';

export type { Registry } from './model.ts';

/** Files, folders and globs; or texts with the names to call them by. */
export type ConfigInputs =
  | { readonly paths: readonly string[] }
  | { readonly texts: readonly { readonly name: string; readonly text: string }[] };

export interface LoadOptions {
  /** Accept a config in which there are only connections. */
  readonly withoutRoutes?: boolean;
  /** What `${file:…}` reads, by the path as it is written, in place of any file. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Loaded {
  /** Only when there is no error. */
  readonly model?: ConfigModel;
  /** Every problem at once, by file and line. */
  readonly problems: readonly Problem[];
  /** The routes without an error, also when others have some: what is found out about them later shows at once, too. */
  readonly sound: readonly RouteModel[];
  /** A problem that is found later, at a place of these files, told like the others. */
  problemAt(place: Place, rule: string, message: string, hint?: string): Problem;
}

type Section = 'connections' | 'routes';

interface NamedEntry extends Spot {
  readonly entry: Entry;
}

interface Sections {
  readonly entries: Record<Section, Map<string, NamedEntry>>;
  /** Entries that are there but could not be parsed. */
  readonly broken: Record<Section, Set<string>>;
}

/** Reads, merges and checks a config. Opens no socket, and loads only the connectors that it names. */
export async function loadConfig(
  inputs: ConfigInputs,
  registry: Registry,
  env: Readonly<Record<string, string | undefined>>,
  options: LoadOptions = {},
): Promise<Loaded> {
  const problems = new Problems();
  const files =
    'paths' in inputs
      ? readFiles(inputs.paths, problems)
      : inputs.texts.flatMap(({ name, text }) => sourceFile(name, text, problems) ?? []);
  const checker = new Checker(registry.compile, problems);
  const sections = merge(files, checker, { env, ...(options.files && { files: options.files }) });
  const routes = new Routes(checker, registry);
  for (const name of sections.broken.connections) routes.ends.brokenConnection(name);
  for (const [name, { entry, ...at }] of sections.entries.connections) await routes.ends.connection(name, entry.value, at);
  const sound: RouteModel[] = [];
  for (const [name, { entry, ...at }] of sections.entries.routes) {
    const wrongsBefore = checker.wrongs;
    const route = await routes.route(name, entry.value, at);
    if (route && checker.wrongs === wrongsBefore) sound.push(route);
  }
  const empty = sections.entries.routes.size + sections.broken.routes.size === 0;
  if (empty && !options.withoutRoutes && problems.errors === 0) noRoutes(files, problems);
  const list = problems.list();
  const problemAt: Loaded['problemAt'] = (place, ...said) => problems.told(spotOf(place, files), ...said);
  if (problems.errors > 0) return { problems: list, sound, problemAt };
  const model = { connections: routes.ends.connections, routes: sound, secrets: problems.secrets };
  return { model, problems: list, sound, problemAt };
}

function spotOf({ file: name, line, col }: Place, files: readonly SourceFile[]): Spot {
  const file = files.find((one) => one.name === name)!;
  return { file, start: file.range(line)[0] + col - 1 };
}

function noRoutes([file]: readonly SourceFile[], problems: Problems): void {
  const hint = 'start with `routes:` and a name; `mqferry init` writes one for you';
  problems.fileError(file?.name ?? '(no input)', 'no-routes', 'there is no route in this config', hint);
}

function merge(files: readonly SourceFile[], checker: Checker, from: Pick<Surroundings, 'env' | 'files'>): Sections {
  const { problems } = checker;
  const sections: Sections = {
    entries: { connections: new Map(), routes: new Map() },
    broken: { connections: new Set(), routes: new Set() },
  };
  for (const file of files) {
    const { root, broken } = parseFile(file, problems, { ...from, file: file.name, secrets: problems.secrets });
    for (const { section, name } of broken) if (isSection(section)) sections.broken[section].add(name);
    if (!root || root.kind === 'empty' || root.kind === 'broken') continue;
    if (root.kind !== 'map') {
      problems.error(root, 'wrong-type', 'a config file starts with `routes:` or `connections:`', '`mqferry init` writes one for you');
      continue;
    }
    const top = checker.map(root, { name: 'the file', known: ['connections', 'routes'] });
    for (const [key, { value, keyStart }] of top?.entries ?? []) {
      const emptied = broken.some(({ section }) => section === key);
      if (!isSection(key) || value.kind === 'broken' || (value.kind === 'empty' && emptied)) continue;
      if (value.kind === 'map') for (const entry of value.entries.values()) add(sections.entries[key], entry, key, file, problems);
      else {
        const hint = `write names below it, indented: \`${key === 'routes' ? 'orders' : 'shop'}: …\``;
        problems.error({ file, start: keyStart }, value.kind === 'empty' ? 'null' : 'wrong-type', `${key} must be a map of names`, hint);
      }
    }
  }
  return sections;
}

function isSection(key: string): key is Section {
  return key === 'connections' || key === 'routes';
}

function add(into: Map<string, NamedEntry>, entry: Entry, section: Section, file: SourceFile, problems: Problems): void {
  const at = { file, start: entry.keyStart };
  const what = section === 'routes' ? 'route' : 'connection';
  if (!namePattern.test(entry.key)) {
    problems.error(at, 'bad-name', `"${entry.key.slice(0, 80)}" cannot be the name of a ${what}`, `a name is ${nameHint}`);
  }
  const before = into.get(entry.key);
  if (!before) {
    into.set(entry.key, { entry, ...at });
    return;
  }
  const { line, col } = before.file.place(before.start);
  const hint = 'give one of them another name';
  problems.error(at, 'duplicate-name', `the ${what} "${entry.key}" is already at ${before.file.name}:${line}:${col}`, hint);
}
