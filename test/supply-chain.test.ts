/** What comes into the project, and into the image. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const textOf = (name: string) => readFileSync(join(root, name), 'utf8');

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  /** Comes inside of another package, and is covered by its hash. */
  readonly inBundle?: boolean;
}

describe('the lock file', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Locked> };
  const installed = Object.entries(packages).filter(([path]) => path !== '');

  test('no package has an install script but those that are known, and none of those is installed with mqferry', () => {
    const scripted = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path, { dev }]) => [path.replace(/^.*node_modules\//, ''), dev]);
    for (const [name, dev] of scripted) {
      expect(['node'], `${name} is not known to have one`).toContain(name);
      expect(dev, `${name} would be installed with mqferry`).toBe(true);
    }
    const { allowScripts } = JSON.parse(textOf('package.json')) as { allowScripts: Record<string, boolean> };
    expect(
      Object.keys(allowScripts)
        .filter((name) => allowScripts[name])
        .map((name) => name.replace(/@[\d.]+$/, '')),
    ).toEqual(['node']);
  });

  test('each package has a hash, and none comes from an address of its own', () => {
    for (const [path, { integrity, resolved, link, inBundle }] of installed) {
      if (!inBundle) expect(integrity, path).toMatch(/^sha512-/);
      expect(resolved, path).toBeUndefined();
      expect(link, path).toBeUndefined();
    }
  });
});

test('the image runs as nobody, and starts mqferry itself', () => {
  const text = textOf('Dockerfile');
  const last = text.slice(text.lastIndexOf('\nFROM '));
  expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m); // a number, so that "not root" can be seen without looking into the image
  expect(last).toMatch(/^ENTRYPOINT \["node", /m); // no shell: signals reach it
  expect(last).not.toMatch(/^COPY (?!--from=build)/m); // nothing of the checkout but what was built
  expect(text.match(/npm ci(?! --ignore-scripts)/g)).toBeNull();
  expect(text).not.toMatch(/^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN)/m);
});
