import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

const folder = new URL('../../sql/', import.meta.url);
const texts = new Map<string, string>();

/** A file below `sql/`. They are part of the package, so one that is missing is a broken install. */
export function sqlFile(path: string): string {
  let text = texts.get(path);
  if (text === undefined) {
    text = readFileSync(new URL(path, folder), 'utf8').trim();
    texts.set(path, text);
  }
  return text;
}

/** Values for a template's placeholders; null only where the template takes a literal. */
export type TemplateValues = Readonly<Record<string, string | null>>;

/** SQL that this program has made, by the name of the placeholder that it takes; never a value. */
export type SqlFragments = Readonly<Record<string, string>>;

/**
 * The template `sql/templates/<name>.sql` with its placeholders filled in, in psql's notation:
 * `:"name"` becomes a quoted identifier, `:'name'` a quoted literal; `:{name}` is where a fragment goes.
 * A value is never put in raw, and is never searched for placeholders. A placeholder without a value is an
 * error of this program.
 */
export function renderSql(
  name: string,
  values: TemplateValues,
  fragments: SqlFragments = {},
): string {
  const tag = unusedTag([...Object.values(values), ...Object.values(fragments)]);
  return fill(`templates/${name}.sql`, tag, values, fragments);
}

/** `sql/fragments/<name>.sql`, filled in as renderSql does it; part of several templates. */
export function renderFragment(
  name: string,
  values: TemplateValues,
  fragments: SqlFragments = {},
): string {
  return fill(`fragments/${name}.sql`, '$capture$', values, fragments);
}

function fill(path: string, tag: string, values: TemplateValues, fragments: SqlFragments): string {
  return sqlFile(path).replace(
    /\$capture\$|:"([a-z0-9_]+)"|:'([a-z0-9_]+)'|:\{([a-z0-9_]+)\}(\n?)/g,
    (
      whole,
      identifier: string | undefined,
      literal: string | undefined,
      fragment: string | undefined,
      newline: string | undefined,
    ) => {
      if (fragment !== undefined) {
        const sql = fragments[fragment];
        if (sql === undefined) throw new Error(`${path} has no fragment for ${whole}`);
        return sql === '' ? '' : `${sql}${newline}`;
      }
      if (identifier === undefined && literal === undefined) return tag;
      const value = values[identifier ?? literal ?? ''];
      if (value === undefined || (identifier !== undefined && value === null)) {
        throw new Error(`${path} has no value for ${whole}`);
      }
      if (value === null) return 'null';
      return identifier === undefined ? pg.escapeLiteral(value) : pg.escapeIdentifier(value);
    },
  );
}

/** A dollar-quoting tag that stands in none of the values, which go inside the quoted body. */
function unusedTag(values: readonly (string | null)[]): string {
  for (let number = 0; ; number += 1) {
    const tag = number === 0 ? '$capture$' : `$capture_${number}$`;
    if (!values.some((value) => value?.includes(tag))) return tag;
  }
}

/** The body of a `create function`, rendered or of a migration: what the catalogue keeps as prosrc. */
export function functionBody(sql: string): string {
  // The tag stands in no name, so its first place is where the body begins, and its last ends the text.
  const tag = /(\$[a-z]+(?:_[0-9]+)?\$);$/.exec(sql)?.[1];
  if (tag === undefined) throw new Error('the function has no body in dollar quotes');
  return sql.slice(sql.indexOf(tag) + tag.length, sql.lastIndexOf(tag));
}

/** The SET clauses of such a `create function`, as the catalogue keeps them in proconfig. */
export function functionSettings(sql: string): string[] {
  const head = sql.slice(0, sql.search(/^as \$/m));
  return [...head.matchAll(/^set (\S+) = (.+)$/gm)].map(
    ([, name, value]) => `${name}=${value?.replace(/^'(.*)'$/, '$1')}`,
  );
}

/** A migration: a numbered file that never changes once it is released. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Of the file's bytes, hex. */
  readonly sha256: string;
  readonly statements: readonly string[];
}

/** All migrations of `sql/migrations/`, in their order. */
export function migrations(): Migration[] {
  return readdirSync(new URL('migrations/', folder))
    .filter((file) => /^[0-9]{4}_[a-z0-9_]+\.sql$/.test(file))
    .sort()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file.slice(5, -4),
      sha256: createHash('sha256')
        .update(readFileSync(new URL(`migrations/${file}`, folder)))
        .digest('hex'),
      statements: statementsOf(sqlFile(`migrations/${file}`)),
    }));
}

/** The statements of a file of several: each ends with a semicolon before a blank line. */
export function statementsOf(text: string): string[] {
  return text
    .split(/(?<=;)\n{2,}/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
