import {
  chunkLimit,
  continuationIndent,
  couldBeCut,
  type Joint,
  type MessagePiece,
} from '../logplex/message-joints.ts';

/** A message's text in bytes, as its chunks make it up. */
export interface JoinedMessage {
  readonly pieces: readonly MessagePiece[];
  readonly joints: readonly Joint[];
  /** A newline stands before each joint that has one. */
  readonly bytes: Buffer;
  /** Where each joint's bytes begin. */
  readonly starts: readonly number[];
}

/** A part of the bytes to be replaced. In order, not overlapping, none empty. */
export interface ByteEdit {
  readonly start: number;
  readonly end: number;
  readonly text: Buffer;
}

const newline = 0x0a;
const space = 0x20;
const tab = Buffer.from('\t', 'latin1');
const nothing = Buffer.alloc(0);

/** The text of chunks and their joints. */
export function joinMessage(
  pieces: readonly MessagePiece[],
  joints: readonly Joint[],
): JoinedMessage {
  const parts: Uint8Array[] = [];
  const starts: number[] = [];
  let length = 0;
  for (const [index, joint] of joints.entries()) {
    if (joint.newline && index > 0) {
      parts.push(Buffer.of(newline));
      length += 1;
    }
    starts.push(length);
    parts.push(joint.bytes);
    length += joint.bytes.length;
  }
  return { pieces, joints, bytes: Buffer.concat(parts, length), starts };
}

/**
 * The chunks anew, as many as before, after the edits. What replaces a text that spans chunks stands where
 * it began, what follows it behind it, and the chunks of which nothing is left become blank lines. A
 * line of the text that had been cut for its length is cut again as Postgres cuts, and its last chunk may
 * be longer than one of Postgres's: so a reader knows each newline from a cut, as before.
 * `fields` are the joints with which a field of the message begins.
 */
export function recutMessage(
  message: JoinedMessage,
  edits: readonly ByteEdit[],
  fields: ReadonlySet<number>,
): Uint8Array[] {
  const { pieces, joints, bytes, starts } = message;
  const out: Uint8Array[] = pieces.map((piece) => piece.bytes);
  const touched = new Set<number>();
  let next = 0;
  for (let first = 0; first < joints.length; ) {
    let end = nextLine(message, first, fields);
    const from = starts[first] ?? 0;
    const parts: Uint8Array[] = [];
    let at = from;
    for (let edit = edits[next]; edit !== undefined; edit = edits[next]) {
      const to = lineEnd(message, end);
      // One may begin with the newline behind the line.
      if (edit.start > to || (edit.start === to && bytes[to] !== newline)) break;
      // What stands behind it follows it at once, and the lines that are lost come after.
      while (end < joints.length && edit.end > lineEnd(message, end)) {
        end = nextLine(message, end, fields);
      }
      parts.push(bytes.subarray(at, edit.start), edit.text);
      at = edit.end;
      next += 1;
    }
    if (parts.length > 0) {
      const text = Buffer.concat([...parts, bytes.subarray(at, lineEnd(message, end))]);
      const line = Buffer.concat([text.length === 0 ? nothing : indentOf(message, first), text]);
      for (const [index, chunk] of cutLine(line, end - first).entries()) {
        out[first + index] = chunk;
        touched.add(first + index);
      }
    }
    first = end;
  }
  for (let index = 1; index < out.length; index++) {
    if (touched.has(index - 1) || touched.has(index)) keepApart(message, out, index);
  }
  return out;
}

/** The joint with which the line behind the one at `from` begins. */
function nextLine({ joints }: JoinedMessage, from: number, fields: ReadonlySet<number>): number {
  let at = from + 1;
  while (at < joints.length && joints[at]?.newline !== true && !fields.has(at)) at += 1;
  return at;
}

/** Where the text before the joint `next` ends, a newline between them left out. */
function lineEnd({ joints, bytes, starts }: JoinedMessage, next: number): number {
  const start = starts[next];
  if (start === undefined) return bytes.length;
  return joints[next]?.newline === true ? start - 1 : start;
}

/** What stands for the newline before a line. */
function indentOf({ pieces, joints }: JoinedMessage, first: number): Uint8Array {
  const bytes = pieces[first]?.bytes ?? nothing;
  if (joints[first]?.newline !== true) return nothing;
  const indent = continuationIndent(bytes);
  return indent === undefined ? nothing : indent === 0 ? tab : bytes.subarray(0, indent);
}

/** A line in so many chunks: each cut where Postgres would, at a blank; the last takes what is left. */
function cutLine(line: Buffer, count: number): Buffer[] {
  const chunks: Buffer[] = [];
  let rest = line;
  while (chunks.length < count - 1) {
    const at = cutPlace(rest);
    chunks.push(rest.subarray(0, at));
    rest = rest.subarray(at);
  }
  return [...chunks, rest];
}

/** Where a reader takes a line to be cut for its length; its end where there is no such place. */
function cutPlace(line: Buffer): number {
  if (line.length <= chunkLimit) return line.length;
  const at = line[chunkLimit] === space ? chunkLimit : line.lastIndexOf(space, chunkLimit - 1);
  if (at <= 0) return line.length;
  return couldBeCut(line.subarray(0, at), line.subarray(at)) ? at : line.length;
}

/**
 * Where the chunk at `index` begins a line or a field and nothing else could be read before the edits,
 * nothing else can be after them: a line that has come near the length of a chunk gets blanks at its end.
 */
function keepApart({ joints }: JoinedMessage, out: Uint8Array[], index: number): void {
  const before = out[index - 1] ?? nothing;
  const after = out[index] ?? nothing;
  if (joints[index]?.cut === true || after.length === 0 || !couldBeCut(before, after)) return;
  out[index - 1] = Buffer.concat([before, Buffer.alloc(chunkLimit + 1 - before.length, space)]);
}
