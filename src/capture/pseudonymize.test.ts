import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CapturedSchemas, startCapturedSchemas } from '../../test/rig/captured-schemas.ts';
import { takeBaseline } from './baseline.ts';
import { installCapture } from './install.ts';
import { previewPseudonyms, pseudonymize } from './pseudonymize.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

const token = expect.stringMatching(/^token:[0-9a-f]{32}$/);
const roles: CaptureTarget['roles'] = [
  { name: 'raptor_app', history: ['select', 'insert'] },
  { name: 'audit_archiver', history: ['select', 'update'] },
];

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, pseudonymizing', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let schemas: CapturedSchemas;
    let { owner, app } = {} as CapturedSchemas;
    let archiver: pg.Client;
    beforeAll(async () => {
      schemas = await startCapturedSchemas(binaries);
      ({ owner, app } = schemas);
      archiver = await schemas.database.connect('audit_archiver');
    });
    afterAll(() => schemas.stop());

    /** A captured table `name` with these columns personal; `reinstall` after a change of either. */
    async function captured(ddl: string, personal: readonly string[], name = 't') {
      let table: CapturedTable = { schema: '', name, personal };
      const target = (): CaptureTarget => ({
        owner: 'raxx_owner',
        tables: [table],
        appendOnly: [],
        roles,
      });
      const schema = await schemas.captured(ddl, [name], (made) => {
        table = { ...table, schema: made };
        return target();
      });
      return {
        schema,
        target,
        async reinstall(more: Partial<CapturedTable> = {}) {
          table = { ...table, ...more };
          const { kind } = await installCapture({ owner }, target());
          expect(kind).toBe('installed');
        },
        replace: (...key: string[]) =>
          pseudonymize(archiver, { target: target(), table, key }, { attempts: 1 }),
        replaceAlso: (key: string, also: string[]) =>
          pseudonymize(archiver, { target: target(), table, key: [key], also }, { attempts: 1 }),
        preview: (...key: string[]) =>
          previewPseudonyms(archiver, { target: target(), table, key }),
      };
    }

    const historyOf = (name: string) => pg.escapeIdentifier(`${name}_history`);

    /** All of the history of `name`, as text. */
    async function wholeText(name = 't'): Promise<string> {
      const { rows } = await owner.query(`select h::text from ${historyOf(name)} h order by id`);
      return rows.map(({ h }) => h).join('\n');
    }

    async function changes() {
      const { rows } = await owner.query(
        `select operation, row_key, before, after, changed from t_changes order by id`,
      );
      return rows;
    }

    test('leaves tokens in every image of the subject, and nobody else’s touched', async () => {
      const { replace } = await captured(
        'create table t (id int primary key, email text, name varchar(40), code char(6), n int)',
        ['email', 'name', 'code'],
      );
      await app.query(
        `insert into t values (42, 'ann@example.org', 'Ann', 'A1', 1), (43, 'bob@example.org', 'Ann', 'B1', 1)`,
      );
      await app.query(`update t set email = 'ann@new.example', n = 2 where id = 42`);
      await app.query(`update t set email = 'ann@example.org', name = null where id = 42`);
      await app.query('update t set n = 9 where id = 43');
      await app.query('delete from t where id = 42');
      const others = await changes().then((rows) =>
        rows.filter(({ row_key }) => row_key.id === 43),
      );
      const report = await replace('42');
      expect(report).toMatchObject({
        table: expect.stringMatching(/\.t$/),
        role: 'audit_archiver',
        rows: 4,
        changed: 4,
        keys: 1,
      });
      expect(report.columns).toEqual([
        { column: 'email', replaced: 6, emptied: 0, tokens: 0 },
        { column: 'name', replaced: 4, emptied: 0, tokens: 0 },
        { column: 'code', replaced: 6, emptied: 0, tokens: 0 },
      ]);
      const text = await wholeText();
      for (const planted of ['ann@example.org', 'ann@new.example', 'A1']) {
        expect(text).not.toContain(planted);
      }
      const rows = (await changes()).filter(({ row_key }) => row_key.id === 42);
      expect(rows.map(({ operation, changed }) => [operation, changed])).toEqual([
        ['INSERT', null],
        ['UPDATE', ['email', 'n']],
        ['UPDATE', ['email', 'name']],
        ['DELETE', null],
      ]);
      expect(rows[1].before).toEqual({ id: 42, email: token, name: token, code: token, n: 1 });
      expect(rows[2].after).toEqual({ id: 42, email: token, name: null, code: token, n: 2 });
      // The same value, the same token.
      expect(rows[2].after.email).toBe(rows[0].after.email);
      expect(rows[1].after.email).not.toBe(rows[0].after.email);
      expect((await changes()).filter(({ row_key }) => row_key.id === 43)).toEqual(others);
    });

    test('changes nothing when it is run again, and catches what came since', async () => {
      const { replace, preview } = await captured(
        'create table t (id int primary key, email text)',
        ['email'],
      );
      await app.query(`insert into t values (1, 'a@x'), (2, null)`);
      await replace('1');
      const text = await wholeText();
      expect(await replace('1')).toMatchObject({
        changed: 0,
        columns: [{ column: 'email', replaced: 0, emptied: 0, tokens: 1 }],
      });
      expect(await wholeText()).toBe(text);
      expect(await replace('2')).toMatchObject({ rows: 1, changed: 0 });
      await app.query(`update t set email = 'gone' where id = 1`);
      // The row before is captured again.
      expect(await wholeText()).toContain('a@x');
      expect(await preview('1')).toMatchObject({ rows: 2, changed: 1 });
      await replace('1');
      expect(await wholeText()).not.toContain('a@x');
    });

    test('counts in a dry run what it would do, and does nothing', async () => {
      const { replace, preview } = await captured(
        'create table t (id int primary key, email text)',
        ['email'],
      );
      await app.query(`insert into t values (1, 'a@x')`);
      await app.query(`update t set email = 'b@x'`);
      const text = await wholeText();
      const foreseen = await preview('1');
      expect(foreseen).toMatchObject({ rows: 2, changed: 2, columns: [{ replaced: 3 }] });
      expect(JSON.stringify(foreseen)).not.toContain('@x');
      expect(await wholeText()).toBe(text);
      expect(await replace('1')).toEqual(foreseen);
    });

    test('follows a key that changed, and leaves who had that key before', async () => {
      const { replace } = await captured('create table t (id int primary key, email text)', [
        'email',
      ]);
      await app.query(
        `insert into t values (2, 'other@x'); delete from t; insert into t values (1, 'me@x')`,
      );
      await app.query('update t set id = 2');
      await app.query(`update t set email = 'me@y'; update t set id = 3; delete from t`);
      expect(await replace('1')).toMatchObject({ rows: 5, keys: 3 });
      const text = await wholeText();
      expect(text).not.toMatch(/me@/);
      expect(text.match(/other@x/g)).toHaveLength(2);
    });

    test('takes composite keys in order or by name, in capitals, quotes and other alphabets', async () => {
      const { replace } = await captured(
        `create table "Tab ""1""" ("Kéy ""1""" text, region numeric, "E,Mail" text, primary key (region, "Kéy ""1"""))`,
        ['E,Mail'],
        'Tab "1"',
      );
      await app.query(
        `insert into "Tab ""1""" values ('a=b', 1.50, 'one@x'), ('a=b', 2, 'two@x'), ('c,d', 1, 'three@x')`,
      );
      expect(await replace('region=1.5', 'Kéy "1"=a=b')).toMatchObject({ rows: 1, changed: 1 });
      expect(await replace('a=b,2.000')).toMatchObject({ rows: 1, changed: 1 });
      expect(await replace('Kéy "1"=c,d', 'region=1')).toMatchObject({ rows: 1 });
      expect(await wholeText('Tab "1"')).not.toContain('@x');
    });

    test('finds the subject again by a key that is personal itself, and is a token now', async () => {
      const { replace } = await captured('create table t (email text primary key, n int)', [
        'email',
      ]);
      await app.query(
        `insert into t values ('a@x', 1); update t set n = 2; update t set email = 'b@x'`,
      );
      expect(await replace('b@x')).toMatchObject({ rows: 3, changed: 3, keys: 2 });
      expect(await wholeText()).not.toContain('@x');
      expect((await changes()).map(({ row_key }) => row_key)).toEqual([
        { email: token },
        { email: token },
        { email: token },
      ]);
      await app.query('delete from t');
      expect(await replace('a@x')).toMatchObject({ rows: 4, changed: 1 });
      expect(await replace('a@x')).toMatchObject({ rows: 4, changed: 0 });
      expect(await wholeText()).not.toContain('@x');
    });

    test('reaches images of every form: of other columns, of other types, and of drift', async () => {
      const table = await captured(
        'create table t (id int primary key, email text, born date, phone text)',
        ['email', 'born'],
      );
      await table.reinstall({ personal: ['email'] });
      await app.query(`insert into t values (1, 'a@x', '1984-05-06', '+49 555')`);
      await owner.query('alter table t add column nick text');
      // Not as installed: drifted.
      await app.query(
        `update t set nick = 'Annie'; update t set email = 'a@y', nick = 'Annie "B" \\ é'`,
      );
      await owner.query('alter table t rename column id to key; alter table t drop column phone');
      await app.query(`update t set email = 'a@z'`);
      await table.reinstall({ personal: ['email', 'born', 'nick'] });
      await app.query(`update t set email = 'a@w'; delete from t`);
      const { rows: before } = await owner.query(
        'select id, drifted::text as text from t_history where drifted is not null order by id',
      );
      const preview = await table.preview('1');
      const report = await table.replace('1');
      expect(report).toEqual(preview);
      expect(report.rows).toBe(6);
      expect(report.columns).toContainEqual({ column: 'born', replaced: 9, emptied: 1, tokens: 0 });
      expect(report.notes.join('\n')).toMatch(
        /^Images from before born became personal hold no text/m,
      );
      expect(report.notes.join('\n')).toMatch(
        /^Images of form 1 have the key \(id\), taken for key/m,
      );
      expect(report.notes.join('\n')).toMatch(/also hold id, phone, .*--also 'id' --also 'phone'/);
      const text = await wholeText();
      expect(text).not.toMatch(/a@|1984|Annie/);
      const { rows: after } = await owner.query(
        'select id, drifted::text as text from t_history where drifted is not null order by id',
      );
      // Byte for byte but for the tokens.
      const values = /"(email|born|nick)" : "((?:[^"\\]|\\.)*)"(?=[,}])/g;
      const blank = (rows: { text: string }[]) =>
        rows.map((row) =>
          row.text
            .split('"values"')
            .map((part, index) => (index === 0 ? part : part.replace(values, '"$1" : "…"')))
            .join('"values"'),
        );
      expect(blank(after)).toEqual(blank(before));
      expect(before).toHaveLength(3);
      expect(text).toContain('+49 555');
      await table.replaceAlso('1', ['phone']);
      expect(await wholeText()).not.toContain('+49 555');
      // What reads it shows tokens, and still what changed.
      const told = await changes();
      expect(told.map(({ operation }) => operation)).toEqual([
        'INSERT',
        'UPDATE',
        'UPDATE',
        'UPDATE',
        'UPDATE',
        'DELETE',
      ]);
      expect(told[2]).toMatchObject({
        before: { email: token, nick: token },
        after: { email: token, nick: token },
      });
      expect(told[2].after.born).toBe(told[1].after.born);
      expect(told[5].before).toEqual({ key: 1, email: token, born: token, nick: token });
    });

    test('reaches the baseline too, also where it was taken under a key that came later', async () => {
      const { target, replace } = await captured(
        `create table t (id int primary key, email text); insert into t values (1, 'me@x'), (9, 'other@x')`,
        ['email'],
      );
      await app.query('update t set id = 2 where id = 1');
      const [table] = target().tables;
      if (table === undefined) throw new Error('no table');
      await takeBaseline(owner, target(), table, { now: Date.now, which: 'again' });
      await app.query(`update t set email = 'me@y' where id = 2`);
      const { rows: told } = await owner.query(
        `select operation, num_nonnulls(before_1) as befores from t_history order by id desc limit 1`,
      );
      // From here on the row before is the image before it.
      expect(told).toEqual([{ operation: 'UPDATE', befores: 0 }]);
      await app.query('update t set id = 3 where id = 2; delete from t where id = 3');
      await replace('1');
      const text = await wholeText();
      expect(text).not.toMatch(/me@/);
      expect(text).toMatch(/BASELINE.*token:/);
      expect(text).toMatch(/BASELINE.*other@x/);
      const rows = (await changes()).filter(({ row_key }) => row_key.id === 2);
      expect(rows.at(-1)).toMatchObject({
        before: { id: 2, email: token },
        after: { id: 2, email: token },
        changed: ['email'],
      });
    });

    test('is not stopped by rows that no capture wrote, and tells of them', async () => {
      const { replace } = await captured('create table t (id int primary key, email text)', [
        'email',
      ]);
      await app.query(`insert into t values (1, 'a@x')`);
      const superuser = await schemas.database.superuser();
      const planted = [
        '"\\u0000"',
        '[]',
        '{"values": {"id": "1", "a": "\\ud800"}}',
        '{"key": 5}',
        '7',
      ];
      for (const drifted of planted) {
        await superuser.query(
          `insert into ${(await owner.query('select current_schema() as s')).rows[0].s}.t_history (operation, changed_at, xid, session_role, active_role, drifted)
           values ('UPDATE', 'infinity', '1', 'x', 'x', $1)`,
          [drifted],
        );
      }
      const report = await replace('1');
      expect(report).toMatchObject({ rows: 1, changed: 1 });
      expect(report.notes).toContainEqual(expect.stringMatching(/^5 rows of history are not as/));
    });

    test('leaves masked columns, which are tokens already, and makes the same token of a value', async () => {
      const table = await captured('create table t (id int primary key, a text, b text)', [
        'a',
        'b',
      ]);
      await table.reinstall({ mask: ['b'] });
      await app.query(`insert into t values (1, 'same', 'same')`);
      expect(await table.replace('1')).toMatchObject({
        columns: [
          { column: 'a', replaced: 1, tokens: 0 },
          { column: 'b', replaced: 0, tokens: 1 },
        ],
      });
      const [{ after }] = await changes();
      expect(after.a).toBe(after.b);
    });

    test('keeps what reconciliation needs: first_xmin, and all that is no image', async () => {
      const { replace } = await captured('create table t (id int primary key, email text)', [
        'email',
      ]);
      await app.query(`insert into t values (1, 'a@x'); update t set email = 'b@x'`);
      const rest = `select id, operation, changed_at, xid::text, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, coalesce(first_xmin, xmin)::text as first from t_history order by id`;
      const { rows: before } = await owner.query(rest);
      await replace('1');
      expect((await owner.query(rest)).rows).toEqual(before);
    });

    test('does a subject of thousands of rows in one transaction, and tells how far it is', async () => {
      const { schema, target } = await captured('create table t (id int primary key, email text)', [
        'email',
      ]);
      await app.query(`insert into t values (1, 'a@x')`);
      await app.query(
        `do $$ begin for n in 1..2500 loop update t set email = n || '@x'; end loop; end $$`,
      );
      const told: string[] = [];
      const request = {
        target: target(),
        table: { schema, name: 't', personal: ['email'] },
        key: ['1'],
      };
      const stop = new AbortController();
      const stopped = pseudonymize(archiver, request, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ code: 'capture.stopped' });
      expect(await wholeText()).not.toContain('token:');
      await pseudonymize(archiver, request, {
        onProgress: (done, of) => told.push(`${done}/${of}`),
      });
      expect(told).toEqual(['1/2501', '1001/2501', '2001/2501', '2501/2501']);
      expect(await wholeText()).not.toContain('@x');
      const { rows } = await owner.query(
        'select count(distinct xmin::text)::int as n from t_history',
      );
      expect(rows).toEqual([{ n: 1 }]);
    });

    test('names what stands in the way, and quotes no value', async () => {
      const { replace, target, schema } = await captured(
        'create table t (id int primary key, email text); create table keyless (email text)',
        ['email'],
      );
      const refused = (
        given: Partial<CapturedTable>,
        key: string[],
        more: Partial<CaptureTarget> = {},
      ) =>
        pseudonymize(archiver, {
          target: { ...target(), ...more },
          table: { schema, name: 't', personal: ['email'], ...given },
          key,
        }).then(
          () => 'done',
          ({ code, exit, message }) => {
            expect(message).not.toContain('77');
            return `${code} ${exit}`;
          },
        );
      await app.query(`insert into t values (1, 'a@x')`);
      expect(await refused({}, ['77'])).toBe('capture.unknown-subject 1');
      expect(await refused({}, ['77x'])).toBe('capture.bad-key 2');
      expect(await refused({}, ['77', '78'])).toBe('capture.bad-key 2');
      expect(await refused({ personal: [] }, ['1'])).toBe('capture.no-personal-columns 2');
      expect(await refused({ name: 'none' }, ['1'])).toBe('capture.not-captured 2');
      expect(await refused({}, ['1'], { roles: [] })).toBe('capture.no-archiver 2');
      await owner.query('alter table t_history disable trigger pgwitness_witness_update');
      expect(await refused({}, ['1'])).toBe('capture.unguarded-history 1');
      await owner.query('alter table t_history enable trigger pgwitness_witness_update');
      await owner.query(
        'revoke update on t_history from audit_archiver; revoke update (image_1) on t_history from audit_archiver',
      );
      expect(await refused({}, ['1'])).toBe('capture.may-not-pseudonymize 1');
      await owner.query('grant update (image_1) on t_history to audit_archiver');
      expect(await replace('1').catch(({ message }) => message)).toMatch(
        /may not update drifted, before_1 of/,
      );
      const keyless = await captured('create table t (email text)', ['email']);
      await expect(keyless.replace('1')).rejects.toMatchObject({ code: 'capture.no-key', exit: 2 });
    });

    test('acts as the only role that may, or says which login it takes', async () => {
      const { schema, target } = await captured('create table t (id int primary key, email text)', [
        'email',
      ]);
      await app.query(`insert into t values (1, 'a@x')`);
      const request = {
        target: target(),
        table: { schema, name: 't', personal: ['email'] },
        key: ['1'],
      };
      await expect(pseudonymize(owner, request)).rejects.toMatchObject({
        code: 'capture.which-archiver',
        exit: 2,
      });
      const superuser = await schemas.database.superuser();
      await superuser.query('grant audit_archiver to raxx_owner');
      try {
        expect(await previewPseudonyms(owner, request)).toMatchObject({ role: 'audit_archiver' });
        expect(await pseudonymize(owner, request)).toMatchObject({
          role: 'audit_archiver',
          changed: 1,
        });
      } finally {
        await superuser.query('revoke audit_archiver from raxx_owner');
      }
      const { rows } = await owner.query('select current_user as now');
      expect(rows).toEqual([{ now: 'raxx_owner' }]);
    });

    test('lets no one but who may update history have tokens made, and nobody read the key', async () => {
      const { reinstall, schema } = await captured(
        'create table t (id int primary key, email text)',
        ['email'],
      );
      const { rows } = await archiver.query(
        `select pgwitness.pseudonym('a') as made, pgwitness.pseudonym(pgwitness.pseudonym('a')) as again`,
      );
      expect(rows[0]).toEqual({ made: token, again: rows[0].made });
      for (const sql of ['select * from pgwitness.witness_key', `select pgwitness.token('a')`]) {
        await expect(archiver.query(sql)).rejects.toMatchObject({ code: '42501' });
      }
      const notices: string[] = [];
      archiver.on('notice', ({ message = '', detail = '' }) => notices.push(message + detail));
      await archiver.query(`set client_min_messages = debug5; set debug_print_plan = on; set debug_print_parse = on;
        set debug_print_rewritten = on; select pgwitness.pseudonym('b');
        update ${schema}.t_history set image_1.email = pgwitness.pseudonym((image_1).email); reset all`);
      const superuser = await schemas.database.superuser();
      const { rows: keys } = await superuser.query(
        `select encode(part, 'hex') as hex, encode(part, 'escape') as raw from pgwitness.witness_key,
           unnest(array[key, inner_pad, outer_pad]) part`,
      );
      expect(notices.length).toBeGreaterThan(0);
      for (const { hex, raw } of keys) {
        expect(notices.join('\n')).not.toContain(hex);
        expect(notices.join('\n')).not.toContain(raw);
      }
      await expect(app.query(`select pgwitness.pseudonym('a')`)).rejects.toMatchObject({
        code: '42501',
      });
      await owner.query(
        'grant execute on function pgwitness.pseudonym(text) to public, raptor_app',
      );
      await reinstall();
      await expect(app.query(`select pgwitness.pseudonym('a')`)).rejects.toMatchObject({
        code: '42501',
      });
    });
  });
});
