import { PgwitnessError } from '../error.ts';
import { takeLock } from '../process-lock.ts';

/**
 * Keeps a second `pgwitness ship` away from the state in `path`: two would overwrite each other's
 * position. Throws `ship.already-running`, exit 2. Returns the release.
 */
export async function lockState(path: string): Promise<() => void> {
  const release = await takeLock(`ship ${path}`);
  if (release !== undefined) return release;
  throw new PgwitnessError({
    code: 'ship.already-running',
    message: `Another process of this machine holds the lock of the position in ${path}: \`pgwitness ship\` is running with it, unless somebody took the lock to stop it.`,
    fix: 'Stop that process first (as root, `ss -xlp | grep @pgwitness-` names it), or give this app a `state` of its own.',
    exit: 2,
  });
}
