import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileRoutes } from '../src/index.ts';

const root = join(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md', 'connectors/*/README.md'], { cwd: root }).sort();

/** The YAML blocks of a page that are a whole config. */
function configsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/```yaml\n([^`]*)```/g)].map((match) => match[1] as string).filter((yaml) => /^routes:/m.test(yaml));
}

const configs = pages.flatMap((page) => configsOf(page).map((yaml) => [page, yaml] as const));

describe('the docs', () => {
  test.each(configs)('a route of %s is valid', async (page, yaml) => {
    const text = yaml.replace(/\$\{file:[^}]*\}/g, 'from-a-file');
    const { problems } = await compileRoutes({ routes: { texts: [{ name: page, text }] }, env: { SHOP_PASSWORD: 'x' } });
    expect(problems).toEqual([]);
  });

  test('the README shows a route', () => {
    expect(configs.map(([page]) => page)).toContain('README.md');
  });

  test.each(pages)('the links of %s lead somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[^`]*```|`[^`\n]*`/g, '');
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] as string);
    const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link)));
    // Written by `npm run faults`.
    expect(broken.filter((link) => !link.endsWith('proof.md'))).toEqual([]);
  });
});
