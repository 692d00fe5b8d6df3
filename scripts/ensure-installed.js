// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what the lock file names when that has not been done.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const changedAt = (file) => {
  try {
    return statSync(join(root, file)).mtimeMs;
  } catch {
    return 0; // not there: never installed
  }
};

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  console.error('installing what mqferry needs (npm ci) ...');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
