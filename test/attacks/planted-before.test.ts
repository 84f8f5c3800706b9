import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import { refusedObjects } from '../../src/capture/plan.ts';
import {
  type CaptureWorld,
  raxxTarget,
  startCaptureWorld,
  type TestDatabase,
} from '../rig/capture-world.ts';
import { poisonedFunctions, poisonedOperators } from './poison.ts';

// Rights and names are no matter of the server's version: one will do.
describe('install into a database that the application was in before', () => {
  let world: CaptureWorld;
  let database: TestDatabase;
  let superuser: pg.Client;
  let owner: pg.Client;
  let app: pg.Client;
  beforeAll(async () => {
    world = await startCaptureWorld();
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    database = await world.database();
    superuser = await database.superuser();
    await superuser.query(`grant create on schema public to raptor_app;
        grant create on database ${database.name} to raptor_app`);
    owner = await database.connect('raxx_owner');
    app = await database.connect('raptor_app');
  });

  const install = () => installCapture({ owner, superuser }, raxxTarget);

  test.each([
    ['history', 'create table users_history (id bigint)'],
    ['its view', 'create view users_changes as select 1 as id'],
    [
      'the capture function',
      `create function fn_capture_users_history() returns trigger language plpgsql security definer
           as 'begin return null; end'`,
    ],
    ['the schema of the bookkeeping', 'create schema pgwitness'],
    [
      'the bookkeeping',
      `create schema pgwitness;
         create table pgwitness.migration (number int primary key, name text, sha256 text);
         insert into pgwitness.migration values (1, 'bookkeeping', repeat('0', 64))`,
    ],
  ])('does not take over what the application made under the name of %s', async (_, sql) => {
    await app.query(sql);
    const outcome = await install();
    expect(outcome.kind).toBe('refused');
    expect(
      refusedObjects(outcome.plan)
        .map(({ why }) => why)
        .join(),
    ).toMatch(/raptor_app/);
    const { rows } = await superuser.query(
      `select tgname from pg_trigger where tgrelid = 'users'::regclass and not tgisinternal`,
    );
    expect(rows).toEqual([]);
  });

  test('reads nothing in a schema pgwitness that is another’s: a view would run its code', async () => {
    await app.query(`
        create schema pgwitness;
        grant usage on schema pgwitness to public;
        -- A sequence, which keeps what a rollback undoes.
        create sequence public.seen;
        grant usage on sequence public.seen to public;
        create function public.see() returns int language sql as $$ select nextval('public.seen')::int $$;
        create view pgwitness.migration as select public.see() as number, 'x' as name, 'x' as sha256;
        create view pgwitness.captured_table as select 'public' as table_schema, 'users' as table_name,
          'history' as kind, 'users_history' as history_name, 'fn_capture_users_history' as function_name,
          public.see()::text as fingerprint, null::text as app, now() as installed_at;
        create view pgwitness.role_setting as select public.see()::text as role_name, 'x' as setting,
          null::text as database, 'x' as value, null::text as replaced, now() as set_at;
        grant select on all tables in schema pgwitness to public`);
    expect((await install()).kind).toBe('refused');
    const { rows } = await superuser.query('select is_called from public.seen');
    expect(rows).toEqual([{ is_called: false }]);
  });

  test('takes what would let the application replace capture’s triggers', async () => {
    await owner.query('grant all on all tables in schema public to raptor_app');
    await owner.query('grant trigger on users to public');
    await owner.query('alter default privileges grant all on tables to raptor_app');
    await owner.query('alter default privileges grant all on functions to raptor_app');
    expect((await install()).kind).toBe('installed');
    await app.query(
      `create function nothing() returns trigger language plpgsql as 'begin return null; end'`,
    );
    for (const table of ['users', 'users_history', 'customer_audit_events']) {
      const trigger = table === 'users' ? 'trg_users_history' : 'pgwitness_append_only';
      const event = table === 'users' ? 'after insert' : 'before delete';
      await expect(
        app.query(`create or replace trigger ${trigger} ${event} on ${table}
            for each statement execute function nothing()`),
        table,
      ).rejects.toMatchObject({ code: '42501' });
    }
    for (const sql of [
      'update users_history set actor = null',
      'delete from users_history',
      'truncate users_history',
      'select fn_capture_users_history()',
    ]) {
      await expect(app.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('is told by a later plan where such a right was given since', async () => {
    await install();
    await owner.query('grant trigger on users, users_history to raptor_app');
    const outcome = await install();
    const told = JSON.stringify([
      outcome.plan.objects.filter(({ action }) => action !== 'unchanged'),
      outcome.plan.notes,
    ]);
    expect(told).toMatch(/trigger/i);
    const { rows } = await superuser.query(
      `select t from unnest(array['users', 'users_history']) t where has_table_privilege('raptor_app', t, 'trigger')`,
    );
    expect(rows).toEqual([]);
  });

  test('runs none of the functions and operators that the application left in public', async () => {
    for (const sql of [...poisonedFunctions, ...poisonedOperators]) await app.query(sql);
    for (const client of [owner, superuser])
      await client.query('set search_path to public, pg_catalog');
    expect((await install()).kind).toBe('installed');
    expect((await install()).kind).toBe('nothing-to-do');
    await app.query(`insert into public.users (email) values ('a')`);
    await app.query('set search_path to public, pg_catalog');
    await app.query(`update public.users set email = 'b'`);
    const { rows } = await superuser.query(
      'select operation::pg_catalog.varchar from public.users_history order by id',
    );
    expect(rows).toEqual([{ operation: 'INSERT' }, { operation: 'UPDATE' }]);
  });

  test('and its functions are the same whatever default search_path the database has', async () => {
    await superuser.query(`alter database ${database.name} set search_path to public, pg_catalog`);
    const fresh = await database.connect('raxx_owner');
    for (const sql of [...poisonedFunctions, ...poisonedOperators]) await app.query(sql);
    expect((await installCapture({ owner: fresh, superuser }, raxxTarget)).kind).toBe('installed');
  });
});
