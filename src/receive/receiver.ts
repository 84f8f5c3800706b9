import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Sink } from '../sink/sink.ts';
import { buildAccessList, type Drain } from './access-list.ts';
import { createFrameIntake, type FrameIntake, type IntakeOptions } from './frame-intake.ts';
import { createGroupingStore } from './grouping-store.ts';
import { placeOf } from './intake-observer.ts';
import { createPutHealth } from './put-health.ts';
import type { ReceiverMetrics } from './receiver-metrics.ts';
import { createServerObserver } from './server-observer.ts';
import { webFrame } from './web-frame.ts';

export interface ReceiverOptions extends Omit<IntakeOptions, 'access' | 'store' | 'observer'> {
  readonly drains: readonly Drain[];
  readonly sink: Sink;
  readonly log: Logger;
  readonly metrics: ReceiverMetrics;
}

export interface Receiver {
  /** Answers any request; never rejects. Every answer has a Content-Length. */
  handle(request: Request): Promise<Response>;
  /** Takes frames without a web Request around them. */
  readonly intake: FrameIntake;
}

/**
 * The receiver of a long-running server: frames by POST at any path, `/healthz`, `/readyz` and
 * `/metrics` by GET. Throws what `buildAccessList` throws.
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  const { drains, sink, log, metrics, now } = options;
  const health = createPutHealth(now);
  const observer = createServerObserver(metrics, log, health);
  const store = createGroupingStore(sink, observer);
  const access = buildAccessList(drains);
  const intake = createFrameIntake({ ...options, access, store, observer });
  metrics.observe('held_bytes', 'Bytes of memory taken for bodies', () => intake.heldBytes);
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
  app.post('*', async ({ req }) => {
    const { status, headers } = await intake.take(webFrame(req.raw));
    return empty(status, headers);
  });
  app.all('*', () => {
    metrics.refused.inc({ reason: 'method' });
    return empty(405, { Allow: 'POST' });
  });
  app.onError((error) => {
    log.error({ at: placeOf(error) }, 'a request met something unexpected');
    return empty(503);
  });
  return { handle: async (request) => app.fetch(request), intake };
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
