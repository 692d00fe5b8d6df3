import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const planted = join(root, 'connectors', 'planted');
afterEach(() => rmSync(planted, { recursive: true, force: true }));

function cruise(...folders: string[]): { status: number | null; text: string } {
  const bin = join(root, 'node_modules', '.bin', 'depcruise');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--config', '.dependency-cruiser.cjs', ...folders], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

test('a connector that reaches past the door, or for another connector, is caught', { timeout: 60_000 }, () => {
  mkdirSync(planted, { recursive: true });
  writeFileSync(join(planted, 'index.ts'), "import '../../src/engine/pump.ts';\nimport '../print/index.ts';\nimport 'yaml';\n");
  const { status, text } = cruise('connectors/planted');
  expect(status).not.toBe(0);
  expect(text).toContain('connectors-use-the-door');
  expect(text).toContain('connectors-are-strangers');
  expect(text).toContain('only-config-reads-yaml');
});
