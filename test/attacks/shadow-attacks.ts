import { poisoned, poisonedFunctions, poisonedOperators } from './poison.ts';
import { type Attack, app, type Theme } from './try-attack.ts';

/** Takes away all that the application made for itself in public. */
const undo = `
  do $$ declare one text; begin
    foreach one in array array(
      select format('drop operator %s', oid::regoperator) from pg_operator
        where oprowner = 'raptor_app'::regrole
    ) || array(
      select format('drop %s %s cascade', case prokind when 'a' then 'aggregate' else 'function' end, oid::regprocedure)
        from pg_proc where proowner = 'raptor_app'::regrole and pronamespace = 'public'::regnamespace
        order by prokind
    ) || array(
      select format('drop table %s cascade', oid::regclass) from pg_class
        where relowner = 'raptor_app'::regrole and relkind = 'r' and relnamespace = 'public'::regnamespace
    ) loop execute one; end loop;
  end $$`;

const path = 'set search_path = pg_temp, public, pg_catalog';

/** Rows that the attacker's own next write is captured exactly, with all this standing. */
function shadowed(title: string, sql: readonly string[], why: string): Attack {
  return { title, as: app, sql: [...sql, path], expects: { harmless: why }, undo };
}

/** Objects of the attacker's own under the names that capture uses; it may create in public, as before Postgres 15. */
export const shadowAttacks: readonly Theme[] = [
  {
    title: 'objects that go by the names capture uses',
    prepare: `grant create on schema public to raptor_app;
      insert into users (email) values ('first@example.invalid')`,
    attacks: [
      shadowed(
        'functions in public, found before Postgres’s own',
        poisonedFunctions,
        'capture’s search_path is pg_catalog alone',
      ),
      shadowed(
        'functions in pg_temp',
        poisonedFunctions.map((sql) => sql.replace('public.', 'pg_temp.')),
        'pg_temp is never searched for functions',
      ),
      shadowed(
        'operators in public, found before Postgres’s own',
        poisonedOperators,
        'capture’s search_path is pg_catalog alone',
      ),
      shadowed(
        'aggregates in public, found before Postgres’s own',
        [
          poisoned('step(text, text)', 'text'),
          'create aggregate public.max(text) (sfunc = public.step, stype = text)',
          poisoned('glue(text, text, text)', 'text'),
          'create aggregate public.string_agg(text, text) (sfunc = public.glue, stype = text)',
        ],
        'capture’s search_path is pg_catalog alone',
      ),
      shadowed(
        'temporary tables named as history and as the captured table',
        [
          'create temp table users (like public.users)',
          'create temp table users_history (id bigint, operation text)',
          `insert into users (id, email, created_at) values (1, 'not the real table', now())`,
        ],
        'capture names its tables with their schema',
      ),
      shadowed(
        'temporary tables named as the transition tables',
        [
          'create temp table captured_rows (like public.users)',
          'create temp table new_rows (like public.users)',
          'create temp table old_rows (like public.users)',
        ],
        'a transition table is found before any table',
      ),
      shadowed(
        'tables in public named as the transition tables',
        ['create table public.captured_rows (like public.users)'],
        'a transition table is found before any table',
      ),
      shadowed(
        'temporary tables named as parts of the catalogue',
        [
          'create temp table pg_index (like pg_catalog.pg_index)',
          'create temp table pg_attribute (attrelid oid, attname name, attnum int2)',
          'create temp table pg_class (relname name)',
          'create temp table pg_proc (proname name)',
        ],
        'pg_temp is the last of capture’s search_path',
      ),
      shadowed(
        'temporary tables named as the bookkeeping',
        [
          'create temp table witness_key (key bytea)',
          `insert into witness_key values ('\\x00')`,
          'create temp table captured_table (like pgwitness.captured_table)',
        ],
        'capture names its tables with their schema',
      ),
      shadowed(
        'types and domains named as Postgres’s own',
        [
          'create domain pg_temp.text as pg_catalog.text check (false)',
          'create domain pg_temp.jsonb as pg_catalog.jsonb check (false)',
          'create domain pg_temp.bytea as pg_catalog.bytea check (false)',
          'create domain pg_temp.xid8 as pg_catalog.xid8 check (false)',
          `create type pg_temp.name as enum ('a')`,
          'create type pg_temp.inet as (a int)',
        ],
        'pg_temp is the last of capture’s search_path',
      ),
      shadowed(
        'a view of its own that calls a function for each history row',
        [
          `create function pg_temp.leak(record) returns boolean language plpgsql cost 0.0001 as
            $$ begin raise notice '%', $1; return true; end $$`,
          'create temp view v with (security_barrier) as select * from public.users_changes h where pg_temp.leak(h)',
          'select * from v',
        ],
        'it reads what it may read, with its own rights',
      ),
      {
        title: 'a cast of the captured table’s rows to json',
        as: app,
        sql: [
          poisoned('cast_users(public.users)', 'json'),
          'create cast (public.users as json) with function public.cast_users(public.users)',
        ],
        expects: { refused: '42501' },
        undo,
      },
      {
        title: 'a trigger of its own on a temporary table, in whose depth it writes',
        as: app,
        sql: [
          'create temp table mine (a int)',
          `create function pg_temp.f() returns trigger language plpgsql as $$ begin
             insert into public.users (email) values ('depth@example.invalid'); return null; end $$`,
          'create trigger t after insert on mine for each row execute function pg_temp.f()',
          'insert into mine values (1)',
        ],
        expects: {
          harmless: 'capture does not look at how deep it is',
          adds: [{ table: 'users', operation: 'INSERT', session_role: 'raptor_app' }],
        },
      },
      {
        title: 'a write through a view of its own',
        as: app,
        sql: [
          'create temp view v as select * from public.users',
          `insert into v (email) values ('view@example.invalid')`,
        ],
        expects: {
          harmless: 'the table’s triggers fire',
          adds: [{ table: 'users', operation: 'INSERT' }],
        },
      },
    ],
  },
];
