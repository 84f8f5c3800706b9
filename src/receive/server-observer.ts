import type { Logger } from 'pino';
import { parseTimestamp } from '../sink/object-key.ts';
import type { IntakeObserver, StoredFrameReport } from './intake-observer.ts';
import type { PutHealth } from './put-health.ts';
import type { ReceiverMetrics } from './receiver-metrics.ts';

/** Each unknown token is told once; a sender that makes them up can't fill memory or log. */
const mostTokensTold = 256;
const mostAddressesTold = 256;
const refusedAgainMs = 60_000;

/**
 * Counts and logs what becomes of frames. No text of a line, no password and no unchecked header gets
 * into the log: only names from the configuration, numbers, the key and well-formed tokens.
 */
export function createServerObserver(
  metrics: ReceiverMetrics,
  log: Logger,
  health: PutHealth,
): IntakeObserver {
  const toldTokens = new Set<string>();
  /** When it was told of each, by `performance.now`; the oldest first. */
  const toldAddresses = new Map<string, number>();
  return {
    stored,
    unavailable(prefix, reason) {
      metrics.unavailable.inc({ prefix, reason });
      log.warn({ prefix, reason }, 'answered 503');
    },
    refused(reason, address = 'unknown') {
      metrics.refused.inc({ reason });
      tellRefused(address);
    },
    objectStored({ prefix, frames, bytes, tries, seconds, waitedSeconds }) {
      health.stored();
      metrics.objects.inc({ prefix });
      metrics.objectBytes.inc({ prefix }, bytes);
      metrics.framesPerObject.observe(frames);
      metrics.groupWait.observe(waitedSeconds);
      metrics.putSeconds.observe(seconds);
      metrics.retries.inc(tries - 1);
    },
    putFailed({ prefix, key, frames, tries, code, error }) {
      health.failed();
      metrics.retries.inc(Math.max(0, tries - 1));
      log.error({ prefix, key, frames, tries, code, error }, 'put failed');
    },
    oldSecret(prefix, user) {
      metrics.oldSecret.inc({ prefix });
      metrics.oldSecretUsed.setToCurrentTime({ user });
    },
    unexpected(prefix, at) {
      log.error({ prefix, at }, 'a frame met something unexpected');
    },
    untold() {
      metrics.untold.inc();
    },
  };

  /** Once a minute an address; strangers can't fill memory or log. */
  function tellRefused(address: string): void {
    const now = performance.now();
    const [oldest] = toldAddresses;
    if (toldAddresses.size >= mostAddressesTold && oldest !== undefined) {
      if (now - oldest[1] < refusedAgainMs) return;
      toldAddresses.delete(oldest[0]);
    }
    if (now - (toldAddresses.get(address) ?? -Infinity) < refusedAgainMs) return;
    // Taken out first: a Map goes by age.
    toldAddresses.delete(address);
    toldAddresses.set(address, now);
    log.warn(
      { address },
      'answered 401: user or password is missing or wrong; a drain that sends so loses its lines for good',
    );
  }

  function stored(report: StoredFrameReport): void {
    const { caller, key, outcome, frame, bytes, arrivedAt, seconds } = report;
    const { prefix } = caller;
    metrics.frames.inc({ prefix, outcome });
    metrics.frameSeconds.observe(seconds);
    log.debug({ prefix, key, outcome, bytes, lines: frame.facts.lines, seconds }, 'frame stored');
    // A retry of a frame that is there already says nothing new.
    if (outcome === 'exists') return;
    metrics.bytes.inc({ prefix }, bytes);
    metrics.lines.inc({ prefix }, frame.facts.lines);
    const own = parseTimestamp(frame.repeated.timestamp);
    if (own !== undefined) metrics.lag.observe({ prefix }, Math.max(0, arrivedAt - own) / 1000);
    for (const [code, { lines, messages }] of frame.lossesByCode) {
      metrics.lossLines.inc({ prefix, code }, lines);
      metrics.lost.inc({ prefix, code }, messages);
      const told = { prefix, key, code, lines, count: messages };
      log.warn(told, 'the transport tells of lost messages');
    }
    if (frame.unparsed !== undefined) {
      metrics.unparsed.inc({ prefix, reason: frame.unparsed });
      log.warn({ prefix, key, reason: frame.unparsed }, 'stored, but not all of it parses');
    }
    if (frame.miscounted) {
      metrics.miscounted.inc({ prefix });
      const { count, lines } = frame.facts;
      log.warn({ prefix, key, count, lines }, 'the sender counts other than the lines found');
    }
    if (caller.app === undefined) tellUnclaimed(prefix, report.token);
  }

  function tellUnclaimed(prefix: string, token: string | null): void {
    metrics.unclaimed.inc({ prefix });
    const shown = token !== null && /^d\.[A-Za-z0-9-]{1,64}$/.test(token) ? token : 'none';
    if (toldTokens.has(shown) || toldTokens.size >= mostTokensTold) return;
    toldTokens.add(shown);
    const why =
      token === null
        ? 'a frame without a drain token is kept apart: apps of one password are told by it; give each a password of its own'
        : 'no app pins this drain token: its frames are kept apart; pin it under drain.tokens';
    log.warn({ prefix, token: shown }, why);
  }
}
