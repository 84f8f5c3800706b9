import { gunzip } from 'node:zlib';

/** A request's body, or why there is none. */
export type BodyRead =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly reason: 'too-large' | 'cut' }
  /** `settled`: when the bytes that still come are no longer held; with the connection at the latest. */
  | { readonly ok: false; readonly reason: 'late'; readonly settled: Promise<unknown> };

/** The body's length as the request announces it; undefined where it comes in chunks. */
export function announcedLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/**
 * Reads at most `limit` bytes until `signal` aborts. `cut`: the connection ended first. What came
 * of such a body is given up: the sender holds it and sends it again.
 */
export async function readBody(
  request: Request,
  limit: number,
  signal: AbortSignal,
): Promise<BodyRead> {
  const announced = announcedLength(request);
  if (announced !== undefined && announced > limit) return { ok: false, reason: 'too-large' };
  const reading = announced === undefined ? readChunks(request, limit, signal) : readWhole(request);
  return before(reading, signal);
}

/** With a length, the server hands over the bytes without a stream between. */
async function readWhole(request: Request): Promise<BodyRead> {
  try {
    return { ok: true, body: new Uint8Array(await request.arrayBuffer()) };
  } catch {
    return { ok: false, reason: 'cut' };
  }
}

async function readChunks(request: Request, limit: number, signal: AbortSignal): Promise<BodyRead> {
  if (request.body === null) return { ok: true, body: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = request.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { ok: true, body: Buffer.concat(chunks, length) };
      length += value.length;
      if (length > limit || signal.aborted) break;
      chunks.push(value);
    }
  } catch {
    return { ok: false, reason: 'cut' };
  }
  return { ok: false, reason: 'too-large' };
}

/** `reading`, which never rejects, or 'late' once `signal` aborts. */
function before(reading: Promise<BodyRead>, signal: AbortSignal): Promise<BodyRead> {
  return new Promise((resolve) => {
    const late = () => resolve({ ok: false, reason: 'late', settled: reading });
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    reading.then((read) => {
      signal.removeEventListener('abort', late);
      resolve(read);
    });
  });
}

/** A body as it is to be stored. `encoding` is set where it stays packed, and says why. */
export interface PlainBody {
  readonly body: Uint8Array;
  readonly encoding?: string;
  readonly fault?: 'encoding-unknown' | 'gzip-corrupt' | 'gzip-too-large';
}

/**
 * Undoes `Content-Encoding: gzip` (log-shuttle sends it). What can't be unpacked within `limit` bytes
 * is kept as it came: a bomb costs its own size, and evidence that nobody can read yet is still evidence.
 */
export function unpackBody(
  body: Uint8Array,
  encoding: string | null,
  limit: number,
): Promise<PlainBody> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return Promise.resolve({ body });
  if (name !== 'gzip' && name !== 'x-gzip') {
    return Promise.resolve({ body, encoding: name, fault: 'encoding-unknown' });
  }
  return new Promise((resolve) => {
    const done = (error: Error | null, unpacked: unknown) => {
      if (error !== null) {
        const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
        resolve({ body, encoding: 'gzip', fault: large ? 'gzip-too-large' : 'gzip-corrupt' });
        return;
      }
      const { buffer, engine } = unpacked as { buffer: Buffer; engine: { bytesWritten: number } };
      // gunzip passes over what follows the last member: those bytes would be lost.
      resolve(
        engine.bytesWritten === body.length
          ? { body: buffer }
          : { body, encoding: 'gzip', fault: 'gzip-corrupt' },
      );
    };
    gunzip(body, { maxOutputLength: limit, info: true }, done as Parameters<typeof gunzip>[2]);
  });
}
