import { setTimeout as sleep } from 'node:timers/promises';
import { openRawDrain, requestHead } from '../../test/rig/raw-drain.ts';
import { homeDrain } from '../../test/rig/receiver-home.ts';
import { digestOf, makeLines } from './frames.ts';
import type { LoadJob } from './load-job.ts';
import type { LoadMeter } from './load-meter.ts';

/** Messages that Logplex keeps for a drain; the oldest is dropped for the newest. */
const bufferMessages = 1_024;
/** It fills a request up to here, with one message at least. */
const batchBytes = 102_400;
/** Lines that are made once and sent again and again. */
const linesReady = 8_192;

/**
 * What Logplex does for one drain (logplex_http_drain.erl): lines come in at an even rate into a buffer;
 * while no request is in flight, the next takes from its front. The way to the receiver is waited for
 * before and after the request; a real one would also need more round trips to open its window.
 */
export async function runDrain(
  job: Extract<LoadJob, { kind: 'drain' }>,
  meter: LoadMeter,
): Promise<void> {
  const lines = makeLines(linesReady, job.seed, Date.now());
  const drain = openRawDrain(job.port);
  const start = performance.now();
  const end = start + job.seconds * 1_000;
  /** Numbers of lines: those from `first` up to `last` wait in the buffer. */
  let first = 0;
  let last = 0;
  for (let request = 0; performance.now() < end; ) {
    fill();
    if (first === last) {
      await sleep(1);
      continue;
    }
    const batch: Uint8Array[] = [];
    for (let bytes = 0; first < last; first += 1) {
      const line = lines[first % linesReady] as Uint8Array;
      if (bytes > 0 && bytes + line.length > batchBytes) break;
      batch.push(line);
      bytes += line.length;
    }
    const body = Buffer.concat(batch);
    const id = `${job.seed.toString(16).padStart(8, '0')}${(request++).toString(16).padStart(24, '0')}`;
    const head = requestHead({
      ...homeDrain,
      bytes: body.length,
      count: batch.length,
      id: id.toUpperCase(),
      token: 'd.bench',
    });
    const sentAt = performance.now();
    if (job.rttMs > 0) await sleep(job.rttMs / 2);
    const status = await drain.post([head, body]);
    if (job.rttMs > 0) await sleep(job.rttMs / 2);
    const frame = { body, lines: batch.length, digest: digestOf(body) };
    meter.answered(status, sentAt, frame, id.toUpperCase());
    // Given up here and not tried again: any answer but 200 is a loss.
    if (status !== 200) meter.dropped(batch.length);
  }
  fill();
  drain.close();

  /** Takes in what has come since, and drops what is too much. */
  function fill(): void {
    last = Math.floor(((Math.min(performance.now(), end) - start) / 1_000) * job.linesPerSecond);
    const over = last - first - bufferMessages;
    if (over <= 0) return;
    first += over;
    meter.dropped(over);
  }
}
