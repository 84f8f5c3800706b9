import { readFrames } from '../../src/sink/read-frames.ts';
import type { Archive } from '../../src/sink/sink.ts';
import { scanRecords } from '../../src/trail/scan-records.ts';
import { homeDrain } from '../rig/receiver-home.ts';
import { digestOf, type SentFrame } from './sent-frames.ts';

/** What the archive holds of what was sent. */
export interface ArchiveCheck {
  readonly objects: number;
  /** Frames in them; `copies` of these stand there a second time. */
  readonly frames: number;
  readonly copies: number;
  readonly acknowledged: number;
  readonly records: number;
  /** A sentence for each thing that must not be. Empty: nothing acknowledged is lost, nothing is told twice. */
  readonly wrong: readonly string[];
}

const dayMs = 24 * 3_600_000;
/** More of them say nothing new. */
const mostWrong = 20;

/** Holds the archive, and the trail that is read from it, against what the drains sent. */
export async function checkArchive(
  archive: Archive,
  sent: readonly SentFrame[],
): Promise<ArchiveCheck> {
  const wrong: string[] = [];
  const stored = await storedFrames(archive, sent, wrong);
  const records = await checkTrail(archive, sent, wrong);
  return {
    ...stored,
    acknowledged: sent.filter((frame) => frame.acknowledged).length,
    records,
    wrong: wrong.slice(0, mostWrong),
  };
}

async function storedFrames(archive: Archive, sent: readonly SentFrame[], wrong: string[]) {
  const byBody = new Map<string, SentFrame>();
  for (const frame of sent) for (const body of frame.bodies) byBody.set(body, frame);
  const found = new Map<SentFrame, number>();
  let [objects, frames] = [0, 0];
  for await (const { key } of archive.list('')) {
    objects += 1;
    for (const part of readFrames(await archive.read(key))) {
      frames += 1;
      if (part.kind === 'fault') {
        wrong.push(`${key}: ${part.reason} at byte ${part.offset}`);
        continue;
      }
      const frame = byBody.get(digestOf(part.body));
      if (frame === undefined || frame.id !== part.meta?.id) {
        wrong.push(`${key}: the frame at byte ${part.offset} is none that was sent`);
      } else found.set(frame, (found.get(frame) ?? 0) + 1);
    }
  }
  for (const frame of sent) {
    if (frame.acknowledged && !found.has(frame)) {
      wrong.push(`the frame ${nameOf(frame)} was acknowledged and is not in the archive`);
    }
  }
  return { objects, frames, copies: frames - found.size };
}

/** The number of records in the trail. */
async function checkTrail(
  archive: Archive,
  sent: readonly SentFrame[],
  wrong: string[],
): Promise<number> {
  const told = new Map<string, number>();
  let records = 0;
  const now = Date.now();
  const span = { prefix: homeDrain.prefix, since: now - dayMs, until: now + dayMs };
  for await (const entry of scanRecords(archive, span)) {
    if (entry.type === 'finding') {
      wrong.push(entry.finding.sentence);
      continue;
    }
    records += 1;
    const { loss, session, logLine, statement } = entry.record;
    const name = loss ? lossName(loss) : `${session} ${logLine} ${statement}`;
    told.set(name, (told.get(name) ?? 0) + 1);
  }
  for (const frame of sent) {
    const names = frame.statements.map((one) => `${one.session} ${one.logLine} ${one.text}`);
    if (frame.loss !== undefined) names.push(lossName(frame.loss));
    for (const name of names) {
      const times = told.get(name) ?? 0;
      told.delete(name);
      if (times > 1) wrong.push(`the trail tells ${times} times: ${name}`);
      if (times === 0 && frame.acknowledged) {
        wrong.push(`the frame ${nameOf(frame)} was acknowledged; the trail lacks: ${name}`);
      }
    }
  }
  for (const name of told.keys()) wrong.push(`the trail tells what nobody sent: ${name}`);
  return records;
}

function lossName({ count, since }: { count: number; since: string }): string {
  return `loss of ${count} since ${since}`;
}

function nameOf(frame: SentFrame): string {
  const { session, logLine } = frame.statements[0] ?? {};
  return frame.id ?? `without an id, of ${session} ${logLine}`;
}
