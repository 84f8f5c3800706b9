import { rename, rm, writeFile } from 'node:fs/promises';
import { PgwitnessError } from '../error.ts';

/**
 * Writes a file whose name has to end in `ending` (`.zip`), so that a slip replaces nothing else. One
 * that is there is replaced in one step. Throws PgwitnessError, exit 2: `cli.bad-out`.
 */
export async function writeOut(path: string, content: Uint8Array, ending: string): Promise<void> {
  if (!path.endsWith(ending)) {
    throw new PgwitnessError({
      code: 'cli.bad-out',
      message: `${JSON.stringify(path)} does not end in ${ending}, and nothing was written.`,
      fix: `Give --out a name that ends in ${ending}.`,
      exit: 2,
    });
  }
  const aside = `${path}.${process.pid}`;
  try {
    await writeFile(aside, content);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    throw new PgwitnessError({
      code: 'cli.bad-out',
      message: `${path} can't be written (${code}).`,
      fix:
        code === 'ENOENT'
          ? 'Its folder does not exist: make it first, or name another place with --out.'
          : 'Name a place with --out that this user may write to.',
      exit: 2,
      cause,
    });
  }
}
