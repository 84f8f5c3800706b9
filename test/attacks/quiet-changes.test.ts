import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import { driftOf, planCapture } from '../../src/capture/plan.ts';
import { type CaptureWorld, raxxTarget, startCaptureWorld } from '../rig/capture-world.ts';

// Rights and names are no matter of the server's version: one will do.
describe('the owner changes nothing of capture quietly: a plan tells, and install puts right,', () => {
  let world: CaptureWorld;
  let owner: pg.Client;
  let superuser: pg.Client;
  beforeAll(async () => {
    world = await startCaptureWorld();
    const database = await world.installedDatabase();
    owner = await database.connect('raxx_owner');
    superuser = await database.superuser();
  });
  afterAll(() => world.stop());

  const told = async () =>
    driftOf(await planCapture({ owner, superuser }, raxxTarget)).map(
      ({ action, name }) => `${action} ${name}`,
    );

  async function functions(): Promise<{ name: string; signature: string }[]> {
    const { rows } = await owner.query<{ name: string; signature: string }>(`
        select proname::text as name, oid::regprocedure::text as signature from pg_proc
        where oid >= 16384 and (pronamespace = 'pgwitness'::regnamespace or proname like '%users%')
        order by 1`);
    return rows;
  }

  /** Runs `change` on each function of ours, and gives those of which a plan tells nothing then. */
  async function missed(change: (signature: string, sql: string) => string): Promise<string[]> {
    const quiet: string[] = [];
    for (const { signature } of await functions()) {
      const { rows } = await owner.query<{ sql: string }>(
        'select pg_get_functiondef($1::regprocedure) as sql',
        [signature],
      );
      const sql = rows[0]?.sql ?? '';
      await owner.query(change(signature, sql));
      if ((await told()).length === 0) quiet.push(signature);
      await owner.query(sql);
    }
    await installCapture({ owner, superuser }, raxxTarget);
    return quiet;
  }

  test('what a function is made to do instead', async () => {
    expect((await functions()).length).toBeGreaterThanOrEqual(5);
    // One blank more will do: what it does is not the matter, but that it was touched.
    expect(await missed((_, sql) => sql.replace(/\$function\$\s*$/, ' $function$'))).toEqual([]);
  });

  test('a setting of a function that is not what it was', async () => {
    expect(
      await missed((signature) => `alter function ${signature} set search_path to public`),
    ).toEqual([]);
  });

  test('each trigger that is switched off, or fires in another state', async () => {
    const { rows } = await owner.query<{ name: string; table: string }>(`
        select tgname as name, tgrelid::regclass::text as table from pg_trigger
        where not tgisinternal
          and tgrelid::regclass::text in ('users', 'users_history', 'customer_audit_events') order by 2, 1`);
    expect(rows.length).toBeGreaterThanOrEqual(8);
    for (const { name, table } of rows) {
      for (const state of ['disable', 'enable replica']) {
        await owner.query(`alter table ${table} ${state} trigger ${name}`);
        expect(await told(), `${state} ${name}`).not.toEqual([]);
      }
      await owner.query(`alter table ${table} enable trigger ${name}`);
    }
    expect(await told()).toEqual([]);
  });

  test.each([
    [
      'a condition put on a capture trigger',
      `create or replace trigger trg_users_history after insert on users
           referencing new table as captured_rows for each statement when (false)
           execute function fn_capture_users_history('table')`,
    ],
    [
      'a condition changed on the witness of history',
      `do $$ declare called text; begin
           select tgfoid::regproc::text into called from pg_trigger
             where tgrelid = 'users_history'::regclass and tgname = 'pgwitness_witness_insert';
           execute 'create or replace trigger pgwitness_witness_insert after insert on users_history
             for each statement when (false) execute function ' || called || '()';
         end $$`,
    ],
    [
      'columns to which a capture trigger is limited',
      `create or replace trigger trg_users_history_truncate after truncate on users
           for each statement execute function fn_capture_users_history('nothing')`,
    ],
    [
      'a rule that swallows history',
      'create rule r as on insert to users_history do instead nothing',
    ],
    [
      'row security on history',
      `alter table users_history enable row level security;
         alter table users_history force row level security`,
    ],
    [
      'a view of changes that leaves some out',
      `create or replace view users_changes as select * from
         (select * from users_changes) c where false`,
    ],
    ['rights on the key', 'grant select on pgwitness.witness_key to raptor_app'],
    ['rights on the bookkeeping', 'grant update on pgwitness.captured_table to raptor_app'],
    [
      'rights to run the capture function',
      'grant execute on function fn_capture_users_history() to public',
    ],
    ['rights to make a token', 'grant execute on function pgwitness.token(text) to raptor_app'],
    ['rights on the image type', 'grant usage on type users_image_1 to public'],
    ['history that a crash empties', 'alter table users_history set unlogged'],
    ['no key', 'delete from pgwitness.witness_key'],
  ])('%s', async (_, sql) => {
    expect(await told()).toEqual([]);
    await owner.query('begin');
    await owner.query(sql);
    await owner.query('commit');
    const drift = await told();
    // What install refuses to touch, since it may be meant.
    if (sql.startsWith('create rule')) await owner.query('drop rule r on users_history');
    if (sql.includes('unlogged')) await owner.query('alter table users_history set logged');
    if (sql.includes('row level')) {
      await owner.query(`alter table users_history no force row level security;
          alter table users_history disable row level security`);
    }
    await installCapture({ owner, superuser }, raxxTarget);
    expect(drift).not.toEqual([]);
  });
});
