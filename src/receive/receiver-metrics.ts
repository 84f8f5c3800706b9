import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * The receiver's counters in a registry of their own. Labels are prefixes, codes and reasons:
 * all from the configuration or the program, so no request can make a new series.
 */
export type ReceiverMetrics = ReturnType<typeof createReceiverMetrics>;

/** Seconds; a frame is answered within 4.5. */
const upToDeadline = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createReceiverMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `pgwitness_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <const L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[],
  ) =>
    new Histogram({
      name: `pgwitness_${name}`,
      help,
      buckets,
      labelNames: [...labelNames],
      registers,
    });
  return {
    registry,
    frames: counter(
      'frames_total',
      'Frames acknowledged; outcome exists: a retry of one that was stored before',
      ['prefix', 'outcome'],
    ),
    bytes: counter('frame_bytes_total', 'Unpacked bytes of frames stored', ['prefix']),
    lines: counter('lines_total', 'Lines parsed in frames stored', ['prefix']),
    lossLines: counter('loss_lines_total', 'Lines in which the transport told a loss', [
      'prefix',
      'code',
    ]),
    lost: counter(
      'messages_lost_total',
      'Messages that the transport told to be lost; for L10 an upper bound',
      ['prefix', 'code'],
    ),
    unparsed: counter(
      'unparsed_frames_total',
      'Frames stored as they came because they could not be unpacked or parsed in whole',
      ['prefix', 'reason'],
    ),
    miscounted: counter(
      'miscounted_frames_total',
      'Frames stored whose lines are not as many as Logplex-Msg-Count says',
      ['prefix'],
    ),
    unclaimed: counter('unclaimed_frames_total', 'Frames stored whose drain token no app pins', [
      'prefix',
    ]),
    refused: counter('refused_requests_total', 'Requests answered 401 or 405', ['reason']),
    unavailable: counter(
      'unavailable_total',
      'Frames of authenticated drains answered 503: the sender has to send them again',
      ['prefix', 'reason'],
    ),
    untold: counter(
      'untold_frames_total',
      'Frames acknowledged whose counting or logging failed; other counters may lack them',
      [],
    ),
    logFailures: counter(
      'log_failures_total',
      'Writes to the log that failed, and lines dropped since more than 1 MB of them wait',
      [],
    ),
    retries: counter('put_retries_total', 'Puts begun after the first of their frame', []),
    oldSecret: counter(
      'old_secret_frames_total',
      'Requests with a password that a newer one replaces; a rotation is over when it stands still',
      ['prefix'],
    ),
    oldSecretUsed: new Gauge({
      name: 'pgwitness_old_secret_used_timestamp_seconds',
      help: 'When a request last came with a password that a newer one replaces',
      labelNames: ['user'],
      registers,
    }),
    objects: counter('objects_total', 'Objects stored', ['prefix']),
    objectBytes: counter('object_bytes_total', 'Packed bytes of objects stored', ['prefix']),
    frameSeconds: histogram(
      'frame_seconds',
      'From a request’s headers until the sink had its frame',
      upToDeadline,
      [],
    ),
    putSeconds: histogram(
      'put_seconds',
      'Time until the sink had an object, its retries included',
      upToDeadline,
      [],
    ),
    groupWait: histogram(
      'group_wait_seconds',
      'How long the first frame of an object waited for others',
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.25, 1],
      [],
    ),
    framesPerObject: histogram(
      'frames_per_object',
      'Frames in an object stored',
      [1, 2, 4, 8, 16, 32, 64, 128, 256],
      [],
    ),
    lag: histogram(
      'lag_seconds',
      'Age of a frame’s first line at its arrival, by the line’s own timestamp',
      [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400],
      ['prefix'],
    ),
    /** A gauge whose value is asked for at each scrape; left out while it is undefined. */
    observe(name: string, help: string, read: () => number | undefined): void {
      new Gauge({
        name: `pgwitness_${name}`,
        help,
        registers,
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      });
    },
  };
}
