import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { AttackWorld } from './attack-world.ts';
import { readLog } from './server-log.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, the witness key', (_, binaries) => {
  describe.skipIf(binaries === '')('shows', () => {
    let world: AttackWorld;
    let app: pg.Client;
    /** Ways in which bytes of the key or of its pads would show. */
    let traces: RegExp;
    const heard: string[] = [];
    beforeAll(async () => {
      world = await AttackWorld.start(binaries);
      await world.reset();
      const [row] = await world.look<Record<'key' | 'inner_pad' | 'outer_pad', Buffer>>(
        'select key, inner_pad, outer_pad from pgwitness.witness_key',
      );
      const secrets = [row?.key, row?.inner_pad, row?.outer_pad].map((part) =>
        (part ?? Buffer.alloc(0)).subarray(0, 32),
      );
      expect(secrets.map(({ length }) => length)).toEqual([32, 32, 32]);
      traces = new RegExp(
        secrets
          .flatMap((bytes) => [
            bytes.toString('hex').slice(4, 20),
            bytes.toString('base64').slice(4, 16),
            // A plan shows a constant byte by byte, signed or not.
            [...bytes.subarray(2, 8)].join(' '),
            [...new Int8Array(bytes.subarray(2, 8))].join(' '),
          ])
          .map((text) => text.replaceAll(/[+/]/g, '\\$&'))
          .join('|'),
        'i',
      );
      app = await world.connect('raptor_app');
      app.on('notice', (notice) => heard.push(JSON.stringify({ ...notice, text: notice.message })));
    });
    afterAll(async () => {
      await app.end();
      await world.stop();
    });

    const writes = async () => {
      await app.query(`insert into users (email) values (clock_timestamp()::text)`);
      await app.query(`update users set display_name = 'x'`);
      await app.query(`update users set id = id + 1000`);
      await app.query(`insert into customer_audit_events
        values (clock_timestamp()::text, 'd', 0, 'a', 't', 'x', now())`);
      await app.query('delete from users');
    };

    test('in the traces that these tests look for, were it told', () => {
      // Else every other test of this file could not fail.
      expect('6b657900').not.toMatch(traces);
      return world
        .look<{ told: string }>(`select encode(key, 'hex') as told from pgwitness.witness_key`)
        .then(([row]) => expect(row?.told).toMatch(traces));
    });

    test('in no plan, message or notice that a session can ask for', async () => {
      for (const cache of ['auto', 'force_custom_plan', 'force_generic_plan']) {
        await app.query(`set plan_cache_mode to ${cache}`);
        for (const setting of ['debug_print_plan', 'debug_print_parse', 'debug_print_rewritten']) {
          await app.query(`set ${setting} to on`);
        }
        await app.query('set client_min_messages to debug5');
        await writes();
        await app.query('reset all');
      }
      // The session did hear: of its own statements' plans.
      expect(heard.join('\n')).toContain('PLANNEDSTMT');
      expect(heard.join('\n')).not.toMatch(traces);
      expect(heard.join('\n')).not.toContain('AUDIT: WITNESS');
    });

    test('in no explanation of a write', async () => {
      for (const sql of [
        `insert into users (email) values ('explained@example.invalid')`,
        'update users set id = id + 1',
        'select * from users_changes',
      ]) {
        await app.query('begin');
        const { rows } = await app.query(`explain (analyze, verbose, buffers, settings) ${sql}`);
        await app.query('rollback');
        expect(JSON.stringify(rows)).not.toMatch(traces);
      }
    });

    test('in nothing that every role may read of the catalogue and of the session', async () => {
      await app.query('begin');
      await writes();
      for (const sql of [
        'select prosrc, proconfig, proargdefaults::text, pg_get_functiondef(oid) from pg_proc where oid >= 16384',
        'select pg_get_triggerdef(oid), tgargs from pg_trigger',
        'select * from pg_stats',
        'select * from pg_settings',
        `select current_setting('pgwitness.told', true)`,
        'select * from pg_stat_activity',
        'select * from pg_prepared_statements',
        'select * from pg_cursors',
        'select pg_get_expr(adbin, adrelid) from pg_attrdef',
        "select pg_get_viewdef(oid) from pg_class where relkind = 'v' and oid >= 16384",
        'select description from pg_description where objoid >= 16384',
        'select * from users_history',
        'select * from pgwitness.captured_table, pgwitness.migration',
      ]) {
        const { rows } = await app.query(sql);
        const shown = JSON.stringify(rows, (_key, value) =>
          value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value,
        );
        expect(shown, sql).not.toMatch(traces);
      }
      await app.query('rollback');
    });

    test('in no error of a capture that fails, nor in the log of it', async () => {
      await world.look('alter table public.users_history rename to gone');
      try {
        await app.query('set client_min_messages to debug5');
        const failure = await app
          .query(`insert into users (email) values ('failed@example.invalid')`)
          .then(() => undefined)
          .catch((error: Error) => JSON.stringify({ ...error, text: error.message }));
        expect(failure).toMatch(/users_history/);
        expect(failure).not.toMatch(traces);
      } finally {
        await world.look('alter table public.gone rename to users_history');
        await app.query('reset all');
      }
      expect(JSON.stringify(await readLog(world))).not.toMatch(traces);
    });
  });
});
