import { parseTimestamp } from '../sink/object-key.ts';
import type { IntakeObserver, StoredFrameReport } from './intake-observer.ts';

/** Metrics of the namespace `pgwitness`, each with CloudWatch's name of its unit. */
const units = {
  /** Frames acknowledged, and now stored for the first time. */
  FramesStored: 'Count',
  /** Frames acknowledged that were there already: retries. */
  FramesRepeated: 'Count',
  /** Frames of authenticated drains answered 503: their sender has to send them again. */
  FramesUnavailable: 'Count',
  /** Frames stored of which not all parses. */
  FramesUnparsed: 'Count',
  /** Frames stored whose lines are not as many as Logplex-Msg-Count says. */
  FramesMiscounted: 'Count',
  /** Frames stored whose drain token no app pins. */
  FramesUnclaimed: 'Count',
  /** Bytes of frames, unpacked. */
  FrameBytes: 'Bytes',
  Lines: 'Count',
  /** Messages that the transport told to be lost; for L10 an upper bound. */
  MessagesLost: 'Count',
  /** From the event to the sink's word. */
  FrameTime: 'Milliseconds',
  /** Age of a frame's first line at its arrival. */
  Lag: 'Seconds',
  /** Puts begun after the first of their frame. */
  PutRetries: 'Count',
  /** Frames that no put could store in time. */
  PutsFailed: 'Count',
  /** Requests with a password that a newer one replaces. */
  OldSecretUsed: 'Count',
  /** Requests answered 401 or 405. */
  RequestsRefused: 'Count',
  /** Events that are none of a Function URL. */
  EventsUnreadable: 'Count',
  /** Errors that nobody expects. */
  Unexpected: 'Count',
} as const;

type Metric = keyof typeof units;
type Level = 'INFO' | 'WARN' | 'ERROR';

/** What is told in a line: names of the configuration, numbers, keys, codes, reasons. */
type Facts = Readonly<Record<string, string | number | undefined>>;

/** What becomes of events, in lines for CloudWatch. */
export interface LambdaObserver extends IntakeObserver {
  /** The lines that follow are of this request of Lambda's. */
  begin(requestId: string): void;
  /** An event that is no frame. */
  notFrame(reason: 'method' | 'unreadable'): void;
  /** A finding that no call of the intake's tells. */
  failed(at: string): void;
  /** Writes what was counted since the last call. */
  flush(): void;
}

const none = '';

/**
 * Counts in CloudWatch's Embedded Metric Format: a line of JSON that CloudWatch Logs makes metrics of,
 * so that an alarm needs no code and the function no right to put metrics. One line a prefix and
 * invocation holds the counts; findings have lines of their own. No text of a frame, no password and
 * no header gets into any of them.
 *
 * `write` takes a whole line with its newline; `now` in epoch milliseconds.
 */
export function createLambdaObserver(given: {
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly functionName: string;
}): LambdaObserver {
  const { write, now, functionName } = given;
  let requestId = '';
  const counted = new Map<string, { metrics: Map<Metric, number>; facts: Facts }>();

  function add(prefix: string | undefined, metric: Metric, value = 1, facts: Facts = {}): void {
    const name = prefix ?? none;
    const entry = counted.get(name) ?? { metrics: new Map(), facts: {} };
    entry.metrics.set(metric, (entry.metrics.get(metric) ?? 0) + value);
    entry.facts = { ...entry.facts, ...facts };
    counted.set(name, entry);
  }

  function tell(level: Level, message: string, facts: Facts): void {
    const timestamp = new Date(now()).toISOString();
    write(`${JSON.stringify({ timestamp, level, message, requestId, ...facts })}\n`);
  }

  return {
    begin(id) {
      requestId = id;
    },
    stored,
    unavailable(prefix, reason) {
      add(prefix, 'FramesUnavailable');
      tell('WARN', 'answered 503', { prefix, reason });
    },
    refused(reason) {
      add(undefined, 'RequestsRefused');
      tell('WARN', 'refused a request', { reason });
    },
    notFrame(reason) {
      add(undefined, reason === 'method' ? 'RequestsRefused' : 'EventsUnreadable');
      tell('WARN', 'an event that is no frame', { reason });
    },
    objectStored({ prefix, tries }) {
      if (tries > 1) add(prefix, 'PutRetries', tries - 1);
    },
    putFailed({ prefix, key, tries, code, error }) {
      add(prefix, 'PutsFailed');
      if (tries > 1) add(prefix, 'PutRetries', tries - 1);
      tell('ERROR', 'put failed', { prefix, key, tries, code, error });
    },
    oldSecret(prefix) {
      add(prefix, 'OldSecretUsed');
    },
    unexpected(prefix, at) {
      add(prefix, 'Unexpected');
      tell('ERROR', 'a frame met something unexpected', { prefix, at });
    },
    failed(at) {
      add(undefined, 'Unexpected');
      tell('ERROR', 'an event met something unexpected', { at });
    },
    untold() {
      add(undefined, 'Unexpected');
    },
    flush() {
      for (const [prefix, { metrics, facts }] of counted) {
        write(`${JSON.stringify(metricLine(prefix, metrics, facts))}\n`);
      }
      counted.clear();
    },
  };

  function stored(report: StoredFrameReport): void {
    const { caller, key, outcome, frame, bytes, arrivedAt, seconds } = report;
    const { prefix } = caller;
    add(prefix, outcome === 'exists' ? 'FramesRepeated' : 'FramesStored', 1, { key });
    add(prefix, 'FrameTime', Math.round(seconds * 1e6) / 1e3);
    // A retry of a frame that is there already says nothing new.
    if (outcome === 'exists') return;
    add(prefix, 'FrameBytes', bytes);
    add(prefix, 'Lines', frame.facts.lines);
    const own = parseTimestamp(frame.repeated.timestamp);
    if (own !== undefined) add(prefix, 'Lag', Math.max(0, arrivedAt - own) / 1000);
    for (const [code, { lines, messages }] of frame.lossesByCode) {
      add(prefix, 'MessagesLost', messages);
      const told = { prefix, key, code, lines, count: messages };
      tell('WARN', 'the transport tells of lost messages', told);
    }
    if (frame.unparsed !== undefined) {
      add(prefix, 'FramesUnparsed');
      tell('WARN', 'stored, but not all of it parses', { prefix, key, reason: frame.unparsed });
    }
    if (frame.miscounted) {
      add(prefix, 'FramesMiscounted');
      const { count, lines } = frame.facts;
      tell('WARN', 'the sender counts other than the lines found', { prefix, key, count, lines });
    }
    if (caller.app === undefined) {
      add(prefix, 'FramesUnclaimed');
      const token = wellFormed(report.token);
      tell('WARN', 'no app pins this drain token: pin it under drain.tokens', { prefix, token });
    }
  }

  /** Of the function, and of each prefix of it: an alarm on all apps need not name them. */
  function metricLine(prefix: string, metrics: ReadonlyMap<Metric, number>, facts: Facts): object {
    const dimensions =
      prefix === none ? [['FunctionName']] : [['FunctionName'], ['FunctionName', 'Prefix']];
    return {
      _aws: {
        Timestamp: now(),
        CloudWatchMetrics: [
          {
            Namespace: 'pgwitness',
            Dimensions: dimensions,
            Metrics: [...metrics.keys()].map((name) => ({ Name: name, Unit: units[name] })),
          },
        ],
      },
      FunctionName: functionName,
      ...(prefix === none ? {} : { Prefix: prefix }),
      ...Object.fromEntries(metrics),
      requestId,
      ...facts,
    };
  }
}

/** A header is the sender's: only what looks like a token is shown. */
function wellFormed(token: string | null): string {
  return token !== null && /^d\.[A-Za-z0-9-]{1,64}$/.test(token) ? token : 'none';
}
