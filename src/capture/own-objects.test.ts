import { expect, test } from 'vitest';
import { ownFunctions, ownObjects } from './own-objects.ts';
import { migrations, sqlFile, statementsOf } from './sql-file.ts';

const trim = (body: string) => `-- Text of (anything), returns none.
create or replace function pgwitness.f(value text, places int[], out a json, out b json)
language sql
stable
strict
set search_path = pg_catalog, pg_temp
as $f$${body}$f$;`;

test('describes a function in the catalogue’s words, and one defined twice by its last definition', () => {
  const [found, ...more] = ownFunctions([trim('select 1'), 'select 1;', trim('select 2')]);
  expect(more).toEqual([]);
  expect(found).toEqual({
    name: 'f',
    signature: 'pgwitness.f(text, integer[])',
    arguments: 'value text, places integer[], OUT a json, OUT b json',
    result: 'record',
    language: 'sql',
    source: 'select 2',
    volatility: 's',
    strict: true,
    security_definer: false,
    settings: ['search_path=pg_catalog, pg_temp'],
    sql: trim('select 2'),
  });
});

test('takes no clause for granted that it does not know', () => {
  expect(() => ownFunctions([trim('').replace('stable', 'window')])).toThrow('window');
  expect(() => ownFunctions([trim('').replace('value text', 'value text default f(1)')])).toThrow(
    'not understood',
  );
});

test('knows every function and table of the migrations, and gives the key to nobody', () => {
  const statements = [
    ...statementsOf(sqlFile('ledger.sql')),
    ...migrations().flatMap((migration) => migration.statements),
  ];
  const objects = ownObjects(statements);
  const text = statements.join('\n');
  expect(objects.filter(({ kind }) => kind === 'function')).toHaveLength(
    new Set(text.match(/(?<=^create or replace function )pgwitness\.\w+/gm)).size,
  );
  expect(objects.filter(({ kind }) => kind === 'table')).toHaveLength(
    text.match(/create table/g)?.length ?? 0,
  );
  // A grant to everyone that were not understood here would be taken back by install.
  const given = [...text.matchAll(/^grant ([^;]*)\sto public;$/gm)].flatMap(
    ([, names]) => names?.match(/pgwitness(\.\w+)?/g) ?? [],
  );
  expect(
    objects.filter(({ meant }) => meant !== null).map(({ name }) => name.replace(/\(.*/, '')),
  ).toEqual(expect.arrayContaining(given));
  expect(objects.filter(({ meant }) => meant !== null)).toHaveLength(given.length);
  expect(objects).toContainEqual({ kind: 'table', name: 'pgwitness.witness_key', meant: null });
});
