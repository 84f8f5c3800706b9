import { announcedBytes, type BodyRead, type IncomingFrame } from './incoming-frame.ts';

/** A frame that comes as a web Request. */
export function webFrame(request: Request): IncomingFrame {
  const announced = announcedBytes(request.headers.get('content-length'));
  return {
    header: (name) => request.headers.get(name),
    announcedBytes: announced,
    read(limit, signal) {
      if (announced !== undefined && announced > limit) {
        return Promise.resolve({ ok: false, reason: 'too-large' });
      }
      const whole = announced !== undefined;
      return before(whole ? readWhole(request) : readChunks(request, limit, signal), signal);
    },
  };
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
