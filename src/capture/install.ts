import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import {
  type CaptureConnections,
  type CapturePlan,
  driftOf,
  ownerStatements,
  pendingObjects,
  planWithin,
  refusedObjects,
} from './plan.ts';
import type { CaptureTarget } from './target.ts';
import { changeCapture, type Patience } from './transaction.ts';

/** What install did. `plan` is what it found, and, where installed, carried out. */
export type InstallOutcome =
  /** All that could be made is there now; `blocked` in the plan is what could not. */
  | { readonly kind: 'installed'; readonly plan: CapturePlan }
  | { readonly kind: 'nothing-to-do'; readonly plan: CapturePlan }
  /** Something stands in the way or is missing: nothing at all was changed. */
  | { readonly kind: 'refused'; readonly plan: CapturePlan };

/**
 * Installs capture: all of it in one transaction, or nothing. Running it again changes nothing. Before
 * it commits it plans once more and looks whether everything is as it has to be.
 * Throws PgwitnessError (`capture.locked`, `capture.server-refused`, …); nothing is left behind then.
 */
export function installCapture(
  connections: CaptureConnections,
  target: CaptureTarget,
  patience: Partial<Patience> = {},
): Promise<InstallOutcome> {
  return changeCapture<InstallOutcome>(connections, 'installing capture', patience, async () => {
    const plan = await planWithin(connections, target);
    if (refusedObjects(plan).length > 0)
      return { result: { kind: 'refused', plan }, commit: false };
    if (pendingObjects(plan).length === 0) {
      return { result: { kind: 'nothing-to-do', plan }, commit: false };
    }
    const { owner, superuser } = connections;
    // Everything made belongs to the owner, whoever of its members is connected.
    await owner.query(`set local role ${pg.escapeIdentifier(target.owner)}`);
    // In one message: tables stay locked for the server's time alone, not for a round trip a statement.
    await owner.query(ownerStatements(plan).join('\n'));
    await owner.query('reset role');
    for (const { setting } of plan.objects) {
      if (setting?.by === 'owner') await owner.query(setting.sql);
      // The superuser's connection runs nothing but this: a trigger or a function of the owner's must
      // never be run with its rights.
      if (setting?.by === 'superuser') await superuser?.query(setting.sql);
    }
    await verifyInstalled(connections, target);
    return { result: { kind: 'installed', plan }, commit: true };
  });
}

async function verifyInstalled(
  { owner }: CaptureConnections,
  target: CaptureTarget,
): Promise<void> {
  // Settings made on the other connection are not seen from here before they are committed.
  const roles = target.roles.map(({ name, history }) => ({ name, history }));
  const after = await planWithin({ owner }, { ...target, roles });
  const left = driftOf(after);
  const first = left[0];
  if (first === undefined) return;
  throw new PgwitnessError({
    code: 'capture.not-as-planned',
    message: `After installing, ${first.kind} ${first.name} is not as it has to be${first.why === undefined ? '' : `: ${first.why}`} (${left.length} in all). Nothing was kept.`,
    fix: 'Look for event triggers or default privileges that interfere; `pgwitness plan` shows what is to be made.',
    exit: 1,
  });
}
