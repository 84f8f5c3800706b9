import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  type CaptureWorld,
  password,
  raxxTarget,
  startCaptureWorld,
  type TestDatabase,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { type CapturePlan, driftOf, planCapture, refusedObjects } from './plan.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, of what stands in the schema pgwitness', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let database: TestDatabase;
    let owner: pg.Client;
    let superuser: pg.Client;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
    });
    afterAll(() => world.stop());
    beforeEach(async () => {
      database = await world.installedDatabase();
      owner = await database.connect('raxx_owner');
      superuser = await database.superuser();
    });

    const plan = () => planCapture({ owner, superuser }, raxxTarget);
    const told = ({ objects }: CapturePlan) =>
      driftOf({ objects } as CapturePlan).map(({ action, name, why }) => [action, name, why]);

    /** Definitions of ours, with the rights on them, the oid of what was made anew left out. */
    async function functions(): Promise<unknown[]> {
      const { rows } = await owner.query(`
        select pg_get_functiondef(oid) as sql,
          (select array_agg(a::text order by a::text) from unnest(proacl) a) as rights
        from pg_proc where pronamespace = 'pgwitness'::regnamespace order by proname`);
      return rows;
    }

    test('a plan tells each function that was replaced, altered or dropped, and install puts it right', async () => {
      const before = await functions();
      expect(before.length).toBeGreaterThanOrEqual(15);
      await owner.query(`
        create or replace function pgwitness.refuse_change() returns trigger language plpgsql
          set search_path = pg_catalog, pg_temp as 'begin return null; end';
        alter function pgwitness.token(text) reset search_path;
        alter function pgwitness.columns_of(oid) security definer;
        alter function pgwitness.kept_as(text) immutable;
        alter function pgwitness.pseudonym(text) called on null input;
        alter function pgwitness.row_key(jsonb, jsonb) parallel safe;
        create or replace function pgwitness.drifted_shape(
          relation oid, excluded text[], out types json, out key_columns json
        ) language plpgsql stable set search_path = pg_catalog, pg_temp as 'begin end';
        drop function pgwitness.drifted_insert(text, oid, text, text, text, text[], text[], text[], bigint);
        drop function pgwitness.drifted_pseudonyms(json, text[])`);
      const found = await plan();
      expect(told(found)).toEqual([
        ['change', 'pgwitness.refuse_change()', 'altered: its body'],
        ['change', 'pgwitness.token(text)', 'altered: its settings'],
        ['change', 'pgwitness.columns_of(oid)', 'altered: whose rights it runs with'],
        [
          'create',
          'pgwitness.drifted_insert(text, oid, text, text, text, text[], text[], text[], bigint)',
          'it was dropped',
        ],
        ['change', 'pgwitness.kept_as(text)', 'altered: what it promises the planner'],
        ['change', 'pgwitness.drifted_shape(oid, text[])', 'altered: its body'],
        ['change', 'pgwitness.row_key(jsonb, jsonb)', 'altered: what it promises the planner'],
        ['change', 'pgwitness.pseudonym(text)', 'altered: what it promises the planner'],
        ['create', 'pgwitness.drifted_pseudonyms(json, text[])', 'it was dropped'],
      ]);
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
      expect(await functions()).toEqual(before);
      await expect(owner.query('delete from users_history')).rejects.toMatchObject({
        code: '42501',
      });
    });

    test('install refuses what it could not put right without taking more away', async () => {
      await superuser.query('alter function pgwitness.token(text) owner to raptor_app');
      await owner.query(`
        drop function pgwitness.kept_as(text);
        create function pgwitness.kept_as(sort text) returns text language sql as 'select sort';
        create function pgwitness.row_key(image json, key_names json) returns json
          language sql as 'select image'`);
      const outcome = await installCapture({ owner, superuser }, raxxTarget);
      expect(refusedObjects(outcome.plan).map(({ name, why }) => [name, why])).toEqual([
        ['pgwitness.token(text)', 'it belongs to raptor_app, not to raxx_owner'],
        ['pgwitness.kept_as(text)', 'its parameters or its result are not what pgwitness gives it'],
        [
          'pgwitness.row_key(json, json)',
          'it is not ours, and may be called in place of one that is',
        ],
      ]);
      for (const { fix } of refusedObjects(outcome.plan)) {
        await superuser.query(fix?.replace(/^.*?: /, '') ?? '');
      }
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
      expect((await plan()).objects.every(({ action }) => action === 'unchanged')).toBe(true);
    });

    test('a plan tells each right that nobody is meant to have, and install takes it', async () => {
      await owner.query(`
        grant select on pgwitness.witness_key to raptor_app;
        grant select (key) on pgwitness.witness_key to audit_archiver;
        grant update (app), insert on pgwitness.captured_table to public;
        grant select on pgwitness.baseline to raptor_app with grant option;
        grant select on pgwitness.image_shape to raptor_app;
        grant create on schema pgwitness to raptor_app;
        grant execute on function pgwitness.token(text) to public;
        grant usage on type users_image_1 to raptor_app;
        revoke select on pgwitness.migration from public;
        revoke execute on function pgwitness.row_key(jsonb, jsonb) from public`);
      const found = await plan();
      expect(told(found).map(([action, name]) => `${action} ${name}`)).toEqual([
        'change everyone on pgwitness.migration: select',
        'change everyone on pgwitness.row_key(jsonb, jsonb): execute',
        'change everyone on pgwitness.token(text): no execute',
        'change raptor_app on pgwitness: no create',
        'change raptor_app on pgwitness.baseline: no select',
        'change everyone on pgwitness.captured_table: no insert, update',
        'change audit_archiver on pgwitness.witness_key: no select',
        'change raptor_app on pgwitness.witness_key: no select',
        'change raptor_app on public.users_image_1: no usage',
      ]);
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
      const archiver = await database.connect('audit_archiver');
      await expect(archiver.query('select key from pgwitness.witness_key')).rejects.toMatchObject({
        code: '42501',
      });
    });

    test('install makes the key anew where it was lost, and says what that costs', async () => {
      const app = await database.connect('raptor_app');
      for (const loss of ['delete from', 'drop table']) {
        await owner.query(`${loss} pgwitness.witness_key`);
        await expect(app.query(`insert into users (email) values ('a')`)).rejects.toThrow();
        const { plan: found } = await installCapture({ owner, superuser }, raxxTarget);
        expect(told(found)).toEqual([
          [
            'create',
            'the key in pgwitness.witness_key',
            'it holds no key, and every captured write fails',
          ],
        ]);
        expect(found.notes).toContainEqual(expect.stringMatching(/can no longer be checked/));
        await app.query(`insert into users (email) values ('${loss}@example.invalid')`);
        await expect(app.query('select key from pgwitness.witness_key')).rejects.toMatchObject({
          code: '42501',
        });
        expect(told(await plan())).toEqual([]);
      }
    });

    test('a login that may not look at the key is told that nobody has looked', async () => {
      const reader = await database.connect('raptor_audit_compliance');
      const { notes } = await planCapture({ owner: reader }, raxxTarget);
      expect(notes).toContainEqual(
        expect.stringMatching(/^raptor_audit_compliance may not look at pgwitness.witness_key/),
      );
    });

    test('default privileges give nobody more, and take from nobody what history is read with', async () => {
      const fresh = await world.database();
      const to = await fresh.connect('raxx_owner');
      for (const kind of ['tables', 'sequences', 'functions', 'types', 'schemas']) {
        await to.query(`alter default privileges grant all on ${kind} to raptor_app`);
        await to.query(
          `alter default privileges grant all on ${kind} to audit_archiver with grant option`,
        );
      }
      await to.query(`
        alter default privileges grant all on tables to public;
        alter default privileges revoke execute on functions from public`);
      expect((await installCapture({ owner: to, superuser }, raxxTarget)).kind).toBe('installed');
      const { rows } = await to.query(`
        select format('%s %s', r, o) as may
        from unnest('{raptor_app,audit_archiver,raptor_audit_compliance}'::text[]) r, lateral (
          select oid::regclass::text from pg_class
          where relnamespace = 'pgwitness'::regnamespace and relkind = 'r' and (
            has_table_privilege(r, oid, 'insert, update, delete, truncate, references, trigger')
            or relname = 'witness_key' and has_any_column_privilege(r, oid, 'select'))
          union all
          select oid::regprocedure::text from pg_proc
          where pronamespace = 'pgwitness'::regnamespace and has_function_privilege(r, oid, 'execute')
            and proname in ('token', 'refuse_change', 'places_of', 'drifted_insert', 'witness_append_only', 'pseudonym')
          union all
          select oid::regtype::text from pg_type
          where typname ~ '_image_1$' and typtype = 'c' and has_type_privilege(r, oid, 'usage')
          union all
          select 'schema' where has_schema_privilege(r, 'pgwitness', 'create')
        ) object (o)`);
      // Who may pseudonymize is said by the configuration.
      expect(rows).toEqual([{ may: 'audit_archiver pgwitness.pseudonym(text)' }]);
      await to.query(`
        insert into users (email) values ('a@example.invalid');
        alter table users add column later int default 1;
        update users set later = 2`);
      const reader = await fresh.connect('raptor_audit_compliance');
      const changes = await reader.query('select changed from users_changes order by position, id');
      expect(changes.rows).toHaveLength(2);
    });

    test('the WHEN of history’s own witness is compared, whatever the owner is called', async () => {
      const fresh = await world.emptyDatabase();
      const root = await fresh.superuser();
      await root.query(String.raw`
        create role "o'w\n ""er" login password '${password}';
        grant create on database ${fresh.name} to "o'w\n ""er";
        create schema s authorization "o'w\n ""er";
        set role "o'w\n ""er"; create table s.t (id int primary key); reset role`);
      const target = {
        owner: String.raw`o'w\n "er`,
        tables: [{ schema: 's', name: 't' }],
        appendOnly: [],
        roles: [],
      };
      const install = () => installCapture({ owner: root }, target);
      expect((await install()).kind).toBe('installed');
      expect((await install()).kind).toBe('nothing-to-do');
      for (const condition of ['false', 'pg_trigger_depth() = 0']) {
        await root.query(`
          create or replace trigger pgwitness_witness_insert after insert on s.t_history
            for each statement when (${condition}) execute function s.fn_witness_t_history()`);
        const { kind, plan: found } = await install();
        expect(kind).toBe('installed');
        expect(told(found).map(([action, name]) => `${action} ${name}`)).toEqual([
          'change pgwitness_witness_insert on s.t_history',
        ]);
      }
      expect((await install()).kind).toBe('nothing-to-do');
    });
  });
});
