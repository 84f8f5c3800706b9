/** M and the bytes after `[N-M] `, of one message. */
export interface MessagePiece {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** PG_SYSLOG_LIMIT in Postgres's elog.c: no chunk has more bytes. One that has was lengthened by redaction. */
export const chunkLimit = 900;
/** A chunk cut in the middle of a word is full, less a UTF-8 sequence that did not fit. */
const fullChunk = chunkLimit - 3;
const tab = 0x09;
const lineBreak = Uint8Array.of(0x0a);

/** How a chunk joins the one before it. */
export interface Joint {
  /** What the chunk adds to the text. */
  readonly bytes: Uint8Array;
  /** A newline stood before it. */
  readonly newline: boolean;
  /** It begins as a field of the message can: with neither TAB nor the middle of a word. */
  readonly blank: boolean;
  /** Postgres could have cut a longer line right here. */
  readonly cut: boolean;
  readonly doubtful: boolean;
}

/** The joints of a message's chunks, which come in order of M. */
export function jointsOf(pieces: readonly MessagePiece[]): Joint[] {
  return pieces.map((piece, index) => joint(pieces[index - 1], piece));
}

function joint(before: MessagePiece | undefined, piece: MessagePiece): Joint {
  const { bytes } = piece;
  const indent = continuationIndent(bytes);
  if (before === undefined) {
    const text = piece.index === 1 ? bytes : bytes.subarray(indent ?? 0);
    return { bytes: text, newline: false, blank: false, cut: false, doubtful: false };
  }
  const follows = before.index + 1 === piece.index;
  const cut = !follows || couldBeCut(before.bytes, bytes);
  if (indent !== undefined) {
    // A cut before a TAB looks like a newline. Where the line before has TABs between its words, a
    // cut is likelier: a newline would have had to fall into the last few of 900 bytes.
    const newline = !(follows && cut && hasInnerTab(before.bytes));
    const doubtful = cut && bytes.length > 0;
    return {
      bytes: newline ? bytes.subarray(indent) : bytes,
      newline,
      blank: false,
      cut,
      doubtful,
    };
  }
  const blank = isSpace(bytes[0]);
  // After a chunk of indentation alone, which a transport has trimmed, some blanks are lost.
  const trimmed = blank && cut && before.bytes.length === 0;
  // Without a blank and where no cut could be, it is the second line of a name in the prefix.
  return { bytes, newline: !cut && !blank, blank, cut, doubtful: trimmed || !follows };
}

/** A TAB after the indentation. */
function hasInnerTab(bytes: Uint8Array): boolean {
  const text = bytes.findIndex((byte) => !isSpace(byte));
  return text !== -1 && bytes.indexOf(tab, text) !== -1;
}

/** How many bytes of a chunk stand for `newline, TAB`: a TAB, rsyslog's escape of one, or nothing on a blank line. */
export function continuationIndent(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return 0;
  if (bytes[0] === tab) return 1;
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === '#011' ? 4 : undefined;
}

/**
 * Whether one line of more than 900 bytes could have been cut between these two chunks: before a
 * white space whose word did not fit any more, or within a word that fills the whole chunk.
 */
export function couldBeCut(before: Uint8Array, after: Uint8Array): boolean {
  if (before.length > chunkLimit) return false;
  if (!isSpace(after[0])) return before.length >= fullChunk;
  let word = 1;
  while (word < after.length && !isSpace(after[word])) word++;
  return before.length + word > fullChunk;
}

/** isspace() in the C locale. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** Bytes first, text after: a chunk may end within a UTF-8 sequence. */
export function textOf(joints: readonly Joint[]): string {
  const parts = joints.flatMap(({ newline, bytes }, index) =>
    newline && index > 0 ? [lineBreak, bytes] : [bytes],
  );
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}
