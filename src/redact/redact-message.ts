import { isUtf8 } from 'node:buffer';
import {
  continuationIndent,
  jointsOf,
  type MessagePiece,
  textOf,
} from '../logplex/message-joints.ts';
import { chooseReading, type MessagePart, splitSections } from '../logplex/message-sections.ts';
import { parsePrefix, type SectionLabel, sectionLabels } from '../logplex/postgres-prefix.ts';
import type { Edit } from './edit.ts';
import { type ByteEdit, type JoinedMessage, joinMessage, recutMessage } from './recut-message.ts';
import { isRaised, loggedHead, type Part, partEdits, takesExpressions } from './redact-part.ts';
import type { RedactionTools } from './redact-statement.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';

/** Chunks shorter than this are not cut within a word: PG_SYSLOG_LIMIT less a UTF-8 sequence. */
const fullChunk = 897;

/**
 * The chunks of one message of Postgres, in order of M, each M once, without their values. What came
 * without a gap from the message's beginning, or from a field of it that begins with its whole prefix,
 * is read as it stands; every other chunk goes whole.
 */
export function redactMessage(
  pieces: readonly MessagePiece[],
  tools: RedactionTools,
): Uint8Array[] {
  const stretches: MessagePiece[][] = [];
  for (const piece of pieces) {
    const stretch = stretches.at(-1);
    if (stretch?.at(-1)?.index === piece.index - 1) stretch.push(piece);
    else stretches.push([piece]);
  }
  const later = stretches.slice(1).flat();
  const explained = later.some(({ bytes }) => explains(fieldHead(bytes)?.label));
  return stretches.flatMap((stretch) => redactStretch(stretch, explained, tools));
}

/** Whether a field comes with what is raised and with errors, and never with a statement that is logged. */
function explains(label: SectionLabel | undefined): boolean {
  return label === 'CONTEXT' || label === 'STATEMENT';
}

/** Chunks of which nothing is known but their order. */
export function redactChunks(pieces: readonly MessagePiece[]): Uint8Array[] {
  return pieces.map(({ index, bytes }) => {
    const indent = continuationIndent(bytes) ?? 0;
    if (bytes.length === indent || isRedacted(bytes.subarray(indent))) return bytes;
    // Were it to begin with a blank, a reader could not know it from a field of the message.
    const begin = index === 1 ? '' : '\t';
    return Buffer.from(`${begin}${redactedBytes(bytes.length - indent)}`, 'latin1');
  });
}

function redactStretch(
  pieces: readonly MessagePiece[],
  explained: boolean,
  tools: RedactionTools,
): Uint8Array[] {
  const from =
    pieces[0]?.index === 1 ? 0 : pieces.findIndex(({ bytes }) => fieldHead(bytes) !== undefined);
  if (from === -1) return redactChunks(pieces);
  return [
    ...redactChunks(pieces.slice(0, from)),
    ...redactRead(pieces.slice(from), explained, tools),
  ];
}

/** Enough for a prefix with three names of 63 bytes. */
const longestHead = 900;
const label = new RegExp(`(${sectionLabels.join('|')}):  `);

/**
 * The prefix and the label that a chunk begins with, of a message whose beginning is not there. The
 * short prefix of old would not do: it says too little to be told from somebody's text.
 */
function fieldHead(
  bytes: Uint8Array,
): { readonly text: string; readonly messageAt: number; readonly label: SectionLabel } | undefined {
  if (bytes[0] !== 0x20) return undefined;
  const head = Buffer.from(bytes.subarray(0, longestHead)).toString('utf8');
  const match = label.exec(head);
  if (match === null) return undefined;
  const text = head.slice(0, match.index);
  const prefix = parsePrefix(`${text}LOG:  `);
  if (prefix === undefined || prefix.readings.length > 1) return undefined;
  const { fields, messageAt } = prefix.readings[0];
  if (fields.source === undefined || messageAt !== text.length + 'LOG:  '.length) return undefined;
  return {
    text,
    messageAt: match.index + match[0].length,
    label: match[1] as SectionLabel,
  };
}

function redactRead(
  pieces: readonly MessagePiece[],
  explained: boolean,
  tools: RedactionTools,
): Uint8Array[] {
  const message = joinMessage(pieces, jointsOf(pieces));
  const read = readParts(message);
  if (read === undefined) return redactChunks(pieces);
  const fields = new Set(read.parts.slice(1).map(({ from }) => from));
  const whole = () => {
    const at =
      read.textAt +
      loggedHead(read.parts[0]?.label === undefined ? (read.parts[0]?.text ?? '') : '');
    return recutMessage(message, wholeEdit(message, at, message.bytes.length, read.standIn), none);
  };
  if (read.parts.length === 0 || !isBelievable(message, fields, read.textAt)) return whole();
  const edits = editsOf(message, read.parts, explained, tools);
  return edits === undefined ? whole() : recutMessage(message, edits, fields);
}

interface ReadParts {
  /** None where the prefix can be read in two ways. */
  readonly parts: readonly MessagePart[];
  /** Where the first part's text begins, in bytes: what stands before it may stay. */
  readonly textAt: number;
  /** What has to stand before a text that is redacted whole. */
  readonly standIn: string;
}

/** A prefix that can be read in two ways, as that of a message whose client chose such names. */
const none: ReadonlySet<number> = new Set();
const twoReadings = 'database="" connection_source="" user="" application_name="" LOG:  " LOG:  ';

function readParts(message: JoinedMessage): ReadParts | undefined {
  const { pieces, joints, bytes } = message;
  const first = pieces[0];
  if (first === undefined) return undefined;
  if (first.index > 1) {
    const head = fieldHead(first.bytes);
    if (head === undefined) return undefined;
    const textAt = Buffer.byteLength(head.text) + head.label.length + 3;
    if (!isUtf8(bytes.subarray(0, textAt))) return undefined;
    return { parts: splitSections(head, joints, head.label).parts, textAt, standIn: '' };
  }
  const text = bytes.toString('utf8');
  const prefix = parsePrefix(text);
  if (prefix === undefined) return undefined;
  const { certain } = prefix;
  const chosen = chooseReading(prefix, joints);
  if (chosen === undefined) {
    const textAt = Buffer.byteLength(text.slice(0, certain.length));
    if (!isUtf8(bytes.subarray(0, textAt))) return undefined;
    return { parts: [], textAt, standIn: certain.fields.session === undefined ? '' : twoReadings };
  }
  const textAt = Buffer.byteLength(text.slice(0, chosen.reading.messageAt));
  if (!isUtf8(bytes.subarray(0, textAt))) return undefined;
  return { parts: chosen.sections.parts, textAt, standIn: '' };
}

/**
 * Whether the server itself made these chunks of one message: behind the prefix each line that is not
 * a field begins with a TAB, and each that does not is the rest of one cut for its length.
 */
function isBelievable(
  { pieces, joints, starts }: JoinedMessage,
  fields: ReadonlySet<number>,
  textAt: number,
): boolean {
  return joints.every(({ newline, blank, cut }, index) => {
    if (index === 0 || fields.has(index) || (starts[index] ?? 0) <= textAt) return true;
    if (blank && !cut) return false;
    return !newline || continuationIndent(pieces[index]?.bytes ?? new Uint8Array()) !== undefined;
  });
}

/** Undefined where the parts can't be told from each other without doubt. */
function editsOf(
  message: JoinedMessage,
  parts: readonly MessagePart[],
  explainedLater: boolean,
  tools: RedactionTools,
): ByteEdit[] | undefined {
  const { joints, pieces } = message;
  const raised = isRaised(parts.find(({ label }) => label === 'CONTEXT')?.text);
  const expressions = takesExpressions(parts.find((part) => part.label === undefined)?.text);
  const explained = explainedLater || parts.some(({ label }) => explains(label));
  const cutFields = parts.slice(1).map(({ from }) => joints[from]?.cut === true);
  // A comment ends with its line: where it is in doubt where a line ends, so is what the comment holds.
  const doubtful = cutFields.includes(true) || joints.some((joint) => joint.doubtful);
  if (doubtful && parts.some(({ text }) => text.includes('--'))) return undefined;
  const full = (pieces.at(-1)?.bytes.length ?? 0) >= fullChunk;
  const edits: ByteEdit[] = [];
  for (const [index, { label, text, from, to }] of parts.entries()) {
    const followed = index < parts.length - 1;
    const end = { followed, full: full && !followed };
    const part: Part = { label, text, raised, expressions, explained, end };
    const span = ownBytes(message, from, to, text);
    if (span === undefined) return undefined;
    const { textAt, textEnd } = span;
    const own = isUtf8(message.bytes.subarray(textAt, textEnd))
      ? inBytes(text, partEdits(part, tools), textAt)
      : wholeEdit(message, textAt, textEnd);
    // What may be no field can't come after a text of which nothing is known.
    if (cutFields[index] === true && own.some((edit) => isRedacted(edit.text))) return undefined;
    edits.push(...own);
  }
  return edits;
}

/** Where a part's own text stands, behind prefix and label; undefined where that can't be told. */
function ownBytes(
  { joints, bytes, starts }: JoinedMessage,
  from: number,
  to: number,
  text: string,
): { readonly textAt: number; readonly textEnd: number } | undefined {
  const start = starts[from] ?? 0;
  const whole = textOf(joints.slice(from, to));
  const head = whole.slice(0, whole.length - text.length);
  const textAt = start + Buffer.byteLength(head);
  return isUtf8(bytes.subarray(start, textAt))
    ? { textAt, textEnd: starts[to] ?? bytes.length }
    : undefined;
}

/** Edits of a text, in UTF-16 units, as edits of the bytes it has from `at` on. */
function inBytes(text: string, edits: readonly Edit[], at: number): ByteEdit[] {
  let [place, bytes] = [0, at];
  const advance = (to: number) => {
    bytes += Buffer.byteLength(text.slice(place, to));
    place = to;
    return bytes;
  };
  return edits.map(({ start, end, text: replacement }) => ({
    start: advance(start),
    end: advance(end),
    text: Buffer.from(replacement),
  }));
}

/** Nothing of the bytes from `start` to `end` stays, whatever they are. */
function wholeEdit({ bytes }: JoinedMessage, start: number, end: number, standIn = ''): ByteEdit[] {
  const rest = bytes.subarray(start, end).toString('latin1').trim();
  if (rest === '' || (rest.startsWith(standIn) && isRedacted(rest.slice(standIn.length))))
    return [];
  return [{ start, end, text: Buffer.from(standIn + redactedBytes(end - start), 'latin1') }];
}
