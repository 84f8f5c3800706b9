import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadProcess } from './load-process.ts';
import type { JobOf } from './scenario.ts';

/** Megabytes a second that the load brings to a server which answers at once and does nothing else. */
export async function loadCeiling(load: LoadProcess, job: JobOf<'saturate'>): Promise<number> {
  const server = fork(fileURLToPath(new URL('./null-server.ts', import.meta.url)));
  try {
    const [port] = (await once(server, 'message')) as [number];
    const edges = { begin: () => undefined, end: () => undefined };
    const result = await load.run({ ...job, port, seed: 1 }, edges);
    return result.bytes / 1e6 / result.seconds;
  } finally {
    server.kill();
  }
}
