import type { Logger } from 'pino';
import type { PutOutcome } from '../sink/sink.ts';
import type { Caller } from './access-list.ts';
import type { DescribedFrame } from './describe-frame.ts';
import type { ReceiverMetrics } from './receiver-metrics.ts';

export interface StoredFrameReport {
  readonly caller: Caller;
  readonly key: string;
  readonly outcome: PutOutcome;
  readonly frame: DescribedFrame;
  readonly token: string | null;
  readonly bytes: number;
  readonly seconds: number;
}

/** Each unknown token is told once; a sender that makes them up can't fill memory or log. */
const mostTokensTold = 256;

/**
 * Counts and logs frames that the sink has. No text of a line, no password and no unchecked header
 * gets into the log: only names from the configuration, numbers, the key and well-formed tokens.
 */
export function createFrameReporter(
  metrics: ReceiverMetrics,
  log: Logger,
): (stored: StoredFrameReport) => void {
  const toldTokens = new Set<string>();
  return ({ caller, key, outcome, frame, token, bytes, seconds }) => {
    const { prefix } = caller;
    metrics.frames.inc({ prefix, outcome });
    metrics.putSeconds.observe(seconds);
    log.debug({ prefix, key, outcome, bytes, lines: frame.facts.lines, seconds }, 'frame stored');
    // A retry of a frame that is there already says nothing new.
    if (outcome === 'exists') return;
    metrics.bytes.inc({ prefix }, bytes);
    metrics.lines.inc({ prefix }, frame.facts.lines);
    for (const [code, { lines, messages }] of frame.lossesByCode) {
      metrics.lossLines.inc({ prefix, code }, lines);
      metrics.lost.inc({ prefix, code }, messages);
      const told = { prefix, key, code, lines, count: messages };
      log.warn(told, 'the transport tells of lost messages');
    }
    if (frame.unparsed !== undefined) {
      metrics.unparsed.inc({ prefix, reason: frame.unparsed });
      log.warn({ prefix, key, reason: frame.unparsed }, 'stored as it came: not all of it parses');
    }
    if (frame.miscounted) {
      metrics.miscounted.inc({ prefix });
      const { count, lines } = frame.facts;
      log.warn({ prefix, key, count, lines }, 'the sender counts other than the lines found');
    }
    if (caller.app === undefined) tellUnclaimed(prefix, token);
  };

  function tellUnclaimed(prefix: string, token: string | null): void {
    metrics.unclaimed.inc({ prefix });
    const shown = token !== null && /^d\.[A-Za-z0-9-]{1,64}$/.test(token) ? token : 'none';
    if (toldTokens.has(shown) || toldTokens.size >= mostTokensTold) return;
    toldTokens.add(shown);
    log.warn(
      { prefix, token: shown },
      'no app pins this drain token: its frames are kept apart; pin it under drain.tokens',
    );
  }
}
