/**
 * Writes what is generated from the declared fields: the reference pages and the editor schema. With `--check` it writes nothing, and
 * exits 1 when a file is not what it would be.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectors } from '../connectors/index.ts';
import { generatedFiles } from '../src/config/docs.ts';
import type { AnyConnector } from '../src/connector.ts';
import { expressionReference } from '../src/expr/index.ts';
import { testReference, testSchema } from '../src/rehearsal/reference.ts';
import { stepKinds } from '../src/steps/index.ts';
import { faultsPage, securityPage } from '../test/faults/catalogue/pages.ts';
import { mutantsPage } from '../test/mutants/list.ts';
import { mapping } from './mapping.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');

const loaded: AnyConnector[] = [];
for (const load of Object.values(connectors)) {
  const connector = await load().catch(absent);
  if (connector) loaded.push(connector);
}
const files = generatedFiles(loaded, Object.values(stepKinds));
files.set('docs/reference/expressions.md', expressionReference());
files.set('docs/reference/tests.md', testReference());
files.set('mqferry-test.schema.json', `${JSON.stringify(testSchema(), null, 2)}\n`);
files.set('docs/reference/mapping.md', await mapping());
files.set('docs/faults.md', faultsPage());
files.set('docs/security.md', securityPage());
files.set('docs/mutants.md', mutantsPage());

const stale: string[] = [];
for (const [path, wanted] of files) {
  const full = join(root, path);
  if (existsSync(full) && readFileSync(full, 'utf8') === wanted) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, wanted);
}
const leftOver = readdirSync(join(root, 'docs/reference/connectors'), { withFileTypes: true })
  .map(({ name }) => `docs/reference/connectors/${name}`)
  .filter((path) => !files.has(path));

for (const path of stale) console.log(check ? `${path} is stale` : `wrote ${path}`);
for (const path of leftOver) console.log(`${path} belongs to no connector: delete it`);
if (check && stale.length > 0) console.log('run `npm run docs` and commit what it writes');
if ((check && stale.length > 0) || leftOver.length > 0) process.exitCode = 1;

/** Not written yet: the pages are those of what is there. */
function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.log(`left out: ${(error as Error).message}`);
  if (check) process.exitCode = 1;
}
