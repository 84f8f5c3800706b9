import { constants } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PgwitnessError } from '../error.ts';
import { folderError } from './folder-error.ts';
import { assertSafeKey, isSafeKey } from './safe-key.ts';
import type { Archive, ArchiveObject } from './sink.ts';

/**
 * The objects of a folder sink. The sink makes the folder, so one that isn't there is another than
 * meant and no archive without objects: throws `sink.no-such-folder`. Listing also throws
 * `sink.not-a-folder`, `sink.no-permission` and `sink.folder-failed`, all of them exit 3; reading
 * does for one object, exit 1.
 *
 * No link below the folder is followed, or a planted one could show files from elsewhere as evidence.
 * A link is listed in place of what it leads to, and reading it throws `sink.link-in-archive`: nothing is left out
 * unsaid. So is a file that stands where a folder should.
 */
export function folderArchive(folder: string): Archive {
  const root = resolve(folder);
  return {
    description: `folder ${root}`,
    list: (prefix, options = {}) => list(root, prefix, options.after ?? ''),
    async read(key) {
      assertSafeKey(key);
      try {
        const file = await open(join(root, key), constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          return await file.readFile();
        } finally {
          await file.close();
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw linkError(root, key, error);
        if (!isGone(error)) throw folderError(root, `read ${key} from`, error, 1);
        await assertFolder(root);
        throw new PgwitnessError({
          code: 'sink.no-such-object',
          message: `There is no object ${key} in the folder ${root}.`,
          fix: 'List the objects again; a retention rule may have removed it.',
          exit: 1,
          cause: error,
        });
      }
    },
  };
}

async function* list(root: string, prefix: string, after: string): AsyncGenerator<ArchiveObject> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (start !== '' && !isSafeKey(start.slice(0, -1))) return;
  const obstacle = await obstacleOn(root, start);
  if (obstacle === undefined) yield* walk(start);
  else yield obstacle;

  async function* walk(folder: string): AsyncGenerator<ArchiveObject> {
    for (const name of await names(root, folder)) {
      const key = folder + name;
      if (name.endsWith('/')) {
        if (mayHold(key)) yield* walk(key);
      } else if (key.startsWith(prefix) && (key > after || after.startsWith(`${key}/`))) {
        const found = await lstat(join(root, key)).catch((error: unknown) => {
          // Removed since the directory was read.
          if (isGone(error)) return undefined;
          throw folderError(root, `list ${key} in`, error, 3);
        });
        if (found?.isSymbolicLink()) yield inPlaceOfMore(key);
        else if (found?.isFile() && key > after) {
          yield { key, size: found.size, storedAt: found.mtimeMs };
        }
      }
    }
  }

  /** Whether a key below `folder` can begin with the prefix and come after `after`. */
  function mayHold(folder: string): boolean {
    const inside = folder.startsWith(prefix) || prefix.startsWith(folder);
    return inside && (folder > after || after.startsWith(folder));
  }
}

/** A link or a file on the way to the folder `start`, by its key. */
async function obstacleOn(root: string, start: string): Promise<ArchiveObject | undefined> {
  for (let at = start.indexOf('/'); at !== -1; at = start.indexOf('/', at + 1)) {
    const key = start.slice(0, at);
    const found = await lstat(join(root, key)).catch((error: unknown) => {
      if (isGone(error)) return undefined;
      throw folderError(root, `list ${key} in`, error, 3);
    });
    if (found === undefined) return undefined;
    if (found.isFile() || found.isSymbolicLink()) return inPlaceOfMore(key);
  }
  return undefined;
}

/** When what should be there was stored nobody knows: it may be now. */
function inPlaceOfMore(key: string): ArchiveObject {
  return { key, size: 0, storedAt: Number.POSITIVE_INFINITY };
}

function linkError(root: string, key: string, cause: unknown): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.link-in-archive',
    message: `${key} in the folder ${root} is a link, which is not followed: what it leads to is not read.`,
    fix: 'Put the file or folder itself there, or mount it there.',
    exit: 1,
    cause,
  });
}

/** Names in a folder, a folder's with a slash behind it, so that their order is that of the keys. */
async function names(root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    return entries
      .filter((entry) => isSafeKey(entry.name))
      .filter((entry) => entry.isDirectory() || entry.isFile() || entry.isSymbolicLink())
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    if (!isGone(error)) throw folderError(root, 'list', error, 3);
    await assertFolder(root);
    return [];
  }
}

/** Nothing in a folder and no folder are two things: a typo must not read as "nobody did anything". */
async function assertFolder(root: string): Promise<void> {
  const gone = (code: string, why: string, cause?: unknown) =>
    new PgwitnessError({
      code,
      message: `The archive ${root} ${why}.`,
      fix: 'Correct archive.folder, or run where the receiver runs; the receiver makes the folder when it starts.',
      exit: 3,
      cause,
    });
  const found = await stat(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw gone('sink.no-such-folder', 'does not exist', error);
    if (error.code === 'ENOTDIR') {
      throw gone('sink.not-a-folder', 'does not exist: a part of its path is a file', error);
    }
    throw folderError(root, 'list', error, 3);
  });
  if (!found.isDirectory()) throw gone('sink.not-a-folder', 'is not a folder');
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
