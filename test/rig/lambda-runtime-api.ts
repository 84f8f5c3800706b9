import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an invocation ended, and how long it took from the event's handing over (milliseconds). */
export type LambdaOutcome = { readonly ms: number } & (
  | { readonly kind: 'answered'; readonly answer: LambdaAnswer }
  /** The handler threw: a Function URL answers 502. */
  | { readonly kind: 'failed'; readonly errorType: string; readonly error: string }
  /** The function's code could not be loaded. */
  | { readonly kind: 'init failed'; readonly errorType: string; readonly error: string }
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'timed out' }
);

/** What a Function URL makes an HTTP answer of. */
export interface LambdaAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The Lambda Runtime API of one sandbox: hands events to the runtime that asks for them, one at a
 * time, and takes its answers.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export interface RuntimeApi {
  /** For AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Queues an event for the next that the runtime asks for; it has `timeoutMs` for it. */
  invoke(event: unknown, timeoutMs: number): Promise<LambdaOutcome>;
  /** The runtime's process is gone: whatever is open ends with that. */
  ended(code: number | null, signal: string | null): void;
  close(): Promise<void>;
}

interface Invocation {
  readonly id: string;
  /** As JSON. */
  readonly event: string;
  readonly timeoutMs: number;
  readonly end: (outcome: Ending) => void;
  readonly queuedAt: number;
  handedAt?: number;
  timer?: NodeJS.Timeout;
}

type Ending = LambdaOutcome extends infer Each
  ? Each extends LambdaOutcome
    ? Omit<Each, 'ms'>
    : never
  : never;

const base = '/2018-06-01/runtime';

/** `onTimeout` is to kill the runtime's process, as Lambda does. */
export async function startRuntimeApi(onTimeout: () => void): Promise<RuntimeApi> {
  const queue: Invocation[] = [];
  const open = new Map<string, Invocation>();
  let asking: ServerResponse | undefined;
  let over: Ending | undefined;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    invoke(event, timeoutMs) {
      return new Promise((resolve) => {
        const queuedAt = performance.now();
        const invocation: Invocation = {
          id: randomUUID(),
          event: JSON.stringify(event),
          timeoutMs,
          queuedAt,
          end(outcome) {
            clearTimeout(invocation.timer);
            const ms = performance.now() - (invocation.handedAt ?? queuedAt);
            resolve({ ...outcome, ms });
          },
        };
        if (over !== undefined) invocation.end(over);
        else {
          queue.push(invocation);
          handOver();
        }
      });
    },
    ended(code, signal) {
      endAll({ kind: 'ended', code, signal });
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const body = await textOf(request);
    if (path === `${base}/invocation/next`) {
      asking = response;
      handOver();
      return;
    }
    if (path === `${base}/init/error`) {
      endAll({ kind: 'init failed', ...errorOf(body) });
      response.writeHead(202).end();
      return;
    }
    const [, id = '', what] =
      /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const invocation = open.get(id);
    if (invocation === undefined) {
      response.writeHead(404).end();
      return;
    }
    open.delete(id);
    if (what === 'error') invocation.end({ kind: 'failed', ...errorOf(body) });
    else invocation.end({ kind: 'answered', answer: JSON.parse(body) as LambdaAnswer });
    response.writeHead(202).end();
  }

  function handOver(): void {
    if (asking === undefined) return;
    const next = queue.shift();
    if (next === undefined) return;
    const response = asking;
    asking = undefined;
    open.set(next.id, next);
    next.handedAt = performance.now();
    next.timer = setTimeout(() => {
      open.delete(next.id);
      next.end({ kind: 'timed out' });
      onTimeout();
    }, next.timeoutMs);
    response
      .writeHead(200, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(next.event),
        'Lambda-Runtime-Aws-Request-Id': next.id,
        'Lambda-Runtime-Deadline-Ms': String(Math.round(Date.now() + next.timeoutMs)),
        'Lambda-Runtime-Invoked-Function-Arn':
          'arn:aws:lambda:us-east-1:123456789012:function:pgwitness',
        'Lambda-Runtime-Trace-Id':
          'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0',
      })
      .end(next.event);
  }

  function endAll(outcome: Ending): void {
    over = outcome;
    for (const invocation of [...open.values(), ...queue.splice(0)]) invocation.end(outcome);
    open.clear();
  }
}

function errorOf(body: string): { readonly errorType: string; readonly error: string } {
  const told = JSON.parse(body) as { errorType?: string; errorMessage?: string };
  return { errorType: told.errorType ?? '', error: told.errorMessage ?? '' };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
