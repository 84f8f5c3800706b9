import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingRgwPrograms, type RgwServer, startRgw, stopRgw } from '../../scripts/rgw.mjs';

/** Starts one S3 server for a whole test run, once the first test asks at `url`. */
export interface S3Starter {
  /** Answers with the server as JSON; '' where its programs are missing. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Lives in the run's main process, which the server's processes end with, even where it is killed. */
export async function startS3Starter(): Promise<S3Starter> {
  if (missingRgwPrograms().length > 0) return { url: '', stop: async () => undefined };
  let started: Promise<RgwServer> | undefined;
  const starter = createServer((_request, response) => {
    started ??= start();
    started.then(
      (server) => response.end(JSON.stringify(server)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  starter.listen(0, '127.0.0.1');
  await once(starter, 'listening');
  return {
    url: `http://127.0.0.1:${(starter.address() as AddressInfo).port}`,
    async stop() {
      starter.close();
      starter.closeAllConnections();
      const server = await started?.catch(() => undefined);
      if (server !== undefined) await stopRgw(server.folder, { purge: true });
    },
  };
}

async function start(): Promise<RgwServer> {
  return startRgw({ folder: await mkdtemp(join(tmpdir(), 'pgwitness-rgw-')), dieWithParent: true });
}
