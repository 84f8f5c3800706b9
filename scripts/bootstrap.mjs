// What every script does first: dependencies as the lock file says, and a build that is not stale.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const oldest = [20, 19];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(
    `error Node ${process.versions.node} is too old: pgwitness needs ${oldest.join('.')} or later.\n  fix Install a current Node LTS and run this again.`,
  );
  process.exit(2);
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : Number.NEGATIVE_INFINITY);

/** Runs a command of this project to its end; its output goes to the terminal. */
export function runStep(title, command, args, options = {}) {
  const begin = Date.now();
  console.log(`${title} …`);
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (done.status !== 0) {
    console.error(`error ${title} failed (${command} ${args.join(' ')}).`);
    process.exit(done.status ?? 1);
  }
  console.log(`${title}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

/** Installs the dependencies unless they are those of the lock file. */
export function ensureInstalled() {
  // npm writes this file last, so that an install that was cut short is done again.
  if (
    modified(join(root, 'node_modules/.package-lock.json')) >=
    modified(join(root, 'package-lock.json'))
  )
    return;
  runStep('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Builds dist/ unless it is newer than every source. */
export function ensureBuilt() {
  const built = modified(join(root, 'dist/.tsbuildinfo'));
  const sources = ['src', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].flatMap(
    (name) => {
      const path = join(root, name);
      if (!statSync(path).isDirectory()) return [path];
      return readdirSync(path, { recursive: true }).map((file) => join(path, file));
    },
  );
  if (sources.every((path) => modified(path) < built)) return;
  runStep('Building', process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
  ]);
}
