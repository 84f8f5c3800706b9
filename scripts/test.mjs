// `npm test`: install, check, build, every test; the last line counts them.
// Words after `--` go to vitest (a file name, -t 'title').
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, runStep } from './bootstrap.mjs';

ensureInstalled();
runStep('Checking', process.execPath, ['scripts/check.mjs']);
ensureBuilt();

const folder = mkdtempSync(join(tmpdir(), 'pgwitness-test-'));
const report = join(folder, 'report.json');
const done = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
const counts = (() => {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    console.error(`error The test run left no report (${error.message}).`);
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, testResults: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();
// A file that could not be loaded holds no test, and is a failure all the same.
const broken = counts.testResults.filter(
  (file) =>
    file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
).length;
const failed = counts.numFailedTests + broken;
const skipped = counts.numPendingTests > 0 ? `, ${counts.numPendingTests} skipped` : '';
console.log(`${counts.numPassedTests} passed, ${failed} failed${skipped}`);
process.exitCode = done.status === 0 && failed === 0 ? 0 : 1;
