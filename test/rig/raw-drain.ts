import { connect, type Socket } from 'node:net';

/** A sender on one connection, one request in flight, as Logplex is. */
export interface RawDrain {
  /**
   * Writes the pieces of one request as they are and resolves to the status of its answer; 0 where the
   * connection broke or no answer came in time. The next request opens a new connection then.
   */
  post(pieces: readonly Uint8Array[]): Promise<number>;
  close(): void;
}

/** Logplex's own: 3 s to connect, 5 s for the answer. */
const connectMs = 3_000;
const answerMs = 5_000;
const endOfHead = '\r\n\r\n';

/**
 * Costs little enough that a load of many is not what a measurement measures: no stream, no parser of
 * HTTP. It knows answers of `Content-Length: 0` alone, as the receiver's answers to frames are.
 */
export function openRawDrain(port: number, options: { readonly answerMs?: number } = {}): RawDrain {
  let socket: Socket | undefined;
  let answered: ((status: number) => void) | undefined;
  let received = '';

  return {
    async post(pieces) {
      const line = socket ?? (await dial());
      if (line === undefined) return 0;
      return new Promise((resolve) => {
        const timer = setTimeout(() => line.destroy(), options.answerMs ?? answerMs);
        answered = (status) => {
          clearTimeout(timer);
          answered = undefined;
          resolve(status);
        };
        if (line.destroyed) return answered(0);
        line.cork();
        for (const piece of pieces) line.write(piece);
        line.uncork();
      });
    },
    close: () => socket?.destroy(),
  };

  function dial(): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const opening = connect({ port, host: '127.0.0.1', noDelay: true });
      const timer = setTimeout(() => opening.destroy(), connectMs);
      opening.setEncoding('latin1');
      opening.on('connect', () => {
        clearTimeout(timer);
        socket = opening;
        received = '';
        resolve(opening);
      });
      opening.on('data', (chunk) => read(opening, String(chunk)));
      // What went wrong is told by the close that follows.
      opening.on('error', () => opening.destroy());
      opening.on('end', () => opening.destroy());
      opening.on('close', () => {
        clearTimeout(timer);
        if (socket === opening) {
          socket = undefined;
          answered?.(0);
        }
        resolve(undefined);
      });
    });
  }

  function read(from: Socket, chunk: string): void {
    received += chunk;
    const end = received.indexOf(endOfHead);
    if (end === -1) return;
    const head = received.slice(0, end);
    received = received.slice(end + endOfHead.length);
    // Node closes such a connection behind the answer: what is sent meanwhile would break.
    if (/\r\nconnection: close/i.test(head)) {
      socket = undefined;
      from.destroy();
    }
    answered?.(Number(head.slice(9, 12)));
  }
}

/** The head of a drain's request for a body of so many bytes; `id` undefined: a sender without ids. */
export function requestHead(given: {
  readonly user: string;
  readonly password: string;
  readonly bytes: number;
  readonly count: number;
  readonly id?: string | undefined;
  readonly token?: string | undefined;
  readonly more?: string;
}): Buffer {
  const pair = Buffer.from(`${given.user}:${given.password}`).toString('base64');
  const id = given.id === undefined ? '' : `Logplex-Frame-Id: ${given.id}\r\n`;
  const token = given.token === undefined ? '' : `Logplex-Drain-Token: ${given.token}\r\n`;
  return Buffer.from(
    `POST /logs HTTP/1.1\r\nHost: receiver\r\nAuthorization: Basic ${pair}\r\nContent-Type: application/logplex-1\r\nLogplex-Msg-Count: ${given.count}\r\n${id}${token}User-Agent: Logplex/v72\r\n${given.more ?? ''}Content-Length: ${given.bytes}\r\n\r\n`,
    'latin1',
  );
}
