/** One piece of a jsonlog line: `[json <id> <index>/<total>] <bytes>`. */
export interface JsonChunk {
  /** Names the line among all of its process: `<session_id>:<line_num>`, or what the sender chose. */
  readonly id: string;
  /** From 1 to `total`. */
  readonly index: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

const head = /^\[json ([A-Za-z0-9._:-]{1,80}) ([1-9]\d{0,6})\/([1-9]\d{0,6})\] /;
const idShape = /^[A-Za-z0-9._:-]{1,80}$/;
/** `[json `, the longest id, two numbers of seven digits, `/`, `] `. */
const longestHead = 6 + 80 + 1 + 7 + 1 + 7 + 2;
const newline = 0x0a;
const brace = 0x7b;

/**
 * A line of Postgres's jsonlog (without or with its newline) as the MSG parts of syslog lines, none
 * longer than `maxBytes` (at least 256). A JSON object that fits goes as it is. Anything else goes
 * in chunks that each name the whole and its number of parts; cuts fall anywhere, also inside a
 * UTF-8 sequence. `fallbackId` ([A-Za-z0-9._:-], at most 80) names a line that has no session_id and line_num
 * of its own: it has to be the same at a resend, e.g. made of file and offset.
 */
export function splitJsonLine(
  line: Uint8Array,
  maxBytes: number,
  fallbackId: string,
): Uint8Array[] {
  if (!Number.isInteger(maxBytes) || maxBytes < 256) {
    throw new RangeError(`a chunk of ${maxBytes} bytes can't hold its own head: 256 at least`);
  }
  const bytes = line.at(-1) === newline ? line.subarray(0, -1) : line;
  if (bytes.length <= maxBytes && bytes[0] === brace) return [bytes];
  const id = ownId(bytes) ?? fallbackId;
  if (!idShape.test(id)) throw new RangeError(`not an id for chunks: ${JSON.stringify(id)}`);
  const room = maxBytes - longestHead;
  const total = Math.max(1, Math.ceil(bytes.length / room));
  return Array.from({ length: total }, (_, index) =>
    formatJsonChunk({
      id,
      index: index + 1,
      total,
      bytes: bytes.subarray(index * room, (index + 1) * room),
    }),
  );
}

/** The MSG that `parseJsonChunk` reads back: for a sender whose line is too long to be held whole. */
export function formatJsonChunk(chunk: JsonChunk): Uint8Array {
  const { id, index, total, bytes } = chunk;
  return Buffer.concat([Buffer.from(`[json ${id} ${index}/${total}] `, 'latin1'), bytes]);
}

/** The chunk that a MSG is, or undefined where it is none. */
export function parseJsonChunk(message: Uint8Array): JsonChunk | undefined {
  const start = Buffer.from(
    message.buffer,
    message.byteOffset,
    Math.min(message.length, longestHead),
  );
  const match = head.exec(start.toString('latin1'));
  if (match === null) return undefined;
  const [whole, id, index, total] = match as unknown as [string, string, string, string];
  if (Number(index) > Number(total)) return undefined;
  return {
    id,
    index: Number(index),
    total: Number(total),
    bytes: message.subarray(whole.length),
  };
}

/** `<session_id>:<line_num>` of a jsonlog line. */
function ownId(line: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(line));
  } catch {
    // What is not JSON has no id of its own, and goes under the sender's.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { session_id: session, line_num: number } = value as Record<string, unknown>;
  if (typeof session !== 'string' || !Number.isSafeInteger(number)) return undefined;
  const id = `${session}:${String(number)}`;
  return idShape.test(id) ? id : undefined;
}
