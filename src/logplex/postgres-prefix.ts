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

export interface ParsedPrefix {
  /** The prefix as it stands, up to the severity. */
  readonly text: string;
  readonly fields: PrefixFields;
  readonly severity: string;
  /** What follows `SEVERITY:  `. */
  readonly message: string;
  /** A name in the prefix could end elsewhere: Postgres escapes no quote in it. */
  readonly ambiguous: boolean;
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

const severity =
  '(?<severity>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  (?:[0-9A-Z]{5}: )?';

/**
 * Heroku's three `log_line_prefix`, as pganalyze/collector names them too. `name` stands for a
 * name that a client chooses (NAMEDATALEN - 1 bytes at most, quotes and newlines as they come):
 * lazily read it ends at the first place where it can, greedily at the last.
 */
function prefixes(name: string): RegExp[] {
  const sqlState = 'sql_error_code ?= ?(?<sqlState>[0-9A-Z]{5})';
  const plain = `^ ?${sqlState} ${severity}`;
  const session =
    `^ ?${sqlState} time_ms ?= ?"(?<ms>[^"]*)" pid ?= ?"(?<pid>\\d*)" proc_start_time ?= ?"[^"]*"` +
    ' session_id ?= ?"(?<session>[^"]*)" vtid ?= ?"(?<vtid>[^"]*)" tid ?= ?"(?<xid>\\d*)" log_line ?= ?"(?<logLine>\\d*)" ' +
    `(?:database ?= ?"(?<database>${name})" connection_source ?= ?"(?<source>[^"]*)"` +
    ` user ?= ?"(?<user>${name})" application_name ?= ?"(?<application>${name})" )?${severity}`;
  const essential = `^ ?database = (?<database>${name}) connection_source = (?<source>\\S*) ${sqlState} ${severity}`;
  return [session, plain, essential].map((source) => new RegExp(source, 's'));
}
const lazy = prefixes('.{0,63}?');
const greedy = prefixes('.{0,63}');

/** The prefix at the beginning of a message's whole text, or undefined where it is none of the three. */
export function parsePrefix(text: string): ParsedPrefix | undefined {
  for (const [index, shape] of lazy.entries()) {
    const match = shape.exec(text);
    if (match === null) continue;
    const groups = match.groups ?? {};
    const whole = match[0];
    const at = whole.lastIndexOf(`${groups['severity']}:  `);
    return {
      text: whole.slice(0, at),
      fields: readFields(groups),
      severity: groups['severity'] ?? '',
      message: text.slice(whole.length),
      ambiguous: greedy[index]?.exec(text)?.[0] !== whole,
    };
  }
  return undefined;
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
  const time = groups['ms'] === undefined ? undefined : serverTime(groups['ms']);
  return {
    ...present('session', groups['session']),
    ...count('logLine', groups['logLine']),
    ...count('pid', groups['pid']),
    ...present('user', groups['user']),
    ...present('database', groups['database']),
    ...present('application', groups['application']),
    ...present('source', groups['source']),
    ...present('vtid', groups['vtid']),
    ...count('xid', groups['xid']),
    ...present('sqlState', groups['sqlState']),
    ...(time === undefined ? {} : { time }),
  };
}

function present<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { [P in K]?: string };
}

function count<K extends string>(key: K, value: string | undefined): { [P in K]?: number } {
  const known = value !== undefined && value !== '' && Number.isSafeInteger(Number(value));
  return (known ? { [key]: Number(value) } : {}) as { [P in K]?: number };
}

/**
 * `2023-06-05 19:33:14.123 UTC` as ISO 8601. Other zones come as abbreviations that name no offset
 * for sure: undefined.
 */
export function serverTime(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:UTC|GMT)$/.exec(text);
  if (match === null) return undefined;
  const time = new Date(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
