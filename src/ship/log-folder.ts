import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { PgwitnessError } from '../error.ts';
import { hasHead, readHead } from './span.ts';
import type { KnownFile } from './state.ts';

/** A file that did not change for so long, with a newer one beside it, is taken as finished. */
const quietMs = 1_000;

/** What a look at the folder found beside its files. */
export interface Sighting {
  /** Files that are gone, or whose content was replaced, with what they held unsent or not known to be sent. */
  readonly lost: readonly { readonly file: KnownFile; readonly reason: string }[];
  /** Names of `.json` files that hold no jsonlog: they are left alone. */
  readonly alien: readonly string[];
  /** Names of files that can't be read, with the system's code. */
  readonly unreadable: readonly { readonly name: string; readonly code: string }[];
}

interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  /** Size and time of change have been the same since then, in epoch milliseconds. */
  readonly since: number;
}

/**
 * The server's log folder. Files are known by their first line, not by name or inode alone: names
 * are used again where `log_truncate_on_rotation` is on, inodes after a deletion, device numbers
 * change with a restart. The file being read is held open, so that its deletion loses nothing.
 */
export class LogFolder {
  readonly #path: string;
  readonly #ignore: ReadonlySet<string>;
  readonly #now: () => number;
  readonly #seen = new Map<KnownFile, Seen>();
  #held: { readonly file: KnownFile; readonly handle: FileHandle } | undefined;

  constructor(path: string, ignore: readonly string[], now: () => number) {
    this.#path = path;
    this.#ignore = new Set(ignore);
    this.#now = now;
  }

  /**
   * Looks at the folder and brings `files` up to date: new ones are added, renamed ones renamed, and
   * those that are gone taken out and told. Throws what `readdir` throws.
   */
  async look(files: KnownFile[]): Promise<Sighting> {
    const lost: { file: KnownFile; reason: string }[] = [];
    const alien: string[] = [];
    const unreadable: { name: string; code: string }[] = [];
    const present = new Set<KnownFile>();
    const drop = (file: KnownFile, reason: string) => {
      files.splice(files.indexOf(file), 1);
      this.#seen.delete(file);
      // Of what has no head nothing was sent, and no whole line was seen.
      if (!file.settled && file.head !== null) lost.push({ file, reason });
    };
    for (const name of await this.names()) {
      let handle: FileHandle | undefined;
      try {
        const { ino, dev, size, mtimeMs } = await stat(join(this.#path, name), { bigint: true });
        const now = { size: Number(size), mtimeMs: Number(mtimeMs) };
        const sameInode = files.find((file) => file.ino === `${ino}` && file.dev === `${dev}`);
        const before = sameInode && this.#seen.get(sameInode);
        if (sameInode && before && before.size === now.size && before.mtimeMs === now.mtimeMs) {
          present.add(sameInode);
          sameInode.name = name;
          continue;
        }
        handle = await open(join(this.#path, name), 'r');
        const sameName = files.find((file) => file.name === name);
        let known: KnownFile | undefined;
        for (const candidate of [sameInode, sameName]) {
          if (candidate === undefined || known !== undefined || present.has(candidate)) continue;
          if (await this.#isStill(candidate, handle, now.size)) known = candidate;
        }
        if (known === undefined) {
          if (sameInode !== undefined && !present.has(sameInode)) {
            this.#release(sameInode);
            const { name: before } = sameInode;
            drop(
              sameInode,
              `${before} was ${before === name ? 'truncated or written anew' : 'deleted'}`,
            );
          }
          known = {
            name,
            dev: '',
            ino: '',
            head: null,
            offset: 0,
            longLine: null,
            time: null,
            settled: false,
          };
          files.push(known);
        }
        Object.assign(known, { name, dev: `${dev}`, ino: `${ino}` });
        present.add(known);
        this.#seen.set(known, { ...now, since: Math.min(this.#now(), now.mtimeMs) });
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === undefined) throw error;
        // Deleted between readdir and here: the next look tells.
        if (code === 'ENOENT') continue;
        unreadable.push({ name, code });
        for (const file of files) if (file.name === name) present.add(file);
      } finally {
        await handle?.close();
      }
    }
    for (const file of [...files]) {
      if (present.has(file)) continue;
      if (this.#held?.file === file) await this.#lookAtDeleted(file);
      if (this.#held?.file !== file) drop(file, `${file.name} was deleted`);
    }
    this.settle(files);
    for (const file of [...files]) {
      if (file.head !== null || (this.#seen.get(file)?.size ?? 0) === 0) continue;
      const head = await this.#headOf(file);
      if (head === 'alien') alien.push(file.name);
      else if (head !== undefined) file.head = head;
    }
    return { lost, alien, unreadable };
  }

  /** Name of the file that is held open. */
  get holding(): string | undefined {
    return this.#held?.file.name;
  }

  /** Names of the files that jsonlog may be in. */
  async names(): Promise<string[]> {
    const all = await readdir(this.#path, { withFileTypes: true });
    return all
      .filter((entry) => entry.name.endsWith('.json') && !entry.isDirectory())
      .map((entry) => entry.name)
      .filter((name) => !this.#ignore.has(join(this.#path, name)));
  }

  /** Files with bytes not sent yet, in the order in which the server wrote them. */
  async unread(files: readonly KnownFile[]): Promise<KnownFile[]> {
    if (this.#held !== undefined) {
      const { size, mtimeMs } = await this.#held.handle.stat();
      this.#note(this.#held.file, size, mtimeMs);
    }
    const mtime = (file: KnownFile) => this.#seen.get(file)?.mtimeMs ?? 0;
    return files
      .filter((file) => file.head !== null && (this.#seen.get(file)?.size ?? 0) > file.offset)
      .sort((a, b) => mtime(a) - mtime(b));
  }

  /** Bytes in `files` that are not sent yet, as far as the folder was looked at. */
  async unsent(files: readonly KnownFile[]): Promise<number> {
    const sizes = (await this.unread(files)).map(
      (file) => (this.#seen.get(file)?.size ?? 0) - file.offset,
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Whether nothing more is expected in `file`: a newer one is there, and it has been quiet. */
  isQuiet(file: KnownFile, files: readonly KnownFile[]): boolean {
    const seen = this.#seen.get(file);
    if (seen === undefined || this.#now() - seen.since < quietMs) return false;
    return files.some((other) => (this.#seen.get(other)?.mtimeMs ?? 0) > seen.mtimeMs);
  }

  /** Marks the files of which all is sent, and that the server has left for another. */
  settle(files: readonly KnownFile[]): void {
    for (const file of files) {
      const size = this.#seen.get(file)?.size ?? 0;
      file.settled = size <= file.offset && this.isQuiet(file, files);
    }
  }

  /** `file`, open and held open until another is asked for; undefined where it is not there any more. */
  async hold(file: KnownFile): Promise<FileHandle | undefined> {
    if (this.#held?.file === file) return this.#held.handle;
    const handle = await open(join(this.#path, file.name), 'r').catch(ifMissing);
    if (handle === undefined) return undefined;
    if (file.head !== null && !(await hasHead(handle, file.head))) {
      await handle.close();
      return undefined;
    }
    await this.#held?.handle.close();
    this.#held = { file, handle };
    return handle;
  }

  async close(): Promise<void> {
    await this.#held?.handle.close();
    this.#held = undefined;
  }

  async #isStill(file: KnownFile, handle: FileHandle, size: number): Promise<boolean> {
    if (size < file.offset) return false;
    return file.head === null || (await hasHead(handle, file.head));
  }

  #note(file: KnownFile, size: number, mtimeMs: number): void {
    const before = this.#seen.get(file);
    const same = before?.size === size && before.mtimeMs === mtimeMs;
    if (!same) this.#seen.set(file, { size, mtimeMs, since: Math.min(this.#now(), mtimeMs) });
  }

  #release(file: KnownFile): void {
    if (this.#held?.file !== file) return;
    void this.#held.handle.close();
    this.#held = undefined;
  }

  /** The held file has no name any more; the server may still write to it until it turns to another. */
  async #lookAtDeleted(file: KnownFile): Promise<void> {
    if (this.#held === undefined) return;
    const { size, mtimeMs } = await this.#held.handle.stat();
    this.#note(file, size, mtimeMs);
    if (file.settled && size <= file.offset) this.#release(file);
  }

  async #headOf(file: KnownFile): Promise<Awaited<ReturnType<typeof readHead>>> {
    const handle = await open(join(this.#path, file.name), 'r').catch(ifMissing);
    if (handle === undefined) return undefined;
    try {
      return await readHead(handle, file.settled);
    } finally {
      await handle.close();
    }
  }
}

/**
 * Whether there is a log to follow in `path`: throws a sentence, exit 2, for a folder that can't be
 * read, files that can't, and a server that writes another format.
 */
export async function checkFolder(path: string, folder: LogFolder): Promise<void> {
  let all: string[];
  let names: string[];
  try {
    all = await readdir(path);
    names = await folder.names();
  } catch (error) {
    throw folderError(path, error);
  }
  for (const name of names) {
    try {
      await (await open(join(path, name), 'r')).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new PgwitnessError({
        code: 'ship.cannot-read-log',
        message: `${join(path, name)} can't be read by ${whoAmI()} (${(error as NodeJS.ErrnoException).code}).`,
        fix: 'Run `pgwitness ship` as the account of the server, or set `log_file_mode = 0640` in postgresql.conf and take this account into the group of the files; `chmod 0640` those that are there.',
        exit: 2,
        cause: error,
      });
    }
  }
  if (names.length === 0 && all.some((name) => /\.(log|csv)$/.test(name))) {
    throw notJsonlog(`The files in ${path} are not jsonlog.`);
  }
}

/** The error for a log in another format. */
export function notJsonlog(message: string): PgwitnessError {
  return new PgwitnessError({
    code: 'ship.not-jsonlog',
    message,
    fix: 'Set `logging_collector = on` (takes a restart) and `log_destination = jsonlog` (Postgres 15 or later) in postgresql.conf, and check `log_directory` in the configuration.',
    exit: 2,
  });
}

/** The error for a log folder that can't be listed, exit 2. */
export function folderError(path: string, cause: unknown): PgwitnessError {
  const code = (cause as NodeJS.ErrnoException).code;
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new PgwitnessError({
    code: missing ? 'ship.no-log-folder' : 'ship.cannot-read-log',
    message: missing
      ? `There is no log folder ${path}.`
      : `The log folder ${path} can't be read by ${whoAmI()} (${code}).`,
    fix: missing
      ? 'Set `log_directory` in the configuration to the folder that `show log_directory` tells of; a relative one lies below the data directory.'
      : 'Run `pgwitness ship` as the account of the server, or put the log outside the data directory (`log_directory`) into a folder that this account’s group may read, with `log_file_mode = 0640`.',
    exit: 2,
    cause,
  });
}

function whoAmI(): string {
  return `the account ${userInfo().username}`;
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
