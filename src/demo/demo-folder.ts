import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PgwitnessError } from '../error.ts';
import { takeLock } from '../process-lock.ts';

/** A folder that holds this file was made by a demo. */
const marker = '.made-by-pgwitness-demo';

/** All that a demo makes: nothing else is ever removed. */
const made = ['pgwitness.yaml', 'env', 'archive', 'ship-state.json'];

/**
 * Makes `folder` the demo's own and takes what an earlier demo left in it away. Throws
 * `demo.already-running` where another demo runs there, `demo.folder-in-use` where somebody else's
 * files stand in it (nothing was touched then) and `demo.folder-unusable`. Returns the release.
 */
export async function claimFolder(folder: string): Promise<() => void> {
  const release = await takeLock(`demo ${folder}`);
  if (release === undefined) {
    throw new PgwitnessError({
      code: 'demo.already-running',
      message: `Another demo is running in ${folder}.`,
      fix: 'Stop it with Ctrl-C, or name another folder with --dir.',
      exit: 2,
    });
  }
  try {
    await mkdir(folder, { recursive: true });
    const found = await readdir(folder);
    if (found.length > 0 && !found.includes(marker)) throw inUse(folder);
    await writeFile(
      join(folder, marker),
      'A demo of pgwitness empties this folder when it starts.\n',
    );
    for (const name of made) await rm(join(folder, name), { recursive: true, force: true });
    return release;
  } catch (error) {
    release();
    throw error instanceof PgwitnessError ? error : unusable(folder, error);
  }
}

function inUse(folder: string): PgwitnessError {
  return new PgwitnessError({
    code: 'demo.folder-in-use',
    message: `${folder} holds files that no demo made; nothing was touched.`,
    fix: 'Name a new or an empty folder with --dir.',
    exit: 2,
  });
}

function unusable(folder: string, cause: unknown): PgwitnessError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PgwitnessError({
    code: 'demo.folder-unusable',
    message: `The demo can't work in ${folder}: ${reason}`,
    fix: 'Name a folder that you may write to with --dir.',
    exit: 2,
    cause,
  });
}
