import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CoveredSchemas,
  shown,
  startCoveredSchemas,
  targetOf,
} from '../../test/rig/covered-schemas.ts';
import { takeBaseline } from './baseline.ts';

describe('coverage of tables', () => {
  let covered: CoveredSchemas;
  let { owner, app, captured, history, about, told, cover } = {} as CoveredSchemas;
  beforeAll(async () => {
    covered = await startCoveredSchemas();
    ({ owner, app, captured, history, about, told, cover } = covered);
  });
  afterAll(() => covered.stop());

  test('finds nothing to say of a table that is captured as it has to be', async () => {
    const schema = await captured('create table t (id int primary key, v text)');
    expect(await about(schema)).toEqual([]);
    const { tables } = await cover(schema);
    expect(tables).toEqual([
      {
        name: `${schema}.t`,
        kind: 'captured',
        state: 'on',
        level: 'note',
        installedAt: expect.any(Date),
        shape: 'as installed',
        baseline: { state: 'being taken', since: expect.any(Date), because: [] },
      },
    ]);
  });

  test('names every table that nobody configured, and tells a ledger, a foreign one and another’s apart', async () => {
    const schema = await captured(
      `create table t (id int primary key);
         create table "Ot her" (id int); create unlogged table fast (id int);
         create table parts (id int) partition by list (id);
         create table parts_1 partition of parts for values in (1);
         create table alembic_version (version_num text);
         create materialized view m as select 1 as x; create view v as select * from t`,
    );
    const { gaps } = await cover(schema);
    const named = gaps.filter(
      ({ id, what }) => id.startsWith('relation.') && what.includes(`${schema}.`),
    );
    expect(named.map((gap) => [shown(gap), gap.what.split(' is ')[0]])).toEqual([
      ['gap relation.not-captured', `${schema}."Ot her"`],
      ['gap relation.not-captured', `${schema}.fast`],
      ['gap relation.not-captured', `${schema}.parts (partitioned)`],
      ['note relation.ledger', `${schema}.alembic_version`],
    ]);
    expect(named[1]?.what).toContain('after a crash of the server it is empty');
  });

  test('tells of schemas that it did not look at', async () => {
    await owner.query('create schema elsewhere; create table elsewhere.x (id int)');
    const schema = await captured('create table t (id int primary key)');
    const { gaps } = await cover(schema);
    expect(gaps.find(({ id }) => id === 'schema.not-configured')?.what).toContain('elsewhere (1)');
  });

  test('tells what is configured and was never installed, or is not there', async () => {
    const schema = await captured(
      'create table t (id int primary key); create table late (id int primary key)',
    );
    const { tables, gaps } = await cover(schema, ['late', 'nowhere']);
    expect(tables.map(({ state, level }) => [state, level])).toEqual([
      ['off', 'gap'],
      ['missing', 'gap'],
    ]);
    expect(gaps.filter(({ id }) => id.startsWith('table.')).map(shown)).toEqual([
      'gap table.not-installed',
      'gap table.refused',
    ]);
  });

  test('notes columns that changed, which are captured exactly, and that only some are tokens', async () => {
    const schema = await captured(`create table t (id int primary key, a text, "Ünd'" int)`);
    await owner.query(
      `alter table t add column b int default 5; alter table t rename a to c; alter table t alter "Ünd'" type bigint`,
    );
    expect(await about(schema)).toEqual(['note table.drifted']);
    const text = await told(schema, 'table.drifted');
    expect(text).toContain(`(c added, b added, a dropped and "Ünd'" is bigint, was integer)`);
    await app.query(`insert into t values (1, 'x', 2)`);
    expect(await history()).toEqual([['INSERT', { id: 1 }, { id: 1, c: 'x', "Ünd'": 2, b: 5 }]]);

    const more = (of: string) => ({ tables: [{ schema: of, name: 't', mask: ['a'] }] });
    const masked = await captured('create table t (id int primary key, a text)', ['t'], more);
    await owner.query('alter table t rename a to c; alter table t add column n int');
    const configured = { tables: [{ schema: masked, name: 't', mask: ['c'] }] };
    // Install refuses what the table does not have, and the rest is told all the same.
    expect(await about(masked, more(masked))).toEqual([
      'gap table.refused',
      'gap table.unknown-columns',
      'note columns.masked',
      'note table.drifted',
    ]);
    expect(await about(masked, configured)).toEqual([
      'gap table.unknown-columns',
      'note columns.masked',
      'note table.drifted',
    ]);
    await app.query(`insert into t values (1, 'secret', 7)`);
    expect(await history()).toEqual([
      [
        'INSERT',
        { id: 1 },
        { id: 1, c: expect.stringMatching(/^token:/), n: expect.stringMatching(/^token:/) },
      ],
    ]);
  });

  test('notes another key than at install, under which changes are told from then on', async () => {
    const schema = await captured('create table t (id int primary key, uid int not null)');
    await owner.query('alter table t drop constraint t_pkey, add primary key (uid)');
    expect(await about(schema)).toEqual(['note table.key-changed']);
    await app.query('insert into t values (1, 7); update t set id = 2');
    expect((await history()).map(([, key]) => key)).toEqual([{ uid: 7 }, { uid: 7 }]);
  });

  test('follows a table that was renamed, and says once what to do about it', async () => {
    const schema = await captured('create table t (id int primary key)');
    await owner.query('alter table t rename to u');
    await app.query('insert into u values (1)');
    expect((await history()).length).toBe(1);
    const { gaps, tables } = await cover(schema);
    const concerned = gaps.filter(({ what }) => /\.[tu]\b/.test(what));
    expect(concerned.map(shown)).toEqual(['note relation.renamed']);
    expect(concerned[0]?.what).toContain(`${schema}.t is called ${schema}.u now`);
    expect(concerned[0]?.todo).toContain(`alter table "${schema}"."u" rename to "t";`);
    expect(tables[0]?.state).toBe('renamed');
    await owner.query('alter table u disable trigger trg_t_history_delete');
    expect(await about(schema)).toEqual(['gap relation.renamed']);
  });

  test('tells triggers apart that are missing, disabled, for replicas alone, ALWAYS, or replaced', async () => {
    const schema = await captured(
      `create table t (id int primary key);
         create function mine() returns trigger language plpgsql as 'begin return null; end'`,
    );
    await owner.query(`
        drop trigger trg_t_history_delete on t;
        alter table t disable trigger trg_t_history;
        alter table t enable replica trigger trg_t_history_truncate;
        create or replace trigger trg_t_history_update after update on t for each row when (false) execute function mine()`);
    expect(await about(schema)).toEqual([
      'gap trigger.disabled',
      'gap trigger.missing',
      'gap trigger.replaced',
      'gap trigger.replica-only',
    ]);
    expect(await told(schema, 'trigger.replaced')).toContain('it has a WHEN');
    await app.query('insert into t values (1); update t set id = 2; delete from t; truncate t');
    expect(await history()).toEqual([]);

    const other = await captured('create table t (id int primary key)');
    await owner.query('alter table t enable always trigger trg_t_history');
    expect(await about(other)).toEqual(['note trigger.always']);
    const always = { tables: [{ schema: other, name: 't', always: true }] };
    expect(await about(other, always)).toEqual(Array(3).fill('gap trigger.not-always'));
  });

  test('tells a function that was altered from one that waits for install', async () => {
    const schema = await captured('create table t (id int primary key, secret text)');
    const masked = { tables: [{ schema, name: 't', mask: ['secret'] }] };
    expect(await about(schema, masked)).toEqual(['note columns.masked', 'note function.outdated']);
    await owner.query('alter function fn_capture_t_history() security invoker');
    expect(await about(schema)).toEqual(['gap function.altered']);
    await owner.query(
      `create or replace function fn_capture_t_history() returns trigger language plpgsql as 'begin return null; end'`,
    );
    expect(await about(schema)).toEqual(['gap function.altered']);
    await owner.query('drop function fn_capture_t_history() cascade');
    expect(await about(schema)).toEqual(['gap table.not-installed']);
  });

  test('tells an altered function even on a table that has drifted', async () => {
    const schema = await captured('create table t (id int primary key)');
    const { rows } = await owner.query(
      `select pg_get_functiondef('fn_capture_t_history'::regproc) as def`,
    );
    await owner.query(rows[0].def.replace('return null;', 'perform 1; return null;'));
    await owner.query('alter table t add column b int');
    expect(await about(schema)).toEqual(['gap function.unknown']);
  });

  test('tells history that is gone, cut, unguarded, unwitnessed or open to others', async () => {
    const gone = await captured('create table t (id int primary key)');
    await owner.query('drop table t_history cascade');
    expect(await about(gone)).toContain('gap history.missing');
    await expect(app.query('insert into t values (1)')).rejects.toThrow();

    const cut = await captured('create table t (id int primary key)');
    await owner.query('alter table t_history drop column image_1 cascade');
    expect(await about(cut)).toContain('gap history.altered');
    await expect(app.query('insert into t values (1)')).rejects.toThrow();

    const open = await captured('create table t (id int primary key)');
    await owner.query(`
        drop trigger pgwitness_append_only on t_history;
        drop trigger pgwitness_witness_delete on t_history;
        grant delete, trigger on t_history to public; grant trigger on t to raptor_app`);
    expect(await about(open)).toEqual([
      'gap grant.history',
      'gap grant.history',
      'gap grant.trigger',
      'gap guard.broken',
      'gap witness.broken',
    ]);
    const granted = await told(open, 'grant.history');
    expect(granted).toContain(`everyone may DELETE on ${open}.t_history`);
    expect(granted).toContain(`everyone may TRIGGER on ${open}.t_history`);
  });

  test('tells of an append-only table what it would let through', async () => {
    const target = (schema: string) => ({ tables: [], appendOnly: [{ schema, name: 't' }] });
    const schema = await captured(
      `create table t (id int) partition by list (id); create table t_1 partition of t for values in (1)`,
      [],
      target,
    );
    expect(await about(schema, target(schema))).toEqual([]);
    await owner.query(`create table t_2 partition of t for values in (2);
        grant all on t_2 to raptor_app; insert into t_2 values (2)`);
    const gaps = await about(schema, target(schema));
    expect(gaps).toContain('gap guard.broken');
    expect(gaps).toContain('gap witness.broken');
    expect((await app.query('delete from t_2')).rowCount).toBe(1);
    expect(
      await about(schema, { tables: [], appendOnly: [{ schema, name: 'nothing' }] }, 'nothing'),
    ).toEqual(['gap table.refused']);
  });

  test('notes what of a row is kept otherwise: no key, left out, masked, as text, virtual', async () => {
    const more = (schema: string) => ({
      tables: [{ schema, name: 't', exclude: ['x'], mask: ['m'], onFailure: 'continue' as const }],
    });
    const schema = await captured(
      `create table t (x text, m text, j json, w int generated always as (length(m)) virtual)`,
      ['t'],
      more,
    );
    const notes = ['note columns.excluded', 'note columns.masked'];
    expect(await about(schema, more(schema))).toEqual([
      ...notes,
      'note columns.virtual',
      'note table.continues',
      'note table.no-key',
    ]);
    const { gaps } = await cover(schema, ['t'], more(schema));
    expect(gaps.some(({ id }) => id === 'columns.as-text')).toBe(false);
    const half = { tables: [{ schema, name: 't', exclude: ['x'] }] };
    await owner.query('alter table t add primary key (x, m)');
    expect(await about(schema, half)).toContain('note table.key-left-out');
  });

  test('names an unlogged table, and rows so wide that writing them may fail', async () => {
    const schema = await captured('create unlogged table t (id int primary key, b text)');
    expect(await about(schema)).toEqual(['gap table.unlogged']);
    const wide = await captured('create table t (id int primary key, b text)');
    const root = await covered.database.superuser();
    await root.query(`update pg_class set reltuples = 10 where oid = '${wide}.t'::regclass;
        update pg_class set relpages = 40000
        where oid = (select reltoastrelid from pg_class where oid = '${wide}.t'::regclass)`);
    expect(await about(wide)).toEqual(['note table.wide-rows']);
  });

  test('names tables that inherit, and what of their rows is lost on the way', async () => {
    const schema = await captured(`create table t (id int primary key, v text);
        create table heir (extra text) inherits (t); create table plain () inherits (t)`);
    expect(await about(schema)).toEqual([
      'gap heir.columns',
      'gap heir.not-captured',
      'gap heir.not-captured',
      'note heir.truncate',
      'note heir.truncate',
    ]);
    await owner.query(`insert into heir values (1, 'a', 'x'); update t set v = 'b'; truncate t`);
    expect(await history()).toEqual([
      ['UPDATE', { id: 1 }, { id: 1, v: 'b' }],
      ['TRUNCATE', null, null],
    ]);
  });

  test('notes rules, and that what they do is captured', async () => {
    const schema = await captured('create table t (id int primary key, gone bool)');
    await owner.query(
      'create rule soft as on delete to t do instead update t set gone = true where id = old.id',
    );
    expect(await about(schema)).toEqual(['note table.rules']);
    await app.query('insert into t values (1); delete from t');
    expect((await history()).map(([operation]) => operation)).toEqual(['INSERT', 'UPDATE']);
  });

  test('has nothing to say of triggers that change the rows that fired them: the order is kept', async () => {
    const schema = await captured(
      `create table t (id int primary key, v text); create table k (id int, v text); create table log (x int);
       create function up() returns trigger language plpgsql as $$begin
         if pg_trigger_depth() < 2 then
           execute format('update %s set v = upper(v) where id = $1 -- t', tg_relid::regclass) using new.id;
         end if; return null; end$$;
       create function up_t() returns trigger language plpgsql as $$begin
         if pg_trigger_depth() < 2 then update t set v = upper(v) where id = new.id; end if; return null; end$$;
       create function tell() returns trigger language plpgsql as $$begin insert into log values (1); return null; end$$;
       create trigger zz after insert or update on t for each row execute function up_t();
       create trigger zz after insert or update on k for each row execute function up();
       create trigger tell after insert on t for each row execute function tell()`,
      ['t', 'k'],
    );
    const order = async (of: string) =>
      (
        await owner.query(
          `select operation, coalesce(after, before)->>'v' as v from ${of}_changes order by position, id`,
        )
      ).rows.map(({ operation, v }) => `${operation} ${v}`);
    await owner.query(`insert into t values (1, 'a'); insert into k values (1, 'a')`);
    expect(await order('t')).toEqual(['INSERT a', 'UPDATE A']);
    expect(await order('k')).toEqual(['INSERT a', 'UPDATE A']);
    expect(await about(schema)).toEqual([]);
    expect(await about(schema, undefined, 'k')).toEqual(['note table.no-key']);
    await owner.query('alter table t add column w int');
    await owner.query(`insert into t values (2, 'b')`);
    expect((await order('t')).slice(2)).toEqual(['INSERT b', 'UPDATE B']);
    expect(await about(schema)).toEqual(['note table.drifted']);
  });

  test('tells since when a baseline holds, and that a table written anew needs another', async () => {
    const schema = await captured('create table t (id int primary key, n numeric(6, 2))');
    await owner.query('insert into t values (1, 1.25)');
    const target = targetOf(schema);
    const take = () =>
      takeBaseline(
        owner,
        target,
        { schema, name: 't' },
        {
          now: Date.now,
          signal: new AbortController().signal,
        },
      );
    await take();
    const { tables } = await cover(schema);
    expect(tables[0]?.baseline).toEqual({
      state: 'complete',
      since: expect.any(Date),
      because: [],
    });
    expect(await about(schema)).toEqual([]);
    await owner.query('alter table t alter n type numeric(6, 1)');
    expect(await history()).toEqual([['INSERT', { id: 1 }, { id: 1, n: 1.25 }]]);
    expect(await about(schema)).toEqual(['gap baseline.needed']);
    await take();
    expect(await about(schema)).toEqual([]);
  });
});
