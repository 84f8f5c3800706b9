import { type Agent, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { PgwitnessError } from '../error.ts';

/** One request of a drain. */
export interface Frame {
  /** 32 upper-case hex digits, the same at every try. */
  readonly id: string;
  readonly token: string;
  /** Number of messages in the body. */
  readonly count: number;
  readonly body: Uint8Array;
}

/**
 * What a try came to. `unavailable` passes by itself (no connection, no answer, 429, 5xx). `refused`
 * (3xx, 4xx) does not: someone has to put it right. Either way the frame may have been stored.
 */
export type PostOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'unavailable'; readonly why: string; readonly retryAfterMs?: number }
  | { readonly kind: 'refused'; readonly why: string; readonly status: number };

export interface Drain {
  /** Scheme and host: user, password and path may be secret. */
  readonly place: string;
  /** The password would travel in the clear to another machine. */
  readonly inTheClear: boolean;
  post(frame: Frame, signal: AbortSignal): Promise<PostOutcome>;
  close(): void;
}

/**
 * The drain at `url`; user and password in it become Basic auth, as Logplex does. One connection, kept
 * open. Throws `ship.bad-drain-url`, exit 2, which quotes nothing of it.
 */
export function openDrain(
  url: string,
  options: { readonly userAgent: string; readonly requestTimeoutMs: number },
): Drain {
  let parsed: URL;
  let auth: string;
  try {
    parsed = new URL(url);
    auth = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  } catch {
    throw badUrl();
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') throw badUrl();
  const secure = parsed.protocol === 'https:';
  const agent: Agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const loopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(parsed.hostname);
  return {
    place: `${parsed.protocol}//${parsed.host}`,
    inTheClear: !secure && !loopback,
    close: () => agent.destroy(),
    post: (frame, signal) =>
      new Promise((resolve) => {
        const request = (secure ? httpsRequest : httpRequest)(
          {
            agent,
            protocol: parsed.protocol,
            hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
            port: parsed.port,
            path: `${parsed.pathname}${parsed.search}`,
            method: 'POST',
            headers: {
              'Content-Type': 'application/logplex-1',
              'Content-Length': frame.body.length,
              'Logplex-Msg-Count': frame.count,
              'Logplex-Frame-Id': frame.id,
              'Logplex-Drain-Token': frame.token,
              'User-Agent': options.userAgent,
              ...(auth !== ':' && {
                Authorization: `Basic ${Buffer.from(auth).toString('base64')}`,
              }),
            },
          },
          (response) => {
            // The status line is the answer. The body is read to free the connection, and not kept.
            response.on('error', () => request.destroy());
            response.on('end', done);
            response.resume();
            resolve(outcomeOf(response.statusCode ?? 0, response.headers['retry-after']));
          },
        );
        const stop = () => request.destroy();
        const timer = setTimeout(() => {
          resolve({
            kind: 'unavailable',
            why: `no answer within ${options.requestTimeoutMs / 1_000} s`,
          });
          stop();
        }, options.requestTimeoutMs);
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', stop);
        };
        signal.addEventListener('abort', stop, { once: true });
        request.on('close', done);
        request.on('error', (error: NodeJS.ErrnoException) => {
          const why = reasons[error.code ?? ''] ?? error.code ?? 'the connection broke';
          resolve({ kind: 'unavailable', why });
        });
        request.end(frame.body);
      }),
  };
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name does not resolve at the moment',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
};

function outcomeOf(status: number, retryAfter: string | undefined): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'stored' };
  if (status === 429 || status >= 500 || status < 200) {
    const seconds = /^\d{1,4}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
    return {
      kind: 'unavailable',
      why: `it answers ${status}`,
      ...(seconds !== undefined && { retryAfterMs: Math.min(seconds, 60) * 1_000 }),
    };
  }
  const why =
    status === 401 || status === 403
      ? `it answers ${status}: user, password or token of the drain URL are not those it knows`
      : `it answers ${status}, which no receiver of Logplex frames should`;
  return { kind: 'refused', why, status };
}

function badUrl(): PgwitnessError {
  return new PgwitnessError({
    code: 'ship.bad-drain-url',
    message: 'The drain URL is not a URL that frames can be posted to.',
    fix: 'It has to read https://user:password@host:port/path (http on the same machine), with characters such as @ : / # % in the password percent-encoded.',
    exit: 2,
  });
}
