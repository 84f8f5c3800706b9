import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { PgwitnessError } from '../error.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { folderError } from './folder-error.ts';
import { assertSafeKey } from './safe-key.ts';
import type { PutOutcome, Sink } from './sink.ts';

/** Files on their way in. Its name begins with a dot: no key does, so no reader sees it. */
export const incomingFolder = '.incoming';
/** No put takes this long: an older file is what a crash left, and not another process's. */
const leftoverAgeMs = 3_600_000;

/**
 * A folder as sink. An object is written to a file aside, synced, and linked to its key: link(2)
 * fails where the key is taken, so nothing is ever overwritten, and a key never names half an
 * object. Makes the folder where it isn't there and proves that it can be written to.
 *
 * `folder` itself may be a symbolic link; below it none is followed, as the archive's reader follows
 * none: an object behind one would lie outside of what is read, kept and copied.
 *
 * Throws `sink.disk-full`, `sink.no-permission`, `sink.read-only`, `sink.not-a-folder`,
 * `sink.link-in-archive` or `sink.folder-failed`, here and from `put`.
 */
export async function openFolderSink(
  folder: string,
  options: { readonly disk?: Disk; readonly now?: () => number } = {},
): Promise<Sink> {
  const root = resolve(folder);
  const disk = options.disk ?? nodeDisk;
  const incoming = join(root, incomingFolder);
  const directories = durableDirectories(disk);
  try {
    await refuseLinks(root, incoming);
    await directories.ensure(incoming);
    await removeLeftovers(incoming, (options.now ?? Date.now)());
    const probe = join(incoming, randomUUID());
    await disk.writeFile(probe, new Uint8Array());
    await disk.unlink(probe);
  } catch (error) {
    throw folderError(root, 'open', error);
  }

  return {
    description: `folder ${root}`,
    async put(key, body, given = {}) {
      assertSafeKey(key);
      try {
        return await put(join(root, key), body, given.signal);
      } catch (error) {
        throw folderError(root, `write ${key} to`, error);
      }
    },
  };

  async function put(
    path: string,
    body: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome> {
    const directory = dirname(path);
    const aside = join(incoming, randomUUID());
    let outcome: PutOutcome;
    try {
      goOn(signal);
      await refuseLinks(root, directory);
      await directories.ensure(incoming);
      await directories.ensure(directory);
      goOn(signal);
      await disk.writeFile(aside, body);
      goOn(signal);
      outcome = await publish(aside, path);
    } catch (error) {
      // The folder may have been moved away under us: the next try makes it again.
      directories.forget(incoming);
      directories.forget(directory);
      await discard(aside);
      throw error;
    }
    // Also for 'exists': whoever made that name may have crashed, or failed, before syncing it.
    await Promise.all([disk.syncDirectory(directory), discard(aside)]);
    return outcome;
  }

  /** Crash point: before the link nothing is visible, after it the whole object is. */
  async function publish(aside: string, path: string): Promise<PutOutcome> {
    try {
      await disk.link(aside, path);
      return 'stored';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
      throw error;
    }
  }

  /** The object stands or falls without this file; what stays is removed at the next start. */
  async function discard(aside: string): Promise<void> {
    await disk.unlink(aside).catch((error: unknown) => error);
  }
}

/**
 * Looked for at each put: who moves a folder to another disk and links to it does so while the
 * receiver runs.
 */
async function refuseLinks(root: string, directory: string): Promise<void> {
  const names = relative(root, directory).split(sep);
  const paths = names.map((_, at) => join(root, ...names.slice(0, at + 1)));
  const links = await Promise.all(paths.map(isLink));
  const at = links.indexOf(true);
  if (at === -1) return;
  throw new PgwitnessError({
    code: 'sink.link-in-archive',
    message: `${paths[at]} is a symbolic link; below the archive’s folder ${root} none is followed, so nothing is written there.`,
    fix: 'Put the folder itself in its place (mount another disk there), or move the whole archive: archive.folder may be a link.',
    exit: 2,
  });
}

/** What isn't there is none: it is made as a folder, or making it says why not. */
async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP')
      return undefined;
    throw error;
  });
  return found?.isSymbolicLink() === true;
}

function goOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new PgwitnessError({
    code: 'sink.put-stopped',
    message: 'A put was stopped before its object was in place.',
    fix: 'Put it again.',
    exit: 1,
  });
}

/**
 * Directories whose own names are durable. Found is not enough: who made one may have crashed before
 * syncing its parent, and a power cut would take the directory with all objects in it. So each is
 * synced into its parent once per process. Only what is done is shared between puts: waiting for
 * another put's step would let one that hangs hold up all.
 */
function durableDirectories(disk: Disk) {
  const durable = new Set<string>();
  return { ensure, forget };

  async function ensure(path: string): Promise<void> {
    const parent = dirname(path);
    if (durable.has(path) || parent === path) return;
    await ensure(parent);
    const found = await disk.makeDirectory(path).then(
      () => false,
      async (error: unknown) => {
        if (await isDirectory(path)) return true;
        throw error;
      },
    );
    await disk.syncDirectory(parent).catch((error: NodeJS.ErrnoException) => {
      // Above the archive stand directories that this user may not open, such as /home.
      if (!(found && error.code === 'EACCES')) throw error;
    });
    durable.add(path);
  }

  function forget(path: string): void {
    for (let at = path; durable.delete(at); at = dirname(at));
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Removes what a crash left between write and link; another process may be doing the same. */
async function removeLeftovers(incoming: string, now: number): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() && now - found.mtimeMs > leftoverAgeMs) await rm(path, { force: true });
  }
}
