import { crc32, inflateRawSync } from 'node:zlib';
import { parseFrameMeta } from './frame-meta.ts';
import { type FrameMeta, subfieldId } from './frame-object.ts';

/** A part of an object that could not be read; the reader goes on behind it where it can. */
export interface FrameFault {
  readonly kind: 'fault';
  readonly reason: 'not-gzip' | 'truncated' | 'corrupt' | 'too-large' | 'facts-unreadable';
  /** Where in the object it begins, and how many bytes could not be read. */
  readonly offset: number;
  readonly bytes: number;
  /** The member's facts where its header could be read. */
  readonly meta?: FrameMeta;
}

/** One frame of an object. Without `meta` the member was written by another program. */
export interface StoredFrame {
  readonly kind: 'frame';
  readonly offset: number;
  readonly body: Uint8Array;
  readonly meta?: FrameMeta;
}

/** Larger than any body that the receiver takes. */
const largestFrame = 64 * 1024 * 1024;

/**
 * The frames of an object in their order: members of ours with their facts, members of others
 * without, and a fault for each part that can't be read. Never throws for what the bytes hold.
 * `maxFrameBytes` bounds what one member may unpack to.
 */
export function* readFrames(
  object: Uint8Array,
  options: { readonly maxFrameBytes?: number } = {},
): Generator<StoredFrame | FrameFault> {
  const bytes = Buffer.from(object.buffer, object.byteOffset, object.byteLength);
  const limit = options.maxFrameBytes ?? largestFrame;
  let offset = 0;
  while (offset < bytes.length) {
    const header = parseHeader(bytes, offset);
    if (typeof header === 'string') {
      // gzip pads with zeros on some media, and every gunzip passes over them.
      if (header === 'not-gzip' && isZero(bytes, offset)) return;
      const next = nextOwnMember(bytes, offset + 1);
      yield { kind: 'fault', reason: header, offset, bytes: next - offset };
      offset = next;
      continue;
    }
    const member = readMember(bytes, header, limit);
    const meta = header.meta === undefined ? {} : { meta: header.meta };
    const end = member.end ?? nextOwnMember(bytes, header.start);
    if (header.factsUnreadable) {
      const length = header.start - offset;
      yield { kind: 'fault', reason: 'facts-unreadable', offset, bytes: length };
    }
    if (member.body === undefined) {
      yield { kind: 'fault', reason: member.reason, offset, bytes: end - offset, ...meta };
    } else {
      yield { kind: 'frame', offset, body: member.body, ...meta };
    }
    offset = end;
  }
}

interface Header {
  /** Where the deflate stream begins. */
  readonly start: number;
  readonly meta?: FrameMeta;
  readonly factsUnreadable: boolean;
}

/** The gzip header at `offset` (RFC 1952, 2.3). */
function parseHeader(bytes: Buffer, offset: number): Header | 'not-gzip' | 'truncated' {
  const magic = [0x1f, 0x8b, 8];
  for (const [index, byte] of magic.entries()) {
    if (offset + index >= bytes.length) return 'truncated';
    if (bytes[offset + index] !== byte) return 'not-gzip';
  }
  if (offset + 10 > bytes.length) return 'truncated';
  const flags = bytes[offset + 3] ?? 0;
  if ((flags & 0xe0) !== 0) return 'not-gzip';
  let at = offset + 10;
  let extra: Buffer | undefined;
  if ((flags & 0x04) !== 0) {
    if (at + 2 > bytes.length) return 'truncated';
    const length = bytes.readUInt16LE(at);
    extra = bytes.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  for (const flag of [0x08, 0x10]) {
    if ((flags & flag) === 0) continue;
    const zero = at < bytes.length ? bytes.indexOf(0, at) : -1;
    if (zero === -1) return 'truncated';
    at = zero + 1;
  }
  if ((flags & 0x02) !== 0) at += 2;
  if (at > bytes.length) return 'truncated';
  const own = extra === undefined ? undefined : ownSubfield(extra);
  if (own === undefined) return { start: at, factsUnreadable: false };
  const meta = parseFrameMeta(own);
  return meta === undefined
    ? { start: at, factsUnreadable: true }
    : { start: at, meta, factsUnreadable: false };
}

function ownSubfield(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra[at] === subfieldId[0] && extra[at + 1] === subfieldId[1]) {
      return extra.subarray(at + 4, at + 4 + length);
    }
    at += 4 + length;
  }
  return undefined;
}

type Member =
  | { readonly body: Uint8Array; readonly end: number }
  | {
      readonly body?: undefined;
      readonly reason: 'truncated' | 'corrupt' | 'too-large';
      /** Undefined where only unpacking could have told. */
      readonly end?: number;
    };

function readMember(bytes: Buffer, header: Header, limit: number): Member {
  const told = toldEnd(bytes, header);
  const known = told === undefined ? {} : { end: told };
  let unpacked: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` the engine tells how much it read: the next member begins behind the trailer.
    unpacked = inflateRawSync(
      bytes.subarray(header.start, told === undefined ? undefined : told - 8),
      {
        info: true,
        maxOutputLength: limit,
      },
    ) as unknown as typeof unpacked;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { reason: 'too-large', ...known };
    return { reason: code === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', ...known };
  }
  const trailer = header.start + unpacked.engine.bytesWritten;
  if (trailer + 8 > bytes.length) return { reason: 'truncated', end: bytes.length };
  const whole =
    bytes.readUInt32LE(trailer) === crc32(unpacked.buffer) &&
    bytes.readUInt32LE(trailer + 4) === unpacked.buffer.length % 2 ** 32;
  return whole
    ? { body: unpacked.buffer, end: trailer + 8 }
    : { reason: 'corrupt', end: told ?? trailer + 8 };
}

/** Where the member ends by its own facts, if something that can follow a member stands there. */
function toldEnd(bytes: Buffer, header: Header): number | undefined {
  if (header.meta === undefined) return undefined;
  const end = header.start + header.meta.packed + 8;
  if (end === bytes.length) return end;
  return end < bytes.length && typeof parseHeader(bytes, end) === 'object' ? end : undefined;
}

/** The next place at or after `from` where a member of ours begins, or the object's end. */
function nextOwnMember(bytes: Buffer, from: number): number {
  const magic = Buffer.from([0x1f, 0x8b, 8, 4]);
  for (let at = bytes.indexOf(magic, from); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    // Cheap before costly: bytes chosen to look like many headers must not cost a parse each.
    if (bytes[at + 12] !== subfieldId[0] || bytes[at + 13] !== subfieldId[1]) continue;
    const header = bytes[at + 16] === 0x7b ? parseHeader(bytes, at) : undefined;
    if (typeof header === 'object' && header.meta !== undefined) return at;
  }
  return bytes.length;
}

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
