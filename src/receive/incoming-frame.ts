/** A drain's request, whatever brought it: a socket, a web Request, an event of Lambda. */
export interface IncomingFrame {
  /** A header's value by its lower-case name; null where there is none. */
  header(name: string): string | null;
  /** Bytes of the body as the request announces them; undefined where it comes in chunks. */
  readonly announcedBytes: number | undefined;
  /** The network address that it came from; undefined where that is not known. */
  readonly address?: string | undefined;
  /** What the sender's next frame may come on; undefined where nothing can be told of that. */
  readonly connection?: object | undefined;
  /** The body, of at most `limit` bytes, until `signal` aborts. Never rejects; is called once at most. */
  read(limit: number, signal: AbortSignal): Promise<BodyRead>;
}

/**
 * A request's body, or why there is none. `cut`: the connection ended first; what came of such a body
 * is given up, as the sender holds it and sends it again.
 */
export type BodyRead =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly reason: 'too-large' | 'cut' }
  /** `settled`: when the bytes that still come are no longer held; with the connection at the latest. */
  | { readonly ok: false; readonly reason: 'late'; readonly settled: Promise<unknown> };

/** Of a Content-Length header. */
export function announcedBytes(header: string | null): number | undefined {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
