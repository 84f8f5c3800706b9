import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type ListenOptions, listen } from '../../src/receive/node-server.ts';
import { drainHeaders } from './drain.ts';
import { receiverRig } from './receiver-rig.ts';

type Limits = Pick<ListenOptions, 'graceMs' | 'headersMs' | 'maxConnections'>;

/** A receiver that listens as long as the test lasts. */
export async function serve(given: Parameters<typeof receiverRig>[0] = {}, limits: Limits = {}) {
  const rig = await receiverRig(given);
  const stop = new AbortController();
  const { receiver } = rig;
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    receiver,
    signal: stop.signal,
    ...limits,
  });
  onTestFinished(async () => {
    stop.abort();
    await server.done;
  });
  return { ...rig, ...server, stop, port: Number(new URL(server.url).port) };
}

/** A connection on which a test writes HTTP by hand. */
export async function dial(port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    received += chunk;
  });
  // A server that is done with a connection may reset it.
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    socket,
    closed: new Promise((resolve) => socket.once('close', resolve)),
    async until(pattern: RegExp): Promise<string> {
      for (const end = Date.now() + 10_000; !pattern.test(received); ) {
        if (Date.now() > end)
          throw new Error(`not seen: ${pattern} in ${JSON.stringify(received)}`);
        await sleep(5);
      }
      const seen = received;
      received = '';
      return seen;
    },
  };
}

/** A drain's request, with `more` header lines. */
export function raw(body: Uint8Array, more = ''): Buffer {
  const { authorization } = drainHeaders({});
  const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${body.length}\r\n${more}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
