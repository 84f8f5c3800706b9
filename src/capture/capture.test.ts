import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type CaptureWorld,
  startCaptureWorld,
  type TestDatabase,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { sqlFile } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

const postgres15 = inject('postgres15');

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', postgres15],
])('on %s, capture', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let database: TestDatabase;
    let owner: pg.Client;
    let app: pg.Client;
    let schemas = 0;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
      database = await world.emptyDatabase();
      owner = await database.connect('raxx_owner');
      app = await database.connect('raptor_app');
    });
    afterAll(() => world.stop());

    /** A schema of the test's own with `tables` as `ddl` makes them, captured, and open to the application. */
    async function captured(
      ddl: string,
      tables: readonly string[] = ['t'],
      more: Partial<CaptureTarget> = {},
    ): Promise<string> {
      schemas += 1;
      const schema = `s${schemas}`;
      await owner.query(
        `create schema ${schema}; grant usage on schema ${schema} to raptor_app, audit_archiver`,
      );
      for (const client of [owner, app]) await client.query(`set search_path to ${schema}, public`);
      await owner.query(ddl);
      await owner.query(
        `grant select, insert, update, delete, truncate on all tables in schema ${schema} to raptor_app`,
      );
      const outcome = await installCapture(
        { owner },
        {
          owner: 'raxx_owner',
          tables: tables.map((name) => ({ schema, name })),
          appendOnly: [],
          roles: [
            { name: 'raptor_app', history: ['select', 'insert'] },
            { name: 'audit_archiver', history: ['select', 'update'] },
          ],
          ...more,
        },
      );
      expect(
        outcome.kind,
        JSON.stringify(outcome.plan.objects.filter((o) => o.action === 'refuse')),
      ).toBe('installed');
      return schema;
    }

    /** History as `[operation, key, image]`, in the order captured. */
    async function history(of = 't'): Promise<unknown[][]> {
      const { rows } = await owner.query(
        `select operation, row_key, image from "${of.replaceAll('"', '""')}_history" order by id`,
      );
      return rows.map(({ operation, row_key, image }) => [operation, row_key, image]);
    }

    test('keeps the row after an insert and an update, before a delete, and says who did it', async () => {
      await captured('create table t (id int primary key, v text)');
      await app.query(`begin;
        select set_config('pgwitness.actor', 'user-7', true), set_config('pgwitness.request_id', 'r-1', true);
        set local application_name = 'api';
        insert into t values (1, 'a'); update t set v = 'b'; commit`);
      await app.query('delete from t');
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, v: 'a' }],
        ['UPDATE', { id: 1 }, { id: 1, v: 'b' }],
        ['DELETE', { id: 1 }, { id: 1, v: 'b' }],
      ]);
      const { rows } = await owner.query(`
        select session_role, active_role, actor, request_id, application_name, client_addr,
          xid = max(xid) over () as last, changed_at between now() - interval '1 minute' and clock_timestamp() as recent
        from t_history order by id`);
      const common = {
        session_role: 'raptor_app',
        active_role: 'raptor_app',
        client_addr: '127.0.0.1',
        recent: true,
      };
      const told = { actor: 'user-7', request_id: 'r-1', application_name: 'api', last: false };
      expect(rows).toEqual([
        { ...common, ...told },
        { ...common, ...told },
        { ...common, actor: null, request_id: null, application_name: null, last: true },
      ]);
    });

    test('tells the role that was set from the one that logged in', async () => {
      await captured('create table t (id int primary key)');
      await owner.query(
        'set role raptor_app; insert into t values (1); reset role; insert into t values (2)',
      );
      const { rows } = await owner.query(
        'select session_role, active_role from t_history order by id',
      );
      expect(rows).toEqual([
        { session_role: 'raxx_owner', active_role: 'raptor_app' },
        { session_role: 'raxx_owner', active_role: 'raxx_owner' },
      ]);
    });

    test('sees every way of writing: upsert, MERGE, CTE, DO, function, cascades', async () => {
      await captured(
        `create table t (id int primary key, v text);
         create table child (id int primary key, t int references t on delete cascade on update cascade);
         create function put(i int) returns void language sql as 'insert into t values (i, ''fn'')'`,
        ['t', 'child'],
      );
      await app;
      await app.query(`insert into t values (1, 'a')`);
      await app.query(
        `insert into t values (1, 'b'), (2, 'c') on conflict (id) do update set v = 'upserted'`,
      );
      await app.query(`insert into t values (1, 'x') on conflict do nothing`);
      await app.query(`merge into t using (values (2), (3)) s (id) on t.id = s.id
        when matched then update set v = 'merged' when not matched then insert values (s.id, 'merged')`);
      await app.query(`with gone as (delete from t where id = 3 returning id) select * from gone`);
      await app.query(`do $$ begin perform put(4); end $$`);
      await app.query('insert into child values (10, 4)');
      await app.query('update t set id = 5 where id = 4');
      await app.query('delete from t where id = 5');
      expect(
        (await history())
          .map(
            ([operation, key, image]) =>
              `${operation} ${(key as { id: number }).id} ${(image as { v: string }).v}`,
          )
          .sort(),
      ).toEqual([
        'DELETE 3 merged',
        'DELETE 5 fn',
        'INSERT 1 a',
        'INSERT 2 c',
        'INSERT 3 merged',
        'INSERT 4 fn',
        'UPDATE 1 upserted',
        'UPDATE 2 merged',
        'UPDATE 5 fn',
      ]);
      expect(await history('child')).toEqual([
        ['INSERT', { id: 10 }, { id: 10, t: 4 }],
        ['UPDATE', { id: 10 }, { id: 10, t: 5 }],
        ['DELETE', { id: 10 }, { id: 10, t: 5 }],
      ]);
    });

    test('sees the rows of a COPY', async () => {
      await captured('create table t (id int primary key, v text)');
      const superuser = await database.superuser();
      await superuser.query(`copy s${schemas}.t from program 'printf "1\\tone\\n2\\ttwo\\n"'`);
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, v: 'one' }],
        ['INSERT', { id: 2 }, { id: 2, v: 'two' }],
      ]);
    });

    test('keeps one row for a TRUNCATE, of every table of a cascade', async () => {
      await captured(
        'create table t (id int primary key); create table child (t int references t)',
        ['t', 'child'],
      );
      await app.query('insert into t values (1); insert into child values (1); truncate t cascade');
      expect((await history()).at(-1)).toEqual(['TRUNCATE', null, null]);
      expect((await history('child')).at(-1)).toEqual(['TRUNCATE', null, null]);
    });

    test('keeps nothing of what is rolled back, savepoints included', async () => {
      await captured('create table t (id int primary key)');
      await app.query('begin; insert into t values (1); rollback');
      await app.query(
        'begin; insert into t values (2); savepoint a; insert into t values (3); rollback to a; commit',
      );
      await expect(app.query('insert into t values (4), (2)')).rejects.toThrow('duplicate key');
      expect(await history()).toEqual([['INSERT', { id: 2 }, { id: 2 }]]);
    });

    test('fails no write while columns come, go and change their names, and keeps every value', async () => {
      await captured('create table t (id int primary key, a text, b int)');
      await app.query(`insert into t values (1, 'x', 1)`);
      await owner.query("alter table t add column c text default 'new'");
      await app.query(`insert into t values (2, 'y', 2)`);
      await owner.query('alter table t drop column a');
      await app.query('update t set b = 3 where id = 2');
      await owner.query(
        'alter table t rename column b to amount; alter table t alter column amount type numeric(10, 2)',
      );
      await app.query('update t set amount = 4.5 where id = 2');
      await owner.query('alter table t rename column id to key');
      await app.query('update t set amount = 5 where key = 2');
      await owner.query('alter table t rename to u');
      await app.query('delete from u where key = 2');
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, a: 'x', b: 1 }],
        ['INSERT', { id: 2 }, { id: 2, a: 'y', b: 2, c: 'new' }],
        ['UPDATE', { id: 2 }, { id: 2, b: 3, c: 'new' }],
        ['UPDATE', { id: 2 }, { id: 2, amount: 4.5, c: 'new' }],
        ['UPDATE', { key: 2 }, { key: 2, amount: 5, c: 'new' }],
        ['DELETE', { key: 2 }, { key: 2, amount: 5, c: 'new' }],
      ]);
    });

    test('fails no write when the shape changes inside the writing transaction', async () => {
      await captured('create table t (id int primary key, a text)');
      await owner.query(`begin; insert into t values (1, 'x'); alter table t add b int default 7;
        insert into t values (2, 'y'); alter table t drop column a; update t set b = 8 where id = 1; commit`);
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, a: 'x' }],
        ['INSERT', { id: 2 }, { id: 2, a: 'y', b: 7 }],
        ['UPDATE', { id: 1 }, { id: 1, b: 8 }],
      ]);
    });

    test('keeps the same image whatever the writer’s session has set', async () => {
      await captured(
        `create table t (id int primary key, f float8, at timestamptz, d date, i interval, b bytea, m money)`,
      );
      const values = `0.1234567890123, '2024-03-01 12:00+00', '2024-03-01', '1 day 2 hours', '\\x00ff', 1234.5`;
      await app.query(`insert into t values (1, ${values})`);
      await app.query(`begin; set local extra_float_digits = -10; set local timezone = 'Asia/Kolkata';
        set local datestyle = 'SQL, DMY'; set local intervalstyle = 'sql_standard'; set local bytea_output = 'escape';
        set local lc_monetary = 'C.UTF-8'; set local search_path = pg_temp;
        set local row_security = off; insert into s${schemas}.t values (2, 0.1234567890123, '2024-03-01 12:00+00', '2024-03-01', '1 2:0:0', '\\x00ff', 1234.5); commit`);
      const [first, second] = await history();
      expect(second?.[2]).toEqual({ ...(first?.[2] as object), id: 2 });
      expect(first?.[2]).toMatchObject({
        f: 0.1234567890123,
        at: '2024-03-01T12:00:00+00:00',
        i: '1 day 02:00:00',
        b: '\\x00ff',
      });
    });

    test('captures composite keys, tables without a key, arrays, enums, domains and generated columns', async () => {
      await captured(
        `create type mood as enum ('ok', 'bad'); create domain positive as int check (value > 0);
         create table t (a int, b text, tags text[], m mood, p positive, twice int generated always as (a * 2) stored,
           primary key (b, a) include (m));
         create table keyless (v numeric);
         create table odd (id bigint generated always as identity primary key, j jsonb, n numeric, inf float8)`,
        ['t', 'keyless', 'odd'],
      );
      await app.query(`insert into t values (1, 'x', '{a,"b c"}', 'ok', 3)`);
      await app.query(`insert into keyless values (1), (1), ('NaN')`);
      await app.query(`insert into odd (j, n, inf) values ('{"a": null}', 1e100, '-Infinity')`);
      expect(await history()).toEqual([
        ['INSERT', { a: 1, b: 'x' }, { a: 1, b: 'x', tags: ['a', 'b c'], m: 'ok', p: 3, twice: 2 }],
      ]);
      expect(await history('keyless')).toEqual([
        ['INSERT', null, { v: 1 }],
        ['INSERT', null, { v: 1 }],
        ['INSERT', null, { v: 'NaN' }],
      ]);
      expect(await history('odd')).toEqual([
        ['INSERT', { id: 1 }, { id: 1, j: { a: null }, n: 1e100, inf: '-Infinity' }],
      ]);
    });

    test('captures values that jsonb would refuse, and every value as it is written', async () => {
      await captured('create table t (id int primary key, j json, f float8)');
      const values = [`"\\u0000"`, `"\\ud800"`, '1e400000', '{"a": 1, "a":  2}'];
      for (const [index, value] of values.entries()) {
        await app.query('insert into t values ($1, $2, $3)', [index, value, '-0']);
      }
      const { rows } = await owner.query(
        'select row_key, image::text as image from t_history order by id',
      );
      expect(rows).toEqual(
        values.map((value, id) => ({
          row_key: { id },
          image: `{"id":${id},"j":${value},"f":-0}`,
        })),
      );
    });

    test('captures columns whatever they are called, those that come later too', async () => {
      const body = sqlFile('templates/capture-function.sql');
      // Each word of the function: its variables, aliases and columns.
      const names = [...new Set(body.replace(/^ *--.*$/gm, '').match(/[a-z_]+/g))].filter(
        (name) => name !== 'id',
      );
      const half = names.length / 2;
      await captured(
        `create table t (id int primary key, ${names
          .slice(0, half)
          .map((name) => `"${name}" text default '${name}'`)
          .join(', ')})`,
      );
      await app.query('insert into t values (1)');
      for (const name of names.slice(half)) {
        await owner.query(`alter table t add column "${name}" text default '${name}'`);
      }
      await app.query('update t set id = 2');
      const image = (among: string[]) => Object.fromEntries(among.map((name) => [name, name]));
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, ...image(names.slice(0, half)) }],
        ['UPDATE', { id: 2 }, { id: 2, ...image(names) }],
      ]);
    });

    test('captures tables whatever they are called', async () => {
      const names = [
        'Order "Items"',
        "o'brien",
        'naïve-表',
        'select',
        ':"x"',
        ":'history'",
        '$capture$',
        'two\nlines',
        'back\\slash',
        '%I',
      ];
      const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
      await captured(
        quoted
          .map((name) => `create table ${name} ("Kéy ""1""" int primary key, "v:a" text)`)
          .join(';'),
        names,
      );
      for (const [index, name] of names.entries()) {
        await app.query(`insert into ${quoted[index]} values (1, 'x')`);
        await app.query(`update ${quoted[index]} set "v:a" = 'y'`);
        expect(await history(name)).toEqual([
          ['INSERT', { 'Kéy "1"': 1 }, { 'Kéy "1"': 1, 'v:a': 'x' }],
          ['UPDATE', { 'Kéy "1"': 1 }, { 'Kéy "1"': 1, 'v:a': 'y' }],
        ]);
      }
    });

    test('captures a partitioned table once, by whichever name it is written', async () => {
      const schema = await captured(
        `create table t (id int, day date, v text, primary key (id, day)) partition by range (day);
         create table t_2024 partition of t for values from ('2024-01-01') to ('2025-01-01') partition by range (day);
         create table t_2024_h1 partition of t_2024 for values from ('2024-01-01') to ('2024-07-01');
         create table t_2025 partition of t for values from ('2025-01-01') to ('2026-01-01')`,
      );
      await app.query(`insert into t values (1, '2024-02-01', 'parent')`);
      await app.query(`insert into t_2024 values (2, '2024-02-01', 'between')`);
      await app.query(`insert into t_2024_h1 values (3, '2024-02-01', 'leaf')`);
      await app.query(`update t set day = '2025-02-01' where id = 1`);
      await app.query(`truncate t_2025`);
      const { rows } = await owner.query(
        `select operation, partition_name, row_key->'id' as id, image->>'day' as day from t_history order by t_history.id`,
      );
      expect(rows.slice(0, 3)).toEqual([
        { operation: 'INSERT', partition_name: null, id: 1, day: '2024-02-01' },
        { operation: 'INSERT', partition_name: `${schema}.t_2024`, id: 2, day: '2024-02-01' },
        { operation: 'INSERT', partition_name: `${schema}.t_2024_h1`, id: 3, day: '2024-02-01' },
      ]);
      // A move between partitions comes as Postgres tells it: an update, or a delete and an insert.
      expect(rows.slice(3, -1).map(({ id }) => id)).toEqual(rows.slice(3, -1).map(() => 1));
      expect(rows.at(-1)).toEqual({
        operation: 'TRUNCATE',
        partition_name: `${schema}.t_2025`,
        id: null,
        day: null,
      });
    });

    test('lets nobody change history where no role may pseudonymise it', async () => {
      const schema = await captured('create table t (id int primary key)', ['t'], {
        roles: [{ name: 'raptor_app', history: ['select'] }],
      });
      await app.query('insert into t values (1)');
      for (const client of [owner, await database.superuser()]) {
        await expect(client.query(`update ${schema}.t_history set image = image`)).rejects.toThrow(
          `${schema}.t_history is append-only: UPDATE is refused`,
        );
      }
      expect(await history()).toEqual([['INSERT', { id: 1 }, { id: 1 }]]);
    });

    test('lets the application write, and neither change history nor switch capture off', async () => {
      const schema = await captured(
        `create table t (id int primary key, v text); create table events (id text primary key)`,
        ['t'],
        { appendOnly: [{ schema: `s${schemas + 1}`, name: 'events' }] },
      );
      await app.query(`insert into t values (1, 'a'); insert into events values ('e1')`);
      const attacks = [
        'update t_history set image = null',
        `update t_history set image = '{}'`,
        'delete from t_history',
        'truncate t_history',
        `insert into t_history (id, operation, changed_at, xid, session_role, active_role) overriding system value
           values (5, 'TRUNCATE', now(), '1', '', '')`,
        'drop table t_history',
        'alter table t disable trigger all',
        'alter table t disable trigger trg_t_history',
        'drop trigger trg_t_history on t',
        'alter table t_history disable trigger user',
        'create trigger x before insert on t for each row execute function suppress_redundant_updates_trigger()',
        `create or replace function ${schema}.fn_capture_t_history() returns trigger language plpgsql as 'begin return null; end'`,
        `drop function ${schema}.fn_capture_t_history()`,
        `alter function ${schema}.fn_capture_t_history() set search_path = pg_temp`,
        `select ${schema}.fn_capture_t_history()`,
        'set role raxx_owner',
        'set session authorization raxx_owner',
        'set session_replication_role = replica',
        `select setval('${schema}.t_history_id_seq', 1, false)`,
        'update pgwitness.captured_table set fingerprint = fingerprint',
        'delete from pgwitness.migration',
        'create rule r as on insert to t_history do instead nothing',
        'alter table t_history enable row level security',
        `update events set id = 'x'`,
        'delete from events',
        'truncate events',
        `insert into events values ('e1') on conflict (id) do update set id = 'x'`,
        `merge into events using (values (1)) s on true when matched then delete`,
      ];
      for (const attack of attacks) {
        await expect(app.query(attack), attack).rejects.toThrow(
          /permission denied|must be owner|append-only|can only be called as triggers/,
        );
      }
      // Objects of its own on its search_path are not what the capture function finds.
      await app.query(`create temp table t_history (like ${schema}.t_history);
        create function pg_temp.to_jsonb(anyelement) returns jsonb language sql as $$ select '{}'::jsonb $$;
        set search_path to pg_temp, ${schema}; update ${schema}.t set v = 'b'; drop table pg_temp.t_history;
        set search_path to ${schema}`);
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, v: 'a' }],
        ['UPDATE', { id: 1 }, { id: 1, v: 'b' }],
      ]);
      const archiver = await database.connect('audit_archiver');
      await archiver.query(
        `update ${schema}.t_history set image = image::jsonb || '{"v": "token"}'`,
      );
      await expect(
        archiver.query(`update ${schema}.t_history set operation = 'DELETE'`),
      ).rejects.toThrow('permission denied');
      await expect(archiver.query(`delete from ${schema}.t_history`)).rejects.toThrow(
        'permission denied',
      );
      // Not even the owner removes rows by mistake; it would have to take the guard off first.
      await expect(owner.query('delete from t_history')).rejects.toThrow(
        `${schema}.t_history is append-only: DELETE is refused`,
      );
      await expect(owner.query('truncate t_history')).rejects.toThrow('append-only');
      await expect(
        owner.query(`update t_history set image = image, operation = 'DELETE'`),
      ).rejects.toThrow(`${schema}.t_history is append-only: UPDATE is refused`);
      await owner.query('update t_history set image = image');
      await expect(owner.query('delete from events')).rejects.toThrow(
        `${schema}.events is append-only: DELETE is refused`,
      );
    });
  });
});
