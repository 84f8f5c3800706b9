import { expect, test } from 'vitest';
import { runCli } from '../../test/rig/run-cli.ts';
import { PgwitnessError } from '../error.ts';
import { columnsOf } from './harmless-text.ts';
import { reportError } from './report-error.ts';
import { packageVersion } from './version.ts';

test.each([
  [['trail', '--kind', 'foo'], 'statement|audit', 'pgwitness trail --help'],
  [['demo', '--writes', 'abc'], 'abc', 'pgwitness demo --help'],
  [['config', 'check', '--connekt'], 'did you mean --connect?', 'pgwitness config check --help'],
  [['trial', '--since', '1h'], 'did you mean `trail`?', 'pgwitness --help'],
  [['config', 'chekc'], 'did you mean `check`?', 'pgwitness config --help'],
])('%j is told as every error is, with the help of its verb', async (args, told, help) => {
  const run = await runCli(args);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  const [error, ...rest] = run.stderr.trimEnd().split('\n');
  expect(error).toMatch(/^error /);
  expect(error).toContain(told);
  expect(rest).toEqual([`  fix Run \`${help}\`.`, ' code cli.usage']);
});

test('no verb is guessed where none is near', async () => {
  const { stderr } = await runCli(['frob']);
  expect(stderr).toMatch(/^error No command registered for `frob`\n/);
});

test('--version prints the version', async () => {
  expect(await runCli(['--version'])).toEqual({
    stdout: `${packageVersion()}\n`,
    stderr: '',
    code: 0,
  });
});

test.each([
  [['init']],
  [['plan']],
  [['ship']],
  [['trail']],
  [['smoke']],
  [['receive']],
  [['demo']],
  [['config', 'check']],
])('the prose of `%s --help` is at most 80 columns wide', async (verb) => {
  const { stdout } = await runCli([...verb, '--help']);
  const prose = stdout.slice(0, stdout.indexOf('\nEXAMPLES'));
  for (const line of prose.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

const long = new PgwitnessError({
  code: 'sink.no-such-folder',
  message: `The archive \u001b[2J${'a long path '.repeat(12)}\nand its second line.`,
  fix: `Correct it, ${'and do it well, '.repeat(8)}at once.`,
  exit: 3,
});

test('on a terminal an error keeps to 80 columns, indented below its first word', () => {
  const shown = reportError(long, true);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out
  const lines = shown.replace(/\u001b\[\d+m/g, '').split('\n');
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(80);
  expect(lines.filter((line) => /^ {6}\S/.test(line)).length).toBeGreaterThan(3);
  expect(shown).not.toContain('\u001b[2J');
});

test('elsewhere the lines of an error are as given, and nothing in them acts', () => {
  expect(reportError(long, false)).toBe(
    [
      `error The archive \\x1b[2J${'a long path '.repeat(12)}`,
      'and its second line.',
      `  fix ${long.fix}`,
      ' code sink.no-such-folder',
    ].join('\n'),
  );
});
