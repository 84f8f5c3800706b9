import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeLock } from '../process-lock.ts';
import {
  makeDrainSecret,
  makeRedactionKey,
  oldDrainSecret,
  retireDrainSecret,
} from './drain-secrets.ts';
import { changeSecrets, readSecrets } from './secrets-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-secrets-'));
  file = join(folder, 'pgwitness.secrets');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const drain = { user: 'raxx', secretEnv: 'S', oldSecretEnv: 'S_OLD', tokens: [] };
const write = (text: string, mode = 0o600) => writeFile(file, text, { mode });
const text = () => readFile(file, 'utf8');
const store = (env: Record<string, string> = {}) => ({ file, env });

describe('the file of secrets', () => {
  test('that is not there holds nothing', async () => {
    expect(await readSecrets(file)).toEqual(new Map());
  });

  test.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o610])(
    'that others may touch (%i) is refused, with what to do',
    async (mode) => {
      await write('S=hunter2\n');
      await chmod(file, mode);
      await expect(readSecrets(file)).rejects.toMatchObject({
        code: 'config.secrets-readable-by-others',
        exit: 2,
        message: expect.stringContaining(`mode ${mode.toString(8)}`),
        fix: expect.stringContaining(`chmod 600 ${file}`),
      });
      await expect(changeSecrets(file, () => new Map([['S', '1']]))).rejects.toMatchObject({
        code: 'config.secrets-readable-by-others',
      });
    },
  );

  test('is told by its line where it is wrong, and quoted nowhere', async () => {
    await write('A=1\nhunter2\n');
    const error: unknown = await readSecrets(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'config.bad-secrets',
      message: `The file of secrets ${file}:2 is not NAME=value.`,
    });
    expect(JSON.stringify(error)).not.toContain('hunter2');
    await write('x'.repeat(300_000));
    await expect(readSecrets(file)).rejects.toMatchObject({ code: 'config.bad-secrets' });
    await writeFile(file, Buffer.from([0x41, 0x3d, 0xff]));
    await expect(readSecrets(file)).rejects.toMatchObject({
      message: expect.stringContaining('not UTF-8'),
    });
  });

  test('that is a folder or a pipe is refused, and nothing waits for a writer', async () => {
    await expect(readSecrets(folder)).rejects.toMatchObject({ code: 'config.bad-secrets' });
    execFileSync('mkfifo', ['-m', '600', file]);
    await expect(readSecrets(file)).rejects.toMatchObject({ code: 'config.bad-secrets' });
  });

  test('is made private, and replaced whole: what a link stands for, not the link', async () => {
    await changeSecrets(file, () => new Map([['A', '1']]));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const link = join(folder, 'link');
    await symlink(file, link);
    await changeSecrets(link, () => new Map([['B', '2']]));
    expect(await text()).toBe("A='1'\nB='2'\n");
    expect((await readdir(folder)).sort()).toEqual(['link', 'pgwitness.secrets']);
  });

  test('keeps its owner', async () => {
    if (process.getuid?.() !== 0) return;
    await write('A=1\n');
    execFileSync('chown', ['12345:23456', file]);
    await changeSecrets(file, () => new Map([['A', '2']]));
    expect(await stat(file)).toMatchObject({ uid: 12345, gid: 23456, mode: 0o100600 });
  });

  test('is changed by one at a time: nothing of what several write at once is lost', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `S${index}`);
    await Promise.all(
      names.map((name) => changeSecrets(file, (held) => new Map([[name, String(held.size)]]))),
    );
    expect([...(await readSecrets(file)).values()].sort()).toEqual(
      names.map((_, index) => String(index)).sort(),
    );
  });

  test('is never read half changed', async () => {
    const long = 'x'.repeat(100_000);
    await changeSecrets(
      file,
      () =>
        new Map([
          ['A', '1'],
          ['B', long],
        ]),
    );
    const changes = (async () => {
      for (let n = 0; n < 20; n++) await changeSecrets(file, () => new Map([['A', String(n)]]));
    })();
    for (let n = 0; n < 40; n++) expect((await readSecrets(file)).get('B')).toBe(long);
    await changes;
  });

  test('that another process goes on changing is left alone', async () => {
    const release = await takeLock(`secrets ${file}`);
    try {
      const change = changeSecrets(file, () => new Map([['A', '1']]), 100);
      await expect(change).rejects.toMatchObject({ code: 'config.secrets-busy' });
    } finally {
      release?.();
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('that can’t be written stays as it was', async () => {
    const lost = join(folder, 'nowhere', 'file');
    await expect(changeSecrets(lost, () => new Map([['A', '1']]))).rejects.toMatchObject({
      code: 'config.cannot-write-secrets',
      message: expect.stringContaining('what stood there stays'),
    });
  });
});

describe('the password of a drain', () => {
  test('is 32 random bytes that a URL takes as they are', async () => {
    const made = await makeDrainSecret(drain, store());
    expect(made.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(made).not.toHaveProperty('keptAs');
    expect(await text()).toBe(`S='${made.secret}'\n`);
  });

  test('is kept beside the next one until it is retired', async () => {
    const first = await makeDrainSecret(drain, store());
    const second = await makeDrainSecret(drain, store());
    expect(second).toMatchObject({ variable: 'S', keptAs: 'S_OLD' });
    expect(second.secret).not.toBe(first.secret);
    const held = await readSecrets(file);
    expect(Object.fromEntries(held)).toEqual({ S: second.secret, S_OLD: first.secret });
    expect(await oldDrainSecret(drain, store())).toBe('S_OLD');
    const before = await text();
    await expect(makeDrainSecret(drain, store())).rejects.toMatchObject({
      code: 'config.rotation-under-way',
    });
    expect(await text()).toBe(before);
    expect(await retireDrainSecret(drain, store())).toBe(true);
    expect(await text()).toBe(`S='${second.secret}'\n`);
    expect(await retireDrainSecret(drain, store())).toBe(false);
    expect(await oldDrainSecret(drain, store())).toBeUndefined();
  });

  test('is not replaced where there is no place for the one before', async () => {
    await write('S=1\n');
    const { oldSecretEnv: _, ...plain } = drain;
    await expect(makeDrainSecret(plain, store())).rejects.toMatchObject({
      code: 'config.no-old-secret',
      fix: expect.stringContaining('old_secret_env: S_OLD'),
    });
    expect(await text()).toBe('S=1\n');
  });

  test.each(['S', 'S_OLD'])(
    'is not made in a file that %s of the environment goes before',
    async (name) => {
      await write('S=1\n');
      await expect(makeDrainSecret(drain, store({ [name]: 'x' }))).rejects.toMatchObject({
        code: 'config.secret-in-environment',
      });
      expect(await text()).toBe('S=1\n');
    },
  );

  test('is never retired where it is the only one', async () => {
    await write('S_OLD=1\n');
    await expect(retireDrainSecret(drain, store())).rejects.toMatchObject({
      code: 'config.no-secret-left',
    });
    expect(await retireDrainSecret(drain, store({ S: 'x' }))).toBe(true);
  });
});

describe('a redaction key', () => {
  const at = { nowMs: Date.UTC(2026, 5, 30, 12) };

  test('is made once', async () => {
    const made = await makeRedactionKey('K', store(), { replaces: false, ...at });
    await expect(makeRedactionKey('K', store(), { replaces: false, ...at })).rejects.toMatchObject({
      code: 'config.key-in-use',
      fix: expect.stringContaining('--replace-key K'),
    });
    expect(await text()).toBe(`K='${made.secret}'\n`);
  });

  test('that is replaced is kept: what was stored with it is found with no other', async () => {
    await write('K=old\n');
    const made = await makeRedactionKey('K', store(), { replaces: true, ...at });
    expect(made.keptAs).toBe('K_UNTIL_20260630T120000');
    expect(Object.fromEntries(await readSecrets(file))).toEqual({
      K: made.secret,
      K_UNTIL_20260630T120000: 'old',
    });
  });
});
