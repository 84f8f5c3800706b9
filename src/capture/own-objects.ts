import { functionBody, functionSettings } from './sql-file.ts';

/** A function of the schema pgwitness as a migration defines it, in the catalogue's words. */
export interface OwnFunction {
  readonly name: string;
  /** Its types alone: `pgwitness.columns_of(oid)`. */
  readonly signature: string;
  /** As pg_get_function_arguments and pg_get_function_result tell them. */
  readonly arguments: string;
  readonly result: string;
  readonly language: string;
  readonly source: string;
  /** i immutable, s stable, v volatile. */
  readonly volatility: string;
  readonly strict: boolean;
  readonly security_definer: boolean;
  readonly settings: readonly string[];
  /** The statement that makes it. */
  readonly sql: string;
}

/** Something in the schema pgwitness, or that itself, and what everyone may do with it. */
export interface OwnObject {
  readonly kind: 'schema' | 'table' | 'function';
  /** In SQL, with its schema; of a function its signature. */
  readonly name: string;
  /** A privilege in lower case; null where nobody but the owner may do anything. */
  readonly meant: 'usage' | 'select' | 'execute' | null;
}

/** The functions that these statements define; of one defined twice the last definition. */
export function ownFunctions(statements: readonly string[]): OwnFunction[] {
  const found = new Map<string, OwnFunction>();
  for (const statement of statements) {
    if (!/^create or replace function /m.test(statement)) continue;
    const made = parseFunction(statement);
    found.set(made.signature, made);
  }
  return [...found.values()];
}

/** What these statements make that rights can be given on, with those that they give everyone. */
export function ownObjects(statements: readonly string[]): OwnObject[] {
  const code = statements.join('\n\n');
  const given = (words: RegExp) =>
    [...code.matchAll(words)].flatMap(([, names]) => names?.match(/pgwitness\.\w+/g) ?? []);
  const selected = given(/^grant select on ([^;]*) to public;$/gm);
  const executed = given(/^grant execute on function\s([^;]*)\sto public;$/gm);
  const tables = [...code.matchAll(/^create table if not exists (pgwitness\.\w+) \($/gm)];
  return [
    ...(/^create schema if not exists pgwitness;$/m.test(code)
      ? [{ kind: 'schema' as const, name: 'pgwitness', meant: 'usage' as const }]
      : []),
    ...tables.map(([, name = '']) => ({
      kind: 'table' as const,
      name,
      meant: selected.includes(name) ? ('select' as const) : null,
    })),
    ...ownFunctions(statements).map(({ name, signature }) => ({
      kind: 'function' as const,
      name: signature,
      meant: executed.includes(`pgwitness.${name}`) ? ('execute' as const) : null,
    })),
  ];
}

/** Types that SQL calls otherwise than the catalogue. */
const catalogueNames: Readonly<Record<string, string>> = { int: 'integer' };

/** All that migrations say of a function; a clause that isn't known here is an error of this program. */
function parseFunction(statement: string): OwnFunction {
  const parts =
    /^create or replace function pgwitness\.(\w+)\(([^()]*)\)(?:\s+returns ([\w[\] ]+))?\n([\s\S]*?)^as \$/m.exec(
      statement,
    );
  const [, name = '', inside = '', returned, clauses = ''] = parts ?? [];
  const given = inside
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const [, out, argument = '', type = ''] = /^(out )?(\w+) (.+)$/.exec(one) ?? [];
      return { out: out !== undefined, argument, type: catalogueType(type) };
    });
  const settings = functionSettings(statement);
  const words = clauses.split('\n').filter((line) => line !== '' && !line.startsWith('set '));
  const known = /^(language (\w+)|immutable|stable|strict|security definer)$/;
  const strange = words.find((line) => !known.test(line));
  if (parts === null || strange !== undefined) {
    throw new Error(`a function of a migration is not understood: ${strange ?? statement}`);
  }
  return {
    name,
    signature: `pgwitness.${name}(${given
      .filter(({ out }) => !out)
      .map(({ type }) => type)
      .join(', ')})`,
    arguments: given
      .map(({ out, argument, type }) => `${out ? 'OUT ' : ''}${argument} ${type}`)
      .join(', '),
    // Without `returns` it gives its out parameters, of which ours have none or several.
    result:
      returned === undefined ? 'record' : catalogueType(returned.replace(/^setof /, 'SETOF ')),
    language: /^language (\w+)$/m.exec(clauses)?.[1] ?? '',
    source: functionBody(statement),
    volatility: words.includes('immutable') ? 'i' : words.includes('stable') ? 's' : 'v',
    strict: words.includes('strict'),
    security_definer: words.includes('security definer'),
    settings,
    sql: statement,
  };
}

function catalogueType(type: string): string {
  const [, name = '', array = ''] = /^(.*?)(\[\])?$/.exec(type) ?? [];
  return `${catalogueNames[name] ?? name}${array}`;
}
