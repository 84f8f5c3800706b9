import { isUtf8 } from 'node:buffer';
import type { SectionLabel } from '../logplex/postgres-prefix.ts';
import { applyEdits, type Edit } from './edit.ts';
import { type JsonField, jsonFields } from './json-fields.ts';
import { isRaised, type Part, partEdits, takesExpressions } from './redact-part.ts';
import type { RedactionTools } from './redact-statement.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';

/** Fields that hold what clients write, as the parts of a message they are. */
const texts: Readonly<Record<string, SectionLabel | 'primary'>> = {
  message: 'primary',
  detail: 'DETAIL',
  hint: 'HINT',
  internal_query: 'QUERY',
  context: 'CONTEXT',
  statement: 'STATEMENT',
  backtrace: 'BACKTRACE',
};

const name = /^.{0,256}$/s;
/** Fields that stay where they are what they should be: facts of the server's, and names of sessions. */
const facts: Readonly<Record<string, RegExp>> = {
  timestamp: /^[\d:. -]{10,32}[A-Za-z0-9+:_/-]{0,40}$/,
  user: name,
  dbname: name,
  application_name: name,
  remote_host: /^(?:\[local\]|[0-9a-fA-F.:%a-z]{1,60}|[A-Za-z0-9.-]{1,255})$/,
  session_id: /^[0-9a-f]{1,16}\.[0-9a-f]{1,8}$/,
  ps: /^(?:[A-Z ]{0,40}(?: waiting)?|idle(?: in transaction(?: \(aborted\))?)?|startup|initializing|authentication|notify interrupt)$/,
  session_start: /^[\d:. -]{10,32}[A-Za-z0-9+:_/-]{0,40}$/,
  vxid: /^[\d/-]{1,40}$/,
  error_severity: /^[A-Z]{1,10}[1-5]?$/,
  state_code: /^[0-9A-Z]{5}$/,
  backend_type:
    /^(?:client backend|standalone backend|parallel worker|autovacuum (?:launcher|worker)|background (?:worker|writer)|checkpointer|logger|startup|archiver|postmaster|not initialized|wal(?:receiver|sender|writer)|slotsync worker|logical replication (?:launcher|worker|apply worker|parallel worker|tablesync worker))$/,
  func_name: /^\w{1,80}$/,
  file_name: /^[\w.-]{1,80}$/,
};
const numbers: ReadonlySet<string> = new Set([
  ...['pid', 'remote_port', 'line_num', 'txid', 'query_id', 'leader_pid', 'file_line_num'],
  ...['internal_position', 'cursor_position'],
]);

/**
 * A line of Postgres's jsonlog without its values; undefined where the bytes are none. Only the fields
 * that change are written anew: a number may be larger than JavaScript can hold. With `cut` the
 * bytes are the beginning of a line.
 */
export function redactJson(
  bytes: Uint8Array,
  cut: boolean,
  tools: RedactionTools,
): Buffer | undefined {
  const whole = cut ? withoutHalf(bytes) : bytes;
  if (!isUtf8(whole)) return undefined;
  const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8');
  const read = jsonFields(text, cut);
  if (read === undefined) return undefined;
  const { fields, end } = read;
  const context = fields.find(({ name }) => name === 'context')?.text;
  const raised = isRaised(context);
  const expressions = takesExpressions(fields.find(({ name }) => name === 'message')?.text);
  const explained = fields.some(({ name }) => name === 'context' || name === 'statement');
  const edits: Edit[] = [];
  for (const field of fields) {
    const edit = fieldEdit(field, { raised, expressions, explained }, tools);
    if (edit === undefined) return undefined;
    edits.push(...edit);
  }
  return Buffer.from(applyEdits(text.slice(0, end), edits), 'utf8');
}

/** Undefined where nothing may be kept of the line. */
function fieldEdit(
  field: JsonField,
  told: Pick<Part, 'raised' | 'expressions' | 'explained'>,
  tools: RedactionTools,
): Edit[] | undefined {
  const { name, start, end, text, closed } = field;
  if (text === undefined) return numbers.has(name) ? [] : undefined;
  const label = texts[name];
  if (label === undefined) {
    if (facts[name]?.test(text) === true && closed) return [];
    const redacted = isRedacted(text) ? text : redactedBytes(Buffer.byteLength(text));
    return changed(field, closed ? JSON.stringify(redacted) : `"${redacted}`);
  }
  const edits = partEdits(
    {
      label: label === 'primary' ? undefined : label,
      text,
      ...told,
      end: { followed: closed, full: !closed },
    },
    tools,
  );
  if (edits.length === 0) return closed ? [] : changed(field, JSON.stringify(text).slice(0, -1));
  const written = JSON.stringify(applyEdits(text, edits));
  return [{ start, end, text: closed ? written : written.slice(0, -1) }];
}

function changed({ start, end }: JsonField, text: string): Edit[] {
  return [{ start, end, text }];
}

/** Without the beginning of a UTF-8 sequence that the bytes end in. */
function withoutHalf(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
