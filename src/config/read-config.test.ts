import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PgwitnessError } from '../error.ts';
import { chooseApp, readConfig, secretFrom } from './read-config.ts';

const example = fileURLToPath(new URL('../../examples/raxx/pgwitness.yaml', import.meta.url));

function caught(run: () => unknown): PgwitnessError {
  try {
    run();
  } catch (error) {
    return error as PgwitnessError;
  }
  throw new Error('it did not throw');
}
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a broken file is one error that lists file:line:column of each problem and exits 2', async () => {
  const path = join(folder, 'broken.yaml');
  await writeFile(
    path,
    (await readFile(example, 'utf8'))
      .replace('owner:', 'ownr:')
      .replace('version: 1', 'version: x'),
  );
  const error = await readConfig(path).catch((caught) => caught);
  expect(error).toBeInstanceOf(PgwitnessError);
  expect(error).toMatchObject({ code: 'config.invalid', exit: 2 });
  expect(error.message).toContain(`${path}:5:10 `);
  expect(error.message).toContain(`There is no key \`ownr\``);
});

test('a file that is not there, a folder, a device and a pipe without a writer are a sentence each', async () => {
  await expect(readConfig(join(folder, 'none.yaml'))).rejects.toMatchObject({
    code: 'config.no-such-file',
    exit: 2,
  });
  await expect(readConfig(folder)).rejects.toMatchObject({ code: 'config.cannot-read', exit: 2 });
  const pipe = join(folder, 'pipe');
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  for (const none of ['/dev/zero', pipe]) {
    await expect(readConfig(none)).rejects.toMatchObject({ code: 'config.cannot-read', exit: 2 });
  }
});

test('bytes that are not UTF-8 are refused with their line, UTF-16 too; a byte order mark is none', async () => {
  const text = await readFile(example, 'utf8');
  const write = async (bytes: Buffer) => {
    const path = join(folder, 'bytes.yaml');
    await writeFile(path, bytes);
    return path;
  };
  const latin1 = await write(Buffer.from('# one\n# caf\u00e9\nversion: 1\n', 'latin1'));
  await expect(readConfig(latin1)).rejects.toMatchObject({
    code: 'config.not-utf8',
    exit: 2,
    message: `${latin1}:2 holds bytes that are not UTF-8 text.`,
  });
  await expect(
    readConfig(await write(Buffer.from(`\ufeff${text}`, 'utf16le'))),
  ).rejects.toMatchObject({ code: 'config.not-utf8' });
  await expect(readConfig(await write(Buffer.from(text, 'utf16le')))).rejects.toMatchObject({
    message: expect.stringContaining('A control character stands here'),
  });
  const marked = await readConfig(await write(Buffer.from(`\ufeff${text}`)));
  expect(marked.apps).toHaveLength(2);
  const large = await write(Buffer.from('\u00e9'.repeat(200_000)));
  await expect(readConfig(large)).rejects.toMatchObject({
    message: expect.stringContaining('is larger than'),
  });
});

test('an app is chosen by name, and where there are several the error lists them', async () => {
  const config = await readConfig(example);
  expect(chooseApp(config, 'raxx-api-staging').name).toBe('raxx-api-staging');
  for (const [name, code] of [
    [undefined, 'config.which-app'],
    ['raxx', 'config.no-such-app'],
  ] as const) {
    const error = caught(() => chooseApp(config, name));
    expect(error).toMatchObject({ code, exit: 2 });
    expect(`${error.message} ${error.fix}`).toContain('raxx-api-prod, raxx-api-staging');
  }
  const only = { ...config, apps: config.apps.slice(0, 1) };
  expect(chooseApp(only).name).toBe('raxx-api-prod');
});

test('a secret that is missing or empty is named with what it must hold', () => {
  expect(secretFrom({ A: 'x' }, 'A', 'a thing')).toBe('x');
  for (const env of [{}, { A: '' }, { A: ' \n' }]) {
    expect(() => secretFrom(env, 'A', 'the URL of raxx_owner')).toThrow(
      /variable A is (not set|empty); it must hold the URL of raxx_owner/,
    );
  }
});

test('the example names no secret, and points editors at the schema', async () => {
  const text = await readFile(example, 'utf8');
  expect(text).toMatch(
    /^# yaml-language-server: \$schema=\.\.\/\.\.\/docs\/pgwitness\.schema\.json\n/,
  );
});
