import { Hono } from 'hono';
import type { Logger } from 'pino';
import { PgwitnessError } from '../error.ts';
import { packFrame } from '../sink/frame-object.ts';
import type { Sink } from '../sink/sink.ts';
import { buildAccessList, type Caller, type Drain } from './access-list.ts';
import { describeFrame } from './describe-frame.ts';
import { announcedLength, readBody, unpackBody } from './frame-body.ts';
import { createFrameNames } from './frame-key.ts';
import { createMemoryBudget, type Hold } from './memory-budget.ts';
import { createPutHealth } from './put-health.ts';
import { putWithin } from './put-within.ts';
import type { ReceiverMetrics } from './receiver-metrics.ts';
import { createFrameReporter, type StoredFrameReport } from './report-frame.ts';

export interface ReceiverOptions {
  readonly drains: readonly Drain[];
  readonly sink: Sink;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: ReceiverMetrics;
  /** From the request's headers to the answer at the latest. */
  readonly deadlineMs?: number;
  /** Largest body, packed or unpacked. */
  readonly maxBodyBytes?: number;
  /** Bytes that the bodies of all requests together may take, copies included. */
  readonly maxHeldBytes?: number;
}

export interface Receiver {
  /** Answers any request; never rejects. Every answer has a Content-Length. */
  handle(request: Request): Promise<Response>;
}

/** Logplex gives a request 5,000 ms; the rest is for the way. */
const logplexDeadlineMs = 4_500;
/** Logplex targets 102,400 bytes, a Shield space about 5 MB; unpacked bodies are held to it too. */
const defaultMaxBody = 32 * 1024 * 1024;
const defaultMaxHeld = 192 * 1024 * 1024;
/** A third of the memory is for bodies up to this, so that large ones never hold up a normal drain. */
const smallBody = 1024 * 1024;
/** What a body is held as at most at once: itself, packed, and the object around it; or its pieces. */
const copies = 3;

/** Why an authenticated frame was answered 503. */
type Unavailable = 'busy' | 'too-large' | 'late' | 'cut' | 'sink' | 'internal';

/**
 * Takes frames of Logplex drains into a sink. A 200 says that the sink has the frame durably. A 4xx
 * is final to Logplex and destroys the frame, so only who may not write gets one; an authenticated
 * frame that can't be taken now gets 503, which keeps it with its sender. That goes for one over
 * `maxBodyBytes` too: the sender will give it up after its tries, and tells the loss in an L10.
 *
 * Throws what `buildAccessList` throws.
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  const { sink, now, log, metrics } = options;
  const deadlineMs = options.deadlineMs ?? logplexDeadlineMs;
  const maxBody = options.maxBodyBytes ?? defaultMaxBody;
  const access = buildAccessList(options.drains);
  const maxHeld = options.maxHeldBytes ?? defaultMaxHeld;
  const small = createMemoryBudget(maxHeld / 3);
  const large = createMemoryBudget((maxHeld * 2) / 3);
  const health = createPutHealth(now);
  const nameOf = createFrameNames();
  const report = createFrameReporter(metrics, log);
  metrics.observe('held_bytes', 'Bytes of memory taken for bodies', () => small.held + large.held);
  metrics.observe('last_put_age_seconds', 'Since a frame was last stored', health.ageSeconds);

  const app = new Hono();
  app.get('/healthz', () => text(200, 'alive\n'));
  app.get('/readyz', () => {
    const state = health.state();
    return text(state === 'failing' ? 503 : 200, `${state}\n`);
  });
  app.get('/metrics', async () =>
    text(200, await metrics.registry.metrics(), metrics.registry.contentType),
  );
  app.post('*', ({ req }) => takeFrame(req.raw));
  app.all('*', () => {
    metrics.refused.inc({ reason: 'method' });
    return empty(405, { Allow: 'POST' });
  });
  app.onError((error) => {
    log.error(placeOf(error), 'a request met something unexpected');
    return empty(503);
  });
  return { handle: async (request) => app.fetch(request) };

  async function takeFrame(request: Request): Promise<Response> {
    const token = request.headers.get('logplex-drain-token');
    const caller = access.identify(request.headers.get('authorization'), token);
    if (caller === undefined) {
      metrics.refused.inc({ reason: 'unauthorized' });
      return empty(401, { 'WWW-Authenticate': 'Basic realm="pgwitness"' });
    }
    const taken = await take(request, caller, token);
    if (taken === 'stored') return empty(200);
    metrics.unavailable.inc({ prefix: caller.prefix, reason: taken });
    log.warn({ prefix: caller.prefix, reason: taken }, 'answered 503');
    return empty(503);
  }

  async function take(
    request: Request,
    caller: Caller,
    token: string | null,
  ): Promise<'stored' | Unavailable> {
    const started = performance.now();
    const arrivedAt = now();
    const announced = announcedLength(request);
    if (announced !== undefined && announced > maxBody) return 'too-large';
    const encoding = request.headers.get('content-encoding');
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs);
    let hold: Hold | undefined;
    let settled: Promise<unknown> = Promise.resolve();
    try {
      // What it may come to: the body, and whatever it unpacks to.
      const most = (announced ?? maxBody) + (encoding === null ? 0 : maxBody);
      const budget = most <= smallBody ? small : large;
      hold = await budget.take(most * copies, deadline.signal);
      if (hold === undefined) return 'busy';
      const read = await readBody(request, maxBody, deadline.signal);
      if (!read.ok) {
        if (read.reason === 'late') settled = read.settled;
        return read.reason;
      }
      const plain = await unpackBody(read.body, encoding, maxBody);
      hold.keep((read.body.length + plain.body.length) * copies);
      const frame = await describeFrame(request.headers, plain, arrivedAt);
      const { prefix } = caller;
      const id = request.headers.get('logplex-frame-id');
      const key = nameOf({ prefix, id, token, repeated: frame.repeated, arrivedAt });
      const object = await packFrame(plain.body, frame.facts);
      // Not the sink's fault: the work came to its end too late for a put.
      if (deadline.signal.aborted) return 'late';
      const put = await putWithin(sink, key, object, deadlineMs - (performance.now() - started));
      settled = put.settled;
      metrics.retries.inc(Math.max(0, put.tries - 1));
      if (!put.ok) {
        health.failed();
        log.error({ prefix, key, tries: put.tries, ...reasonOf(put.error) }, 'put failed');
        return 'sink';
      }
      health.stored();
      const seconds = (performance.now() - started) / 1000;
      const bytes = plain.body.length;
      tell({ caller, key, outcome: put.outcome, frame, token, bytes, seconds });
      return 'stored';
    } catch (error) {
      log.error({ prefix: caller.prefix, ...placeOf(error) }, 'a frame met something unexpected');
      return 'internal';
    } finally {
      clearTimeout(timer);
      // A put that hangs, or a sender that goes on, still holds the body: its memory is not free before.
      settled.then(() => hold?.keep(0));
    }
  }

  /** The sink has the frame: it is acknowledged whatever becomes of its report. */
  function tell(stored: StoredFrameReport): void {
    try {
      report(stored);
    } catch {
      metrics.untold.inc();
    }
  }
}

function reasonOf(error: unknown): { readonly code: string; readonly error: string } {
  if (error === undefined) return { code: 'receive.put-hangs', error: 'no put ended in time' };
  if (error instanceof PgwitnessError) return { code: error.code, error: error.message };
  return { code: 'internal', error: placeOf(error).at };
}

/** Where an error that nobody expects came from. Its message is left out: it may quote a frame. */
function placeOf(error: unknown): { readonly at: string } {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const places = stack.split('\n').filter((row) => /^\s+at /.test(row));
  return {
    at: places
      .slice(0, 5)
      .map((row) => row.trim())
      .join(' '),
  };
}

function text(status: number, body: string, type = 'text/plain; charset=utf-8'): Response {
  const length = String(Buffer.byteLength(body));
  return new Response(body, {
    status,
    headers: { 'Content-Type': type, 'Content-Length': length },
  });
}

/** Logplex's client understands Content-Length alone: a chunked answer breaks its connection. */
function empty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { ...headers, 'Content-Length': '0' } });
}
