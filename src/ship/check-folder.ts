import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { PgwitnessError } from '../error.ts';
import { type LogFolder, openLog } from './log-folder.ts';

/**
 * Whether there is a log to follow in `path`: throws a sentence, exit 2, for a folder that can't be
 * read, files that this account may not read, and a server that writes another format.
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
      await (await openLog(join(path, name))).close();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      // Whatever else is wrong with one entry of the folder is told when the folder is looked at.
      if (code !== 'EACCES' && code !== 'EPERM') continue;
      throw new PgwitnessError({
        code: 'ship.cannot-read-log',
        message: `${join(path, name)} can't be read by ${whoAmI()} (${code}).`,
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
