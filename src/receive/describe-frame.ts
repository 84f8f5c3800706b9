import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { walkFrame } from '../logplex/frame.ts';
import { parseLoss } from '../logplex/loss.ts';
import { parseSyslogLine } from '../logplex/syslog-line.ts';
import type { FrameFacts, StoredLoss } from '../sink/frame-object.ts';
import type { PlainBody } from './frame-body.ts';

/** Why a frame is stored as it came, or as a placeholder, and not understood in whole. */
export type Unparsed =
  | NonNullable<PlainBody['fault']>
  | 'torn'
  | 'parser-failed'
  | 'redaction-failed';

/** What a retry of a frame repeats, though its loss line is rendered anew at each try. */
export interface Repeated {
  /** Of the first line that is not the transport's own, as received; '' where there is none. */
  readonly timestamp: string;
  /**
   * sha256, in hex, of the body without its loss lines, and of each one's code, count and span: the
   * time in the line's header is left out, and a loss that has grown is not.
   */
  readonly content: string;
}

export interface DescribedFrame {
  readonly facts: FrameFacts;
  readonly repeated: Repeated;
  /** Loss lines and the messages they tell of, by code. */
  readonly lossesByCode: ReadonlyMap<string, { readonly lines: number; readonly messages: number }>;
  readonly unparsed?: Unparsed;
  /** The sender's count is another than the number of lines found. */
  readonly miscounted: boolean;
}

/** More than an object's facts have room for. */
const mostLosses = 2_048;
/** After so long the other requests get their turn. */
const longestTurnMs = 4;
const partsBetweenLooks = 64;
/** Hashed within a few milliseconds. */
const bytesBetweenLooks = 1 << 20;

/**
 * What a frame's headers (by lower-case name) and body tell. Never throws: no frame is lost for what it holds. Nothing is
 * kept of a line but what is counted, and the event loop goes on meanwhile: a body of a million tiny
 * lines must neither fill the memory nor make others' frames late.
 */
export async function describeFrame(
  header: (name: string) => string | null,
  plain: PlainBody,
  receivedAt: number,
): Promise<DescribedFrame> {
  const survey = await surveyed(plain);
  const count = messageCount(header('logplex-msg-count'));
  const { lines, faults, losses, lossesByCode, repeated, unparsed } = survey;
  const told = [...lossesByCode.values()];
  return {
    facts: {
      id: header('logplex-frame-id') ?? undefined,
      token: header('logplex-drain-token') ?? undefined,
      count,
      lines,
      faults,
      losses,
      lossesTold: told.reduce((sum, each) => sum + each.lines, 0),
      messagesLost: told.reduce((sum, each) => sum + each.messages, 0),
      receivedAt,
      encoding: plain.encoding,
    },
    repeated,
    lossesByCode,
    ...(unparsed === undefined ? {} : { unparsed }),
    miscounted: count !== undefined && count !== lines,
  };
}

interface Survey extends Pick<DescribedFrame, 'repeated' | 'lossesByCode' | 'unparsed'> {
  readonly lines: number;
  readonly faults: number;
  readonly losses: readonly StoredLoss[];
}

async function surveyed(plain: PlainBody): Promise<Survey> {
  if (plain.fault !== undefined) return unread(plain, plain.fault);
  try {
    return await survey(plain.body);
  } catch {
    // A fault of the parser's must not cost the frame; it is counted, and the bytes are kept to find it.
    return unread(plain, 'parser-failed');
  }
}

function unread({ body }: PlainBody, unparsed: Unparsed): Survey {
  const content = createHash('sha256').update(body).digest('hex');
  const repeated = { timestamp: '', content };
  return { lines: 0, faults: 1, losses: [], lossesByCode: new Map(), repeated, unparsed };
}

async function survey(body: Uint8Array): Promise<Survey> {
  const turn = turns();
  const digest = createHash('sha256');
  const losses: StoredLoss[] = [];
  const lossesByCode = new Map<string, { lines: number; messages: number }>();
  let [lines, faults, parts, hashed] = [0, 0, 0, 0];
  let timestamp = '';
  for (const part of walkFrame(body)) {
    if (++parts % partsBetweenLooks === 0) await turn();
    const line = part.kind === 'message' ? parseSyslogLine(part.message.bytes) : undefined;
    if (line === undefined) {
      faults += 1;
      continue;
    }
    lines += 1;
    const loss = parseLoss(line);
    if (loss === undefined) {
      const fromLogplex = line.app === 'heroku' && line.procid === 'logplex';
      if (timestamp === '' && !fromLogplex) timestamp = line.timestamp;
      continue;
    }
    const { code, count, since } = loss;
    await hash(part.from);
    digest.update(JSON.stringify([code, count, since]));
    hashed = part.until;
    if (losses.length < mostLosses) losses.push({ code, count, since });
    const before = lossesByCode.get(code);
    lossesByCode.set(code, {
      lines: (before?.lines ?? 0) + 1,
      messages: (before?.messages ?? 0) + count,
    });
  }
  await hash(body.length);
  return {
    lines,
    faults,
    losses,
    lossesByCode,
    repeated: { timestamp, content: digest.digest('hex') },
    ...(faults > 0 ? { unparsed: 'torn' } : {}),
  };

  /** What stands before `end` and is no loss line, its length before it: no two bodies run together. */
  async function hash(end: number): Promise<void> {
    digest.update(`${end - hashed}:`);
    while (hashed < end) {
      const next = Math.min(hashed + bytesBetweenLooks, end);
      digest.update(body.subarray(hashed, next));
      hashed = next;
      await turn();
    }
  }
}

/** Lets the other requests go on once this one has run for `longestTurnMs`. */
function turns(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < longestTurnMs) return undefined;
    return nextTurn().then(() => {
      since = performance.now();
    });
  };
}

function messageCount(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
