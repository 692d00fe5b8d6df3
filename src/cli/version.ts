import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the package: where package.json is, from the sources as from dist/. */
export const packageRoot = findRoot(import.meta.dirname);
export const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (isOurs(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) throw new Error('package.json of mqferry is missing');
  }
}

function isOurs(file: string): boolean {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'mqferry';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
