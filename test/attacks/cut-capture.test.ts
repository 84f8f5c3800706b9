import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import { raxxTarget } from '../rig/capture-world.ts';
import { AttackWorld, type TrailRows } from './attack-world.ts';

// Where a destroyed capture lets the write go on, what an application can bring about must not.
describe.each(['abort', 'continue'] as const)(
  'with on_failure %s, a write whose capture is cut short does not happen:',
  (onFailure) => {
    let world: AttackWorld;
    let before: TrailRows;
    let app: pg.Client;
    beforeAll(async () => {
      world = await AttackWorld.start();
      await world.reset(`insert into users (email) values ('first@example.invalid')`);
      const owner = await world.connect('raxx_owner');
      const tables = raxxTarget.tables.map((table) => ({ ...table, onFailure }));
      await installCapture({ owner }, { ...raxxTarget, tables });
      await owner.end();
    });
    afterAll(() => world.stop());
    beforeEach(async () => {
      before = await world.rows();
      app = await world.connect('raptor_app');
    });

    const write = `insert into users (email) values ('cut@example.invalid')`;

    async function unchanged(): Promise<void> {
      await app.end();
      expect(await world.rows()).toEqual(before);
      expect(await world.unwitnessed()).toEqual([]);
    }

    /** Runs `work` while the owner holds history, as a maintenance job might, so that capture waits. */
    async function whileHistoryIsHeld(work: () => Promise<void>): Promise<void> {
      const owner = await world.connect('raxx_owner');
      await owner.query('begin; lock table users_history in share mode');
      try {
        await work();
      } finally {
        await owner.end();
      }
    }

    test.each([
      ['statement_timeout', '57014'],
      ['lock_timeout', '55P03'],
    ])('by %s', async (setting, code) => {
      await whileHistoryIsHeld(async () => {
        await app.query(`set ${setting} to '100ms'`);
        await expect(app.query(write)).rejects.toMatchObject({ code });
      });
      await unchanged();
    });

    test('by transaction_timeout', async () => {
      await whileHistoryIsHeld(async () => {
        await app.query(`set transaction_timeout to '100ms'`);
        await expect(app.query(write)).rejects.toMatchObject({ code: '25P04' });
      });
      await unchanged();
    });

    test.each([
      ['a cancel', 'pg_cancel_backend', '57014'],
      ['an end of its session', 'pg_terminate_backend', '57P01'],
    ])('by %s from another session of its role', async (_, ends, code) => {
      const { rows } = await app.query<{ pid: number }>('select pg_backend_pid() as pid');
      const other = await world.connect('raptor_app');
      await whileHistoryIsHeld(async () => {
        const writing = expect(app.query(write)).rejects.toMatchObject({ code });
        await expect
          .poll(() =>
            world.look(`select from pg_locks where pid = $1 and not granted`, [rows[0]?.pid]),
          )
          .toHaveLength(1);
        await other.query(`select ${ends}($1)`, [rows[0]?.pid]);
        await writing;
      });
      await other.end();
      await unchanged();
    });

    test('by a stack that is too deep for the trigger alone', async () => {
      await app.query(`create function pg_temp.down(levels int, email text) returns void language plpgsql as $$
        begin
          if levels > 0 then perform pg_temp.down(levels - 1, email);
          elsif email is not null then insert into public.users (email) values (email);
          end if;
        end $$`);
      const fits = async (levels: number, email: string | null): Promise<boolean> => {
        try {
          await app.query('select pg_temp.down($1, $2)', [levels, email]);
          return true;
        } catch (error) {
          expect((error as { code: string }).code).toBe('54001');
          return false;
        }
      };
      let [deepest, tooDeep] = [1, 100_000];
      while (tooDeep - deepest > 1) {
        const middle = Math.floor((deepest + tooDeep) / 2);
        if (await fits(middle, null)) deepest = middle;
        else tooDeep = middle;
      }
      // Somewhere above that there is room for the INSERT, and none yet for what capture does.
      const outcomes: boolean[] = [];
      for (let levels = deepest; !(outcomes.at(-1) ?? false); levels -= 2) {
        outcomes.push(await fits(levels, `${levels}@deep.invalid`));
      }
      expect(outcomes).toContain(false);
      await app.end();
      expect(await world.added(before, await world.rows(), true)).toHaveLength(1);
      expect(await world.unwitnessed()).toEqual([]);
    });

    test('by a disk quota for temporary files, which only a superuser may set', async () => {
      await world.look(`alter role raptor_app set temp_file_limit to 0`);
      try {
        const limited = await world.connect('raptor_app');
        await limited.query('set work_mem to 64');
        await limited
          .query(
            `insert into users (email) select i || repeat('x', 500) || '@temp.invalid' from generate_series(1, 300) i`,
          )
          .catch((error: { code: string }) => expect(error.code).toBe('53400'));
        await limited.end();
      } finally {
        await world.look('alter role raptor_app reset temp_file_limit');
      }
      await app.end();
      expect(await world.unwitnessed()).toEqual([]);
    });
  },
);
