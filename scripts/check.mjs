// Types, lint, import graph, dead code: side by side, each with its output when it fails.
import { spawn } from 'node:child_process';
import { ensureInstalled, root } from './bootstrap.mjs';

ensureInstalled();
const checks = {
  types: ['typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
  lint: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  graph: [
    'dependency-cruiser/bin/dependency-cruise.mjs',
    'src',
    '--config',
    '.dependency-cruiser.cjs',
  ],
  'dead code': ['knip/bin/knip.js'],
};

const runs = Object.entries(checks).map(
  ([name, [script, ...args]]) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [`node_modules/${script}`, ...args], { cwd: root });
      const output = [];
      child.stdout.on('data', (chunk) => output.push(chunk));
      child.stderr.on('data', (chunk) => output.push(chunk));
      child.on('close', (code) =>
        resolve({ name, code, output: Buffer.concat(output).toString() }),
      );
    }),
);
let failed = false;
for (const { name, code, output } of await Promise.all(runs)) {
  console.log(`${code === 0 ? 'ok    ' : 'failed'} ${name}`);
  if (code !== 0) console.log(output);
  failed ||= code !== 0;
}
if (failed) process.exit(1);
