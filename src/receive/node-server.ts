import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { PgwitnessError } from '../error.ts';
import { nodeFrame } from './node-frame.ts';
import type { Receiver } from './receiver.ts';

export interface ListenOptions {
  /** Name or address to listen on; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  readonly receiver: Receiver;
  /** Stops the server when aborted. */
  readonly signal: AbortSignal;
  /** What may still run so long after the stop is cut off. */
  readonly graceMs?: number;
  /** From a request's first byte to the end of its headers at the latest. */
  readonly headersMs?: number;
  readonly maxConnections?: number;
}

export interface Listening {
  /** `http://host:port`, the port that was taken. */
  readonly url: string;
  /** Resolves once the signal has aborted, every request in flight is answered and every connection closed. */
  readonly done: Promise<void>;
}

/** Logplex closes a connection that idled 144 to 300 s; one that its server closes first costs lines (logplex#168). */
const keepAliveMs = 400_000;
/** A drain sends its header in one piece. */
const defaultHeadersMs = 10_000;
/** Behind the receiver's own deadline: for a client that goes on sending after its answer. */
const requestMs = 30_000;
const maxHeaderBytes = 16_384;
const defaultMaxConnections = 4_096;
/** No drain has more than one; each costs memory that no body's budget counts. */
const maxPipelined = 256;
/** For a sender that goes on with its body after the answer: so long until its connection is closed. */
const lingerMs = 1_000;
/** The receiver's deadline of 4.5 s, and time for the answers; hosts give 10 s and more after SIGTERM. */
const defaultGraceMs = 8_000;

/**
 * Serves the receiver over HTTP/1.1. Throws PgwitnessError: `receive.port-in-use` (exit 3),
 * `receive.no-permission` or `receive.no-such-host` (exit 2), `receive.cannot-listen` (exit 1).
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, port, receiver, signal } = options;
  const headersMs = options.headersMs ?? defaultHeadersMs;
  const maxConnections = options.maxConnections ?? defaultMaxConnections;
  const answer = getRequestListener((request) => receiver.handle(request), {
    overrideGlobalObjects: false,
    errorHandler: () => new Response(null, { status: 503, headers: { 'Content-Length': '0' } }),
  });
  const running = new Set<ServerResponse>();
  const lines = new Map<Socket, Line>();
  /** Those on which nobody has shown a password yet, the oldest first. */
  const strangers = new Set<Socket>();
  /** Those with a password that have nothing to be answered, the one longest so first. */
  const idle = new Set<Socket>();

  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse, toContinue = false) => {
    running.add(outgoing);
    const line = lines.get(incoming.socket);
    if (line !== undefined) line.requests += 1;
    idle.delete(incoming.socket);
    outgoing.once('close', () => {
      running.delete(outgoing);
      if (line === undefined) return;
      line.requests -= 1;
      const { socket } = incoming;
      if (line.requests === 0 && lines.has(socket) && !strangers.has(socket)) idle.add(socket);
    });
    if (line !== undefined && line.requests > maxPipelined) {
      incoming.socket.destroy();
      return;
    }
    if (signal.aborted) outgoing.setHeader('Connection', 'close');
    const goOn = () => {
      if (toContinue) outgoing.writeContinue();
    };
    if (incoming.method === 'POST') {
      takeFrame(incoming, outgoing, goOn);
      return;
    }
    goOn();
    plainTarget(incoming);
    answer(incoming, outgoing);
  };
  const server = createServer({
    keepAliveTimeout: keepAliveMs,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(1_000, headersMs),
    maxHeaderSize: maxHeaderBytes,
    // Node's own answer would be a 400, final to Logplex.
    requireHostHeader: false,
  });
  // Node drops those beyond 1,000 without a word, and with them a password or a length.
  server.maxHeadersCount = 0;
  server.on('request', onRequest);
  server.on('checkContinue', (incoming, outgoing) => onRequest(incoming, outgoing, true));
  // An Expect that Node doesn't know gets 417 from it: here such a frame is one like any other.
  server.on('checkExpectation', onRequest);
  server.on('clientError', refuseUnreadable);
  server.on('connection', (socket) => {
    // Who holds connections open without a password makes room for who may have one; then who uses theirs least.
    if (lines.size >= maxConnections) {
      const [longestIdle = socket] = idle;
      const [oldest = longestIdle] = strangers;
      strangers.delete(oldest);
      // Closed without a word: an answer that nobody asked for could be taken for that of the next frame.
      if (idle.delete(oldest)) oldest.destroy();
      else refuse(oldest);
      if (oldest === socket) return;
    }
    lines.set(socket, { requests: 0 });
    strangers.add(socket);
    socket.once('close', () => {
      lines.delete(socket);
      strangers.delete(socket);
      idle.delete(socket);
    });
  });

  await opened(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${address.port}`,
    done: stopped(signal).then(() => close(options.graceMs ?? defaultGraceMs)),
  };

  /** Never rejects: the intake doesn't. */
  async function takeFrame(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    onRead: () => void,
  ): Promise<void> {
    const frame = nodeFrame(incoming, () => {
      // Nobody's body is read before their password.
      strangers.delete(incoming.socket);
      onRead();
    });
    const { status, headers } = await receiver.intake.take(frame);
    if (incoming.complete) {
      outgoing.writeHead(status, headers).end();
      return;
    }
    // The rest of the body would be read as the next request. It is passed over for a while: closed at
    // once, the connection would be reset, and the answer lost on the way.
    outgoing.writeHead(status, { ...headers, Connection: 'close' });
    outgoing.flushHeaders();
    const close = () => {
      clearTimeout(timer);
      outgoing.end();
    };
    const timer = setTimeout(close, lingerMs);
    incoming.once('end', close).once('close', close).resume();
  }

  /** Stops accepting; idle connections close at once, the others with their answers. */
  function close(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      for (const outgoing of running) {
        if (!outgoing.headersSent) outgoing.setHeader('Connection', 'close');
      }
      // Node counts a connection that never sent a byte as busy with its first request.
      for (const socket of lines.keys()) if (socket.bytesRead === 0) socket.destroy();
    });
  }
}

interface Line {
  /** That are not answered yet. */
  requests: number;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * The receiver takes frames at any path and looks at no host or query, so neither may be what a
 * frame is refused for.
 */
function plainTarget(incoming: IncomingMessage): void {
  const path = (incoming.url ?? '').split('?', 1)[0] ?? '';
  incoming.url = /^\/[\w.~/-]*$/.test(path) && !path.startsWith('//') ? path : '/';
  incoming.headers.host = 'receiver';
}

/**
 * What Node can't read as HTTP, or waited for too long. Its own answers are 400, 408 and 431, which
 * Logplex takes as final; it could be a drain behind a bad line, so it is told to try again.
 */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET') socket.destroy();
  else refuse(socket);
}

function refuse(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  // Who does not close in return is cut off.
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
  socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

function opened(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(host, port, error)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): PgwitnessError {
  const at = `${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new PgwitnessError({
        code: 'receive.port-in-use',
        message: `Port ${port} on ${host} is in use by another program.`,
        fix: 'Stop that program, or choose another port with --port or receiver.port; 0 takes a free one.',
        exit: 3,
        cause,
      });
    case 'EACCES':
      return new PgwitnessError({
        code: 'receive.no-permission',
        message: `This user may not listen on ${at}.`,
        fix: 'Choose a port of 1024 or above, or give the program the right to bind lower ones.',
        exit: 2,
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new PgwitnessError({
        code: 'receive.no-such-host',
        message: `${host} is no address of this machine.`,
        fix: 'Name one of its addresses under receiver.host; 0.0.0.0 takes all of them.',
        exit: 2,
        cause,
      });
    default:
      return new PgwitnessError({
        code: 'receive.cannot-listen',
        message: `Could not listen on ${at}: the system says ${cause.code ?? cause.message}.`,
        fix: 'Choose another host or port.',
        exit: 1,
        cause,
      });
  }
}
