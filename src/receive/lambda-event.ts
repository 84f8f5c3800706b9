import type { IncomingFrame } from './incoming-frame.ts';

/** What an event asks for. */
export type LambdaRequest =
  | {
      readonly kind: 'frame';
      readonly frame: IncomingFrame;
      /** When the function's URL had the request, in epoch milliseconds; undefined where it doesn't say. */
      readonly arrivedAt: number | undefined;
    }
  | { readonly kind: 'alive' }
  /** Not a POST: no frame. */
  | { readonly kind: 'method' }
  /** No event of a Function URL. What it holds is not looked at any further. */
  | { readonly kind: 'unreadable' };

/**
 * Reads an event of a Function URL (payload format 2.0; HTTP APIs of API Gateway send the same).
 * Takes anything and never throws: whoever can call the function by its ARN can send any JSON.
 */
export function parseLambdaEvent(event: unknown): LambdaRequest {
  const context = field(event, 'requestContext');
  const method = field(field(context, 'http'), 'method');
  if (typeof method !== 'string') return { kind: 'unreadable' };
  if (method === 'GET' && field(event, 'rawPath') === '/healthz') return { kind: 'alive' };
  if (method !== 'POST') return { kind: 'method' };
  const body = field(event, 'body') ?? '';
  if (typeof body !== 'string') return { kind: 'unreadable' };
  const encoding = field(event, 'isBase64Encoded') === true ? 'base64' : 'utf8';
  const time = field(context, 'timeEpoch');
  return {
    kind: 'frame',
    frame: incomingFrame(headersOf(field(event, 'headers')), body, encoding),
    arrivedAt: typeof time === 'number' && Number.isFinite(time) ? time : undefined,
  };
}

function incomingFrame(
  headers: ReadonlyMap<string, string>,
  body: string,
  encoding: 'base64' | 'utf8',
): IncomingFrame {
  // Told by the text's length, so that who may not write costs no decoding.
  const bytes = Buffer.byteLength(body, encoding);
  return {
    header: (name) => headers.get(name) ?? null,
    announcedBytes: bytes,
    async read(limit) {
      if (bytes > limit) return { ok: false, reason: 'too-large' };
      // Node passes over what is no base64: a body with holes must not be acknowledged.
      if (encoding === 'base64' && !isBase64(body)) return { ok: false, reason: 'cut' };
      return { ok: true, body: Buffer.from(body, encoding) };
    },
  };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** A Function URL sends names in lower case; who calls by the ARN may not. */
function headersOf(given: unknown): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (typeof given !== 'object' || given === null) return headers;
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function field(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name)
    ? (holder as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
