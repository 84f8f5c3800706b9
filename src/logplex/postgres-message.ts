import { classify } from './classify.ts';
import { lineOrigin, lineTime } from './line-record.ts';
import {
  type ParsedPrefix,
  type PrefixFields,
  type PrefixReading,
  parsePrefix,
  parseSection,
  type SectionLabel,
  sectionLabels,
} from './postgres-prefix.ts';
import type { LogRecord } from './record.ts';
import type { SyslogLine } from './syslog-line.ts';

/** M and the bytes after `[N-M] `, of one message. */
export interface MessagePiece {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** PG_SYSLOG_LIMIT in Postgres's elog.c: no chunk has more bytes. */
const chunkLimit = 900;
/** A chunk cut in the middle of a word is full, less a UTF-8 sequence that did not fit. */
const fullChunk = chunkLimit - 3;
const tab = 0x09;
const lineBreak = Uint8Array.of(0x0a);

/**
 * One message from its chunks, in order of M. Postgres cuts at newlines, which it leaves out, and
 * before the last white space within 900 bytes, which it leaves in; it puts a TAB after each newline
 * of a message's text, so that only the server itself begins a line with anything else. Text that
 * reads like a prefix or a chunk's head can therefore not become a field or a record of its own.
 * Where the bytes leave a choice all the same the record says `ambiguous`, and where the choice is
 * about the prefix it claims nothing that a client could have put there.
 */
export function postgresRecord(
  line: SyslogLine,
  pieces: readonly MessagePiece[],
  contested: boolean,
): LogRecord {
  const joints = pieces.map((piece, index) => joint(pieces[index - 1], piece));
  const whole = textOf(joints);
  // Without the first chunk nothing can be said of the rest but its text.
  const prefix = pieces[0]?.index === 1 ? parsePrefix(whole) : undefined;
  const read = prefix === undefined ? undefined : readMessage(prefix, joints);
  const { time, ...fields } = read?.fields ?? prefix?.certain.fields ?? {};
  const doubtful = contested || joints.some((each) => each.doubtful);
  const ambiguous = doubtful || (prefix !== undefined && read?.certain !== true);
  return {
    time: time ?? lineTime(line),
    ...lineOrigin(line),
    ...fields,
    ...(read?.content ?? { kind: 'log', message: whole.slice(prefix?.certain.length ?? 0) }),
    complete: pieces.every((piece, index) => piece.index === index + 1),
    ...(ambiguous ? { ambiguous: true } : {}),
  };
}

interface ReadMessage {
  readonly fields: PrefixFields;
  readonly content: Pick<LogRecord, 'kind' | 'message'> & Partial<LogRecord>;
  /** Nothing about its prefix and its fields could be read another way. */
  readonly certain: boolean;
}

/** The message by the one reading of its prefix that holds, or undefined where none can be told from the other. */
function readMessage(prefix: ParsedPrefix, joints: readonly Joint[]): ReadMessage | undefined {
  const all = prefix.readings.map((reading) => ({ reading, sections: split(reading, joints) }));
  // A field after the message repeats the prefix, and with it where the names in it end.
  const chosen = all.length === 1 ? all[0] : all.find((each) => each.sections.confirmed);
  if (chosen === undefined) return undefined;
  const { reading, sections } = chosen;
  const { message, fields } = sections;
  const context = fields.get('CONTEXT');
  const statement = fields.get('STATEMENT');
  return {
    fields: reading.fields,
    content: {
      severity: reading.severity,
      message,
      ...named('detail', fields.get('DETAIL')),
      ...named('hint', fields.get('HINT')),
      ...named('internalQuery', fields.get('QUERY')),
      ...named('context', context),
      ...classify({ severity: reading.severity, message, context, statement }),
    },
    certain: !sections.doubtful,
  };
}

interface Joint {
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
function continuationIndent(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return 0;
  if (bytes[0] === tab) return 1;
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === '#011' ? 4 : undefined;
}

/**
 * Whether one line of more than 900 bytes could have been cut between these two chunks: before a
 * white space whose word did not fit any more, or within a word that fills the whole chunk.
 */
function couldBeCut(before: Uint8Array, after: Uint8Array): boolean {
  if (!isSpace(after[0])) return before.length >= fullChunk;
  let word = 1;
  while (word < after.length && !isSpace(after[word])) word++;
  return before.length + word > fullChunk;
}

/** isspace() in the C locale. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

interface Sections {
  readonly message: string;
  readonly fields: ReadonlyMap<SectionLabel, string>;
  /** Where a field begins the text could also have been cut. */
  readonly doubtful: boolean;
  /** A field begins where no cut could be: the server wrote its prefix, and it is this one. */
  readonly confirmed: boolean;
}

/** The primary text and the fields after it, each of which begins a chunk and repeats the prefix. */
function split(reading: PrefixReading, joints: readonly Joint[]): Sections {
  const fields = new Map<SectionLabel, string>();
  let label: SectionLabel | undefined;
  let from = 0;
  let message = '';
  let doubtful = false;
  let confirmed = false;
  const close = (to: number) => {
    const text = textOf(joints.slice(from, to));
    if (label === undefined) message = text.slice(reading.messageAt);
    else fields.set(label, parseSection(reading.text, text)?.text ?? text);
  };
  for (const [index, each] of joints.entries()) {
    if (!each.blank) continue;
    const section = beginsLike(reading.text, each.bytes)
      ? parseSection(reading.text, textOf(joints.slice(index, index + longestPrefix)))
      : undefined;
    if (section === undefined || !comesAfter(section.label, label)) {
      // A blank at the beginning joins, but Postgres would not have cut here: a transport did, or a
      // newline stood here within a name.
      if (!each.cut) doubtful = true;
      continue;
    }
    close(index);
    label = section.label;
    from = index;
    if (each.cut) doubtful = true;
    else confirmed = true;
  }
  close(joints.length);
  return { message, fields, doubtful, confirmed };
}

/** Spares most chunks of a wide statement the closer look: all of the prefixes begin with a word of their own. */
function beginsLike(prefix: string, bytes: Uint8Array): boolean {
  const word = ' database = '.length;
  return Buffer.from(bytes.subarray(0, word)).toString('latin1') === prefix.slice(0, word);
}

/** Chunks that a prefix may take: its three names may hold newlines. */
const longestPrefix = 8;

/** Bytes first, text after: a chunk may end within a UTF-8 sequence. */
function textOf(joints: readonly Joint[]): string {
  const parts = joints.flatMap(({ newline, bytes }, index) =>
    newline && index > 0 ? [lineBreak, bytes] : [bytes],
  );
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}

function comesAfter(label: SectionLabel, previous: SectionLabel | undefined): boolean {
  if (previous === undefined) return true;
  return sectionLabels.indexOf(label) > sectionLabels.indexOf(previous);
}

function named<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}
