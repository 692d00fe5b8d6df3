import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The libraries that a process has loaded once it has compiled a route with this step. */
function loaded(step: string): string[] {
  const program = `
    import { createRequire } from 'node:module';
    import { compileRoutes } from './src/index.ts';
    const text = 'routes: { r: { source: { local: { queue: a } }, sink: { local: { queue: b } }, steps: [${step}] } }';
    const { problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
    const names = Object.keys(createRequire(import.meta.url).cache).map((path) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path)?.[1]);
    console.log(JSON.stringify([...new Set(names), ...problems]));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: root, encoding: 'utf8' });
  return JSON.parse(out) as string[];
}

const libraries: Readonly<Record<string, string>> = {
  ajv: 'validate: { schema: true }',
  saxes: 'decode: { xml: {} }',
  'csv-parse': 'decode: { csv: {} }',
  avsc: `decode: { avro: { schema: ${join(import.meta.dirname, 'lazily.avsc')} } }`,
  protobufjs: `decode: { protobuf: { schema: ${join(import.meta.dirname, 'lazily.proto')}, message: T } }`,
};

test('a library is loaded only for a step that needs it', () => {
  const without = loaded('drop');
  for (const [name, step] of Object.entries(libraries)) {
    expect(without).not.toContain(name);
    expect(loaded(step)).toContain(name);
  }
});
