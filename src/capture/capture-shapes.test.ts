import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CapturedSchemas, startCapturedSchemas } from '../../test/rig/captured-schemas.ts';
import { takeBaseline } from './baseline.ts';
import { sqlFile } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

const postgres15 = inject('postgres15');

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', postgres15],
])('on %s, capture of tables of any shape', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let schemas: CapturedSchemas;
    let { owner, app, captured, history } = {} as CapturedSchemas;
    beforeAll(async () => {
      schemas = await startCapturedSchemas(binaries);
      ({ owner, app, captured, history } = schemas);
    });
    afterAll(() => schemas.stop());

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

    test('fails no write when the schema has another name, and keeps all of it', async () => {
      const schema = await captured('create table t (id int primary key, v int)');
      await app.query('insert into t values (1, 0)');
      await owner.query(`alter schema ${schema} rename to ${schema}_moved`);
      await app.query(`set search_path to ${schema}_moved; insert into t values (2, 0); update t set v = 1;
        delete from t where id = 1; truncate t`);
      await owner.query(`set search_path to ${schema}_moved`);
      expect(await history()).toEqual([
        ['INSERT', { id: 1 }, { id: 1, v: 0 }],
        ['INSERT', { id: 2 }, { id: 2, v: 0 }],
        ['UPDATE', { id: 1 }, { id: 1, v: 1 }],
        ['UPDATE', { id: 2 }, { id: 2, v: 1 }],
        ['DELETE', { id: 1 }, { id: 1, v: 1 }],
        ['TRUNCATE', null, null],
      ]);
    });

    test('knows a column that was dropped and added again for another one', async () => {
      await captured('create table t (id int primary key, v int)');
      await app.query('insert into t values (1, 0)');
      await owner.query(`alter table t drop column v; alter table t add column v int default 3`);
      await app.query('update t set v = 7');
      const { rows } = await owner.query(
        `select before, after from t_changes where operation = 'UPDATE'`,
      );
      expect(rows).toEqual([{ before: { id: 1, v: 3 }, after: { id: 1, v: 7 } }]);
      const kept = await owner.query('select drifted is not null as drifted from t_history');
      expect(kept.rows.map(({ drifted }) => drifted)).toEqual([false, true]);
    });

    test('tells the row before where a key became another that equals it', async () => {
      const schema = await captured('create table t (id interval primary key, v int)');
      const table = { schema, name: 't' };
      const target: CaptureTarget = {
        owner: 'raxx_owner',
        tables: [table],
        appendOnly: [],
        roles: [
          { name: 'raptor_app', history: ['select', 'insert'] },
          { name: 'audit_archiver', history: ['select', 'update'] },
        ],
      };
      const taken = await takeBaseline(owner, target, table, { now: Date.now });
      expect(taken.outcome).toBe('taken');
      await app.query(`insert into t values ('1 day', 0); update t set id = '24 hours'`);
      const { rows } = await owner.query(
        `select before, after, changed from t_changes where operation = 'UPDATE'`,
      );
      expect(rows).toEqual([
        { before: { id: '1 day', v: 0 }, after: { id: '24:00:00', v: 0 }, changed: ['id'] },
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
      const schema = await captured(
        `create table t (id int primary key, f float8, at timestamptz, d date, i interval, b bytea, m money)`,
      );
      const values = `0.1234567890123, '2024-03-01 12:00+00', '2024-03-01', '1 day 2 hours', '\\x00ff', 1234.5`;
      await app.query(`insert into t values (1, ${values})`);
      await app.query(`begin; set local extra_float_digits = -10; set local timezone = 'Asia/Kolkata';
        set local datestyle = 'SQL, DMY'; set local intervalstyle = 'sql_standard'; set local bytea_output = 'escape';
        set local lc_monetary = 'C.UTF-8'; set local search_path = pg_temp;
        set local row_security = off; insert into ${schema}.t values (2, 0.1234567890123, '2024-03-01 12:00+00', '2024-03-01', '1 2:0:0', '\\x00ff', 1234.5); commit`);
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
        `select c.row_key, c.after -> 'j' as shown, (h.image_1).j, (h.image_1).f::text
         from t_changes c join t_history h using (id) order by id`,
      );
      expect(rows).toEqual(
        values.map((value, id) => ({ row_key: { id }, shown: value, j: value, f: '-0' })),
      );
    });

    test('captures columns whatever they are called, those that come later too', async () => {
      const files = [
        'templates/capture-function',
        'fragments/capture-rows',
        'migrations/0003_witness',
      ];
      const body = files.map((file) => sqlFile(`${file}.sql`)).join('\n');
      // Each word of the functions: their variables, aliases and columns.
      const taken = ['id', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'];
      const names = [...new Set(body.replace(/^ *--.*$/gm, '').match(/[a-z_]+/g))].filter(
        (name) => !taken.includes(name),
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

    test('tells a MERGE into a partitioned table from what Postgres’s triggers see of it', async () => {
      const schema = await captured(
        `create table t (id int primary key, v text) partition by range (id);
         create table t_low partition of t for values from (0) to (100);
         create table t_high partition of t for values from (100) to (200)`,
      );
      await app.query(`insert into t values (1, 'old'), (2, 'old'), (150, 'old')`);
      await app.query(`
        merge into t using (values (3, 'new'), (1, 'changed'), (150, 'changed')) s (id, v) on t.id = s.id
        when matched then update set v = s.v when not matched then insert values (s.id, s.v)`);
      await app.query('update t set id = id + 48 where id < 3');
      const { rows } = await owner.query(
        `select operation, (before->'id')::int as was, (after->'id')::int as id, after->>'v' as v
         from ${schema}.t_changes where operation = 'UPDATE' order by position, t_changes.id`,
      );
      const told = rows.map(({ was, id, v }) => [was, id, v]);
      expect(told.sort(([a, c], [b, d]) => a - b || c - d)).toEqual([
        [1, 1, 'changed'],
        [1, 49, 'changed'],
        [2, 50, 'old'],
        [150, 150, 'changed'],
      ]);
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
        `select operation, partition_name, row_key->'id' as id, coalesce(after, before)->>'day' as day
         from t_changes order by t_changes.id`,
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
  });
});
