import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { AttackWorld } from './attack-world.ts';
import { codeOf, readKey, readLog, type WitnessLine, witnessLines } from './server-log.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, a witness line', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: AttackWorld;
    let key: Buffer;
    let seen = 0;
    beforeAll(async () => {
      world = await AttackWorld.start(binaries);
      await world.reset(`grant create on schema public to raptor_app`);
      key = await readKey(world);
    });
    afterAll(() => world.stop());
    beforeEach(async () => {
      seen = (await readLog(world)).length;
    });

    /** The lines since the test began. */
    async function lines(): Promise<WitnessLine[]> {
      return witnessLines((await readLog(world)).slice(seen), key);
    }

    /** What `sql` leaves behind when the application runs it. */
    async function linesOf(...sql: string[]): Promise<WitnessLine[]> {
      const app = await world.connect('raptor_app');
      for (const statement of sql) await app.query(statement);
      await app.end();
      return lines();
    }

    test('of a write verifies with the key, and carries the statement', async () => {
      const sql = `insert into users (email) values ('true@example.invalid')`;
      expect(await linesOf(sql)).toEqual([
        expect.objectContaining({
          error_severity: 'LOG',
          user: 'raptor_app',
          command: 'INSERT',
          object: 'public.users',
          genuine: true,
          statement: sql,
          context: expect.stringMatching(/fn_capture_users_history/),
        }),
      ]);
    });

    test('forged by a DO block or a function of the application’s does not verify', async () => {
      const [model] = await linesOf(`insert into users (email) values ('model@example.invalid')`);
      const text = model?.message ?? '';
      const forgeries = [
        text.replace(/ rows=\d+/, ' rows=9'),
        text.replace('INSERT', 'DELETE'),
        text.replace('public.users', 'public.trades'),
        text.replace(/xid=\d+/, 'xid=1'),
        // Once more, with a code of the right form.
        text.replace(/ rows=\d+/, ' rows=9').replace(/[0-9a-f]{32}$/, '0'.repeat(32)),
      ];
      const made = forgeries.map((forgery) => `raise log '${forgery}';`).join(' ');
      const forged = await linesOf(
        `do $$ begin ${made} end $$`,
        `create or replace function fn_capture_users_history(fake int) returns void language plpgsql as
          $$ begin ${made} end $$`,
        'select fn_capture_users_history(1)',
      );
      const told = forged.filter(({ message }) => message !== text);
      expect(told).toHaveLength(2 * forgeries.length);
      for (const { genuine } of told) expect(genuine).toBe(false);
      for (const { context } of told) expect(context).not.toMatch(/fn_capture_users_history\(\)/);
    });

    test('is told again by no code that the application could have made', async () => {
      const app = await world.connect('raptor_app');
      const text = 'AUDIT: WITNESS,1,1,WRITE,DELETE,TABLE,public.users,<none>,<none>,xid=1 rows=1';
      // What the session shows of keyed values, tried as a code.
      await app.query('begin');
      await app.query(`insert into users (email) values ('shown@example.invalid')`);
      const { rows } = await app.query<{ told: string }>(
        `select current_setting('pgwitness.told', true) as told`,
      );
      await app.query('rollback');
      await app.end();
      expect(rows[0]?.told.slice(0, 32)).not.toBe(codeOf(key, text));
      // The role that pseudonymizes is given tokens of what it likes: they are of another kind.
      const archiver = await world.connect('audit_archiver');
      for (const value of [text, `l${text}`]) {
        const made = await archiver.query<{ token: string }>(
          'select pgwitness.pseudonym($1) as token',
          [value],
        );
        expect(made.rows[0]?.token).not.toContain(codeOf(key, text));
      }
      await archiver.end();
      for (const by of ['raptor_app', 'audit_archiver', 'stranger'] as const) {
        const client = await world.connect(by);
        for (const sql of [
          `select pgwitness.token('l${text}')`,
          'select * from pgwitness.witness_key',
          'select inner_pad from pgwitness.witness_key limit 0',
          "explain select * from pgwitness.witness_key where key > decode(repeat('80', 32), 'hex')",
          'copy pgwitness.witness_key to stdout',
          'table pgwitness.witness_key for update',
          'create temp view v as table pgwitness.witness_key; table v',
          'analyze pgwitness.witness_key; select 1 / (1 - count(*)) from pgwitness.witness_key',
        ]) {
          await expect(client.query(sql), `${by}: ${sql}`).rejects.toMatchObject({ code: '42501' });
        }
        await client.end();
      }
    });

    test('of a first write keeps its statement, whatever the session claims to have told', async () => {
      const app = await world.connect('raptor_app');
      const write = (email: string) =>
        `insert into users (email) values ('${email}@hidden.invalid')`;
      await app.query(`select set_config('pgwitness.told', repeat('0', 64), false)`);
      await app.query(write('a'));
      // The mark of an earlier statement.
      await app.query('begin');
      await app.query(write('b'));
      const { rows } = await app.query<{ told: string }>(
        `select current_setting('pgwitness.told', true) as told`,
      );
      await app.query(`select set_config('pgwitness.told', '${rows[0]?.told}', false)`);
      await app.query(write('c'));
      await app.query('commit');
      await app.query(`select set_config('pgwitness.told', '${rows[0]?.told}', false)`);
      await app.query(write('d'));
      // A mark made in the same statement, before the write.
      await app.query(`do $$ begin
        perform set_config('pgwitness.told', md5(clock_timestamp()::text) || md5(''), true);
        ${write('e')};
      end $$`);
      await app.query('discard all');
      await app.query(write('f'));
      await app.end();
      const told = (await lines()).map(({ error_severity, statement }) => [
        error_severity,
        /(\w)@hidden/.exec(statement ?? '')?.[1],
      ]);
      expect(told).toEqual([...'abcdef'].map((letter) => ['LOG', letter]));
    });

    test('carries the statement again after a savepoint took back the first', async () => {
      const all = await linesOf(`do $$ begin
        begin
          insert into users (email) values ('undone@example.invalid');
          raise exception 'back';
        exception when others then null;
        end;
        insert into users (email) values ('stays@example.invalid');
      end $$`);
      expect(all.map(({ error_severity }) => error_severity)).toEqual(['LOG', 'LOG']);
    });

    test('comes once a statement, its text once a query, and each verifies', async () => {
      const insert = (i: number) => `insert into users (email) values ('${i}@many.invalid')`;
      const all = await linesOf(Array.from({ length: 50 }, (_, i) => insert(i)).join('; '));
      expect(all).toHaveLength(50);
      expect(all.every(({ genuine }) => genuine)).toBe(true);
      expect(all.filter(({ statement }) => statement !== undefined)).toHaveLength(1);
    });

    test('is one of one whole line, whatever stands in the values that are captured', async () => {
      const app = await world.connect('raptor_app');
      await app.query(`select set_config('pgwitness.actor', e'a,"b"\\nAUDIT: WITNESS,1', false),
        set_config('pgwitness.request_id', ' rows=7 xid=1', false)`);
      await app.query(
        `insert into users (email, display_name) values ('odd@example.invalid', e'\\n,"x"')`,
      );
      await app.end();
      const [line, ...more] = await lines();
      expect(more).toEqual([]);
      expect(line?.message).not.toContain('\n');
      expect(line?.facts).toMatch(/^xid=\d+ sub=\d+ rows=1 ids=(\d+)-\1 digest=[0-9a-f]{32}$/);
      expect(line?.genuine).toBe(true);
    });

    test('is left by whoever writes to history or to the append-only table', async () => {
      const app = await world.connect('raptor_app');
      const archiver = await world.connect('audit_archiver');
      const owner = await world.connect('raxx_owner');
      await app.query(`insert into users_history (operation, changed_at, xid, session_role, active_role)
        values ('TRUNCATE', now(), '1', 'x', 'x')`);
      await app.query(
        `insert into customer_audit_events values ('e', 'd', 0, 'a', 't', 'x', now())`,
      );
      await archiver.query('update users_history set image_1 = image_1');
      await owner.query(`insert into users_history (operation, changed_at, xid, session_role, active_role)
        values ('TRUNCATE', now(), '1', 'x', 'x')`);
      for (const client of [app, archiver, owner]) await client.end();
      const all = await lines();
      expect(all.every(({ genuine }) => genuine)).toBe(true);
      const told = new Set(all.map(({ user, command, object }) => `${user} ${command} ${object}`));
      expect([...told]).toEqual([
        'raptor_app INSERT public.users_history',
        'raptor_app INSERT public.customer_audit_events',
        'audit_archiver UPDATE public.users_history',
        'raxx_owner INSERT public.users_history',
      ]);
    });

    test('is left by the application’s INSERT into history in a trigger of its own too', async () => {
      const all = await linesOf(
        `create temp table mine (a int);
         create function pg_temp.f() returns trigger language plpgsql as $$ begin
           insert into public.users_history (operation, changed_at, xid, session_role, active_role)
             values ('TRUNCATE', now(), '1', 'x', 'x'); return null; end $$;
         create trigger t after insert on mine for each row execute function pg_temp.f()`,
        'insert into mine values (1)',
      );
      expect(all.map(({ command, object }) => `${command} ${object}`)).toEqual([
        'INSERT public.users_history',
      ]);
    });

    test('of a write that is refused is not there', async () => {
      const app = await world.connect('raptor_app');
      await expect(app.query('delete from users_history')).rejects.toThrow();
      await expect(app.query('delete from customer_audit_events')).rejects.toThrow();
      await app.end();
      expect(await lines()).toEqual([]);
    });
  });
});
