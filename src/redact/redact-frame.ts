import { type FramePart, walkFrame } from '../logplex/frame.ts';
import { parseLoss } from '../logplex/loss.ts';
import { parseSyslogLine } from '../logplex/syslog-line.ts';
import type { SqlScanner } from './redact-sql.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';
import { turns } from './turns.ts';

/** What redaction works with. */
export interface RedactionTools {
  readonly sql: SqlScanner;
  /** The token of a value. */
  readonly tokenOf: (value: string) => string;
}

/** One part of the body to be written. */
interface Slot {
  /** Counted, or a fault that no count leads over. */
  readonly counted: boolean;
  /** What stays of it: a line's header, and the head of a chunk. */
  readonly head: Uint8Array;
  text: Uint8Array;
}

const newline = 0x0a;
const partsBetweenLooks = 64;

/** See `Redactor.redact`. */
export async function redactFrame(body: Uint8Array, _tools: RedactionTools): Promise<Uint8Array> {
  const turn = turns();
  const slots: Slot[] = [];
  let parts = 0;
  for (const part of walkFrame(body)) {
    if (++parts % partsBetweenLooks === 0) await turn();
    slots.push(slotOf(part));
  }
  return written(slots);
}

function slotOf(part: FramePart): Slot {
  if (part.kind === 'fault')
    return { counted: false, head: nothing, text: marker(part.fault.bytes) };
  const { bytes } = part.message;
  const line = parseSyslogLine(bytes);
  // It has to begin as it does for the counts before it to be believed, and be no syslog line as before.
  if (line === undefined) return { counted: true, head: notSyslog, text: marker(bytes) };
  const head = bytes.subarray(0, line.message.byteOffset - bytes.byteOffset);
  return {
    counted: true,
    head,
    text: parseLoss(line) === undefined ? marker(line.message) : line.message,
  };
}

const nothing = new Uint8Array();
const notSyslog = Buffer.from('<134>1 ', 'latin1');

function marker(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 || isRedacted(bytes) ? bytes : Buffer.from(redactedBytes(bytes.length));
}

function written(slots: readonly Slot[]): Uint8Array {
  const counts = slots.map(({ counted, head, text }) =>
    counted ? `${head.length + text.length + 1} ` : '',
  );
  const length = slots.reduce(
    (sum, { head, text }, index) =>
      sum + (counts[index]?.length ?? 0) + head.length + text.length + 1,
    0,
  );
  const body = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [index, { head, text }] of slots.entries()) {
    at += body.write(counts[index] ?? '', at, 'latin1');
    body.set(head, at);
    body.set(text, at + head.length);
    at += head.length + text.length;
    body[at++] = newline;
  }
  return body;
}
