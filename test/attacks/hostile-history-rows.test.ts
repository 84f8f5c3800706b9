import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { AttackWorld } from './attack-world.ts';

const head = `'INSERT', now(), '1', 'raptor_app', 'raptor_app'`;

/** What the role that may replace images might put there to make all of history unreadable. */
const drifted: readonly (readonly [string, string])[] = [
  ['no object', '[]'],
  ['a number', '7'],
  ['null', 'null'],
  ['nothing of what is expected', '{}'],
  [
    'values that are no object',
    '{"by": "row", "types": [], "key": {}, "values": "x", "before": 7}',
  ],
  ['types that are no names', '{"types": {"a": "((("}, "values": {"a": "x"}, "key": ["a"]}'],
  [
    'types that are commands',
    `{"types": {"a": "int); drop table users; --"}, "values": {"a": "1"}, "key": []}`,
  ],
  ['a type with a quote', `{"types": {"a": "int'"}, "values": {"a": "1"}, "key": []}`],
  ['a type of many names', '{"types": {"a": "a.b.c.d.e"}, "values": {"a": "1"}, "key": []}'],
  [
    'a type of another database',
    '{"types": {"a": "other.public.t"}, "values": {"a": "1"}, "key": []}',
  ],
  ['an empty type', '{"types": {"a": ""}, "values": {"a": "1"}, "key": []}'],
  [
    'types that are no text',
    '{"types": {"a": 7, "b": null, "c": {}}, "values": {"a": "1", "b": "2", "c": "3"}, "key": []}',
  ],
  [
    'a value that its type can’t hold',
    '{"types": {"a": "integer"}, "values": {"a": "many"}, "key": ["a"]}',
  ],
  [
    'a number beyond all bounds',
    '{"types": {"a": "numeric"}, "values": {"a": "1e999999"}, "key": ["a"]}',
  ],
  ['JSON as a value', '{"types": {"a": "jsonb"}, "values": {"a": "{"}, "key": ["a"]}'],
  [
    'a NUL in a value',
    String.raw`{"types": {"a": "text"}, "values": {"a": "\u0000"}, "key": ["a"]}`,
  ],
  ['a NUL in a name', String.raw`{"types": {}, "values": {"\u0000": "x"}, "key": ["\u0000"]}`],
  ['a NUL in a type', String.raw`{"types": {"a": "\u0000"}, "values": {"a": "x"}, "key": ["a"]}`],
  ['a NUL in the key', String.raw`{"types": {}, "values": {"a": "x"}, "key": ["\u0000"]}`],
  [
    'half a surrogate pair',
    String.raw`{"types": {"a": "text"}, "values": {"a": "\ud800"}, "key": ["a"]}`,
  ],
  [
    'names twice',
    '{"types": {"a": "int", "a": "text"}, "values": {"a": "1", "a": "2"}, "key": ["a", "a"]}',
  ],
  ['a key that is no array', '{"types": {}, "values": {"a": "x"}, "key": "a"}'],
  ['a key of objects', '{"types": {}, "values": {"a": "x"}, "key": [{}, null, 7, ["a"]]}'],
  [
    'a value 5,000 deep',
    `{"types": {}, "values": {"a": ${'['.repeat(5_000)}${']'.repeat(5_000)}}, "key": ["a"]}`,
  ],
  [
    '300 columns',
    `{"types": {}, "values": {${Array.from({ length: 300 }, (_, i) => `"c${i}": "x"`).join()}}, "key": []}`,
  ],
  [
    'a value of the type of roles',
    '{"types": {"a": "regrole"}, "values": {"a": "nobody at all"}, "key": []}',
  ],
  [
    'the time of reading',
    '{"types": {"a": "timestamp with time zone"}, "values": {"a": "now"}, "key": []}',
  ],
];

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, the trail can be read', (_, binaries) => {
  describe.skipIf(binaries === '')('although one row of history holds', () => {
    let world: AttackWorld;
    let app: pg.Client;
    let reader: pg.Client;
    let owner: pg.Client;
    beforeAll(async () => {
      world = await AttackWorld.start(binaries);
      await world.reset(`insert into users (email) values ('first@example.invalid')`);
      app = await world.connect('raptor_app');
      reader = await world.connect('audit_archiver');
      owner = await world.connect('raxx_owner');
    });
    afterAll(async () => {
      for (const client of [app, reader, owner]) await client.end();
      await world.stop();
    });

    /** Puts a row in, reads all there is as everyone who may, and takes the row away again. */
    async function expectReadable(images: string, values: readonly unknown[]): Promise<void> {
      await app.query(
        `insert into users_history (operation, changed_at, xid, session_role, active_role) values (${head})`,
      );
      try {
        // The application may not say what was captured; the right to pseudonymize reaches it.
        await reader.query(`update users_history set ${images} where xid = '1'`, [...values]);
        for (const client of [app, reader, owner]) {
          const { rows } = await client.query(
            'select id, row_key, before, after, changed from users_changes order by id',
          );
          expect(rows.length).toBeGreaterThanOrEqual(2);
          expect(rows[0]).toMatchObject({ after: { email: 'first@example.invalid' } });
        }
        const { rows } = await app.query(
          'update users set display_name = clock_timestamp()::text returning id',
        );
        expect(rows).toHaveLength(1);
      } finally {
        await owner.query(`begin; alter table users_history disable trigger user;
          delete from users_history where xid = '1'; alter table users_history enable trigger user; commit`);
      }
    }

    test.each(drifted)('%s', async (_, text) => {
      await expectReadable('drifted = $1', [text]);
    });

    test.each([
      ['an image of nothing', '(,,,,)'],
      ['an image of odd values', `(9223372036854775807,"a,""b""",infinity,"\n",-infinity)`],
    ])('%s', async (_, image) => {
      await expectReadable('image_1 = $1, before_1 = $2', [image, image]);
    });

    test('an operation without an image, at the end of time', async () => {
      const columns = 'operation, changed_at, xid, session_role, active_role';
      await app.query(`insert into users_history (${columns})
        values ('UPDATE', 'infinity', '18446744073709551615', '', ''),
          ('DELETE', '-infinity', '0', e'\\n', repeat('x', 100000))`);
      const { rows } = await reader.query('select operation from users_changes');
      expect(rows.map(({ operation }) => operation)).toEqual(
        expect.arrayContaining(['INSERT', 'UPDATE', 'DELETE']),
      );
    });

    test.each([
      ['another row’s transaction', 'first_xmin', '700'],
      ['an image', 'image_1', '(1,forged@example.invalid,,,)'],
      ['an image before', 'before_1', '(1,forged@example.invalid,,,)'],
      ['an image of a drifted table', 'drifted', '{}'],
      ['a number of its choosing', 'id', '7'],
    ])('for the application can’t say %s', async (_, column, value) => {
      await expect(
        app.query(
          `insert into users_history
             (operation, changed_at, xid, session_role, active_role, ${column}) overriding system value
           values (${head}, $1)`,
          [value],
        ),
      ).rejects.toMatchObject({ code: '42501' });
    });
  });
});
