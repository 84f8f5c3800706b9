import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { S3Origin } from './s3-place.ts';

/** Milliseconds. */
export interface S3Limits {
  /** Name look-up, TCP and TLS together. */
  readonly connectMs: number;
  /** Without a byte either way, once connected. */
  readonly silentMs: number;
  /**
   * An unused connection is closed after so long. The store closes it at some time of its own, and
   * a Lambda that was frozen finds the other end gone without a word.
   */
  readonly idleMs: number;
  /** Requests that are under way at once; more wait. */
  readonly sockets: number;
}

/** Two tries have their time within the 4.5 s that a drain's frame has. */
export const s3Limits: S3Limits = { connectMs: 1_500, silentMs: 2_500, idleMs: 5_000, sockets: 64 };

/** What is sent; `path` is encoded as it is signed. */
export interface S3Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface S3Answer {
  readonly status: number;
  /** A header's value by its lower-case name; '' where there is none. */
  header(name: string): string;
  /** Its first bytes: enough for an error's code. */
  readonly body: Buffer;
}

/** No answer, and why; whether the store has done what was asked is open. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface S3Connections {
  /**
   * Sends a request whose repetition does no harm: one that meets a connection which the store has
   * closed meanwhile is sent again on a new one. Rejects with NoAnswer, or the signal's reason.
   */
  send(request: S3Request, signal?: AbortSignal): Promise<S3Answer>;
  close(): void;
}

/** More of an answer than this is not read: what sends it is no S3. */
const mostAnswerBytes = 65_536;

/** Connections to one host that are kept for the next request. */
export function openS3Connections(origin: S3Origin, limits: S3Limits = s3Limits): S3Connections {
  const secure = origin.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: limits.sockets,
    maxFreeSockets: limits.sockets,
    // The last one used first: the others may go unused, and be closed.
    scheduling: 'lifo',
    timeout: limits.idleMs,
  });
  const start = secure ? httpsRequest : httpRequest;

  return {
    async send(request, signal) {
      try {
        return await sendOnce(request, signal);
      } catch (error) {
        if (!(error instanceof StaleConnection) || signal?.aborted) throw error;
        // What one of them has met the others will: none of them is used again.
        for (const sockets of Object.values(agent.freeSockets)) {
          for (const socket of sockets ?? []) socket.destroy();
        }
        return sendOnce(request, signal);
      }
    },
    close: () => agent.destroy(),
  };

  function sendOnce(given: S3Request, signal: AbortSignal | undefined): Promise<S3Answer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = start({
        agent,
        host: origin.hostname,
        port: origin.port ?? null,
        method: given.method,
        path: given.path,
        headers: { ...given.headers, 'content-length': String(given.body.length) },
        timeout: limits.silentMs,
        ...(signal !== undefined && { signal }),
      });
      request.on('socket', (socket) => limitConnecting(socket, secure, limits.connectMs));
      request.on('timeout', () =>
        request.destroy(new NoAnswer(`it was silent for ${limits.silentMs} ms`)),
      );
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (signal?.aborted) reject(signal.reason);
        else if (error instanceof NoAnswer) reject(error);
        else if (request.reusedSocket && isClosed(error)) {
          reject(new StaleConnection('it closed the connection', { cause: error }));
        } else reject(new NoAnswer(whyOf(error), { cause: error }));
      });
      request.on('response', (response) => {
        readAnswer(response).then(resolve, (error: unknown) => {
          request.destroy();
          reject(signal?.aborted ? signal.reason : error);
        });
      });
      request.end(given.body);
    });
  }
}

/** A kept connection was closed under a request, before any answer. */
class StaleConnection extends NoAnswer {}

function limitConnecting(socket: Socket, secure: boolean, limitMs: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => {
    socket.destroy(new NoAnswer(`no connection was made within ${limitMs} ms`));
  }, limitMs);
  socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
  socket.once('close', () => clearTimeout(timer));
}

async function readAnswer(response: IncomingMessage): Promise<S3Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostAnswerBytes) throw new NoAnswer('its answer is too long to be one of S3');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer('its answer was cut off', { cause: error });
  }
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return typeof value === 'string' ? value : '';
    },
    body: Buffer.concat(chunks),
  };
}

function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function whyOf(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name is not known (${code})`;
  if (isClosed(error)) return `the connection was cut (${code})`;
  if (/CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code))
    return `its certificate is not trusted (${code})`;
  return code === '' ? 'the connection failed' : `the connection failed (${code})`;
}
