import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgwitnessError } from '../error.ts';
import { takeLock } from '../process-lock.ts';
import { editSecrets, parseSecrets } from './secrets-text.ts';

/** Hundreds of secrets fit into it. */
const largestFile = 262_144;
/** Another process that changes the file is done in milliseconds. */
const lockPatienceMs = 5_000;

interface ReadSecrets {
  readonly text: string;
  readonly secrets: ReadonlyMap<string, string>;
  /** Whose file it is. */
  readonly uid: number;
  readonly gid: number;
}

/**
 * The secrets in the file `path`, by the name of their variable; none where there is no file. Throws
 * PgwitnessError, exit 2: `config.secrets-readable-by-others`, `config.bad-secrets`,
 * `config.cannot-read-secrets`. No error quotes anything of the file.
 */
export async function readSecrets(path: string): Promise<ReadonlyMap<string, string>> {
  return (await readFileOf(path))?.secrets ?? new Map();
}

/**
 * Changes the file of secrets `path`, which is made where there is none: `change` is given what stands in
 * it and says what to set, and what to take away (undefined). One process at a time; whoever reads
 * meanwhile, and whatever a crash leaves, has the file as it was or as it is to be, never a part, and when
 * this resolves a power cut can't undo it. Throws as `readSecrets`, and `config.secrets-busy` and
 * `config.cannot-write-secrets`; what `change` throws goes on, and nothing was changed then.
 */
export async function changeSecrets(
  path: string,
  change: (secrets: ReadonlyMap<string, string>) => ReadonlyMap<string, string | undefined>,
  patienceMs = lockPatienceMs,
): Promise<void> {
  // What a link stands for is replaced, not the link.
  const target = await realpath(path).catch(() => path);
  const release = await lock(target, patienceMs);
  try {
    const found = await readFileOf(target);
    const changes = change(found?.secrets ?? new Map());
    if (changes.size === 0) return;
    await replace(target, editSecrets(found?.text ?? '', changes), found);
  } finally {
    release();
  }
}

async function lock(path: string, patienceMs: number): Promise<() => void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const release = await takeLock(`secrets ${path}`);
    if (release !== undefined) return release;
    if (performance.now() > deadline) {
      throw new PgwitnessError({
        code: 'config.secrets-busy',
        message: `Another process has been changing ${path} for ${patienceMs / 1_000} s; nothing was changed.`,
        fix: 'Let it end, and run this again.',
        exit: 2,
      });
    }
    await sleep(50);
  }
}

async function readFileOf(path: string): Promise<ReadSecrets | undefined> {
  let file: FileHandle;
  try {
    // Opening a named pipe would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotRead(path, error);
  }
  try {
    // Looked at by the descriptor that is read: nobody can put another file there in between.
    const { size, uid, gid } = await expectPrivate(path, file);
    if (size > largestFile) throw bad(path, `is larger than ${largestFile} bytes`);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    const read = bytes.subarray(0, bytesRead);
    if (!isUtf8(read)) throw bad(path, 'holds bytes that are not UTF-8 text');
    const text = read.toString('utf8').replace(/^\ufeff/, '');
    const parsed = parseSecrets(text);
    if (!parsed.ok) throw bad(path, parsed.why, parsed.line);
    return { text, secrets: parsed.secrets, uid, gid };
  } catch (error) {
    throw error instanceof PgwitnessError ? error : cannotRead(path, error);
  } finally {
    await file.close();
  }
}

async function expectPrivate(path: string, file: FileHandle) {
  const found = await file.stat();
  if (!found.isFile()) throw bad(path, 'is not a regular file');
  // Windows has no such bits: Node makes some up.
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new PgwitnessError({
      code: 'config.secrets-readable-by-others',
      message: `The file of secrets ${path} is open to others than its owner (mode ${(found.mode & 0o777).toString(8)}).`,
      fix: `Run \`chmod 600 ${path}\`, and change the secrets in it if others have had access to this machine.`,
      exit: 2,
    });
  }
  return found;
}

/** Crash point: before the rename the old file stands, after it the new one, each whole. */
async function replace(
  path: string,
  text: string,
  before: Pick<ReadSecrets, 'uid' | 'gid'> | undefined,
): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  let placed = false;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      const { uid, gid } = await file.stat();
      // Root makes it anew for the account that the receiver runs as.
      if (before !== undefined && (before.uid !== uid || before.gid !== gid)) {
        await file.chown(before.uid, before.gid);
      }
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    placed = true;
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw new PgwitnessError({
      code: 'config.cannot-write-secrets',
      message: placed
        ? `The file of secrets ${path} is written, and a power cut may still undo it (${codeOf(error)}).`
        : `The file of secrets ${path} could not be written (${codeOf(error)}); what stood there stays.`,
      fix: 'Give this account the right to write into its folder, see that the disk has room, and run this again.',
      exit: 2,
      cause: error,
    });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function bad(path: string, why: string, line?: number): PgwitnessError {
  const place = line === undefined ? path : `${path}:${line}`;
  return new PgwitnessError({
    code: 'config.bad-secrets',
    message: `The file of secrets ${place} ${why}.`,
    fix: "Write one NAME='value' a line, the name in capitals, the value in single quotes; comments begin with #.",
    exit: 2,
  });
}

function cannotRead(path: string, error: unknown): PgwitnessError {
  return new PgwitnessError({
    code: 'config.cannot-read-secrets',
    message: `The file of secrets ${path} can't be read (${codeOf(error)}).`,
    fix: 'Have it belong to the account that runs pgwitness, mode 600.',
    exit: 2,
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'an unexpected error';
}
