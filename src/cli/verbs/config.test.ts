import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@stricli/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import { createApp } from '../app.ts';
import type { Cli } from '../context.ts';

const example = fileURLToPath(new URL('../../../examples/raxx/pgwitness.yaml', import.meta.url));
let folder: string;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-config-'));
  postgres = await startEmbeddedPostgres({ settings: { logging_collector: 'off' } });
});
afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The command as typed, with what it wrote and its exit code. */
async function type(line: readonly string[], env: Record<string, string> = {}) {
  const written = { stdout: '', stderr: '' };
  const into = (stream: keyof typeof written) => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  const process: Cli['process'] = { stdout: into('stdout'), stderr: into('stderr') };
  const { signal } = new AbortController();
  await run(createApp(line), line, {
    process,
    env,
    cwd: folder,
    signal,
    terminal: false,
    now: Date.now,
  });
  return { ...written, code: process.exitCode };
}

test('the example is in order: exit 0', async () => {
  const { code, stdout } = await type(['config', 'check', '--config', example]);
  expect(stdout).toContain('is in order: 2 apps (raxx-api-prod, raxx-api-staging)');
  expect(stdout).toContain(
    `Next: \`pgwitness plan --config ${example} --app raxx-api-prod\` prints what install would do;\n`,
  );
  expect(code).toBe(0);
});

test('no text of the file acts on the terminal, as text and as JSON', async () => {
  const path = join(folder, 'escapes.yaml');
  const text = await readFile(example, 'utf8');
  await writeFile(path, text.replace('version: 1', 'version: 1\n"\\e[31mx\\nerror \\u202e": 1'));
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await type(['config', 'check', '--config', path, ...more]);
    expect(stdout + stderr).toContain('u001b[31mx');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stdout + stderr).not.toMatch(/\u001b\[31m|^error \W*$|\u202e/m);
  }
});

test('a broken file: exit 2, each fault with its line, as text and as JSON', async () => {
  const path = join(folder, 'broken.yaml');
  const text = await readFile(example, 'utf8');
  await writeFile(path, text.replace('version: 1', 'version: one').replace('owner: ', 'onwer: '));
  const plain = await type(['config', 'check', '--config', path]);
  expect(plain.code).toBe(2);
  expect(plain.stderr).toMatch(/broken\.yaml:5:10 `version` must be 1\./);
  expect(plain.stderr).toContain('Did you mean `owner`?');
  const json = await type(['config', 'check', '--config', path, '--json']);
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    problems: expect.arrayContaining([expect.objectContaining({ line: 5, key: 'version' })]),
  });
});

test('--connect asks the database: exit 1 with the lines of what it lacks, 3 where it is away', async () => {
  const { user, password } = postgres.superuser;
  const check = ['config', 'check', '--config', example, '--connect', '--app', 'raxx-api-staging'];
  const found = await type(check, { RAXX_STAGING_OWNER_URL: postgres.url(user, password) });
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/pgwitness\.yaml:\d+:\d+ The database has no role `raptor_app`\./);
  expect(found.stdout).toMatch(
    /pgwitness\.yaml:\d+:\d+ The database has no table public\.passkeys\./,
  );
  const wrong = await type(check, { RAXX_STAGING_OWNER_URL: postgres.url(user, 'wr0ng') });
  expect(wrong.code).toBe(3);
  expect(wrong.stderr).not.toContain('wr0ng');
  const unset = await type(check);
  expect(unset).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('RAXX_STAGING_OWNER_URL'),
  });
  for (const name of ['RAXX_STAGING_OWNER_URL', 'RAXX_DRAIN_SECRET', 'RAXX_STAGING_DRAIN_URL']) {
    expect(unset.stdout).toContain(`warning ${name} is not set here: `);
  }
  const json = JSON.parse((await type([...check, '--json'])).stdout);
  expect(json).toMatchObject({ ok: false, problems: [] });
  expect(json.unset.length).toBeGreaterThan(2);
});

test('config schema prints JSON', async () => {
  const { stdout } = await type(['config', 'schema']);
  expect(JSON.parse(stdout)).toHaveProperty('properties.apps');
});
