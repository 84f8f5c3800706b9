import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { checkCases } from './check-cases.ts';
import { type OracleWorld, startOracleWorld } from './oracle-world.ts';
import { type Meddle, runCase } from './run-case.ts';
import { valueKinds } from './value-kinds.ts';
import type { Case, Step, StepKind } from './workload.ts';

/** `npm test` takes the same cases each time; `npm run test:oracle` takes others, and thousands. */
const seed = 20_261_124;
const timeLimitMs = 30_000;

const [integer] = valueKinds;
if (integer === undefined) throw new Error('there are no kinds of values');

const step = (kind: StepKind, picks: number[] = [], session = 1): Step => ({
  kind,
  salt: 0,
  session,
  picks,
});

/** A table of integers, and writes of every kind on it. */
const plain: Case = {
  schema: {
    suffix: '',
    tables: [
      {
        suffix: '',
        key: 'integer',
        partition: 'none',
        columns: [{ name: 'v', kind: integer, more: 'none' }],
        reference: null,
        trigger: 'none',
      },
    ],
  },
  // Rows 10 and 11 before capture; then 0, 29 and 30, updates of 0, a delete of all undone, and one that stays.
  before: [step('insert select', [0, 99], 0)],
  steps: [
    ...[step('insert'), step('insert select', [0, 5, 99]), step('update'), step('begin')],
    ...[step('update'), step('savepoint'), step('delete', [0, 6]), step('rollback to')],
    ...[step('update', [0, 0, 0, 0, 99]), step('commit'), step('delete', [0, 6])],
  ],
  settings: [],
  isolation: 'read committed',
  baseline: 'none',
};

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('On %s history', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: OracleWorld;
    beforeAll(async () => {
      world = await startOracleWorld(binaries);
    });
    afterAll(() => world.stop());

    test('tells every change that was committed, once, in order, with the row before and after, and nothing else', async () => {
      const outcome = await checkCases(world, { runs: 60, seed, longest: 25, timeLimitMs });
      expect(outcome.failure).toBeUndefined();
      // A comparison of nothing with nothing would pass too.
      expect(outcome.compared).toBeGreaterThan(100);
    }, 120_000);

    const meddle = async (how: { before?: Meddle; after?: Meddle }) => {
      const { differences } = await runCase(world, plain, how);
      return [...new Set(differences.map(({ kind }) => kind))].sort();
    };
    /** As the superuser, and past the guard. */
    const forge =
      (sql: (history: string) => string): Meddle =>
      async (client: pg.Client, schema) => {
        await client.query('set session_replication_role = replica');
        await client.query(sql(`"${schema}".t0_history`));
        await client.query('reset session_replication_role');
      };

    test('that is whole passes, and is compared', async () => {
      const result = await runCase(world, plain);
      expect(result.differences).toEqual([]);
      expect(result.broken).toEqual([]);
      expect(result.compared).toBeGreaterThan(8);
    });

    test('that lacks what a dropped trigger would have captured is told', async () => {
      const dropped = async (client: pg.Client, schema: string) => {
        await client.query(`drop trigger trg_t0_history_update on "${schema}".t0`);
      };
      expect(await meddle({ before: dropped })).toContain('missing');
    });

    test.each<[string, (history: string) => string, string[]]>([
      [
        'that lost a row',
        (history) => `delete from ${history} where id = (select max(id) from ${history})`,
        ['missing'],
      ],
      [
        'that tells a change twice',
        (history) => `do $$ declare columns text; begin
          select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
            where attrelid = '${history}'::regclass and attnum > 0 and not attisdropped;
          execute format('insert into ${history} (%1$s) overriding system value select %1$s from ${history} order by id desc limit 1', columns);
        end $$`,
        ['unexpected'],
      ],
      [
        'that tells another transaction',
        (history) => `update ${history} set xid = '3' where id = (select max(id) from ${history})`,
        ['missing', 'unexpected'],
      ],
      [
        'that tells another writer',
        (history) => `update ${history} set session_role = 'raxx_owner'`,
        ['fact'],
      ],
      [
        'that tells another order',
        (history) =>
          `update ${history} set position = (select min(id) + max(id) from ${history}) - id`,
        ['order'],
      ],
    ])('%s is told', async (_, sql, kinds) => {
      expect(await meddle({ after: forge(sql) })).toEqual(expect.arrayContaining(kinds));
    });
  });
});
