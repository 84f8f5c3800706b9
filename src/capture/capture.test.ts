import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CapturedSchemas, startCapturedSchemas } from '../../test/rig/captured-schemas.ts';

const postgres15 = inject('postgres15');

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', postgres15],
])('on %s, capture', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let schemas: CapturedSchemas;
    let { database, owner, app, captured, history } = {} as CapturedSchemas;
    beforeAll(async () => {
      schemas = await startCapturedSchemas(binaries);
      ({ database, owner, app, captured, history } = schemas);
    });
    afterAll(() => schemas.stop());

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
      const schema = await captured('create table t (id int primary key, v text)');
      const superuser = await database.superuser();
      await superuser.query(`copy ${schema}.t from program 'printf "1\\tone\\n2\\ttwo\\n"'`);
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

    test('tells a row’s changes in their order where a trigger changes the row that fired it', async () => {
      await captured(
        `create table t (id int primary key, v int);
         create function count_up() returns trigger language plpgsql as $$ begin
           if new.v < 3 then update t set v = v + 1 where id = new.id; end if; return null; end $$;
         create trigger a after insert or update on t for each row execute function count_up();
         create function replace_row() returns trigger language plpgsql as $$ begin
           delete from t where id = new.id; return new; end $$;
         create trigger b before insert on t for each row execute function replace_row()`,
      );
      await app.query('insert into t values (1, 0), (2, 2); insert into t values (1, 9)');
      await app.query('begin; update t set v = 1 where id = 2; delete from t; commit');
      const { rows } = await owner.query(
        `select operation, (row_key->'id')::int as id, before->'v' as old, after->'v' as new
         from t_changes order by id, position, t_changes.id`,
      );
      expect(rows.map(({ operation, id, old, new: now }) => [id, operation, old, now])).toEqual([
        [1, 'INSERT', null, 0],
        [1, 'UPDATE', 0, 1],
        [1, 'UPDATE', 1, 2],
        [1, 'UPDATE', 2, 3],
        [1, 'DELETE', 3, null],
        [1, 'INSERT', null, 9],
        [1, 'DELETE', 9, null],
        [2, 'INSERT', null, 2],
        [2, 'UPDATE', 2, 3],
        [2, 'UPDATE', 3, 1],
        [2, 'UPDATE', 1, 2],
        [2, 'UPDATE', 2, 3],
        [2, 'DELETE', 3, null],
      ]);
    });

    test('keeps that order for an upsert, and for inner changes that change nothing', async () => {
      await captured(
        `create table t (id int primary key, v text, touched text);
         create function touch() returns trigger language plpgsql as $$ begin
           if pg_trigger_depth() < 2 then update t set touched = 'after' where id = new.id; end if;
           return null; end $$;
         create trigger a after insert or update on t for each row execute function touch()`,
      );
      await app.query(`insert into t values (5, 'x')`);
      await app.query(
        `insert into t values (3, 'a'), (5, 'b') on conflict (id) do update set v = 'c'`,
      );
      await app.query(`update t set v = 'd' where id = 3; delete from t where id = 5`);
      const { rows } = await owner.query(
        `select (row_key->'id')::int as id, operation, before->>'v' as was, after->>'v' as v, changed
         from t_changes order by (row_key->'id')::int, position, t_changes.id`,
      );
      expect(
        rows.map(({ id, operation, was, v, changed }) => [id, operation, was, v, changed]),
      ).toEqual([
        [3, 'INSERT', null, 'a', null],
        [3, 'UPDATE', 'a', 'a', ['touched']],
        [3, 'UPDATE', 'a', 'd', ['v']],
        [3, 'UPDATE', 'd', 'd', []],
        [5, 'INSERT', null, 'x', null],
        [5, 'UPDATE', 'x', 'x', ['touched']],
        [5, 'UPDATE', 'x', 'c', ['v']],
        [5, 'UPDATE', 'c', 'c', []],
        [5, 'DELETE', 'c', null, null],
      ]);
    });

    test('lets nobody change history where no role may pseudonymise it', async () => {
      const schema = await captured('create table t (id int primary key)', ['t'], () => ({
        roles: [{ name: 'raptor_app', history: ['select'] }],
      }));
      await app.query('insert into t values (1)');
      for (const client of [owner, await database.superuser()]) {
        await expect(
          client.query(`update ${schema}.t_history set image_1 = image_1`),
        ).rejects.toThrow(`${schema}.t_history is append-only: UPDATE is refused`);
      }
      expect(await history()).toEqual([['INSERT', { id: 1 }, { id: 1 }]]);
    });

    test('lets the application write, and neither change history nor switch capture off', async () => {
      const schema = await captured(
        `create table t (id int primary key, v text); create table events (id text primary key)`,
        ['t'],
        (schema) => ({ appendOnly: [{ schema, name: 'events' }] }),
      );
      await app.query(`insert into t values (1, 'a'); insert into events values ('e1')`);
      const attacks = [
        'update t_history set image_1 = null',
        `update t_history set drifted = '{}'`,
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
      await app.query(`create temp table t_history (id int);
        create function pg_temp.to_jsonb(anyelement) returns jsonb language sql as $$ select '{}'::jsonb $$;
        set search_path to pg_temp, ${schema}; update ${schema}.t set v = 'b'; drop table pg_temp.t_history;
        set search_path to ${schema}`);
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, v: 'a' }],
        ['UPDATE', { id: 1 }, { id: 1, v: 'b' }],
      ]);
      const archiver = await database.connect('audit_archiver');
      await archiver.query(`update ${schema}.t_history set image_1.v = 'token'`);
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
        owner.query(`update t_history set image_1 = image_1, operation = 'DELETE'`),
      ).rejects.toThrow(`${schema}.t_history is append-only: UPDATE is refused`);
      await owner.query('update t_history set image_1 = image_1');
      await expect(owner.query('delete from events')).rejects.toThrow(
        `${schema}.events is append-only: DELETE is refused`,
      );
    });
  });
});
