import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

/** A loss that the frame told of: code, upper bound of messages lost, start of the span as written. */
export interface StoredLoss {
  readonly code: string;
  readonly count: number;
  readonly since: string;
}

/** What is known of a frame besides its bytes: JSON in the gzip header's extra field. */
export interface FrameMeta {
  readonly version: 1;
  /** `Logplex-Frame-Id` as received, or `sha256:…` of one over 256 characters; absent where there was none. */
  readonly id?: string | undefined;
  /** `Logplex-Drain-Token` as received. */
  readonly token?: string | undefined;
  /** `Logplex-Msg-Count`: what the sender says it sent. */
  readonly count?: number | undefined;
  /** Lines that the receiver could parse. */
  readonly lines: number;
  /** Places in the body that it could not. */
  readonly faults: number;
  /** The first of the losses told; `lossesTold` counts them all. */
  readonly losses: readonly StoredLoss[];
  readonly lossesTold: number;
  /** Sum of `count` over all of them. */
  readonly messagesLost: number;
  /** Epoch milliseconds at which the receiver had the request. */
  readonly receivedAt: number;
  /** Content-Encoding of the body as it stands here: set only where it could not be unpacked. */
  readonly encoding?: string | undefined;
  /** The body stands here without personal data; counts and losses are those of the frame as it came. */
  readonly redacted?: true | undefined;
  /** Bytes of the body. */
  readonly bytes: number;
  /** Bytes of the deflate stream that follows the header: a reader can skip the member. */
  readonly packed: number;
}

/** All but what packing finds out; the totals where `losses` are not all that were told. */
export type FrameFacts = Omit<
  FrameMeta,
  'version' | 'lossesTold' | 'messagesLost' | 'bytes' | 'packed'
> & { readonly lossesTold?: number; readonly messagesLost?: number };

/** SI1, SI2 of our subfield (RFC 1952, 2.3.1.1). */
export const subfieldId = [0x50, 0x57] as const;
/** XLEN is 16 bits and covers the subfield's own four bytes. */
export const mostMetaBytes = 65_535 - 4;
/** Header values are the sender's: one longer than any real one is told by its hash. */
export const longestText = 256;

/**
 * zlib's. Of lines of Heroku Postgres a CPU second packs about 230 MB at 3, 105 MB at 6 and 125 to 200 MB
 * at 1 and 2, into 1/6.3, 1/7.1 and 1/6.1: 6 costs twice the time for a tenth less to store.
 */
export const compressionLevel = 3;

const deflate = promisify(deflateRaw);

/**
 * One frame as one gzip member (RFC 1952): `zcat` prints the body, and `readFrames` finds the facts
 * in the extra field. Node's zlib can't write that field: raw deflate between a header and a trailer
 * of our own. Losses beyond what the field holds are cut; their number and sum stay.
 */
export async function packFrame(body: Uint8Array, facts: FrameFacts): Promise<Uint8Array> {
  const packed = await deflate(body, { level: compressionLevel });
  const meta = encodeMeta(facts, body.length, packed.length);
  const header = Buffer.alloc(10 + 2 + 4);
  header.set([0x1f, 0x8b, 8, 0x04]);
  header.writeUInt32LE(Math.min(Math.floor(facts.receivedAt / 1000), 0xffff_ffff), 4);
  header.set([0, 255], 8);
  header.writeUInt16LE(4 + meta.length, 10);
  header.set(subfieldId, 12);
  header.writeUInt16LE(meta.length, 14);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(body), 0);
  trailer.writeUInt32LE(body.length % 2 ** 32, 4);
  return Buffer.concat([header, meta, packed, trailer]);
}

function encodeMeta(facts: FrameFacts, bytes: number, packed: number): Buffer {
  const told = facts.losses;
  const meta: FrameMeta = {
    version: 1,
    id: shortened(facts.id),
    token: shortened(facts.token),
    count: facts.count,
    lines: facts.lines,
    faults: facts.faults,
    losses: told.map(({ code, count, since }) => ({
      code: code.slice(0, longestText),
      count,
      since: since.slice(0, longestText),
    })),
    lossesTold: facts.lossesTold ?? told.length,
    messagesLost: Math.min(
      facts.messagesLost ?? told.reduce((sum, loss) => sum + loss.count, 0),
      Number.MAX_SAFE_INTEGER,
    ),
    receivedAt: facts.receivedAt,
    encoding: facts.encoding?.slice(0, longestText),
    redacted: facts.redacted,
    bytes,
    packed,
  };
  // Halving needs few rounds; all other fields together stay far below the limit.
  for (let kept = meta.losses.length; ; kept = Math.floor(kept / 2)) {
    const json = Buffer.from(JSON.stringify({ ...meta, losses: meta.losses.slice(0, kept) }));
    if (json.length <= mostMetaBytes) return json;
  }
}

/** Cut off, two ids could become one, and a reader would take the second frame for a retry. */
function shortened(value: string | undefined): string | undefined {
  if (value === undefined || value.length <= longestText) return value;
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}
