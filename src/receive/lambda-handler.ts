import type { Redactor } from '../redact/redactor.ts';
import { s3Limits } from '../sink/s3-connections.ts';
import type { Sink } from '../sink/sink.ts';
import type { AccessList } from './access-list.ts';
import { createFrameIntake } from './frame-intake.ts';
import { createSingleStore } from './frame-store.ts';
import { placeOf } from './intake-observer.ts';
import { parseLambdaEvent } from './lambda-event.ts';
import { createLambdaObserver } from './lambda-observer.ts';

/** What of Lambda's context is used. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The answer as a Function URL takes it. It sets Content-Length itself, and renames one that it is given. */
export interface LambdaAnswer {
  readonly statusCode: 200 | 401 | 405 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<LambdaAnswer>;

export interface LambdaHandlerOptions {
  readonly access: AccessList;
  /** `close` ends the connections that are kept for the next put. */
  readonly sink: Sink & { close(): void };
  readonly redactors: ReadonlyMap<string, Redactor>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly functionName: string;
  /** Takes a line of the log with its newline. */
  readonly write: (line: string) => void;
}

/** From Logplex's request to the answer: it gives up after 5,000 ms. */
const logplexDeadlineMs = 4_500;
/** Time for the answer before Lambda ends the invocation, which its URL would answer 502. */
const spareMs = 250;
/** A put has to be tried, however late the event came. */
const leastMs = 500;

/**
 * Answers events of a Function URL, one frame an object. Never rejects: an error would be a 502 whose
 * reason stands in no count of ours.
 *
 * Lambda freezes the process at its answer and may thaw it for another event, minutes later. Nothing
 * waits across that: a 200 is given after the sink's word. Behind a 503 a put that was given up may
 * still be on its way, its bytes handed to the system: it ends in the next thaw or not at all. Either
 * is harmless, since nobody was told that the frame is stored, the retry derives the same key with the
 * same content, and where that is taken the frame is there. A connection that was kept across a long
 * sleep is not used again: its other end is gone, and doesn't always say so.
 */
export function createLambdaHandler(options: LambdaHandlerOptions): LambdaHandler {
  const { access, sink, redactors, now } = options;
  const observer = createLambdaObserver(options);
  // Beyond one event: it remembers the keys of frames whose own time says nothing.
  const store = createSingleStore(sink, observer);
  let awakeAt = now();

  return async (event, context) => {
    try {
      observer.begin(context.awsRequestId);
      const slept = now() - awakeAt > s3Limits.idleMs;
      awakeAt = now();
      if (slept) sink.close();
      return await answered(event, context);
    } catch (error) {
      tell(() => observer.failed(placeOf(error)));
      return answer(503);
    } finally {
      awakeAt = now();
      tell(() => observer.flush());
    }
  };

  async function answered(event: unknown, context: LambdaContext): Promise<LambdaAnswer> {
    const request = parseLambdaEvent(event);
    switch (request.kind) {
      case 'alive':
        return answer(200, { 'Content-Type': 'text/plain; charset=utf-8' }, 'alive\n');
      case 'method':
        tell(() => observer.notFrame('method'));
        return answer(405, { Allow: 'POST' });
      case 'unreadable':
        tell(() => observer.notFrame('unreadable'));
        return answer(503);
      case 'frame': {
        const deadlineMs = timeLeft(request.arrivedAt, context);
        const intake = createFrameIntake({ access, store, observer, redactors, now, deadlineMs });
        const { status, headers } = await intake.take(request.frame);
        return answer(status, headers);
      }
    }
  }

  /** Until Logplex or Lambda gives up, whichever is first, in milliseconds. */
  function timeLeft(arrivedAt: number | undefined, context: LambdaContext): number {
    // A start of the sandbox has taken its share. Two clocks: what can't be is left out.
    const waited = arrivedAt === undefined ? 0 : now() - arrivedAt;
    const forLogplex = logplexDeadlineMs - (waited > 0 && waited < logplexDeadlineMs ? waited : 0);
    const forLambda = context.getRemainingTimeInMillis() - spareMs;
    return Math.min(Math.max(leastMs, forLogplex), Math.max(0, forLambda));
  }
}

function answer(
  statusCode: LambdaAnswer['statusCode'],
  headers: Readonly<Record<string, string>> = {},
  body = '',
): LambdaAnswer {
  const { 'Content-Length': _, ...kept } = headers;
  return { statusCode, headers: kept, body };
}

/** A log that can't be written changes no answer. */
function tell(call: () => void): void {
  try {
    call();
  } catch {
    // Nobody is left to tell.
    return;
  }
}
