import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultWorld } from './fault-cell.ts';

type Send = NonNullable<FaultWorld['send']>;

/** A drain that gives up after so long; Logplex's 5 s would only make the tests longer. */
const patienceMs = 1_500;

/** How a client, or the way to it, goes wrong. */
export const clientFaults = {
  /** The connection is cut amid the header. */
  headCut: (port, head) =>
    speak(port, async (socket) => {
      socket.write(head.subarray(0, 60));
      await sleep(30);
    }),
  /** The header stops coming; the client gives up. */
  headHangs: (port, head) =>
    speak(port, async (socket) => {
      socket.write(head.subarray(0, 60));
      await sleep(patienceMs);
    }),
  /** A few bytes at a time. */
  headSlow: (port, head, body) =>
    speak(port, async (socket, answered) => {
      for (let from = 0; from < head.length; from += 40) {
        socket.write(head.subarray(from, from + 40));
        await sleep(15);
      }
      socket.write(body);
      await answered;
    }),
  /** What comes is no HTTP. */
  headFails: (port, head, body) =>
    speak(port, async (socket, answered) => {
      socket.write(Buffer.concat([head.subarray(4), body]));
      await answered;
    }),
  bodyCut: (port, head, body) =>
    speak(port, async (socket) => {
      socket.write(Buffer.concat([head, body.subarray(0, body.length / 2)]));
      await sleep(30);
    }),
  /** Half of the body comes, and the client waits for the answer. */
  bodyHangs: (port, head, body) =>
    speak(port, async (socket, answered) => {
      socket.write(Buffer.concat([head, body.subarray(0, body.length / 2)]));
      await answered;
    }),
  bodySlow: (port, head, body) =>
    speak(port, async (socket, answered) => {
      socket.write(head);
      const step = Math.ceil(body.length / 10);
      for (let from = 0; from < body.length; from += step) {
        socket.write(body.subarray(from, from + step));
        await sleep(15);
      }
      await answered;
    }),
  /** All is sent, and the connection cut before the answer. */
  answerCut: (port, head, body) =>
    speak(port, async (socket) => {
      await new Promise((resolve) => socket.write(Buffer.concat([head, body]), resolve));
    }),
} as const satisfies Record<string, Send>;

/** To the status of the first answer, 0 where none came before the client was done. */
async function speak(
  port: number,
  work: (socket: Socket, answered: Promise<unknown>) => Promise<unknown>,
): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => socket.destroy());
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  await work(socket, Promise.race([once(socket, 'data').catch(() => undefined), closed]));
  socket.destroy();
  await closed;
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0);
}
