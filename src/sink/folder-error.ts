import { type ExitCode, PgwitnessError } from '../error.ts';

interface Meaning {
  readonly code: string;
  readonly why: string;
  readonly fix: string;
  readonly exit: ExitCode;
}

const noPermission: Meaning = {
  code: 'sink.no-permission',
  why: 'this user may not do that there',
  fix: 'Let the user that runs pgwitness use the folder, or name another one under archive.folder.',
  exit: 2,
};
const notAFolder: Meaning = {
  code: 'sink.not-a-folder',
  why: 'a part of the path is a file',
  fix: 'Name a folder under archive.folder.',
  exit: 2,
};
const meanings: Readonly<Record<string, Meaning | undefined>> = {
  ENOSPC: {
    code: 'sink.disk-full',
    why: 'the disk is full',
    fix: 'Free space on its file system; frames are taken again as soon as there is some.',
    exit: 1,
  },
  EDQUOT: {
    code: 'sink.disk-full',
    why: 'the disk quota is used up',
    fix: 'Raise the quota or free space; frames are taken again as soon as there is some.',
    exit: 1,
  },
  EACCES: noPermission,
  EPERM: noPermission,
  EROFS: {
    code: 'sink.read-only',
    why: 'the file system is read-only',
    fix: 'Mount it for writing (a disk fault may have made it read-only), or name another folder under archive.folder.',
    exit: 2,
  },
  ENOTDIR: notAFolder,
  EEXIST: notAFolder,
};

/**
 * What a failed file operation means to whoever runs the archive. `doing`: `write logs/a/… to`.
 * `exit` goes before the meaning's own, which is that for a writer.
 */
export function folderError(
  folder: string,
  doing: string,
  cause: unknown,
  exit?: ExitCode,
): PgwitnessError {
  if (cause instanceof PgwitnessError) return cause;
  const errno = (cause as NodeJS.ErrnoException).code ?? '';
  const told = meanings[errno];
  return new PgwitnessError({
    code: told?.code ?? 'sink.folder-failed',
    message: `Could not ${doing} the folder ${folder}: ${told?.why ?? `the system says ${errno || String(cause)}`}.`,
    fix: told?.fix ?? 'Look at the disk and its file system; the same put may be tried again.',
    exit: exit ?? told?.exit ?? 1,
    cause,
  });
}
