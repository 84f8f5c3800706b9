import { classify } from './classify.ts';
import { lineOrigin, lineTime } from './line-record.ts';
import { type Joint, jointsOf, type MessagePiece, textOf } from './message-joints.ts';
import { chooseReading } from './message-sections.ts';
import { type ParsedPrefix, type PrefixFields, parsePrefix } from './postgres-prefix.ts';
import type { LogRecord } from './record.ts';
import type { SyslogLine } from './syslog-line.ts';

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
  const joints = jointsOf(pieces);
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

function readMessage(prefix: ParsedPrefix, joints: readonly Joint[]): ReadMessage | undefined {
  const chosen = chooseReading(prefix, joints);
  if (chosen === undefined) return undefined;
  const { reading, sections } = chosen;
  const [{ text: message }, ...others] = sections.parts;
  const fields = new Map(others.map(({ label, text }) => [label, text]));
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

function named<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}
