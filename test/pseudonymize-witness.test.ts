import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { pseudonymize } from '../src/capture/pseudonymize.ts';
import { checkDigest } from '../src/witness/check-digest.ts';
import { verifyCode } from '../src/witness/witness-key.ts';
import {
  type CapturedStatement,
  type HistoryChange,
  parseWitness,
} from '../src/witness/witness-line.ts';
import { startWitnessWorld, type WitnessWorld } from './rig/witness-world.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, what is changed in history by audit_archiver', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: WitnessWorld;
    let archiver: pg.Client;
    beforeAll(async () => {
      world = await startWitnessWorld(binaries);
      archiver = await world.database.connect('audit_archiver');
    });
    afterAll(() => world.stop());

    const personal = (schema: string) => [{ schema, name: 't', personal: ['email'] }];

    /** A captured table with `rows` changes of the row 42; the witness of the last. */
    async function written(rows: number) {
      const schema = await world.captured(
        'create table t (id int primary key, email text)',
        ['t'],
        (made) => ({ tables: personal(made) }),
      );
      await world.app.query(`insert into t values (42, 'ann@x'), (43, 'bob@x')`);
      for (let n = 1; n < rows; n++)
        await world.app.query(`update t set email = 'ann${n}@x' where id = 42`);
      const witness = (await witnesses()).at(-1) as CapturedStatement;
      expect(witness.kind).toBe('captured');
      expect(await check(witness)).toMatchObject({ kind: 'equal' });
      return { schema, witness };
    }

    async function witnesses() {
      const key = await world.key();
      return (await world.lines()).map((record) => {
        const witness = parseWitness(record);
        expect(witness !== undefined && verifyCode(witness, key), record.message).toBe(true);
        return witness;
      });
    }

    const check = (witness: CapturedStatement, told: readonly HistoryChange[] = []) =>
      checkDigest(
        world.owner,
        'raxx_owner',
        witness,
        told.flatMap(({ images = [] }) => images),
      );

    test('by the verb is told with old and new digests, by which what was captured is still proven', async () => {
      const { schema, witness } = await written(20);
      const [table] = personal(schema);
      if (table === undefined) throw new Error('no table');
      const target = world.targetOf(schema, ['t'], { tables: [table] });
      await pseudonymize(archiver, { target, table, key: ['42'] });
      const records = await world.logged();
      // Neither values nor the key, in whatever the log says of it.
      expect(JSON.stringify(records)).not.toMatch(/@x|ann/);
      const told = records
        .filter(({ kind }) => kind === 'witness')
        .map((record) => parseWitness(record) as HistoryChange);
      expect(told.map(({ kind, command, rows }) => `${kind} ${command} ${rows}`)).toEqual([
        'history UPDATE 1',
        'history UPDATE 16',
        'history UPDATE 3',
      ]);
      expect(await check(witness)).toMatchObject({ kind: 'altered' });
      expect(await check(witness, told)).toEqual({ kind: 'changed-as-told', images: 1 });
    });

    test('by plain SQL is told just so, and an image changed to something else too', async () => {
      const { schema, witness } = await written(2);
      await archiver.query(
        `update ${schema}.t_history set image_1.email = pgwitness.pseudonym((image_1).email) where (image_1).id = 42`,
      );
      await archiver.query(
        `do $$ begin update ${schema}.t_history set before_1.email = 'forged' where num_nonnulls(before_1) = 1; end $$`,
      );
      const told = (await witnesses()) as HistoryChange[];
      expect(told.map(({ kind, command, rows }) => `${kind} ${command} ${rows}`)).toEqual([
        'history UPDATE 2',
        'history UPDATE 1',
      ]);
      expect(await check(witness)).toMatchObject({ kind: 'altered' });
      expect(await check(witness, told)).toEqual({ kind: 'changed-as-told', images: 1 });
      const { rows } = await world.owner.query(
        'select first_xmin::text::bigint = xid::text::bigint as kept from t_history where first_xmin is not null',
      );
      expect(rows).toEqual([{ kept: true }, { kept: true }]);
    });

    test('is the images alone: whoever changed what and when is refused, and leaves no line', async () => {
      const { schema } = await written(1);
      for (const sql of [
        `update ${schema}.t_history set operation = 'DELETE'`,
        `update ${schema}.t_history set changed_at = now()`,
        `update ${schema}.t_history set first_xmin = null`,
        `update ${schema}.t_history set image_1.email = null, actor = 'x'`,
        `delete from ${schema}.t_history`,
        `truncate ${schema}.t_history`,
      ]) {
        await expect(archiver.query(sql), sql).rejects.toMatchObject({ code: '42501' });
      }
      expect(await witnesses()).toEqual([]);
    });
  });
});
