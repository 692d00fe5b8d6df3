import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const { dependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const work = mkdtempSync(join(tmpdir(), 'mqferry-package-'));
const elsewhere = join(work, 'elsewhere');
const installed = join(elsewhere, 'node_modules', 'mqferry');
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
let packed: string[] = [];

/** What `npm pack` makes of a clean copy of this tree, unpacked in another place, beside what it depends on. */
beforeAll(() => {
  const clean = join(work, 'clean');
  const unwanted = /^(node_modules|dist|\.git|mqferry-data)(\/|$)/;
  cpSync(root, clean, { recursive: true, filter: (path) => !unwanted.test(relative(root, path)) });
  symlinkSync(join(root, 'node_modules'), join(clean, 'node_modules'));
  const out = execFileSync('npm', ['pack', '--json', '--pack-destination', work], { cwd: clean, env, encoding: 'utf8' });
  const [{ filename, files }] = JSON.parse(out.slice(out.indexOf('[\n')));
  packed = files.map((file: { path: string }) => file.path);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(work, filename), '-C', installed, '--strip-components=1']);
  for (const name of Object.keys(dependencies)) link(name);
  writeFileSync(join(elsewhere, 'package.json'), '{"type":"module"}');
}, 180_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

function link(name: string): void {
  const target = join(elsewhere, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), target);
}

function node(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: elsewhere, encoding: 'utf8' });
}

describe('the package', () => {
  test('holds what it should, and nothing else', () => {
    const wanted = [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'package.json',
      'bin/mqferry.js',
      'mqferry.schema.json',
      'mqferry-test.schema.json',
    ];
    const entries = [
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/src/connector.js',
      'dist/src/testkit/index.js',
      'dist/src/cli/main.js',
    ];
    const routes = globSync('routes/**/*.yaml', { cwd: root });
    expect(packed).toEqual(expect.arrayContaining([...wanted, ...entries, ...routes]));
    const known = /^(dist\/(src|connectors)\/.*\.(js|d\.ts)|routes\/[\w/.-]+\.(yaml|csv|json|proto|avsc))$/;
    expect(packed.filter((path) => !wanted.includes(path) && !known.test(path))).toEqual([]);
  });

  test('its command runs', () => {
    expect(node('node_modules/mqferry/bin/mqferry.js', '--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
    const trial = node('node_modules/mqferry/bin/mqferry.js', 'run', 'node_modules/mqferry/routes/trial.yaml', '--no-admin');
    expect(trial.status, trial.stderr).toBe(0);
    expect(trial.stderr).toContain('read 5, delivered 3, filtered 2');
  });

  test('what it exports can be imported', () => {
    const text = `
      import { createEngine } from 'mqferry';
      import { defineConnector } from 'mqferry/connector';
      import * as testkit from 'mqferry/testkit';
      console.log(typeof createEngine, typeof defineConnector, Object.keys(testkit).length > 0);`;
    const { stdout, stderr } = node('--input-type=module', '--eval', text);
    expect(stdout, stderr).toBe('function function true\n');
  });

  test('its types hold for who uses it', () => {
    const program = `
      import { createEngine, type Mqferry } from 'mqferry';
      import { defineConnector, text } from 'mqferry/connector';
      import * as testkit from 'mqferry/testkit';
      export const ferry: Promise<Mqferry> = createEngine({ routes: { paths: ['routes'] }, env: process.env });
      export const mine = defineConnector({ name: 'mine', summary: 'Mine.', connection: { url: text('Where.') } });
      export { testkit };
      // @ts-expect-error routes are needed
      createEngine({});`;
    writeFileSync(join(elsewhere, 'program.ts'), program);
    symlinkSync(join(root, 'node_modules', '@types'), join(elsewhere, 'node_modules', '@types'));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--skipLibCheck'];
    expect(node(tsc, ...options, 'program.ts')).toMatchObject({ status: 0, stdout: '' });
  });

  test.each(['20.20.2', '24.5.0', '22.1.0'])('on Node %s it says so in one sentence, and ends with 78', (old) => {
    const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${old}'}})`;
    const { status, stdout, stderr } = node('--import', pretend, 'node_modules/mqferry/bin/mqferry.js', 'run');
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^mqferry needs Node 24\\.6 or newer, and this is Node ${old.replaceAll('.', '\\.')}: .*\\n$`));
  });
});
