// The load process: takes one job at a time from its parent, and tells it when the measured time begins and ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../test/rig/random.ts';
import { openRawDrain, type RawDrain, requestHead } from '../../test/rig/raw-drain.ts';
import { homeDrain } from '../../test/rig/receiver-home.ts';
import { runDrain } from './drain-buffer.ts';
import { type LoadFrame, makeFrames } from './frames.ts';
import type { LoadJob, LoadMessage, LoadResult } from './load-job.ts';
import { createLoadMeter, type LoadMeter } from './load-meter.ts';

const tell = (message: LoadMessage) => void process.send?.(message);
/** Bodies kept ready: more than any part of the server could remember. */
const framesReady = 32;
/** Bytes of them at most. */
const bytesReady = 16_000_000;

process.on('message', (job: LoadJob) => {
  run(job).then((result) => tell({ tells: 'result', result }));
});
process.on('disconnect', () => process.exit(0));
tell({ tells: 'ready' });

async function run(job: LoadJob): Promise<LoadResult> {
  const meter = createLoadMeter();
  switch (job.kind) {
    case 'saturate':
      await saturate(job, meter);
      break;
    case 'paced':
      await paced(job, meter);
      break;
    case 'flood':
      await flood(job, meter);
      break;
    case 'drain':
      await measured(meter, () => runDrain(job, meter));
  }
  return meter.result();
}

async function measured(meter: LoadMeter, work: () => Promise<unknown>): Promise<void> {
  meter.begin();
  tell({ tells: 'begin' });
  await work();
  meter.end();
  tell({ tells: 'end' });
}

/** Frames one after the other, the ids of this job's own. */
function frameSource(job: LoadJob & { frameBytes: number }, ids = true) {
  const count = Math.max(2, Math.min(framesReady, Math.floor(bytesReady / job.frameBytes)));
  const frames = makeFrames(count, job.frameBytes, job.seed, Date.now());
  let sent = 0;
  return (): { frame: LoadFrame; id: string | undefined } => {
    const at = sent++;
    const id = `${job.seed.toString(16).padStart(8, '0')}${at.toString(16).padStart(24, '0')}`;
    return {
      frame: frames[at % frames.length] as LoadFrame,
      id: ids ? id.toUpperCase() : undefined,
    };
  };
}

async function post(
  drain: RawDrain,
  { frame, id }: { frame: LoadFrame; id: string | undefined },
  meter: LoadMeter,
): Promise<void> {
  const { body, lines } = frame;
  const token = id === undefined ? undefined : 'd.bench';
  const head = requestHead({ ...homeDrain, bytes: body.length, count: lines, id, token });
  const sentAt = performance.now();
  const status = await drain.post([head, body]);
  meter.answered(status, sentAt, frame, id);
  // A server that is gone refuses at once: no need to ask it a million times.
  if (status === 0) await sleep(20);
}

async function saturate(
  job: Extract<LoadJob, { kind: 'saturate' }>,
  meter: LoadMeter,
): Promise<void> {
  const next = frameSource(job, job.ids);
  let going = true;
  const senders = Array.from({ length: job.senders }, async () => {
    const drain = openRawDrain(job.port);
    while (going) await post(drain, next(), meter);
    drain.close();
  });
  await sleep(job.warmSeconds * 1_000);
  await measured(meter, () => sleep(job.seconds * 1_000));
  going = false;
  await Promise.all(senders);
}

async function paced(job: Extract<LoadJob, { kind: 'paced' }>, meter: LoadMeter): Promise<void> {
  const next = frameSource(job);
  const roll = randomFrom(job.seed);
  const perSender = job.framesPerSecond / job.senders;
  let going = true;
  const senders = Array.from({ length: job.senders }, async () => {
    const drain = openRawDrain(job.port);
    let dueAt = performance.now();
    while (going) {
      dueAt += (-Math.log((1 + roll(1e6)) / 1e6) / perSender) * 1_000;
      const wait = dueAt - performance.now();
      if (wait > 0) {
        await sleep(wait);
        // One that was kept waiting by its own frame before is no lateness of this process.
        if (meter.measuring) meter.due(dueAt);
      }
      if (going) await post(drain, next(), meter);
    }
    drain.close();
  });
  await sleep(job.warmSeconds * 1_000);
  await measured(meter, () => sleep(job.seconds * 1_000));
  going = false;
  await Promise.all(senders);
}

async function flood(job: Extract<LoadJob, { kind: 'flood' }>, meter: LoadMeter): Promise<void> {
  const next = frameSource(job);
  const idle: RawDrain[] = [];
  const running = new Set<Promise<void>>();
  let senders = 0;
  await measured(meter, async () => {
    const start = performance.now();
    let sent = 0;
    for (;;) {
      const elapsed = performance.now() - start;
      if (elapsed > job.seconds * 1_000) break;
      for (; sent < (elapsed / 1_000) * job.framesPerSecond; sent += 1) {
        const drain = idle.pop() ?? (senders++ < job.mostSenders && openRawDrain(job.port));
        if (!drain) continue;
        meter.due(start + (sent / job.framesPerSecond) * 1_000);
        const posting = post(drain, next(), meter).then(() => {
          idle.push(drain);
          running.delete(posting);
        });
        running.add(posting);
      }
      await sleep(1);
    }
  });
  await Promise.all(running);
  for (const drain of idle) drain.close();
}
