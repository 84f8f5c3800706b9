import { gunzip } from 'node:zlib';

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
