import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type AttackRole, AttackWorld, type Change, type TrailRows } from './attack-world.ts';

/** The attack is refused with exactly this SQLSTATE. */
interface Refused {
  readonly refused: string;
}

/** The attack is let through, and `harmless` says why it does no harm. */
interface Harmless {
  readonly harmless: string;
  /** The changes that the attack itself made to captured tables, in order; none where absent. */
  readonly adds?: readonly Partial<Change>[];
}

/** One thing tried for real against an installed trail. */
export interface Attack {
  /** A sentence that says what is tried. */
  readonly title: string;
  readonly as: readonly AttackRole[];
  /** Run one after another in one session; what counts is the first error. */
  readonly sql: string | readonly string[];
  readonly expects: Refused | Harmless;
  /** The transaction it began stays open while the application writes. */
  readonly staysOpen?: boolean;
  /** It would show in sessions that begin afterwards: this one, and that of the next write, are new. */
  readonly lasting?: boolean;
  /** What the attacker's own next write is refused with, where its settings forbid it any write. */
  readonly ownWrite?: string;
  /** Run by a superuser afterwards, to take away what the attacker made for itself. */
  readonly undo?: string;
}

/** Attacks of one kind, tried in one database. */
export interface Theme {
  readonly title: string;
  /** Run by a superuser before all attacks: what a careless operator has granted. */
  readonly prepare?: string;
  readonly attacks: readonly Attack[];
}

export const both: readonly AttackRole[] = ['raptor_app', 'audit_archiver'];
export const everyone: readonly AttackRole[] = [...both, 'stranger'];
export const app: readonly AttackRole[] = ['raptor_app'];
export const archiver: readonly AttackRole[] = ['audit_archiver'];
export const stranger: readonly AttackRole[] = ['stranger'];

/** Declares a test an attack and role. */
export function tryThemes(
  themes: readonly Theme[],
  versions: readonly (15 | 18)[] = [18, 15],
): void {
  describe.each(
    versions.map((version) =>
      version === 18
        ? ([version, undefined, 3] as const)
        : // Privileges of roles are no matter of the version: there each attack has one role.
          ([version, inject('postgres15'), 1] as const),
    ),
  )('on Postgres %s', (_, binaries, roles) => {
    describe.skipIf(binaries === '')('the trail withstands', () => {
      let world: AttackWorld;
      beforeAll(async () => {
        world = await AttackWorld.start(binaries);
      });
      afterAll(() => world.stop());

      describe.each(themes)('$title', ({ prepare, attacks }) => {
        beforeAll(() => world.reset(prepare));
        for (const attack of attacks) {
          for (const role of attack.as.slice(0, roles)) {
            test(`${role}: ${attack.title}`, () => tryAttack(world, attack, role));
          }
        }
        test('and after all of them each row of users is as history tells it', async () => {
          expect(await world.unwitnessed()).toEqual([]);
        });
      });
    });
  });
}

/** The attack, what must have become of it, and a write of the application after it. */
async function tryAttack(world: AttackWorld, attack: Attack, role: AttackRole): Promise<void> {
  const before = world.latest ?? (await world.rows());
  world.latest = undefined;
  const session = `attacker ${role}`;
  if (attack.lasting === true) await world.endSession(session);
  const attacker = await world.session(session, role);
  // One statement that is refused leaves nothing behind in its session.
  const closely = 'harmless' in attack.expects || typeof attack.sql !== 'string';
  let ended = false;
  try {
    const failure = await run(attacker, attack.sql);
    if ('refused' in attack.expects) {
      expect(failure?.code, failure?.message).toBe(attack.expects.refused);
    } else {
      expect(failure?.message).toBeUndefined();
    }
    if (attack.staysOpen !== true && closely) await attacker.query('rollback');

    expect(await world.changedDefinitions()).toEqual({ were: [], are: [] });
    const after = await world.rows();
    const adds = 'adds' in attack.expects ? attack.expects.adds : undefined;
    expect(await world.added(before, after, closely)).toEqual(
      (adds ?? []).map((change) => expect.objectContaining(change)),
    );
    expect(before.history.filter((line) => !after.history.includes(line))).toEqual([]);
    if (adds === undefined) expect(after.live).toEqual(before.live);

    if (attack.lasting === true) await world.endSession('next');
    const next = await world.session('next', 'raptor_app');
    let rows = await expectCapturedOnce(world, next, after, closely);
    if (role === 'raptor_app' && closely && attack.staysOpen !== true) {
      rows = await expectOwnWrite(world, attacker, rows, attack.ownWrite);
    }
    // Byte for byte: a session of its own settings may have been captured, and captured wrongly.
    if (closely) expect(await world.unwitnessed()).toEqual([]);
    if (closely) await attacker.query('rollback');
    if (closely) await attacker.query('discard all');
    if (attack.undo === undefined) world.latest = rows;
    ended = true;
  } finally {
    if (!ended || attack.lasting === true) await world.endSession(session);
    if (attack.undo !== undefined) await world.look(attack.undo);
  }
}

/** Runs each in turn, and returns the first error. */
async function run(
  client: pg.Client,
  sql: string | readonly string[],
): Promise<(Error & { code?: string }) | undefined> {
  for (const statement of typeof sql === 'string' ? [sql] : sql) {
    try {
      await client.query(statement);
    } catch (error) {
      return error as Error & { code?: string };
    }
  }
  return undefined;
}

let writes = 0;

/** A write of the application: it happens, within 5 s, and history has it exactly once. */
async function expectCapturedOnce(
  world: AttackWorld,
  client: pg.Client,
  before: TrailRows,
  images: boolean,
): Promise<TrailRows> {
  writes += 1;
  const email = `next-${writes}@example.invalid`;
  await client.query(`set statement_timeout = '5s'`);
  await client.query(`
    insert into public.users (email, display_name) values ('${email}', 'Ümlaut, "q" '' 用户');
    insert into public.customer_audit_events
    values ('e-${writes}', 'system_automated', 0, 'attack', 'system_actor', 'attack.next', pg_catalog.now())`);
  const after = await world.rows();
  expect(await world.added(before, after, images)).toEqual([
    expect.objectContaining({
      table: 'users',
      operation: 'INSERT',
      session_role: 'raptor_app',
      active_role: 'raptor_app',
      ...(images ? { after: expect.objectContaining({ email }) } : {}),
    }),
  ]);
  return after;
}

/** The attacker writes too, with all that it has set in its session. */
async function expectOwnWrite(
  world: AttackWorld,
  attacker: pg.Client,
  before: TrailRows,
  refused: string | undefined,
): Promise<TrailRows> {
  if (refused === undefined) return expectCapturedOnce(world, attacker, before, true);
  const failure = await run(
    attacker,
    `insert into public.users (email) values ('own@example.invalid')`,
  );
  expect(failure?.code, failure?.message).toBe(refused);
  const after = await world.rows();
  expect(after).toEqual(before);
  return after;
}
