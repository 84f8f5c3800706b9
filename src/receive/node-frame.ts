import type { IncomingMessage } from 'node:http';
import { announcedBytes, type BodyRead, type IncomingFrame } from './incoming-frame.ts';

/**
 * A frame that comes as a request of Node's server. `onRead` is called before its body is read: what
 * has not been read by then may still be on the way, or wait for `100 Continue`.
 */
export function nodeFrame(incoming: IncomingMessage, onRead: () => void): IncomingFrame {
  const announced = announcedBytes(incoming.headers['content-length'] ?? null);
  const chunked = incoming.headers['transfer-encoding'] !== undefined;
  return {
    header(name) {
      const value = incoming.headers[name];
      return (Array.isArray(value) ? value.join(', ') : value) ?? null;
    },
    // Neither: there is no body.
    announcedBytes: chunked ? undefined : (announced ?? 0),
    address: incoming.socket.remoteAddress,
    connection: staysOpen(incoming) ? incoming.socket : undefined,
    read(limit, signal) {
      onRead();
      // Not a request without a body, but one whose body was to end with the connection.
      if (!chunked && announced === undefined && saysLines(incoming)) {
        return Promise.resolve({ ok: false, reason: 'cut' });
      }
      return readBody(incoming, chunked ? undefined : (announced ?? 0), limit, signal);
    },
  };
}

function saysLines({ headers }: IncomingMessage): boolean {
  return /^0*[1-9]/.test(String(headers['logplex-msg-count'] ?? ''));
}

/** Whether another frame may follow on the same connection. */
function staysOpen({ headers, httpVersionMinor }: IncomingMessage): boolean {
  const connection = headers.connection?.toLowerCase();
  return httpVersionMinor === 0 ? connection === 'keep-alive' : connection !== 'close';
}

function readBody(
  incoming: IncomingMessage,
  announced: number | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<BodyRead> {
  return new Promise((resolve) => {
    let bytes: Gathered | undefined;
    const onData = (chunk: Buffer) => {
      if (bytes?.add(chunk) === false) done({ ok: false, reason: 'too-large' });
    };
    const onEnd = () => done({ ok: true, body: bytes?.all() ?? Buffer.alloc(0) });
    const onCut = () => done({ ok: false, reason: 'cut' });
    // Nothing of it is held from here on: what still comes is thrown away as it comes.
    const onLate = () => done({ ok: false, reason: 'late', settled: Promise.resolve() });
    const done = (read: BodyRead) => {
      bytes = undefined;
      incoming.off('data', onData).off('end', onEnd).off('close', onCut);
      signal.removeEventListener('abort', onLate);
      resolve(read);
    };
    if (signal.aborted) return onLate();
    if (incoming.destroyed) return onCut();
    if ((announced ?? 0) > limit) return done({ ok: false, reason: 'too-large' });
    // Never more than was announced, whatever made the parser go on: no memory was taken for it.
    bytes = gather(announced ?? Math.min(firstBytes, limit), announced ?? limit);
    signal.addEventListener('abort', onLate, { once: true });
    incoming.on('error', onCut).on('close', onCut).on('end', onEnd).on('data', onData);
  });
}

/** Of a body whose length nobody has announced. */
const firstBytes = 65_536;

interface Gathered {
  /** False where it would be more than the limit. */
  add(chunk: Buffer): boolean;
  all(): Buffer;
}

/** In one piece: a body that comes in chunks of a byte each must not be held as so many objects. */
function gather(expected: number, limit: number): Gathered {
  let bytes = Buffer.allocUnsafe(expected);
  let length = 0;
  return {
    add(chunk) {
      const next = length + chunk.length;
      if (next > limit) return false;
      if (next > bytes.length) {
        const larger = Buffer.allocUnsafe(Math.min(Math.max(next, bytes.length * 2), limit));
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      chunk.copy(bytes, length);
      length = next;
      return true;
    },
    all: () => bytes.subarray(0, length),
  };
}
