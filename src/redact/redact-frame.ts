import { type FramePart, walkFrame } from '../logplex/frame.ts';
import { parseJsonChunk } from '../logplex/json-chunk.ts';
import { fromPostgres } from '../logplex/line-record.ts';
import { parseLoss } from '../logplex/loss.ts';
import { parsePostgresChunk } from '../logplex/postgres-line.ts';
import { parseSyslogLine, type SyslogLine } from '../logplex/syslog-line.ts';
import { MessageGroups } from './message-groups.ts';
import { isMetricLine } from './metric-line.ts';
import { redactJson } from './redact-json.ts';
import type { RedactionTools } from './redact-statement.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';
import { turns } from './turns.ts';

/** One part of the body to be written. */
interface Place {
  /** A message; else a fault that no count leads over. */
  readonly counted: boolean;
  /** What stays of it: a line's header. */
  readonly head: Uint8Array;
  text: Uint8Array;
}

const newline = 0x0a;
const openingBrace = 0x7b;
const nothing = new Uint8Array();
/** A message with this and no time after it is no syslog line; but a count that leads to it is believed. */
const noLine = Buffer.from('<134>1 ', 'latin1');
const partsBetweenLooks = 64;
/**
 * What a frame may become: one of Logplex's size fits though it be all small numbers; a large one must
 * not fill the memory.
 */
const growth = 8;
const spareBytes = 2 * 1024 * 1024;

/**
 * See `Redactor.redact`. Two messages of a frame have no part in each other, and between two of them
 * the event loop may go on.
 */
export async function redactFrame(body: Uint8Array, tools: RedactionTools): Promise<Uint8Array> {
  const turn = turns();
  const places: Place[] = [];
  const groups = new MessageGroups();
  for (const part of walkFrame(body)) {
    if (places.length % partsBetweenLooks === 0) await turn();
    const read = readPart(part);
    places.push(read.place);
    if (read.line === undefined) continue;
    if (read.line.message[0] === openingBrace) await tools.sql.ready();
    place(read.line, read.place, groups, tools);
  }
  await tools.sql.ready();
  for (const _ of groups.redact(tools, growth * body.length + spareBytes)) {
    await turn();
    await tools.sql.ready();
  }
  return written(places);
}

/** `line`: one whose text has to be looked at. */
function readPart(part: FramePart): { readonly place: Place; readonly line?: SyslogLine } {
  if (part.kind === 'fault') {
    return { place: { counted: false, head: nothing, text: whole(part.fault.bytes) } };
  }
  const { bytes } = part.message;
  const line = parseSyslogLine(bytes);
  if (line === undefined) {
    const text = Buffer.from(bytes).subarray(0, noLine.length).equals(noLine)
      ? bytes.subarray(noLine.length)
      : bytes;
    return { place: { counted: true, head: noLine, text: whole(text) } };
  }
  const head = bytes.subarray(0, line.message.byteOffset - bytes.byteOffset);
  return { place: { counted: true, head, text: line.message }, line };
}

/** Puts the line's redacted text into its place, or the line into the message of which it is a chunk. */
function place(line: SyslogLine, place: Place, groups: MessageGroups, tools: RedactionTools): void {
  const { message } = line;
  // A sender splits at newlines: a text with one in it is none of those that are known.
  if (message.includes(newline)) place.text = whole(message);
  else if (parseLoss(line) !== undefined || isMetricLine(line)) return;
  else if (!fromPostgres(line)) place.text = whole(message);
  else if (message[0] === openingBrace) place.text = jsonLine(message, tools);
  else {
    const json = parseJsonChunk(message);
    const chunk = json === undefined ? parsePostgresChunk(message) : undefined;
    if (json !== undefined) groups.addJson(line, json, place);
    else if (chunk !== undefined) groups.addPostgres(line, chunk, place);
    else place.text = whole(message);
  }
}

function jsonLine(message: Uint8Array, tools: RedactionTools): Uint8Array {
  try {
    return redactJson(message, false, tools) ?? whole(message);
  } catch {
    // A fault in here costs the line its text, and no more.
    return whole(message);
  }
}

/** What stays of a text of which nothing is known; its newline at the end is the frame's. */
function whole(bytes: Uint8Array): Uint8Array {
  const text = bytes.at(-1) === newline ? bytes.subarray(0, -1) : bytes;
  if (text.length === 0 || isRedacted(text)) return text;
  return Buffer.from(redactedBytes(bytes.length), 'latin1');
}

function written(places: readonly Place[]): Uint8Array {
  const counts = places.map(({ counted, head, text }) =>
    counted ? `${head.length + text.length + 1} ` : '',
  );
  const length = places.reduce(
    (sum, { head, text }, at) => sum + (counts[at]?.length ?? 0) + head.length + text.length + 1,
    0,
  );
  const body = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [index, { head, text }] of places.entries()) {
    at += body.write(counts[index] ?? '', at, 'latin1');
    body.set(head, at);
    body.set(text, at + head.length);
    at += head.length + text.length;
    body[at++] = newline;
  }
  return body;
}
