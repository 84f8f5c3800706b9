import { createServer } from 'node:net';
import { PgwitnessError } from '../error.ts';
import { sha256 } from './log-line.ts';

/**
 * Keeps a second `pgwitness ship` away from the state in `path`: two would overwrite each other's position.
 * Linux has sockets that live in no file and end with the process, however it ends, so no stale lock is
 * left behind; elsewhere nothing is locked. Throws `ship.already-running`, exit 2. Returns the release.
 */
export async function lockState(path: string): Promise<() => void> {
  if (process.platform !== 'linux') return () => undefined;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') {
        reject(error);
        return;
      }
      reject(
        new PgwitnessError({
          code: 'ship.already-running',
          message: `Another \`pgwitness ship\` is running with the position in ${path}.`,
          fix: 'Stop it first, or give this app a `state` of its own.',
          exit: 2,
        }),
      );
    });
    server.listen({ path: `\0pgwitness-ship-${sha256(path).slice(0, 32)}` }, resolve);
  });
  server.unref();
  return () => server.close();
}
