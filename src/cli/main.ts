#!/usr/bin/env node
import { run, type StricliProcess } from '@stricli/core';
import { PgwitnessError } from '../error.ts';
import { createApp } from './app.ts';
import type { Cli } from './context.ts';
import { reportError } from './report-error.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The second Ctrl-C means it: leave at once, with the shell's code for it.
    if (stop.signal.aborted && name === 'SIGINT') process.exit(130);
    stop.abort(name);
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that closes early (`pgwitness trail | head`) is no error.
  if (error.code === 'EPIPE') process.exit(0);
  const told = new PgwitnessError({
    code: 'cli.output-failed',
    message: `The output could not be written (${error.code ?? error.message}): what stands there is not all.`,
    fix: 'Free space where it goes, or send it elsewhere, and run it again.',
    exit: 1,
    cause: error,
  });
  process.stderr.write(`${reportError(told, false)}\n`);
  process.exit(told.exit);
});

const cli: Cli = {
  process: process as StricliProcess,
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
  terminal: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  now: Date.now,
};
const args = process.argv.slice(2);
await run(createApp(args), args, cli);
// Stricli's own codes are negative (unknown command, bad flag, …): all of them are usage errors.
if (typeof process.exitCode === 'number' && process.exitCode < 0) process.exitCode = 2;
