import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with a request on its way to the store, or with the answer on its way back. */
export type S3Fault =
  /** Refused with this status and code; the store sees nothing of it. */
  | { readonly kind: 'fails'; readonly status: number; readonly code: string }
  /** The store has done it, and answered; the connection is cut before the answer. */
  | { readonly kind: 'fails but persisted' }
  /** Taken whole, never answered; `persisted`: the store has done it all the same. */
  | { readonly kind: 'hangs'; readonly persisted: boolean }
  /** Passed on only after so many milliseconds. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The connection is cut before anything of the request is read. */
  | { readonly kind: 'connection cut' }
  /** The connection is cut once half of the request's body has come; the store sees nothing of it. */
  | { readonly kind: 'cut in the body' }
  /** The connection is cut in the middle of the answer's body. */
  | { readonly kind: 'cut in the answer' };

/** The faults of a put that any store can have, by name. */
export const s3Faults = {
  'fails with 500': { kind: 'fails', status: 500, code: 'InternalError' },
  'fails with 503': { kind: 'fails', status: 503, code: 'SlowDown' },
  'fails with 403': { kind: 'fails', status: 403, code: 'AccessDenied' },
  'fails with 409': { kind: 'fails', status: 409, code: 'ConditionalRequestConflict' },
  'fails but persisted': { kind: 'fails but persisted' },
  hangs: { kind: 'hangs', persisted: false },
  'hangs but persisted': { kind: 'hangs', persisted: true },
  slow: { kind: 'slow', ms: 100 },
  'connection cut': { kind: 'connection cut' },
  'cut in the body': { kind: 'cut in the body' },
} as const satisfies Record<string, S3Fault>;

/** A store behind a way that can be broken and healed. */
export interface FaultyS3 {
  /** To be given to a sink in place of the store's own. */
  readonly endpoint: string;
  /** Requests that came in so far, broken ones among them. */
  readonly requests: number;
  /** Connections that were opened so far. */
  readonly connections: number;
  /** From now on requests meet `fault`: the next `times`, or all until `heals`. */
  breaks(fault: S3Fault, times?: number): void;
  heals(): void;
  /** Closes connections that no request is on, as a store does with those that idle. */
  closeIdle(): void;
  stop(): Promise<void>;
}

/** Listens on a free port of loopback and passes requests on to the S3 at `endpoint`. */
export async function startFaultyS3(endpoint: string): Promise<FaultyS3> {
  let fault: S3Fault | undefined;
  let left = 0;
  let requests = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const met = left > 0 ? fault : undefined;
    if (left > 0) left -= 1;
    serve(endpoint, met, request, response).catch(() => request.socket.destroy());
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    get connections() {
      return connections;
    },
    breaks(next, times = Number.POSITIVE_INFINITY) {
      fault = next;
      left = times;
    },
    heals() {
      left = 0;
    },
    closeIdle: () => server.closeIdleConnections(),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function serve(
  endpoint: string,
  fault: S3Fault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cut = () => request.socket.destroy();
  if (fault?.kind === 'connection cut') return void cut();
  const length = Number(request.headers['content-length'] ?? 0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (fault?.kind === 'cut in the body' && bytes >= length / 2) return void cut();
  }
  // A request without a body has no middle.
  if (fault?.kind === 'cut in the body') return void cut();
  if (fault?.kind === 'fails') {
    const { status, code } = fault;
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>…</Message></Error>`);
    return;
  }
  if (fault?.kind === 'hangs' && !fault.persisted) return;
  if (fault?.kind === 'slow') await sleep(fault.ms);
  const answer = await passOn(endpoint, request, Buffer.concat(chunks));
  if (fault?.kind === 'hangs') return;
  if (fault?.kind === 'fails but persisted') return void cut();
  response.writeHead(answer.status, answer.headers);
  if (fault?.kind !== 'cut in the answer') return void response.end(answer.body);
  response.write(answer.body.subarray(0, answer.body.length / 2), cut);
}

/** The request as it came: its `Host` is signed, too. */
async function passOn(endpoint: string, request: IncomingMessage, body: Buffer) {
  const passed = httpRequest(new URL(request.url ?? '/', endpoint), {
    method: request.method ?? 'GET',
    headers: request.headers,
  });
  passed.end(body);
  const [answer] = (await once(passed, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers;
  return { status: answer.statusCode ?? 502, headers, body: Buffer.concat(chunks) };
}
