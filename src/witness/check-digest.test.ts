import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startWitnessWorld, type WitnessWorld } from '../../test/rig/witness-world.ts';
import { checkDigest, type DigestCheck } from './check-digest.ts';
import { verifyCode } from './witness-key.ts';
import { type CapturedStatement, type ImageChange, parseWitness } from './witness-line.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, history held against a witness line', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: WitnessWorld;
    let key: Uint8Array;
    beforeAll(async () => {
      world = await startWitnessWorld(binaries);
      await world.captured('create table first (id int primary key)', ['first']);
      key = await world.key();
    });
    afterAll(() => world.stop());

    /** The witness lines since this was asked last: captured statements, and images told as changed. */
    async function told(): Promise<{ statements: CapturedStatement[]; changes: ImageChange[] }> {
      const found = (await world.lines()).map((record) => {
        const witness = parseWitness(record);
        if (witness === undefined) throw new Error(`no witness line: ${record.message}`);
        expect(verifyCode(witness, key)).toBe(true);
        return witness;
      });
      return {
        statements: found.filter((witness) => witness.kind === 'captured'),
        changes: found.flatMap((each) => (each.kind === 'history' ? (each.images ?? []) : [])),
      };
    }

    const check = (statement: CapturedStatement, changes?: readonly ImageChange[]) =>
      checkDigest(world.owner, 'raxx_owner', statement, changes);

    async function run(...sql: string[]): Promise<CapturedStatement[]> {
      await told();
      for (const each of sql) await world.app.query(each);
      return (await told()).statements;
    }

    async function one(sql: string): Promise<CapturedStatement> {
      const [statement, ...more] = await run(sql);
      expect(more).toEqual([]);
      if (statement === undefined) throw new Error(`no line of: ${sql}`);
      return statement;
    }

    /** Each statement's verdict, as `INSERT equal`. */
    async function verdicts(statements: readonly CapturedStatement[]): Promise<string[]> {
      const found: string[] = [];
      for (const each of statements) found.push(`${each.command} ${(await check(each)).kind}`);
      return found;
    }

    /** As a superuser can, with no trigger and no line. */
    async function silently(...sql: string[]): Promise<void> {
      await world.superuser.query('set session_replication_role = replica');
      for (const each of sql) await world.superuser.query(each);
      await world.superuser.query('reset session_replication_role');
    }

    test('is as captured after every kind of statement', async () => {
      await world.captured(
        'create table t (id int primary key, v text, n numeric, at timestamptz)',
      );
      const statements = await run(
        "insert into t select i, 'v' || i, i / 3.0, now() from generate_series(1, 300) i",
        `insert into t values (1, 'again') on conflict (id) do update set v = 'upserted'`,
        "update t set v = 'läuft ☕', at = null where id <= 10",
        'update t set id = id + 1000',
        'delete from t where id > 1200',
        'truncate t',
      );
      expect(await verdicts(statements)).toEqual(
        ['INSERT', 'UPDATE', 'UPDATE', 'UPDATE', 'DELETE', 'TRUNCATE'].map((c) => `${c} equal`),
      );
      expect(statements.map(({ rows }) => rows)).toEqual([300, 1, 10, 300, 100, 0]);
    });

    test('is as captured whatever the checking session has set', async () => {
      await world.captured('create table t (id int primary key, v text, f float8, at timestamptz)');
      const statement = await one(`insert into t values (1, 'größe', 0.1234567890123, now())`);
      const settings = [
        "set client_encoding = 'latin1'",
        'set extra_float_digits = -10',
        "set timezone = 'Asia/Tokyo'",
        "set search_path = ''",
        'set quote_all_identifiers = on',
      ];
      const owner = await world.database.connect('raxx_owner');
      for (const sql of settings) await owner.query(sql);
      expect(await checkDigest(owner, 'raxx_owner', statement)).toEqual({ kind: 'equal' });
      // And leaves the session as it was.
      expect((await owner.query('show client_encoding')).rows).toEqual([
        { client_encoding: 'LATIN1' },
      ]);
      await owner.end();
    });

    test('is as captured of tables without a key, with columns left out, masked or of odd types', async () => {
      await world.captured(
        `create type mood as enum ('calm');
         create table t (a int, b text, secret text, token text, mood mood, j jsonb, x int[],
           g int generated always as (a * 2) stored)`,
        ['t'],
        (schema) => ({ tables: [{ schema, name: 't', exclude: ['secret'], mask: ['token'] }] }),
      );
      const statements = await run(
        `insert into t values (1, 'b', 's', 't', 'calm', '{"a": 1}', '{1,2}')`,
        `update t set b = 'c', token = 'u'`,
        'delete from t',
      );
      expect(await verdicts(statements)).toEqual(['INSERT equal', 'UPDATE equal', 'DELETE equal']);
    });

    test('is as captured before, while and after the table has another form', async () => {
      const schema = await world.captured('create table t (id int primary key, v text)');
      const before = await run(`insert into t values (1, 'one'), (2, 'two')`);
      await world.owner.query('alter table t add column extra int default 7, drop column v');
      const drifted = await run(
        'insert into t values (3, 4)',
        'update t set extra = id',
        'update t set id = id + 10',
        'delete from t where id = 11',
        'truncate t',
      );
      await world.reinstall(world.targetOf(schema, ['t']));
      const after = await run('insert into t values (5, 6)', 'update t set extra = 0');
      expect(await verdicts([...before, ...drifted, ...after])).toEqual(
        [
          ...['INSERT', 'INSERT', 'UPDATE', 'UPDATE', 'DELETE', 'TRUNCATE'],
          ...['INSERT', 'UPDATE'],
        ].map((c) => `${c} equal`),
      );
      const { rows } = await world.owner.query(
        `select count(*) filter (where drifted is not null)::int as drifted,
           count(*) filter (where num_nonnulls(image_2) = 1)::int as newer from t_history`,
      );
      expect(rows).toEqual([{ drifted: 8, newer: 2 }]);
    });

    test('is as captured of partitions, new ones and moves between them', async () => {
      await world.captured(
        `create table t (id int, v text) partition by range (id);
         create table t_1 partition of t for values from (0) to (100);
         create table t_2 partition of t for values from (100) to (200)`,
      );
      const installed = await run(
        `insert into t values (1, 'a'), (101, 'b')`,
        `insert into t_1 values (2, 'c')`,
        'update t set id = id + 100 where id < 100',
        'delete from t where id = 102',
      );
      expect(installed.map(({ table }) => table.name)).toEqual(['t', 't', 't', 't']);
      await world.owner.query('create table t_3 partition of t for values from (200) to (300)');
      await world.owner.query('grant all on t_3 to raptor_app');
      const since = await run(
        `insert into t values (3, 'd'), (201, 'e')`,
        `insert into t_3 values (202, 'f')`,
        `update t set v = 'g'`,
        'update t set id = id + 200 where id < 100',
        'delete from t',
      );
      const found = await verdicts([...installed, ...since]);
      expect(found.filter((verdict) => !verdict.endsWith(' equal'))).toEqual([]);
      expect(since.length).toBeGreaterThan(5);
    });

    test('is as captured where cascades and triggers write in between', async () => {
      await world.captured(
        `create table parent (id int primary key);
         create table child (id int primary key, parent int references parent on delete cascade on update cascade);
         create function again() returns trigger language plpgsql as $$ begin
           insert into child values (new.id + 1000, new.parent) on conflict do nothing; return null; end $$;
         create trigger again after insert on child for each row when (new.id < 1000) execute function again()`,
        ['parent', 'child'],
      );
      const statements = await run(
        'insert into parent values (1), (2)',
        'insert into child values (1, 1), (2, 1), (3, 2)',
        'update parent set id = id + 10',
        'delete from parent where id = 11',
        `with gone as (delete from child returning parent) insert into parent select parent + 100 from gone limit 1`,
      );
      const found = await verdicts(statements);
      expect(found.filter((verdict) => !verdict.endsWith(' equal'))).toEqual([]);
      const names = statements.map(({ command, table }) => `${command} ${table.name}`);
      expect(new Set(names)).toEqual(
        new Set([
          ...['INSERT parent', 'INSERT child', 'UPDATE parent', 'UPDATE child'],
          ...['DELETE parent', 'DELETE child'],
        ]),
      );
    });

    const alterations = [
      ['an image', "update t_history set image_1 = row(1, 'other') where id = $id"],
      ['an image before', "update t_history set before_1 = row(1, 'other') where id = $id"],
      ['an image taken away', 'update t_history set image_1 = null where id = $id'],
      [
        'images of two rows exchanged',
        `update t_history h set image_1 = o.image_1
         from t_history o where o.id <> h.id and h.id between $id and $id + 1 and o.id between $id and $id + 1`,
      ],
      ['the time', "update t_history set changed_at = changed_at - interval '1 us'"],
      [
        'the time of one row',
        "update t_history set changed_at = changed_at + interval '1 s' where id = $id",
      ],
      ['the role', "update t_history set session_role = 'postgres'"],
      ['the actor', "update t_history set actor = 'somebody'"],
      ['the address', "update t_history set client_addr = '10.0.0.1'"],
      ['the operation', "update t_history set operation = 'INSERT' where operation = 'UPDATE'"],
      ['a row deleted', 'delete from t_history where id = $id'],
      [
        'a row more',
        `insert into t_history overriding system value
         select $id + 1, operation, changed_at, xid, session_role, active_role from t_history where id = $id`,
      ],
    ] as const;
    test('is as captured where a trigger writes its own row again, and of a MERGE over partitions', async () => {
      await world.captured(
        `create table t (id int primary key, v text);
         create function again() returns trigger language plpgsql as $$ begin
           update t set v = v || '!' where id = new.id; return null; end $$;
         create trigger again after insert or update on t for each row when (length(new.v) < 4)
           execute function again();
         create table p (id int primary key, v text) partition by range (id);
         create table p_1 partition of p for values from (0) to (100);
         create table p_2 partition of p for values from (100) to (200)`,
        ['t', 'p'],
      );
      const statements = await run(
        `insert into t values (1, 'a'), (2, 'b')`,
        `update t set v = 'c'`,
        `insert into p values (1, 'a'), (101, 'b')`,
        `merge into p using (values (1), (2), (101)) s (id) on s.id = p.id
           when matched and p.id > 100 then delete
           when matched then update set v = 'm', id = p.id + 150
           when not matched then insert values (s.id, 'n')`,
      );
      const found = await verdicts(statements);
      expect(found.length).toBeGreaterThan(6);
      expect(found.filter((verdict) => !verdict.endsWith(' equal'))).toEqual([]);
    });

    test('is told as altered whatever was changed without a line', async () => {
      await world.captured('create table t (id int primary key, v text)');
      await run(`insert into t values (1, 'a'), (2, 'b'), (3, 'c')`);
      for (const [what, sql] of alterations) {
        const statement = await one(`update t set v = v || '!'`);
        expect(await check(statement), what).toEqual({ kind: 'equal' });
        await silently(sql.replaceAll('$id', String(statement.firstId)));
        expect(await check(statement), what).toMatchObject({ kind: 'altered' });
      }
    });

    test('tells drifted values altered, too', async () => {
      await world.captured('create table t (id int primary key)');
      await world.owner.query('alter table t add column v text');
      const statement = await one(`insert into t values (1, 'a')`);
      expect(await check(statement)).toEqual({ kind: 'equal' });
      await silently(`update t_history set drifted = replace(drifted::text, '"a"', '"b"')::json`);
      expect(await check(statement)).toEqual({ kind: 'altered', found: 1 });
    });

    test('is as captured but for images that other lines tell were changed', async () => {
      await world.captured('create table t (id int primary key, email text)');
      const insert = await one(
        `insert into t select i, i || '@x.invalid' from generate_series(1, 40) i`,
      );
      const update = await one(`update t set email = upper(email)`);
      const archiver = await world.database.connect('audit_archiver');
      const table = `${insert.table.schema}.t_history`;
      const erase = (where: string, by: string) =>
        archiver.query(
          `update ${table} set image_1.email = 'token:${by}', before_1.email = case when num_nonnulls(before_1) = 1 then 'token' end where ${where}`,
        );
      await told();
      await archiver.query('begin');
      await erase('true', 'undone');
      await archiver.query('rollback');
      await erase('(image_1).id <= 20', 'first');
      await erase('(image_1).id between 11 and 25', 'second');
      const { changes } = await told();
      await archiver.end();
      expect(changes.length).toBe(80 + 40 + 30);
      expect(await check(insert)).toEqual({ kind: 'altered', found: 40 });
      const explained: DigestCheck = { kind: 'changed-as-told', images: 25 };
      expect(await check(insert, changes)).toEqual(explained);
      expect(await check(update, changes)).toEqual(explained);
      // What only some of the lines tell does not explain the rest.
      expect(await check(insert, changes.slice(0, -30))).toMatchObject({ kind: 'altered' });
      // Nor do they explain what somebody changes now.
      await silently(`update ${table} set image_1.email = 'x' where id = ${insert.firstId}`);
      expect(await check(insert, changes)).toEqual({ kind: 'altered', found: 40 });
      expect(await check(update, changes)).toEqual(explained);
    });

    test('tells a rolled back statement, a savepoint, one under way, and rows that are gone', async () => {
      await world.captured('create table t (id int primary key)');
      await told();
      await world.app.query('begin');
      await world.app.query('insert into t values (1)');
      await world.app.query('savepoint s');
      await world.app.query('insert into t values (2)');
      await world.app.query('rollback to s');
      await world.app.query('insert into t values (3)');
      const { statements } = await told();
      const [first, undone, last] = statements;
      if (first === undefined || undone === undefined || last === undefined)
        throw new Error('lines');
      expect(new Set(statements.map(({ xid }) => xid)).size).toBe(1);
      expect(undone.sub).not.toBe(Number(BigInt.asUintN(32, undone.xid)));
      expect(await check(first)).toEqual({ kind: 'in-progress' });
      expect(await check(undone)).toEqual({ kind: 'rolled-back' });
      await world.app.query('commit');
      expect(await check(first)).toEqual({ kind: 'equal' });
      expect(await check(undone)).toEqual({ kind: 'rolled-back' });
      expect(await check(last)).toEqual({ kind: 'equal' });
      await silently('delete from t_history');
      expect(await check(first)).toEqual({ kind: 'gone' });
      expect(await check(undone)).toEqual({ kind: 'rolled-back' });
      const [rolledBack] = await run('begin', 'insert into t values (4)', 'rollback');
      if (rolledBack === undefined) throw new Error('no line');
      expect(await check(rolledBack)).toEqual({ kind: 'rolled-back' });
      const later = { ...last, xid: last.xid + 4_000_000_000n };
      expect(await check(later)).toMatchObject({ kind: 'unknown' });
    });

    test('reads no history that is another’s, and says so', async () => {
      await world.captured('create table t (id int primary key)');
      const statement = await one('insert into t values (1)');
      await world.owner.query('alter table t_history rename to was');
      await world.owner.query('create view t_history as select * from was');
      expect(await check(statement)).toMatchObject({ kind: 'unknown' });
      await world.owner.query('drop view t_history');
      await world.superuser.query('create table t_history (id int)');
      expect(await check(statement)).toMatchObject({ kind: 'unknown' });
    });
  });
});
