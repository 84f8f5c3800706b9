import { parseFrame } from '../logplex/frame.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import type { FrameFacts } from '../sink/frame-object.ts';
import type { PlainBody } from './frame-body.ts';

/** Why a frame is stored as it came and not understood in whole. */
export type Unparsed = NonNullable<PlainBody['fault']> | 'torn' | 'parser-failed';

export interface DescribedFrame {
  readonly facts: FrameFacts;
  readonly lines: readonly SyslogLine[];
  readonly unparsed?: Unparsed;
  /** The sender's count is another than the number of lines found. */
  readonly miscounted: boolean;
}

/** What a frame's headers and body tell. Never throws: no frame is lost for what it holds. */
export function describeFrame(
  headers: Headers,
  plain: PlainBody,
  receivedAt: number,
): DescribedFrame {
  const { lines, losses, faults, unparsed } = parse(plain);
  const count = messageCount(headers.get('logplex-msg-count'));
  return {
    facts: {
      id: headers.get('logplex-frame-id') ?? undefined,
      token: headers.get('logplex-drain-token') ?? undefined,
      count,
      lines: lines.length,
      faults,
      losses,
      receivedAt,
      encoding: plain.encoding,
    },
    lines,
    ...(unparsed === undefined ? {} : { unparsed }),
    miscounted: count !== undefined && count !== lines.length,
  };
}

function parse(plain: PlainBody) {
  const nothing = { lines: [], losses: [], faults: 1 };
  if (plain.fault !== undefined) return { ...nothing, unparsed: plain.fault };
  try {
    const { lines, losses, faults } = parseFrame(plain.body);
    const unparsed: Unparsed | undefined = faults.length > 0 ? 'torn' : undefined;
    return { lines, losses, faults: faults.length, unparsed };
  } catch {
    // A fault of the parser's must not cost the frame; it is counted, and the bytes are kept to find it.
    return { ...nothing, unparsed: 'parser-failed' as const };
  }
}

function messageCount(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
