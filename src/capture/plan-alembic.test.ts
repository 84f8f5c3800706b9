import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, raxxTarget, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { planCapture } from './plan.ts';
import { planAlembic } from './plan-alembic.ts';

const run = promisify(execFile);
const python = inject('alembicPython');
const example = fileURLToPath(
  new URL('../../examples/raxx/0051_pgaudit_equivalent_dml_audit.py', import.meta.url),
);
const named = {
  revision: '0051',
  downRevision: '0050',
  message: 'pgaudit-equivalent DML audit',
};

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

/** All of a database that is not Postgres's own, Alembic's table aside; without oids and times. */
async function catalogue(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query(`
    select 'relation' as kind, c.oid::regclass::text as name, c.relkind::text as a,
        concat(pg_get_userbyid(c.relowner), ' ', c.relacl, ' ', (select string_agg(concat(attname, ' ', format_type(atttypid, atttypmod), ' ', attacl), ',' order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0)) as b
      from pg_class c where c.relnamespace::regnamespace::text in ('public', 'pgwitness') and c.oid::regclass::text !~ 'alembic'
    union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
      where connamespace::regnamespace::text in ('public', 'pgwitness') and conrelid::regclass::text !~ 'alembic'
    union all select 'trigger', tgrelid::regclass::text, tgname, concat(tgenabled, pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
    union all select 'function', proname, proacl::text, pg_get_functiondef(oid) from pg_proc
      where pronamespace::regnamespace::text in ('public', 'pgwitness')
    union all select 'schema', nspname, nspacl::text, pg_get_userbyid(nspowner) from pg_namespace where nspname !~ '^pg_'
    union all select 'setting', setrole::regrole::text, setconfig::text, setdatabase::text from pg_db_role_setting
    order by 1, 2, 3, 4`);
  return rows;
}

test('writes the example’s revision, byte for byte', async () => {
  const owner = await (await world.database()).connect('raxx_owner');
  const plan = await planCapture({ owner }, raxxTarget);
  await expect(planAlembic(plan, named)).toMatchFileSnapshot(example);
});

describe.skipIf(python === '')('with Alembic itself', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgwitness-alembic-'));
    await cp(fileURLToPath(new URL('../../test/rig/alembic', import.meta.url)), folder, {
      recursive: true,
    });
    const before =
      'revision = "0050"\ndown_revision = None\ndef upgrade(): pass\ndef downgrade(): pass\n';
    await writeFile(join(folder, 'versions/0050_before.py'), before);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const alembic = (url: string, ...args: string[]) =>
    run(python, ['-m', 'alembic', ...args], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: url.replace('postgres:', 'postgresql:') },
    });

  test('upgrades the example’s database to what install makes, and downgrades it to what it was', async () => {
    await cp(example, join(folder, 'versions/0051.py'));
    const byInstall = await world.database();
    const superuser = await byInstall.superuser();
    await installCapture({ owner: await byInstall.connect('raxx_owner'), superuser }, raxxTarget);
    const wanted = await catalogue(superuser);

    const database = await world.database();
    const client = await database.superuser();
    const before = await catalogue(client);
    const url = world.server.url('postgres', world.server.superuser.password, database.name);
    await alembic(url, 'upgrade', 'head');
    expect(await catalogue(client)).toEqual(wanted);
    const owner = await database.connect('raxx_owner');
    const outcome = await installCapture({ owner, superuser: client }, raxxTarget);
    expect(outcome.kind).toBe('nothing-to-do');

    await alembic(url, 'downgrade', '0050');
    const after = (await catalogue(client)) as { kind: string; name: string; b: string }[];
    // What was captured outlives the revision, with what it is read with.
    const kept = /_history|_changes|_image_|^pgwitness/;
    expect(
      after.filter(({ name, b }) => !kept.test(name) && !b?.includes('FUNCTION pgwitness.')),
    ).toEqual(before);
    await alembic(url, 'upgrade', 'head');
    expect(await catalogue(client)).toEqual(wanted);
  });

  test('goes through as the owner, who may not set log_statement, with a warning', async () => {
    await cp(example, join(folder, 'versions/0051.py'));
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    await alembic(database.url('raxx_owner'), 'upgrade', 'head');
    const plan = await planCapture({ owner }, raxxTarget);
    const left = plan.objects.filter(({ action }) => action !== 'unchanged');
    expect(left.map(({ action, kind }) => `${action} ${kind}`)).toEqual([
      'blocked setting',
      'blocked setting',
      'blocked setting',
    ]);
    await alembic(database.url('raxx_owner'), 'downgrade', '0050');
  });

  test('carries names through Python and SQLAlchemy as they are', async () => {
    const database = await world.emptyDatabase();
    const owner = await database.connect('raxx_owner');
    const names = [
      ':name',
      'a:b',
      '\\:c',
      '\\',
      '%(x)s',
      '"""',
      "'",
      '::text',
      'back\\nslash',
      '表:x',
      'end"',
    ];
    const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
    for (const table of quoted) await owner.query(`create table ${table} (":id" int primary key)`);
    const target = {
      ...raxxTarget,
      tables: names.map((name) => ({ schema: 'public', name })),
      appendOnly: [],
    };
    const plan = await planCapture({ owner }, target);
    const hostile = planAlembic(plan, { ...named, message: 'a """ b \\N{x} \n c' });
    await writeFile(join(folder, 'versions/0051.py'), hostile);
    await alembic(database.url('raxx_owner'), 'upgrade', 'head');
    const superuser = await database.superuser();
    const outcome = await installCapture({ owner, superuser }, target);
    const changed = outcome.plan.objects.filter(({ action }) => action !== 'unchanged');
    expect(changed.map(({ kind }) => kind)).toEqual(['setting', 'setting', 'setting']);
    for (const table of quoted) await owner.query(`insert into ${table} values (1)`);
  });
});
