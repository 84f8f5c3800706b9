import { randomUUID } from 'node:crypto';
import { access, constants, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PgwitnessError } from '../error.ts';

/**
 * Throws `init.file-exists` where something stands at `path`, and `init.cannot-write` where its folder is
 * not there, exit 2: asked before any work is done.
 */
export async function expectNoFile(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
    await lstat(path);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && syscall === 'lstat') return;
    throw cannotWrite(path, error);
  }
  throw fileExists(path);
}

/**
 * Writes the configuration whole or not at all. Without `force` it never replaces a file, one that
 * came meanwhile included. Throws `init.file-exists` and `init.cannot-write`, exit 2.
 */
export async function writeConfig(
  path: string,
  text: string,
  options: { readonly force: boolean },
): Promise<void> {
  const target = options.force ? `${path}.${randomUUID()}.tmp` : path;
  try {
    const file = await open(target, 'wx');
    try {
      await file.writeFile(text);
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    if (options.force) await rename(target, path);
  } catch (error) {
    if (options.force) await rm(target, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw fileExists(path);
    throw cannotWrite(path, error);
  }
}

function fileExists(path: string): PgwitnessError {
  return new PgwitnessError({
    code: 'init.file-exists',
    message: `${path} is there already.`,
    fix: 'Name another file with --out, or replace this one with --force.',
    exit: 2,
  });
}

function cannotWrite(path: string, error: unknown): PgwitnessError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new PgwitnessError({
    code: 'init.cannot-write',
    message: `${path} can't be written (${code ?? message}).`,
    fix:
      code === 'ENOENT'
        ? 'Make the folder first, or name another file with --out.'
        : 'Name a file with --out that this user may write.',
    exit: 2,
    cause: error,
  });
}
