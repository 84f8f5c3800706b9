import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CoveredSchemas,
  startCoveredSchemas,
  targetOf,
} from '../../test/rig/covered-schemas.ts';

const partitioned = `
  create table t (id int primary key, v text) partition by range (id);
  create table t_0 partition of t for values from (0) to (10);
  create table t_1 partition of t for values from (10) to (20) partition by range (id);
  create table t_1_0 partition of t_1 for values from (10) to (15)`;

import { takeBaseline } from './baseline.ts';
import { installCapture } from './install.ts';
import { planCapture, refusedObjects } from './plan.ts';

describe('coverage of partitions', () => {
  let covered: CoveredSchemas;
  let { owner, app, captured, about, told, cover } = {} as CoveredSchemas;
  let root: Awaited<ReturnType<CoveredSchemas['database']['superuser']>>;
  beforeAll(async () => {
    covered = await startCoveredSchemas();
    ({ owner, app, captured, about, told, cover } = covered);
    root = await covered.database.superuser();
  });
  afterAll(() => covered.stop());

  const kept = async () => {
    const { rows } = await owner.query(
      `select operation, coalesce(after, before)->'id' as id from t_changes order by position, id`,
    );
    return rows.map(({ operation, id }) => [operation, id]);
  };
  const grant = (table: string) => owner.query(`grant all on ${table} to raptor_app`);

  test('one that was there at install has nothing to say; one made since is captured row by row, but for TRUNCATE', async () => {
    const schema = await captured(partitioned);
    expect(await about(schema)).toEqual([]);
    await owner.query('create table t_2 partition of t for values from (20) to (30)');
    await owner.query('grant insert, update, delete, truncate on t_2 to raptor_app');
    expect(await about(schema)).toEqual([
      'gap partition.merge',
      'gap partition.truncate',
      'note partition.by-row',
    ]);
    await app.query(
      `insert into t_2 values (21, 'a'); insert into t values (22, 'b'); truncate t_2`,
    );
    expect(await kept()).toEqual([
      ['INSERT', 21],
      ['INSERT', 22],
    ]);
  });

  test('one that was attached with rows in it is a gap until their images are taken', async () => {
    const schema = await captured(partitioned);
    await owner.query(`create table t_2 (id int primary key, v text); insert into t_2 values (20, 'old');
        create table t_3 (id int primary key, v text)`);
    await owner.query('alter table t attach partition t_2 for values from (20) to (30)');
    await owner.query('alter table t attach partition t_3 for values from (30) to (40)');
    await app.query(`insert into t values (31, 'new')`);
    const gaps = (await about(schema)).filter((id) => id.includes('attached'));
    expect(gaps).toEqual(['gap partition.attached-rows']);
    expect(await told(schema, 'partition.attached-rows')).toMatch(
      new RegExp(`^${schema}.t_2 was attached with rows in it.*pgwitness install`),
    );
    expect(await kept()).toEqual([['INSERT', 31]]);
    const target = targetOf(schema);
    await installCapture({ owner }, target);
    expect(await about(schema)).toEqual(['gap partition.attached-rows']);
    expect(await told(schema, 'partition.attached-rows')).toContain('Run `pgwitness baseline`');
    await takeBaseline(
      owner,
      target,
      { schema, name: 't' },
      {
        now: Date.now,
        signal: new AbortController().signal,
      },
    );
    expect(await about(schema)).toEqual([]);
  });

  test('can’t tell of one that was filled in the transaction that made it a partition', async () => {
    const schema = await captured(partitioned);
    await owner.query(`begin; create table t_2 (id int primary key, v text); insert into t_2 values (20, 'old');
        alter table t attach partition t_2 for values from (20) to (30); commit`);
    expect(await told(schema, 'partition.attached-rows')).toMatch(/^Can't tell whether/);
  });

  test('one that was detached goes on writing into the history, and its rows went silently', async () => {
    const schema = await captured(partitioned);
    await app.query(`insert into t values (1, 'a')`);
    await owner.query('alter table t detach partition t_0; grant all on t_0 to raptor_app');
    await app.query(`insert into t_0 values (2, 'b')`);
    expect(await kept()).toEqual([
      ['INSERT', 1],
      ['INSERT', 2],
    ]);
    expect(await about(schema)).toContain('note partition.gone');
    const { gaps } = await cover(schema);
    expect(gaps.find(({ id }) => id === 'relation.detached')?.what).toContain(
      `${schema}.t_0 was a partition of ${schema}.t`,
    );
    await owner.query('drop table t_1_0');
    expect(await told(schema, 'partition.gone')).toContain(`${schema}.t_1_0`);
  });

  test('one that was detached without triggers of its own is captured no longer', async () => {
    const schema = await captured(partitioned);
    await owner.query('create table t_2 partition of t for values from (20) to (30)');
    await owner.query('alter table t detach partition t_2');
    await owner.query(`insert into t_2 values (21, 'a')`);
    expect(await kept()).toEqual([]);
    const { gaps } = await cover(schema);
    const lost = gaps.find(({ id }) => id === 'relation.not-captured');
    expect(lost).toMatchObject({ level: 'gap', table: `${schema}.t_2` });
  });

  test('one whose triggers were taken off, or both switched on, is told', async () => {
    const schema = await captured(partitioned);
    await owner.query(`drop trigger trg_t_history on t_0; drop trigger trg_t_history_update on t_0;
        drop trigger trg_t_history_delete on t_0; drop trigger trg_t_history_truncate on t_0`);
    expect(await about(schema)).toEqual(['gap partition.not-captured']);
    await grant('t_0');
    await app.query(`insert into t_0 values (1, 'a')`);
    expect(await kept()).toEqual([]);
    await owner.query('alter table t_1_0 disable trigger trg_t_history_update');
    expect(await told(schema, 'trigger.disabled')).toContain(
      `trg_t_history_update on ${schema}.t_1_0 is disabled`,
    );

    const twice = await captured(partitioned);
    await owner.query(
      'alter table t_0 enable trigger trg_t_history_row; grant all on t_0 to raptor_app',
    );
    expect(await about(twice)).toContain('gap partition.captured-twice');
    await app.query(`insert into t_0 values (1, 'a')`);
    expect(await kept()).toEqual([
      ['INSERT', 1],
      ['INSERT', 1],
    ]);
    await owner.query('drop trigger trg_t_history_row on t');
    expect(await told(twice, 'trigger.missing')).toContain('a partition made or attached later');
  });

  test('one that is partitioned itself and came since misses a TRUNCATE by its name alone', async () => {
    const schema = await captured(partitioned);
    await owner.query(`create table t_2 partition of t for values from (20) to (30) partition by range (id);
        create table t_2_0 partition of t_2 for values from (20) to (25)`);
    await owner.query(`insert into t_2 values (21, 'a'); truncate t_2`);
    expect(await kept()).toEqual([['INSERT', 21]]);
    expect((await about(schema)).filter((id) => id === 'gap partition.truncate')).toHaveLength(2);
  });

  test('a MERGE that names a table of them without a key may be captured wrongly', async () => {
    const schema = await captured(`create table t (id int, v text) partition by range (id);
      create table t_0 partition of t for values from (0) to (10)`);
    expect(await about(schema)).toEqual(['gap partition.merge', 'note table.no-key']);
    await owner.query(`insert into t values (1, 'old'); set enable_hashjoin = off; set enable_mergejoin = off;
      merge into t using (values (2, 'new'), (1, 'changed')) s (id, v) on t.id = s.id
        when matched then update set v = s.v when not matched then insert values (s.id, s.v);
      reset enable_hashjoin; reset enable_mergejoin`);
    const { rows } = await owner.query(
      `select after->>'v' as v from t_changes where operation = 'UPDATE'`,
    );
    expect(rows).toEqual([{ v: 'new' }]);
  });

  test('a foreign one keeps statements on the table from working, as Postgres has it', async () => {
    const { port } = new URL(covered.database.url('raxx_owner'));
    await root.query(`create extension postgres_fdw; create schema remote; create table remote.f (id int, v text);
        create server loop foreign data wrapper postgres_fdw options (host '127.0.0.1', port '${port}', dbname '${covered.database.name}');
        grant usage on foreign server loop to raxx_owner; grant usage on schema remote to raxx_owner;
        grant all on remote.f to raxx_owner`);
    await owner.query(
      `create user mapping for raxx_owner server loop options (user 'raxx_owner', password 'p@ss/w%rd:1')`,
    );
    const schema = await captured(
      `create table t (id int, v text) partition by range (id);
        create table t_0 partition of t for values from (0) to (10);
        create table u (id int primary key, v text)`,
      ['t', 'u'],
    );
    await owner.query(
      `create foreign table t_f partition of t for values from (10) to (20)
          server loop options (schema_name 'remote', table_name 'f');
        create foreign table u_f () inherits (u) server loop options (schema_name 'remote', table_name 'f');
        create foreign table lone (id int) server loop options (schema_name 'remote', table_name 'f')`,
    );
    const plan = await planCapture({ owner }, targetOf(schema, ['u']));
    expect(refusedObjects(plan).map(({ name, why }) => `${name}: ${why}`)).toEqual([
      expect.stringMatching(
        /^s\d+\.u: the foreign table s\d+\.u_f is part of it, and Postgres fails/,
      ),
    ]);
    expect(await about(schema)).toEqual([
      'gap partition.foreign',
      'gap partition.merge',
      'gap table.refused',
      'note table.no-key',
    ]);
    expect(await about(schema, undefined, 'u')).toEqual(['gap heir.foreign', 'gap table.refused']);
    await owner.query(`insert into t_f values (12, 'b')`);
    const refusal = 'cannot collect transition tuples from child foreign tables';
    await expect(owner.query(`insert into t values (11, 'a')`)).rejects.toThrow(refusal);
    await expect(owner.query(`update u set v = 'a'`)).rejects.toThrow(refusal);
    expect((await owner.query('select operation from t_history')).rows).toEqual([
      { operation: 'INSERT' },
    ]);
    const { gaps } = await cover(schema, ['t', 'u']);
    expect(gaps.find(({ id }) => id === 'relation.foreign')).toMatchObject({
      level: 'note',
      table: `${schema}.lone`,
    });
  });
});
