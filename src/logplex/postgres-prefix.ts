import type { LogRecord } from './record.ts';

/** What `log_line_prefix` told of a message. */
export type PrefixFields = Pick<
  LogRecord,
  | 'session'
  | 'logLine'
  | 'pid'
  | 'user'
  | 'database'
  | 'application'
  | 'source'
  | 'vtid'
  | 'xid'
  | 'sqlState'
> & {
  /** When the server logged it (`%m`), as ISO 8601 in UTC, where the prefix tells it so that it can be known. */
  readonly time?: string;
};

/** One way to read the beginning of a message. */
export interface PrefixReading {
  /** The prefix as it stands, up to the severity. */
  readonly text: string;
  readonly fields: PrefixFields;
  readonly severity: string;
  /** Where the primary message begins, in UTF-16 units from the beginning of the text. */
  readonly messageAt: number;
}

export interface ParsedPrefix {
  /**
   * One reading; two where a name in the prefix could end in two places. Postgres escapes no quote
   * in a name, and clients choose names: `application_name="x" LOG:  statement: drop" LOG:  …`.
   */
  readonly readings: readonly [PrefixReading, ...PrefixReading[]];
  /** What stands before the first name, the same in all readings, and how long that is. */
  readonly certain: { readonly fields: PrefixFields; readonly length: number };
}

/** Fields of a message after its primary text, in the order Postgres writes them. */
export const sectionLabels = [
  'DETAIL',
  'HINT',
  'QUERY',
  'CONTEXT',
  'LOCATION',
  'BACKTRACE',
  'STATEMENT',
] as const;
export type SectionLabel = (typeof sectionLabels)[number];

const severity = '(?<severity>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  ';

/**
 * Heroku's three `log_line_prefix`, the same that pganalyze/collector knows. `name` stands for a
 * name that a client chooses (NAMEDATALEN - 1 bytes at most, quotes and newlines as they come):
 * read lazily it ends at the first place where it can, greedily at the last.
 */
function prefixes(name: string): RegExp[] {
  const sqlState = 'sql_error_code ?= ?(?<sqlState>[0-9A-Z]{5})';
  const plain = `^(?<certain> ?${sqlState} )${severity}`;
  const session =
    `^(?<certain> ?${sqlState} time_ms ?= ?"(?<ms>[^"]*)" pid ?= ?"(?<pid>\\d*)" proc_start_time ?= ?"[^"]*"` +
    ' session_id ?= ?"(?<session>[^"]*)" vtid ?= ?"(?<vtid>[^"]*)" tid ?= ?"(?<xid>\\d*)" log_line ?= ?"(?<logLine>\\d*)" )' +
    // `%q` ends the prefix here for the server's own processes.
    `(?:database ?= ?"(?<database>${name})" connection_source ?= ?"(?<source>[^"]*)"` +
    ` user ?= ?"(?<user>${name})" application_name ?= ?"(?<application>${name})" )?${severity}`;
  const essential = `^(?<certain>) ?database = (?<database>${name}) connection_source = (?<source>\\S*) ${sqlState} ${severity}`;
  return [session, plain, essential].map((source) => new RegExp(source, 's'));
}
const lazy = prefixes('.{0,63}?');
const greedy = prefixes('.{0,63}');

/** The prefix at the beginning of a message's whole text, or undefined where it is none of the three. */
export function parsePrefix(text: string): ParsedPrefix | undefined {
  for (const [index, shape] of lazy.entries()) {
    const first = shape.exec(text);
    if (first === null) continue;
    const last = greedy[index]?.exec(text) ?? first;
    const certain = first.groups?.['certain'] ?? '';
    const likely = reading(first);
    if (last[0] === first[0]) {
      return { readings: [likely], certain: { fields: likely.fields, length: certain.length } };
    }
    const fields = readFields(shape.exec(`${certain}LOG:  `)?.groups ?? {});
    return { readings: [likely, reading(last)], certain: { fields, length: certain.length } };
  }
  return undefined;
}

function reading(match: RegExpExecArray): PrefixReading {
  const groups = match.groups ?? {};
  const whole = match[0];
  const label = groups['severity'] ?? '';
  return {
    text: whole.slice(0, whole.lastIndexOf(`${label}:  `)),
    fields: readFields(groups),
    severity: label,
    messageAt: whole.length,
  };
}

/**
 * The label of a DETAIL, CONTEXT, … at the beginning of `text`, whose prefix has to be the
 * message's own but for the number of the log line, which Postgres counts on.
 */
export function parseSection(
  prefix: string,
  text: string,
): { readonly label: SectionLabel; readonly text: string } | undefined {
  const rest = afterPrefix(prefix, text);
  if (rest === undefined) return undefined;
  const label = sectionLabels.find((candidate) => rest.startsWith(`${candidate}:  `));
  return label === undefined ? undefined : { label, text: rest.slice(label.length + 3) };
}

const logLine = / log_line ?= ?"(\d{1,15})" /;

function afterPrefix(prefix: string, text: string): string | undefined {
  const own = logLine.exec(prefix);
  if (own === null) return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
  const other = logLine.exec(text);
  if (other === null || other.index !== own.index || Number(other[1]) <= Number(own[1])) {
    return undefined;
  }
  const expected = `${prefix.slice(0, own.index)}${other[0]}${prefix.slice(own.index + own[0].length)}`;
  return text.startsWith(expected) ? text.slice(expected.length) : undefined;
}

function readFields(groups: Record<string, string | undefined>): PrefixFields {
  const fields: { -readonly [K in keyof PrefixFields]: PrefixFields[K] } = {};
  for (const key of ['session', 'source', 'vtid', 'sqlState'] as const) {
    const value = groups[key];
    if (value) fields[key] = value;
  }
  for (const key of ['user', 'database', 'application'] as const) {
    const value = groups[key];
    // Postgres's word for a name that a connection has not given.
    if (value && value !== '[unknown]') fields[key] = value;
  }
  for (const key of ['logLine', 'pid', 'xid'] as const) {
    const value = groups[key];
    if (value && Number.isSafeInteger(Number(value))) fields[key] = Number(value);
  }
  const time = serverTime(groups['ms'] ?? '');
  if (time !== undefined) fields.time = time;
  return fields;
}

/**
 * `2023-06-05 19:33:14.123 UTC` as ISO 8601. Other zones come as abbreviations that name no offset
 * for sure: undefined.
 */
export function serverTime(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:UTC|GMT)$/.exec(text);
  if (match === null) return undefined;
  const time = new Date(`${match[1]}T${match[2]}Z`);
  if (Number.isNaN(time.getTime())) return undefined;
  // The 31st of February is taken for a day in March, but no server wrote that.
  const iso = time.toISOString();
  return iso.startsWith(match[1] ?? '') ? iso : undefined;
}
