import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasHead, readHead } from './span.ts';
import type { KnownFile } from './state.ts';

/** A file that did not change for so long, with a newer one beside it, is taken as finished. */
const quietMs = 1_000;
/** Files held open at once; those changed last are. */
const mostHeld = 64;

/** What a look at the folder found beside its files. */
export interface Sighting {
  /** Files that lost what they held unsent, or not known to be sent. */
  readonly lost: readonly { readonly file: KnownFile; readonly reason: string }[];
  /** Names of `.json` files that hold no jsonlog: they are left alone. */
  readonly alien: readonly string[];
  /** Names of entries that can't be read, and why. */
  readonly unreadable: readonly { readonly name: string; readonly why: string }[];
}

/** A sighting in the making. */
interface Look {
  readonly files: KnownFile[];
  /** The files that were seen under a name. */
  readonly present: Set<KnownFile>;
  readonly lost: { file: KnownFile; reason: string }[];
  readonly alien: string[];
  readonly unreadable: { name: string; why: string }[];
}

interface Seen {
  readonly size: number;
  /** In nanoseconds: the order of two files may hang on less than a millisecond. */
  readonly mtimeNs: bigint;
  /** Size and time of change have been the same since then, in epoch milliseconds. */
  readonly since: number;
}

/**
 * The server's log folder. Files are known by their first line, not by name or inode alone: names
 * are used again where `log_truncate_on_rotation` is on, inodes after a deletion, device numbers
 * change with a restart. Files are held open, also those that are sent whole: what the server
 * appends to one just before it is deleted or replaced can still be read.
 */
export class LogFolder {
  readonly #path: string;
  readonly #ignore: ReadonlySet<string>;
  readonly #now: () => number;
  readonly #seen = new Map<KnownFile, Seen>();
  readonly #held = new Map<KnownFile, FileHandle>();
  /** The one that is being read. */
  #followed: KnownFile | undefined;

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
    const seen: Look = { files, present: new Set(), lost: [], alien: [], unreadable: [] };
    for (const name of await this.names()) {
      await this.#unlessBad(name, seen, () => this.#lookAt(name, seen));
    }
    for (const file of [...files]) {
      if (seen.present.has(file)) continue;
      // The server may still write to what has no name any more, until it turns to another.
      const handle = this.#held.get(file);
      if (handle !== undefined) this.#note(file, await handle.stat({ bigint: true }));
      const done = file.settled && this.#sizeOf(file) <= file.offset;
      if (handle === undefined || done) await this.#drop(file, `${file.name} was deleted`, seen);
    }
    this.settle(files);
    for (const file of files) {
      if (file.head !== null || this.#sizeOf(file) === 0) continue;
      await this.#unlessBad(file.name, seen, () => this.#findHead(file, seen));
    }
    return seen;
  }

  /** One bad entry ends nothing: it is told, and looked at again. */
  async #unlessBad(name: string, seen: Look, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      // Deleted between readdir and here: the next look tells.
      if (code === 'ENOENT') return;
      const why = `it can't be read (${code}); its lines are sent once it can`;
      seen.unreadable.push({ name, why });
      for (const file of seen.files) if (file.name === name) seen.present.add(file);
    }
  }

  async #lookAt(name: string, seen: Look): Promise<void> {
    const path = join(this.#path, name);
    const entry = await stat(path, { bigint: true });
    if (!entry.isFile()) {
      seen.unreadable.push({ name, why: 'it is no regular file' });
      return;
    }
    const same = seen.files.find((file) => isInode(file, entry));
    if (same !== undefined && this.#isAsSeen(same, entry)) {
      seen.present.add(same);
      same.name = name;
      return;
    }
    const handle = await openLog(path);
    try {
      // Another file may have taken the name since.
      const found = await handle.stat({ bigint: true });
      const known = (await this.#recognise(name, handle, found, seen)) ?? newFile(name);
      if (!seen.files.includes(known)) seen.files.push(known);
      Object.assign(known, { name, dev: `${found.dev}`, ino: `${found.ino}` });
      seen.present.add(known);
      this.#note(known, found);
      await this.#keep(known, handle);
    } finally {
      if (![...this.#held.values()].includes(handle)) await handle.close();
    }
  }

  /** The file known before that `handle` is; drops the one whose content was replaced by another. */
  async #recognise(
    name: string,
    handle: FileHandle,
    found: BigIntStats,
    seen: Look,
  ): Promise<KnownFile | undefined> {
    const sameInode = seen.files.find((file) => isInode(file, found));
    // What is held open under another inode lives on in that: this one is a copy.
    const sameName = seen.files.find((file) => file.name === name && !this.#held.has(file));
    for (const candidate of [sameInode, sameName]) {
      if (candidate === undefined || seen.present.has(candidate)) continue;
      if (await this.#isStill(candidate, handle, Number(found.size))) return candidate;
    }
    if (sameInode !== undefined && !seen.present.has(sameInode)) {
      const how = sameInode.name === name ? 'truncated or written anew' : 'deleted';
      await this.#drop(sameInode, `${sameInode.name} was ${how}`, seen);
    }
    return undefined;
  }

  async #findHead(file: KnownFile, seen: Look): Promise<void> {
    const handle = await this.#handleOf(file);
    const head = handle && (await readHead(handle, file.settled));
    if (head === undefined) return;
    if (head === 'alien') {
      seen.alien.push(file.name);
      return;
    }
    Object.assign(file, { head, offset: head.start });
    if (head.start === 0) return;
    const reason = `a crash blanked the first ${head.start} bytes of ${file.name}`;
    seen.lost.push({ file, reason });
  }

  async #drop(file: KnownFile, reason: string, seen: Look): Promise<void> {
    seen.files.splice(seen.files.indexOf(file), 1);
    this.#seen.delete(file);
    if (this.#followed === file) this.#followed = undefined;
    await this.#release(file);
    // Of what has no head nothing was sent, and no whole line was seen.
    if (!file.settled && file.head !== null) seen.lost.push({ file, reason });
  }

  /** Name of the file that is being read. */
  get following(): string | undefined {
    return this.#followed?.name;
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
    const handle = this.#followed && this.#held.get(this.#followed);
    if (this.#followed && handle) this.#note(this.#followed, await handle.stat({ bigint: true }));
    return files
      .filter((file) => file.head !== null && this.#sizeOf(file) > file.offset)
      .sort((a, b) => Number(this.#mtimeOf(a) - this.#mtimeOf(b)));
  }

  /** Bytes in `files` that are not sent yet, as far as the folder was looked at. */
  async unsent(files: readonly KnownFile[]): Promise<number> {
    return (await this.unread(files)).reduce(
      (sum, file) => sum + this.#sizeOf(file) - file.offset,
      0,
    );
  }

  /** Whether nothing more is expected in `file`: a newer one is there, and it has been quiet. */
  isQuiet(file: KnownFile, files: readonly KnownFile[]): boolean {
    const seen = this.#seen.get(file);
    if (seen === undefined || this.#now() - seen.since < quietMs) return false;
    return files.some((other) => this.#mtimeOf(other) > seen.mtimeNs);
  }

  /** Marks the files of which all is sent, and that the server has left for another. */
  settle(files: readonly KnownFile[]): void {
    for (const file of files) {
      file.settled = this.#sizeOf(file) <= file.offset && this.isQuiet(file, files);
    }
  }

  /** When `file` was last changed, in epoch milliseconds, as last seen. */
  changedAt(file: KnownFile): number {
    return Number(this.#mtimeOf(file) / 1_000_000n);
  }

  /** `file` to read from, looked at anew; undefined where it is not there any more, or can't be read. */
  async follow(file: KnownFile): Promise<FileHandle | undefined> {
    const handle = await this.#handleOf(file);
    if (handle === undefined) return undefined;
    this.#followed = file;
    this.#note(file, await handle.stat({ bigint: true }));
    return handle;
  }

  async close(): Promise<void> {
    for (const handle of this.#held.values()) await handle.close();
    this.#held.clear();
  }

  async #isStill(file: KnownFile, handle: FileHandle, size: number): Promise<boolean> {
    if (size < file.offset) return false;
    return file.head === null || (await hasHead(handle, file.head));
  }

  #sizeOf(file: KnownFile): number {
    return this.#seen.get(file)?.size ?? 0;
  }

  #mtimeOf(file: KnownFile): bigint {
    return this.#seen.get(file)?.mtimeNs ?? 0n;
  }

  #isAsSeen(file: KnownFile, { size, mtimeNs }: BigIntStats): boolean {
    const before = this.#seen.get(file);
    return before?.size === Number(size) && before.mtimeNs === mtimeNs;
  }

  #note(file: KnownFile, stats: BigIntStats): void {
    if (this.#isAsSeen(file, stats)) return;
    const { size, mtimeNs } = stats;
    const since = Math.min(this.#now(), Number(mtimeNs / 1_000_000n));
    this.#seen.set(file, { size: Number(size), mtimeNs, since });
  }

  async #handleOf(file: KnownFile): Promise<FileHandle | undefined> {
    const held = this.#held.get(file);
    if (held !== undefined) return held;
    let handle: FileHandle | undefined;
    try {
      handle = await openLog(join(this.#path, file.name));
      if (file.head === null || (await hasHead(handle, file.head))) {
        await this.#keep(file, handle);
        return handle;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
    await handle?.close();
    // The next look opens it afresh, and tells what is the matter.
    this.#seen.delete(file);
    return undefined;
  }

  async #keep(file: KnownFile, handle: FileHandle): Promise<void> {
    const before = this.#held.get(file);
    this.#held.set(file, handle);
    await before?.close();
    if (this.#held.size <= mostHeld) return;
    const others = [...this.#held.keys()].filter((other) => other !== file);
    const [oldest] = others.sort((a, b) => (this.#mtimeOf(a) < this.#mtimeOf(b) ? -1 : 1));
    if (oldest !== undefined) await this.#release(oldest);
  }

  async #release(file: KnownFile): Promise<void> {
    const handle = this.#held.get(file);
    this.#held.delete(file);
    await handle?.close();
  }
}

/** Opens a log file to read. Nothing waits here, also where a FIFO has taken its name. */
export function openLog(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

function isInode(file: KnownFile, { ino, dev }: BigIntStats): boolean {
  return file.ino === `${ino}` && file.dev === `${dev}`;
}

function newFile(name: string): KnownFile {
  return {
    name,
    dev: '',
    ino: '',
    head: null,
    offset: 0,
    longLine: null,
    time: null,
    settled: false,
  };
}
