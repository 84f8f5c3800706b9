import { encodeFrame } from '../../src/logplex/frame.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';

/** One line of a drain as it stands in a frame. */
export function line(text: string, over: Partial<SyslogLine> = {}): SyslogLine {
  return {
    pri: 134,
    timestamp: new Date().toISOString(),
    host: 'host',
    app: 'app',
    procid: 'postgres.1105947',
    msgid: '-',
    message: Buffer.from(text),
    ...over,
  };
}

/** L10 as Logplex prepends it: counted, without a newline at its end. */
export function l10(count: number, timestamp: string, since = '2026-06-30T10:00:00+00:00'): Buffer {
  const text = `<172>1 ${timestamp} host heroku logplex - Error L10 (output buffer overflow): ${count} messages dropped since ${since}.`;
  return Buffer.from(`${text.length} ${text}`);
}

export const frameOf = (...texts: string[]) => encodeFrame(texts.map((text) => line(text)));

export interface Post {
  readonly body?: Uint8Array;
  readonly user?: string;
  readonly password?: string;
  readonly id?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Headers of a drain's request. */
export function drainHeaders(post: Post): Record<string, string> {
  const pair = `${post.user ?? 'raxx'}:${post.password ?? 'secret-one'}`;
  return {
    'content-type': 'application/logplex-1',
    authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
    ...(post.id === undefined ? {} : { 'logplex-frame-id': post.id }),
    ...(post.token === undefined ? {} : { 'logplex-drain-token': post.token }),
    ...post.headers,
  };
}

/** A drain's request, for a handler without a socket. */
export function drainRequest(post: Post): Request {
  return new Request('http://receiver/', {
    method: 'POST',
    headers: drainHeaders(post),
    body: new Uint8Array(post.body ?? frameOf('hello')),
  });
}
