import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type Listening, listen } from '../../src/receive/node-server.ts';
import { createReceiver, type ReceiverOptions } from '../../src/receive/receiver.ts';
import { createReceiverMetrics } from '../../src/receive/receiver-metrics.ts';
import { readFrames } from '../../src/sink/read-frames.ts';
import type { Archive, Sink } from '../../src/sink/sink.ts';
import { randomFrom } from '../rig/random.ts';
import { openRawDrain, type RawDrain, requestHead } from '../rig/raw-drain.ts';
import { homeDrain } from '../rig/receiver-home.ts';
import { checkArchive } from '../soak/check-archive.ts';
import { frameMaker, type SentFrame } from '../soak/sent-frames.ts';

/** A row of the fault table as docs/faults.md has it. */
export interface FaultCell {
  readonly step: string;
  readonly fault: string;
  /** What the client is answered while the fault lasts: `200`, `503`, `no answer`. */
  readonly client: string;
  /** What the archive holds of it then: `the frame`, `nothing`. */
  readonly archive: string;
}

/** What a cell is tried out in. */
export interface FaultWorld {
  readonly sink: Sink;
  readonly archive: Archive;
  readonly options?: Partial<ReceiverOptions>;
  /** From here on the fault is met, until `heals`. */
  breaks(): void | Promise<void>;
  heals(): void | Promise<void>;
  close(): Promise<void>;
  /** How the client misbehaves while the fault lasts; to the status, 0 without an answer. */
  readonly send?: (port: number, head: Buffer, body: Uint8Array) => Promise<number>;
}

/** Drains that send at the same moment: their frames share objects where the receiver has them do so. */
const drains = 3;
/**
 * Where no put can succeed, no one needs to wait for the whole deadline; but it holds for the retries too, and
 * a store that shares a busy machine takes its time.
 */
const shortDeadlineMs = { disk: 700, store: 2_500 };
/** A drain of Logplex gives up earlier; here a slow machine is no fault. */
const retryMs = 30_000;

/**
 * Three drains send a frame each while the fault lasts; when it is gone they send it again, as drains do,
 * with a new one. Gives the row that was seen, and a sentence for each promise that was broken.
 */
export async function runCell(
  cell: FaultCell,
  open: () => Promise<FaultWorld>,
): Promise<{ readonly seen: FaultCell; readonly wrong: readonly string[] }> {
  const world = await open();
  const stop = new AbortController();
  let server: Listening | undefined;
  const lines: RawDrain[] = [];
  try {
    const receiver = createReceiver({
      drains: [
        {
          app: homeDrain.prefix,
          prefix: homeDrain.prefix,
          user: homeDrain.user,
          secrets: [homeDrain.password],
          tokens: [],
        },
      ],
      sink: world.sink,
      now: Date.now,
      log: pino({ level: 'silent' }),
      metrics: createReceiverMetrics(),
      ...(cell.client === '503' && {
        deadlineMs:
          cell.archive === 'nothing' && !cell.step.startsWith('S3')
            ? shortDeadlineMs.disk
            : shortDeadlineMs.store,
      }),
      ...world.options,
    });
    server = await listen({
      host: '127.0.0.1',
      port: 0,
      receiver,
      signal: stop.signal,
      graceMs: 500,
    });
    const port = Number(new URL(server.url).port);
    for (let at = 0; at < drains; at += 1) lines.push(openRawDrain(port, { answerMs: 12_000 }));
    const wrong: string[] = [];
    const makers = lines.map((_, drain) => frameMaker(drain, randomFrom(drain), true));
    const first = makers.map((make) => make());

    await world.breaks();
    const statuses = await Promise.all(
      first.map(({ frame, render }, at) => {
        const body = render();
        const head = headOf(frame, body, at);
        return world.send?.(port, head, body) ?? (lines[at] as RawDrain).post([head, body]);
      }),
    );
    for (const [at, { frame }] of first.entries()) frame.acknowledged = statuses[at] === 200;
    const sent = first.map(({ frame }) => frame);
    const held = await heldOf(world.archive, sent, cell.archive);
    if (statuses.includes(200) && held !== 'the frame') {
      wrong.push(`answered ${statuses.join(', ')} while the archive held ${held}`);
    }
    await world.heals();

    const second = makers.map((make) => make());
    await Promise.all(
      lines.flatMap((line, at) => [
        retry(first[at], line, at),
        retry(second[at], openLine(port), at),
      ]),
    );
    const all = [...first, ...second].map(({ frame }) => frame);
    for (const frame of all) {
      if (!frame.acknowledged) wrong.push(`after the fault was gone ${frame.id} got no 200`);
    }
    wrong.push(...(await checkArchive(world.archive, all)).wrong);
    const client = [
      ...new Set(statuses.map((status) => (status === 0 ? 'no answer' : `${status}`))),
    ];
    return { seen: { ...cell, client: client.sort().join(', '), archive: held }, wrong };
  } finally {
    for (const line of lines) line.close();
    stop.abort();
    await server?.done;
    await world.close();
  }

  function openLine(port: number): RawDrain {
    const line = openRawDrain(port, { answerMs: 12_000 });
    lines.push(line);
    return line;
  }
}

function headOf(frame: SentFrame, body: Uint8Array, drain: number): Buffer {
  const { id, count } = frame;
  return requestHead({ ...homeDrain, bytes: body.length, count, id, token: `d.${drain}` });
}

async function retry(
  made: ReturnType<ReturnType<typeof frameMaker>> | undefined,
  line: RawDrain,
  drain: number,
): Promise<void> {
  if (made === undefined) return;
  const { frame, render } = made;
  // One that was answered 200 is not sent again by a drain; here it is: an answer may get lost.
  for (const end = performance.now() + retryMs; performance.now() < end; ) {
    const body = render();
    frame.acknowledged = (await line.post([headOf(frame, body, drain), body])) === 200;
    if (frame.acknowledged) return;
  }
}

/** `the frame` where all are there, `nothing` where none is; waits for what is expected to come. */
async function heldOf(
  archive: Archive,
  frames: readonly SentFrame[],
  expected: string,
): Promise<string> {
  const ids = new Set(frames.map(({ id }) => id));
  for (const end = performance.now() + 5_000; ; await sleep(20)) {
    const found = new Set<string>();
    for await (const { key } of archive.list('')) {
      for (const part of readFrames(await archive.read(key))) {
        if (part.meta?.id !== undefined && ids.has(part.meta.id)) found.add(part.meta.id);
      }
    }
    const held =
      found.size === 0
        ? 'nothing'
        : found.size === ids.size
          ? 'the frame'
          : `${found.size} of ${ids.size} frames`;
    if (held === expected || performance.now() > end) return held;
  }
}
