import { classify } from './classify.ts';
import { lineOrigin, lineTime } from './line-record.ts';
import {
  type ParsedPrefix,
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
 * reads like a prefix or a chunk's head can therefore not become a field or a record of its own;
 * where a cut could have made it look so, the record says `ambiguous`.
 */
export function postgresRecord(
  line: SyslogLine,
  pieces: readonly MessagePiece[],
  contested: boolean,
): LogRecord {
  const joints = pieces.map((piece, index) => joint(pieces[index - 1], piece));
  const whole = decode(joints.map((each) => each.bytes));
  const prefix = pieces[0]?.index === 1 ? parsePrefix(whole) : undefined;
  const gaps = pieces.some((piece, index) => piece.index !== index + 1);
  const base = { time: prefix?.fields.time ?? lineTime(line), ...lineOrigin(line) };
  const doubtful = contested || joints.some((each) => each.doubtful);
  if (prefix === undefined) {
    // No prefix that we know, or the first chunk is missing: nothing can be said of it but its text.
    return {
      ...base,
      kind: 'log',
      message: whole,
      complete: !gaps,
      ...(doubtful ? { ambiguous: true } : {}),
    };
  }
  const sections = splitSections(prefix, joints);
  const message = sections.message;
  const { time: _, ...fields } = prefix.fields;
  const ambiguous = doubtful || sections.doubtful || (prefix.ambiguous && !sections.confirmed);
  return {
    ...base,
    ...fields,
    severity: prefix.severity,
    message,
    ...named('detail', sections.fields.get('DETAIL')),
    ...named('hint', sections.fields.get('HINT')),
    ...named('internalQuery', sections.fields.get('QUERY')),
    ...named('context', sections.fields.get('CONTEXT')),
    ...classify({
      severity: prefix.severity,
      message,
      context: sections.fields.get('CONTEXT'),
      statement: sections.fields.get('STATEMENT'),
    }),
    complete: !gaps,
    ...(ambiguous ? { ambiguous: true } : {}),
  };
}

interface Joint {
  /** What the chunk adds to the text, the newline before it included where there was one. */
  readonly bytes: Uint8Array;
  /** The chunk as it came, where it may begin a field of the message. */
  readonly start?: string;
  /** Postgres could have cut a longer line right here. */
  readonly cut: boolean;
  readonly doubtful: boolean;
}

function joint(before: MessagePiece | undefined, piece: MessagePiece): Joint {
  const { bytes } = piece;
  const follows = before !== undefined && before.index + 1 === piece.index;
  if (before === undefined) return { bytes, cut: false, doubtful: false };
  const cut = !follows || couldBeCut(before.bytes, bytes);
  const indent = continuationIndent(bytes);
  if (indent !== undefined) {
    return {
      bytes: Buffer.concat([lineBreak, bytes.subarray(indent)]),
      cut,
      doubtful: follows && cut && bytes.length > 0,
    };
  }
  if (isSpace(bytes[0])) return { bytes, start: decode([bytes]), cut, doubtful: false };
  // Neither TAB nor a cut: a newline within a name in the prefix.
  return cut
    ? { bytes, cut, doubtful: false }
    : { bytes: Buffer.concat([lineBreak, bytes]), cut, doubtful: false };
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
  readonly doubtful: boolean;
  /** A later field repeats the prefix, which settles where it ends. */
  readonly confirmed: boolean;
}

/** The primary text and the fields after it, each of which begins a chunk and repeats the prefix. */
function splitSections(prefix: ParsedPrefix, joints: readonly Joint[]): Sections {
  const fields = new Map<SectionLabel, string>();
  let label: SectionLabel | undefined;
  let parts: Uint8Array[] = [];
  let message = '';
  let doubtful = false;
  let confirmed = false;
  const close = () => {
    const text = decode(parts);
    if (label === undefined) message = parsePrefix(text)?.message ?? text;
    else fields.set(label, parseSection(prefix.text, text)?.text ?? text);
  };
  for (const each of joints) {
    const section = each.start === undefined ? undefined : parseSection(prefix.text, each.start);
    if (section === undefined || !comesAfter(section.label, label)) {
      parts.push(each.bytes);
      continue;
    }
    close();
    label = section.label;
    parts = [each.bytes];
    if (each.cut) doubtful = true;
    else confirmed = true;
  }
  close();
  return { message, fields, doubtful, confirmed };
}

function comesAfter(label: SectionLabel, previous: SectionLabel | undefined): boolean {
  if (previous === undefined) return true;
  return sectionLabels.indexOf(label) > sectionLabels.indexOf(previous);
}

/** Bytes first, text after: a chunk may end within a UTF-8 sequence. */
function decode(parts: readonly Uint8Array[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}

function named<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}
