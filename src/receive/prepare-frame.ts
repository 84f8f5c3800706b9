import type { Redactor } from '../redact/redactor.ts';
import { packFrame } from '../sink/frame-object.ts';
import type { Caller } from './access-list.ts';
import { type DescribedFrame, describeFrame } from './describe-frame.ts';
import { type PlainBody, unpackBody } from './frame-body.ts';
import type { PackedFrame } from './frame-store.ts';
import type { IncomingFrame } from './incoming-frame.ts';

export interface PreparedFrame {
  readonly packed: PackedFrame;
  readonly described: DescribedFrame;
  /** Of the body, unpacked, as received. */
  readonly bytes: number;
}

/**
 * A body as it is to be stored, with what is known of it. With a redactor nothing of the body as it
 * came is kept: what can't be unpacked or redacted is stored as a placeholder. Facts and count are
 * those of the frame as received. `limit` bounds the unpacked body, in bytes.
 */
export async function prepareFrame(
  incoming: Pick<IncomingFrame, 'header'>,
  body: Uint8Array,
  given: {
    readonly caller: Caller;
    readonly redactor: Redactor | undefined;
    /** Epoch milliseconds. */
    readonly arrivedAt: number;
    readonly limit: number;
  },
): Promise<PreparedFrame> {
  const { caller, redactor, arrivedAt } = given;
  const header = (name: string) => incoming.header(name);
  const plain = await unpackBody(body, header('content-encoding'), given.limit);
  const asCame = await describeFrame(header, plain, arrivedAt);
  const { stored, described } =
    redactor === undefined
      ? { stored: plain.body, described: asCame }
      : await redacted(redactor, plain, asCame);
  const member = await packFrame(stored, described.facts);
  const packed: PackedFrame = {
    prefix: caller.prefix,
    id: header('logplex-frame-id'),
    token: header('logplex-drain-token'),
    repeated: described.repeated,
    arrivedAt,
    member,
  };
  return { packed, described, bytes: plain.body.length };
}

async function redacted(
  redactor: Redactor,
  plain: PlainBody,
  asCame: DescribedFrame,
): Promise<{ readonly stored: Uint8Array; readonly described: DescribedFrame }> {
  const { repeated, facts } = asCame;
  const described: DescribedFrame = {
    ...asCame,
    // A plain digest of text that is known but for one value would tell that value.
    repeated: { ...repeated, content: redactor.digest(repeated.content) },
    // What stands there is text, in whatever encoding the body came.
    facts: { ...facts, encoding: undefined, redacted: true },
  };
  const placeholder = () => redactor.placeholder(plain.body.length);
  if (plain.fault !== undefined) return { stored: placeholder(), described };
  const stored = await redactedBody(redactor, plain.body);
  // A redactor says so, too, by giving the placeholder itself.
  if (stored !== undefined && Buffer.compare(stored, placeholder()) !== 0) {
    return { stored, described };
  }
  const unparsed = described.unparsed ?? 'redaction-failed';
  return { stored: placeholder(), described: { ...described, unparsed } };
}

/** Undefined where the redactor has a fault. It is told by a count: its message may quote the frame. */
async function redactedBody(redactor: Redactor, body: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const bytes: unknown = await redactor.redact(body);
    return bytes instanceof Uint8Array ? bytes : undefined;
  } catch {
    return undefined;
  }
}
