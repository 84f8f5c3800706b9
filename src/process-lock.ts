import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Takes the lock `name` for this process; undefined where another process of this machine holds it.
 * Linux has sockets that live in no file and end with the process, however it ends, so no stale lock
 * is left behind; elsewhere nothing is locked. Returns the release.
 */
export async function takeLock(name: string): Promise<(() => void) | undefined> {
  if (process.platform !== 'linux') return () => undefined;
  const server = createServer((socket) => socket.destroy());
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ path: `\0pgwitness-${digest}` }, () => resolve(true));
  });
  if (!taken) return undefined;
  server.unref();
  return () => server.close();
}
