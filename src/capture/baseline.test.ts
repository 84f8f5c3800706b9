import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { type BaselineOptions, takeBaseline } from './baseline.ts';
import { readBaselines } from './baseline-status.ts';
import { installCapture } from './install.ts';
import { planCapture } from './plan.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';
import { uninstallCapture } from './uninstall.ts';

const items: CapturedTable = { schema: 'public', name: 'items' };
const target: CaptureTarget = { owner: 'raxx_owner', tables: [items], appendOnly: [], roles: [] };
const quiet: BaselineOptions = { now: Date.now };

describe.each([
  ['Postgres 18', undefined, 18],
  ['Postgres 15', inject('postgres15'), 15],
])('on %s, a baseline', (_, binaries, version) => {
  describe.skipIf(binaries === '')('', () => {
    // What hangs on the catalogue's contents alone is the same on both: a test of 18 alone.
    const onNewest: typeof test | (() => void) = version < 18 ? () => undefined : test;
    let world: CaptureWorld;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
    });
    afterAll(() => world.stop());

    /** A database with a table of rows that nobody has captured yet. */
    async function filled(rows = 500) {
      const database = await world.emptyDatabase();
      const owner = await database.connect('raxx_owner');
      await owner.query(`
        create table items (id int primary key, label text not null);
        insert into items select n, 'label ' || n from generate_series(1, ${rows}) n`);
      const changes = async () => {
        const { rows: told } = await owner.query(
          `select before ->> 'label' as before, after ->> 'label' as after
           from items_changes order by position, id`,
        );
        return told.map(({ before, after }) => `${before} > ${after}`).sort();
      };
      const images = async () => {
        const { rows: counted } = await owner.query(
          `select count(*)::int as n from items_history where operation = 'BASELINE'`,
        );
        return counted[0]?.n;
      };
      const status = async (of = target) => (await readBaselines(owner, of))[0];
      return { database, owner, changes, images, status };
    }

    test('tells what a row was before its first UPDATE, and lets one image a change do from then on', async () => {
      const { owner, changes, images, status } = await filled();
      await installCapture({ owner }, target);
      expect(await status()).toMatchObject({ state: 'unfinished', percent: 0 });
      await owner.query(`update items set label = 'early' where id = 6`);
      const taken = await takeBaseline(owner, target, items, quiet);
      expect(taken).toMatchObject({ outcome: 'taken', rows: 499, since: expect.any(Date) });
      await owner.query(`update items set label = 'new' where id in (6, 7)`);
      expect(await changes()).toEqual(['early > new', 'label 6 > early', 'label 7 > new']);
      const { rows } = await owner.query(
        `select count(before_1)::int as pairs from items_history where operation = 'UPDATE'`,
      );
      expect(rows).toEqual([{ pairs: 1 }]);

      expect(await status()).toMatchObject({ state: 'holds', notes: [], since: taken.since });
      expect(await takeBaseline(owner, target, items, quiet)).toMatchObject({
        outcome: 'holds',
        rows: 0,
      });
      expect((await installCapture({ owner }, target)).kind).toBe('nothing-to-do');
      expect(await images()).toBe(499);
    });

    test('keeps images that the capture function would have kept, whatever the session has set', async () => {
      const { owner } = await filled(0);
      await owner.query(`
        create type mood as enum ('good', 'bad');
        create table wide (
          id text collate "C" primary key, f float8, r real, n numeric(20, 5), t timestamptz, i interval,
          b bytea, j json, m mood, a text[], c char(6), e inet, secret text, email text,
          doubled float8 generated always as (f * 2) stored
          ${version >= 18 ? ', seen float8 generated always as (f * 3) virtual' : ''}
        );
        insert into wide values ('é', 0.1234567890123, 0.1, 1.5, '2026-03-29 01:30:00.123456+00',
          '1 mon -3 days 04:05:06', '\\x00ff', '{"a": 1}', 'bad', '{x,NULL,"y z"}', 'ab', '10.0.0.0/8',
          'hush', 'a@example.org');
        insert into wide (id) values ('empty')`);
      const wide = { schema: 'public', name: 'wide', exclude: ['secret'], mask: ['email'] };
      const both = { ...target, tables: [wide] };
      await installCapture({ owner }, both);
      await owner.query(`
        set extra_float_digits = -10; set timezone = 'Asia/Tokyo'; set datestyle = 'German';
        set intervalstyle = 'sql_standard'; set bytea_output = 'escape'; set search_path = public;
        set quote_all_identifiers = on; set row_security = on`);
      expect(await takeBaseline(owner, both, wide, quiet)).toMatchObject({ rows: 2 });
      await owner.query('reset all; update wide set id = id');
      const { rows } = await owner.query(`
        select b.image_1 *= u.image_1 as same, b.image_1::text as image
        from wide_history b join wide_history u on (u.image_1).id = (b.image_1).id
        where b.operation = 'BASELINE' and u.operation = 'UPDATE' order by b.id`);
      expect(rows).toMatchObject([{ same: true }, { same: true }]);
      expect(rows[0].image).toMatch(/0\.1234567890123.*token:[0-9a-f]{32}/);
      expect(rows[0].image).not.toMatch(/hush|a@example/);
      const { rows: told } = await owner.query('select changed from wide_changes');
      expect(told).toEqual([{ changed: [] }, { changed: [] }]);
    });

    test('reads a partitioned table leaf by leaf, and of partitions that come later those alone', async () => {
      const { owner, status } = await filled(0);
      await owner.query(`
        create table events (id int, day int, label text, primary key (id, day)) partition by range (day);
        create table events_1 partition of events for values from (1) to (2);
        create table events_2 partition of events for values from (2) to (3) partition by list (id);
        create table events_2_1 partition of events_2 for values in (1);
        create table events_2_rest partition of events_2 default;
        insert into events select n, 1 + n % 2, 'old' from generate_series(1, 200) n`);
      const events = { schema: 'public', name: 'events' };
      const of = { ...target, tables: [events] };
      await installCapture({ owner }, of);
      const first = await takeBaseline(owner, of, events, quiet);
      expect(first).toMatchObject({ outcome: 'taken', rows: 200 });
      await owner.query(`
        create table events_3 (label text, day int not null, id int not null, primary key (id, day));
        insert into events_3 select 'brought', 3, n from generate_series(1, 50) n;
        alter table events attach partition events_3 for values from (3) to (4)`);
      expect(await status(of)).toMatchObject({ state: 'needed' });
      await expect(takeBaseline(owner, of, events, quiet)).rejects.toMatchObject({
        code: 'capture.baseline-not-installed',
      });
      await installCapture({ owner }, of);
      const later = await takeBaseline(owner, of, events, quiet);
      expect(later).toMatchObject({ outcome: 'taken', rows: 50, since: first.since });
      expect(await status(of)).toMatchObject({
        state: 'holds',
        notes: [expect.stringMatching(/^partitions that came later: public\.events_3 since /)],
      });
      await owner.query(`
        update events set label = 'new' where id = 7;
        update events_3 set label = 'newer' where id = 8;
        update events set day = 3 where id = 60 and day = 1`);
      const { rows } = await owner.query(
        `select operation, before ->> 'label' as before, after ->> 'label' as after
         from events_changes order by position, id`,
      );
      expect(rows).toEqual(
        expect.arrayContaining([
          { operation: 'UPDATE', before: 'old', after: 'new' },
          { operation: 'UPDATE', before: 'brought', after: 'new' },
          { operation: 'UPDATE', before: 'brought', after: 'newer' },
        ]),
      );
      const { rows: parts } = await owner.query(
        `select partition_name as name, count(*)::int as n from events_history
         where operation = 'BASELINE' group by 1 order by 1`,
      );
      expect(parts).toEqual([
        { name: 'public.events_1', n: 100 },
        { name: 'public.events_2_1', n: 1 },
        { name: 'public.events_2_rest', n: 99 },
        { name: 'public.events_3', n: 50 },
      ]);
    });

    test('leaves a witness line for each of its batches', async () => {
      const { database, owner } = await filled();
      await installCapture({ owner }, target);
      const superuser = await database.superuser();
      await superuser.query('alter role raxx_owner set log_min_messages = log');
      const member = await database.connect('raxx_owner');
      let batches = 0;
      await takeBaseline(member, target, items, {
        ...quiet,
        maxPages: 1,
        onProgress: () => {
          batches += 1;
        },
      });
      await superuser.query('alter role raxx_owner reset log_min_messages');
      expect(batches).toBeGreaterThan(2);
      const line = /AUDIT: WITNESS,\d+,1,MISC,INSERT,TABLE,public\.items_history,/;
      const lines = async () => {
        const { logDirectory } = world.server;
        const files = (await readdir(logDirectory)).filter((name) => name.endsWith('.json'));
        const texts = await Promise.all(
          files.map((name) => readFile(join(logDirectory, name), 'utf8')),
        );
        const all = texts.join('').split('\n');
        return all.filter((text) => text.includes(`"${database.name}"`) && line.test(text));
      };
      await expect.poll(async () => (await lines()).length).toBe(batches);
    });

    onNewest('waits for a lock on the table, and goes on when it has it', async () => {
      const { database, owner, images } = await filled();
      await installCapture({ owner }, target);
      const holder = await database.connect('raxx_owner');
      await holder.query('begin; lock table items in access exclusive mode');
      let tries = 0;
      const taken = await takeBaseline(owner, target, items, {
        ...quiet,
        onRetry: () => {
          tries += 1;
          void holder.query('commit');
        },
      });
      expect(taken).toMatchObject({ outcome: 'taken', rows: 500 });
      expect(tries).toBe(1);
      expect(await images()).toBe(500);
    });

    onNewest(
      'of a table without a key takes nothing, since both images are kept for good',
      async () => {
        const { owner, changes, images, status } = await filled(10);
        await owner.query('alter table items drop constraint items_pkey');
        await installCapture({ owner }, target);
        expect(await takeBaseline(owner, target, items, quiet)).toMatchObject({
          outcome: 'keyless',
          rows: 0,
          since: expect.any(Date),
        });
        expect(await status()).toMatchObject({
          state: 'holds',
          notes: [expect.stringMatching(/^it has no key/)],
        });
        await owner.query(`update items set label = 'new' where id = 7`);
        expect(await changes()).toEqual(['label 7 > new']);
        expect(await images()).toBe(0);
      },
    );

    onNewest(
      'stops where the columns change meanwhile, and tells before and after all along',
      async () => {
        const { owner, changes, status } = await filled();
        await installCapture({ owner }, target);
        let drifted: Promise<unknown> | undefined;
        const stopped = takeBaseline(owner, target, items, {
          ...quiet,
          maxPages: 1,
          batchPauseMs: 20,
          onProgress: () => {
            drifted ??= owner.query(`alter table items add column size int not null default 3`);
          },
        });
        await expect(stopped).rejects.toMatchObject({ code: 'capture.baseline-drifted' });
        await drifted;
        await owner.query(`update items set label = 'drifted' where id = 7`);
        await installCapture({ owner }, target);
        expect(await status()).toMatchObject({ state: 'unfinished' });
        await owner.query(`update items set label = 'between' where id in (7, 8)`);
        const taken = await takeBaseline(owner, target, items, quiet);
        expect(taken).toMatchObject({ outcome: 'taken', rows: 500 });
        await owner.query(`update items set label = 'after' where id in (7, 8, 9)`);
        expect(await changes()).toEqual([
          'between > after',
          'between > after',
          'drifted > between',
          'label 7 > drifted',
          'label 8 > between',
          'label 9 > after',
        ]);
        const { rows } = await owner.query('select distinct changed from items_changes');
        expect(rows).toEqual([{ changed: ['label'] }]);
        expect(await status()).toMatchObject({ state: 'holds' });
      },
    );

    onNewest(
      'is begun anew by install where capture had been off, and the trail holds since then alone',
      async () => {
        const { owner, changes, status } = await filled();
        const retake = async (reason: RegExp) => {
          const before = (await status())?.since;
          const { plan } = await installCapture({ owner }, target);
          expect(plan.objects.find(({ name }) => name === 'baseline of public.items')?.why).toMatch(
            reason,
          );
          await owner.query(`update items set label = label || '.' where id = 8`);
          expect((await takeBaseline(owner, target, items, quiet)).outcome).toBe('taken');
          const after = await status();
          expect(after?.state).toBe('holds');
          expect(after?.since?.getTime()).toBeGreaterThan(before?.getTime() ?? 0);
          await owner.query(`update items set label = label || '!' where id in (7, 8)`);
        };
        await installCapture({ owner }, target);
        await takeBaseline(owner, target, items, quiet);

        await owner.query(`
        alter table items disable trigger trg_items_history_update;
        update items set label = 'unseen' where id in (7, 8)`);
        expect(await status()).toMatchObject({ state: 'off' });
        await retake(/^capture was off/);
        await owner.query(`
        create or replace function fn_capture_items_history() returns trigger language plpgsql as
          $$ begin return null; end $$;
        update items set label = 'dumb' where id in (7, 8)`);
        await retake(/^capture was off/);
        await uninstallCapture({ owner }, target, { dropHistory: false });
        await owner.query(`update items set label = 'alone' where id in (7, 8)`);
        await retake(/^capture was off/);
        expect(await changes()).toEqual(
          ['alone', 'dumb', 'unseen'].flatMap((label) => [
            `${label} > ${label}!`,
            `${label} > ${label}.`,
            `${label}. > ${label}.!`,
          ]),
        );
      },
    );

    test('starts at the first page again where the table is written anew meanwhile', async () => {
      const { database, owner, images } = await filled(3_000);
      await owner.query('delete from items where id % 2 = 1');
      await installCapture({ owner }, target);
      const other = await database.connect('raxx_owner');
      let once: Promise<unknown> | undefined;
      const taken = await takeBaseline(owner, target, items, {
        ...quiet,
        maxPages: 3,
        batchPauseMs: 30,
        onProgress: ({ pagesDone }) => {
          if (pagesDone >= 6) once ??= other.query('vacuum full items');
        },
      });
      await once;
      expect(taken.outcome).toBe('taken');
      const { rows } = await owner.query(
        `select count(*)::int as n from items i where not exists (
           select from items_history h where (h.image_1).id = i.id)`,
      );
      expect(rows).toEqual([{ n: 0 }]);
      expect(await images()).toBeGreaterThan(1_500);
    });

    onNewest(
      'is said to be needed after a rewrite, a new table of the name, and in another database',
      async () => {
        const { owner, status } = await filled();
        await installCapture({ owner }, target);
        const first = await takeBaseline(owner, target, items, quiet);
        await owner.query(`alter table items alter column label type text using upper(label)`);
        expect(await status()).toMatchObject({
          state: 'needed',
          notes: [expect.stringMatching(/^it was written anew/)],
          since: first.since,
        });
        // The plan for it can't tell: what install would do does not hang on how rows are stored.
        expect((await installCapture({ owner }, target)).kind).toBe('nothing-to-do');
        const second = await takeBaseline(owner, target, items, quiet);
        expect(second.outcome).toBe('taken');
        expect(second.since?.getTime()).toBeGreaterThan(first.since?.getTime() ?? 0);
        await owner.query(`update items set label = 'x' where id = 7`);
        const { rows } = await owner.query(
          `select before ->> 'label' as before from items_changes`,
        );
        expect(rows).toEqual([{ before: 'LABEL 7' }]);

        // As after pg_restore, which brings the notes back beside tables that are others.
        await owner.query(`
        create table pgwitness.kept as select * from pgwitness.baseline;
        update pgwitness.kept set database = 1;
        delete from pgwitness.baseline; insert into pgwitness.baseline table pgwitness.kept`);
        expect(await status()).toMatchObject({
          state: 'needed',
          notes: [expect.stringMatching(/^it is not the table/)],
        });
        await owner.query(`
        update pgwitness.baseline set places = jsonb_build_object('1', '{}'::jsonb);
        drop table pgwitness.kept`);
        expect(await status()).toMatchObject({ state: 'needed' });
        expect((await takeBaseline(owner, target, items, quiet)).outcome).toBe('taken');
        expect(await status()).toMatchObject({ state: 'holds', notes: [] });
      },
    );

    onNewest(
      'reads nothing where row security is forced upon the owner, rather than a part',
      async () => {
        const { owner, images } = await filled();
        await owner.query(`
        alter table items enable row level security, force row level security;
        create policy few on items using (id < 10)`);
        await installCapture({ owner }, target);
        await expect(takeBaseline(owner, target, items, quiet)).rejects.toMatchObject({
          code: 'capture.baseline-row-security',
          fix: expect.stringContaining('bypassrls'),
        });
        expect(await images()).toBe(0);
      },
    );

    onNewest(
      'begins with new ids where history was dropped, and leaves nothing for a plan to put right',
      async () => {
        const { owner, changes } = await filled();
        await installCapture({ owner }, target);
        await takeBaseline(owner, target, items, quiet);
        await uninstallCapture({ owner }, target, { dropHistory: true });
        await installCapture({ owner }, target);
        await takeBaseline(owner, target, items, quiet);
        await takeBaseline(owner, target, items, { ...quiet, which: 'again' });
        await owner.query(`
        drop view items_changes; drop table items_history; delete from pgwitness.image_shape`);
        await installCapture({ owner }, target);
        expect(await takeBaseline(owner, target, items, quiet)).toMatchObject({ rows: 500 });
        await owner.query(`update items set label = 'new' where id = 7`);
        expect(await changes()).toEqual(['label 7 > new']);
        const plan = await planCapture({ owner }, target);
        expect(plan.objects.filter(({ action }) => action !== 'unchanged')).toEqual([]);
      },
    );
  });
});
