import type { LogRecord, RecordKind } from '../logplex/record.ts';

/** What a reader of the trail asks for: all of what is given has to hold. */
export interface TrailFilter {
  /** A table, as written in SQL: `users`, `public.users`, `"My Schema"."T"`. */
  readonly table?: string;
  /** The role that the session is logged in as, exactly. */
  readonly role?: string;
  readonly kind?: RecordKind;
  /**
   * One of these texts stands in the record, upper and lower case as written: in an archive that is
   * redacted a value stands as its token.
   */
  readonly texts?: readonly string[];
}

/**
 * Whether a record is asked for. A loss always is, unless a kind is asked for: an answer with a hole
 * has to say so. So is a record that is not whole, or whose statement was redacted as a whole, where
 * what is missing may be what is asked for: nobody can write out of sight by a statement that is too
 * long to hold, or too odd to be redacted.
 *
 * `table` is exact over AUDIT lines that name their object. Over statements it is a search for the
 * name as a whole word, quoted or not, with or without a schema: it finds a statement that merely
 * mentions the word, and not one that reaches the table through a function or a view.
 */
export function recordMatcher(filter: TrailFilter): (record: LogRecord) => boolean {
  const tests: ((record: LogRecord) => boolean)[] = [];
  const { kind, role, table, texts } = filter;
  if (role !== undefined) tests.push((record) => record.user === role || headless(record));
  if (table !== undefined) {
    const namesTable = tableMatcher(table);
    tests.push((record) => hidden(record) || namesTable(record));
  }
  if (texts !== undefined) tests.push((record) => hidden(record) || holdsOne(record, texts));
  const matches = (record: LogRecord) => tests.every((test) => test(record));
  if (kind !== undefined) {
    const toldByText = kind !== 'loss' && kind !== 'other';
    // `log` is also what a message is whose text does not tell its kind any more.
    const mayBe = (record: LogRecord) => toldByText && !record.complete && record.kind === 'log';
    return (record) => (record.kind === kind || mayBe(record)) && matches(record);
  }
  return (record) => record.kind === 'loss' || matches(record);
}

/** A message of Postgres whose beginning, with role and severity, is missing. */
function headless(record: LogRecord): boolean {
  return !record.complete && record.severity === undefined;
}

/** As redaction puts it in the place of what it could not place. */
const redacted = /\[redacted \d+ bytes\]/;

/** What the record is about may be in what of it is missing. */
function hidden(record: LogRecord): boolean {
  if (!record.complete) return true;
  const { kind, statement, message } = record;
  const text = statement ?? (kind === 'statement' || kind === 'audit' ? message : undefined);
  return text !== undefined && redacted.test(text);
}

/** `AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.users,"insert …"`: where the object's name stands. */
const auditObject = 6;

function tableMatcher(written: string): (record: LogRecord) => boolean {
  const name = splitName(written);
  const inText = nameInText(name);
  return (record) => {
    const object = record.audit?.[auditObject];
    // pgaudit leaves it empty where `log_relation` is off: then only the statement can tell.
    if (object !== undefined && object !== '') return sameName(splitName(object), name);
    return [record.statement ?? record.message, record.detail].some(
      (text) => text !== undefined && inText.test(text),
    );
  };
}

/** A table's name as in the catalogue. */
interface Name {
  readonly schema?: string;
  readonly table: string;
}

/** A name as SQL writes it, its parts as in the catalogue. What is no such name is taken as it is. */
export function splitName(written: string): Name {
  const parts = written.match(/"(?:[^"]|"")*"|[^".]+/g)?.map(unquote) ?? [];
  const table = parts.pop() ?? written;
  const schema = parts.pop();
  return schema === undefined ? { table } : { schema, table };
}

/** Postgres folds what is not in quotes to lower case. */
function unquote(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase();
}

/** A name without a schema is any schema's. */
export function sameName(a: Name, b: Name): boolean {
  return (
    a.table === b.table &&
    (a.schema === undefined || b.schema === undefined || a.schema === b.schema)
  );
}

/** What can stand in an identifier: beside a name it makes another name of it. */
const wordCharacter = '[\\p{L}\\p{M}\\p{N}_$]';

/** Finds `name` in a statement: quoted exactly, or bare in any case where it needs no quotes. */
function nameInText(name: Name): RegExp {
  const table = written(name.table);
  // A schema in front must be the one asked for; a bare name may mean it through the search path.
  const schema =
    name.schema === undefined
      ? `(?<!${wordCharacter}|")`
      : `(?:(?<!${wordCharacter}|")${written(name.schema)}\\s*\\.\\s*|(?<!${wordCharacter}|["]|\\.\\s{0,8}))`;
  return new RegExp(`${schema}${table}(?!${wordCharacter}|")`, 'u');
}

function written(name: string): string {
  const quoted = `"${literally(name.replaceAll('"', '""'))}"`;
  if (!/^[\p{Ll}\p{Lo}_][\p{Ll}\p{Lo}\p{M}\p{N}_$]*$/u.test(name)) return quoted;
  // Bare, any letter may be written in either case; the flag `i` would let the quoted form vary too.
  const bare = [...name]
    .map((letter) => {
      const upper = letter.toUpperCase();
      return upper === letter || upper.length !== letter.length
        ? literally(letter)
        : `[${letter}${upper}]`;
    })
    .join('');
  return `(?:${quoted}|${bare})`;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function holdsOne(record: LogRecord, texts: readonly string[]): boolean {
  const fields = [
    record.message,
    record.statement,
    record.detail,
    record.hint,
    record.context,
    record.user,
    record.database,
    record.application,
    record.source,
    record.session,
    record.vtid,
    record.sqlState,
    record.procid,
    record.host,
  ];
  return fields.some((field) => texts.some((text) => field?.includes(text)));
}
