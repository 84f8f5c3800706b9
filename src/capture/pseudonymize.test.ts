import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CapturedSchemas, startCapturedSchemas } from '../../test/rig/captured-schemas.ts';
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

    /** All of the history of `name`, as text. */
    async function wholeText(name = 't'): Promise<string> {
      const { rows } = await owner.query(`select h::text from "${name}_history" h order by id`);
      return rows.map(({ h }) => h).join('\n');
    }

    async function changes(name = 't') {
      const { rows } = await owner.query(
        `select operation, row_key, before, after, changed from "${name}_changes" order by id`,
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
        { column: 'name', replaced: 3, emptied: 0, tokens: 0 },
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
  });
});
