import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { type BaselineOptions, takeBaseline } from './baseline.ts';
import { installCapture } from './install.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

const items: CapturedTable = { schema: 'public', name: 'items' };
const target: CaptureTarget = { owner: 'raxx_owner', tables: [items], appendOnly: [], roles: [] };
const quiet: BaselineOptions = { now: Date.now };

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
    });
    afterAll(() => world.stop());

    /** A database with a table of rows that nobody has captured yet. */
    async function filled(rows = 1_000) {
      const database = await world.emptyDatabase();
      const owner = await database.connect('raxx_owner');
      await owner.query(`
        create table items (id bigint primary key, label text not null, amount float8 not null);
        insert into items select n, 'label ' || n, n / 7.0 from generate_series(1, ${rows}) n`);
      return { database, owner };
    }

    test('tells what a row was before its first UPDATE, and keeps one image from then on', async () => {
      const { owner } = await filled();
      await installCapture({ owner }, target);
      console.log((await owner.query('select * from pgwitness.baseline')).rows);
      const taken = await takeBaseline(owner, target, items, quiet);
      console.log(taken, (await owner.query('select * from pgwitness.baseline')).rows);
      await owner.query(`update items set label = 'new' where id = 7`);
      const { rows } = await owner.query('select before, after, changed from items_changes');
      expect(rows[0]).toMatchObject({ before: { id: 7, label: 'label 7' }, changed: ['label'] });
      console.log((await owner.query('select * from items_history order by ctid desc limit 2')).rows);
      console.log(await takeBaseline(owner, target, items, quiet));
      console.log(await takeBaseline(owner, target, items, {...quiet, which: 'again'}));
    });
  });
});
