import { PgwitnessError } from '../error.ts';
import { type ParsedFrame, parseFrame } from '../logplex/frame.ts';
import type { FrameMeta } from '../sink/frame-object.ts';
import { type FrameFault, readFrames, type StoredFrame } from '../sink/read-frames.ts';
import type { Archive } from '../sink/sink.ts';
import type { TrailFinding } from './finding.ts';

/** Unpacked bytes of another program's members that are read as one body. */
const mostForeignBytes = 64 * 1024 * 1024;
/** A sender chooses the name of its encoding. */
const longestEncoding = 40;

/** A frame of an object, its lines parsed. */
export interface TrailFrame extends ParsedFrame {
  /** Where its gzip member begins in the object. */
  readonly offset: number;
  readonly body: Uint8Array;
  readonly meta?: FrameMeta;
}

/** The bytes of an object, or why there are none. */
export type ReadObject =
  | { readonly key: string; readonly bytes: Uint8Array }
  | { readonly key: string; readonly finding: TrailFinding };

/**
 * Reads an object. One that is gone or can't be read is a finding; an archive that can't be reached
 * (exit 3) is thrown, since then nothing can be said of the others either.
 */
export async function readObject(archive: Archive, key: string): Promise<ReadObject> {
  try {
    return { key, bytes: await archive.read(key) };
  } catch (error) {
    if (!(error instanceof PgwitnessError) || error.exit === 3) throw error;
    return {
      key,
      finding: { code: 'object-unreadable', object: key, sentence: error.message },
    };
  }
}

/** The frames of an object in their order, and a finding for each part of it that can't be read. */
export function* parseObject(key: string, bytes: Uint8Array): Generator<TrailFrame | TrailFinding> {
  let parts = 0;
  /** Members of another program's: where one frame ends there only its bytes tell. */
  let foreign: StoredFrame[] = [];
  let foreignBytes = 0;
  for (const part of readFrames(bytes)) {
    parts += 1;
    if (part.kind === 'frame' && part.meta === undefined) {
      foreign.push(part);
      foreignBytes += part.body.length;
      // Parted here a line may lose its end, which is told; a bomb of many members is not held.
      if (foreignBytes < mostForeignBytes) continue;
    }
    yield* parseBody(key, foreign);
    foreign = [];
    foreignBytes = 0;
    if (part.kind === 'frame' && part.meta === undefined) continue;
    if (part.kind === 'frame') yield* parseBody(key, [part]);
    else yield corrupt(key, part);
  }
  yield* parseBody(key, foreign);
  if (parts === 0) {
    yield { code: 'object-corrupt', object: key, offset: 0, sentence: `${key} is empty.` };
  }
}

function* parseBody(
  key: string,
  members: readonly StoredFrame[],
): Generator<TrailFrame | TrailFinding> {
  const first = members[0];
  if (first === undefined) return;
  const { offset, meta } = first;
  if (meta?.encoding !== undefined) {
    yield {
      code: 'frame-unreadable',
      object: key,
      offset,
      sentence: `${key}, byte ${offset}: a frame is kept as it came, in the encoding ${JSON.stringify(meta.encoding.slice(0, longestEncoding))}; its lines can't be read.`,
    };
    return;
  }
  const body = members.length === 1 ? first.body : Buffer.concat(members.map((one) => one.body));
  const parsed = parseFrame(body);
  yield { ...parsed, offset, body, ...(meta === undefined ? {} : { meta }) };
  const fault = parsed.faults[0];
  if (fault === undefined) return;
  const lost = parsed.faults.reduce((sum, { bytes }) => sum + bytes.length, 0);
  yield {
    code: 'frame-unreadable',
    object: key,
    offset,
    sentence: `${key}, byte ${offset}: ${lost} bytes of a frame are no lines of a log (${fault.reason}, from byte ${fault.offset} of it on).`,
  };
}

function corrupt(key: string, fault: FrameFault): TrailFinding {
  const sentence = corruptSentence(key, fault);
  return { code: 'object-corrupt', object: key, offset: fault.offset, sentence };
}

function corruptSentence(key: string, fault: FrameFault): string {
  const where = `${key}, byte ${fault.offset}`;
  const lines = fault.meta === undefined ? '' : `, which held ${fault.meta.lines} lines`;
  switch (fault.reason) {
    case 'facts-unreadable':
      return `${where}: the facts kept beside a frame can't be read; its lines can.`;
    case 'not-gzip':
      return `${where}: ${fault.bytes} bytes are not gzip and can't be read.`;
    case 'truncated':
      return `${where}: a gzip member${lines} ends before its end.`;
    case 'too-large':
      return `${where}: a gzip member${lines} unpacks to more than any frame has; it is left out.`;
    case 'corrupt':
      return `${where}: a gzip member${lines} is corrupt: its bytes are not those that were stored.`;
  }
}
