import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { lookAtTables, neededOf, type TableLook } from './baseline-look.ts';
import { beginBaselineSql } from './baseline-plan.ts';
import type { BaselineRecord } from './catalogue.ts';
import { renderSql } from './sql-file.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';
import { changeCapture, type Patience } from './transaction.ts';

/** Looks at one table in the transaction at hand; throws where `install` has to come first. */
async function lookInstalled(
  client: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
): Promise<TableLook> {
  const [look] = await lookAtTables(client, { ...target, tables: [table] });
  if (look === undefined) throw new Error('a table was asked about and not told of');
  const first = look.off ?? look.behind;
  if (first !== undefined) throw notInstalled(look, first);
  return look;
}

/** The error where a baseline would read what is not captured, or not as it has to be. */
export function notInstalled({ shown }: TableLook, why: string): PgwitnessError {
  return new PgwitnessError({
    code: 'capture.baseline-not-installed',
    message: `No baseline of ${shown} can be taken: ${why}.`,
    fix: 'Run `pgwitness install`, which begins one where it is needed; then `pgwitness baseline`.',
    exit: 1,
  });
}

/**
 * Begins what is needed of a table, and has both images of each UPDATE kept again, in one transaction.
 * `again` begins it also where a baseline holds. Nothing is read before all writers know of it: see
 * awaitWriters. Gives how things stand then. Throws PgwitnessError as installCapture does.
 */
export function beginBaseline(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
  again: boolean,
  patience: Partial<Patience>,
): Promise<TableLook> {
  const what = `beginning the baseline of ${table.name}`;
  return changeCapture({ owner }, what, patience, async () => {
    const look = await lookInstalled(owner, target, table);
    const needed = neededOf(look);
    if (again) {
      const others = new Set([...needed.values()].flat());
      needed.set(
        'asked',
        look.leaves.filter((leaf) => !others.has(leaf)),
      );
    }
    const sql = [...needed]
      .filter(([, leaves]) => leaves.length > 0)
      .map(([because, leaves]) =>
        beginBaselineSql(table, look.shape, {
          because,
          places: leaves.length === look.leaves.length ? null : leaves.map(nameOf(look)),
          fenced: false,
        }),
      );
    if (sql.length === 0) return { result: look, commit: false };
    await asRole(owner, target.owner, sql.join('\n'));
    return { result: await renderFunction(owner, target, table), commit: true };
  });
}

/** The places of a look are partitions of the table, or the table itself. */
function nameOf({ state }: TableLook) {
  return ({ oid }: { readonly oid: string }) =>
    state.partitions.find((partition) => partition.oid === oid) ?? state;
}

/**
 * Marks a baseline as complete and has each UPDATE keep one image from then on, in one transaction. A
 * statement that began before keeps both, which does no harm. Gives how things stand then.
 */
export function completeBaseline(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
  record: BaselineRecord,
  patience: Partial<Patience>,
): Promise<TableLook> {
  const what = `completing the baseline of ${table.name}`;
  return changeCapture({ owner }, what, patience, async () => {
    // With a trigger off, images would be missing that the function then no longer makes up for.
    await lookInstalled(owner, target, table);
    const values = { schema: table.schema, table: table.name, first_id: record.first_id };
    await asRole(owner, target.owner, renderSql('baseline-complete', values));
    return { result: await renderFunction(owner, target, table), commit: true };
  });
}

/** Does what is pending: the capture function in the form that goes with the baselines, and its record. */
async function renderFunction(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
): Promise<TableLook> {
  const { pending } = await lookInstalled(owner, target, table);
  if (pending.length > 0) {
    await asRole(owner, target.owner, pending.flatMap(({ sql }) => sql).join('\n'));
  }
  const after = await lookInstalled(owner, target, table);
  const left = after.pending[0];
  if (left === undefined) return after;
  throw new PgwitnessError({
    code: 'capture.not-as-planned',
    message: `${left.kind} ${left.name} is not as it has to be after the baseline of ${after.shown} was noted. Nothing was kept.`,
    fix: 'Look for event triggers that interfere; `pgwitness plan` shows what is to be made.',
    exit: 1,
  });
}

/** Notes that all writers know of a baseline: from now on both images of each UPDATE are kept. */
export function noteFenced(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
  record: BaselineRecord,
  patience: Partial<Patience>,
): Promise<void> {
  const what = `beginning the baseline of ${table.name}`;
  return changeCapture({ owner }, what, patience, async () => {
    const values = { schema: table.schema, table: table.name, first_id: record.first_id };
    await asRole(owner, target.owner, renderSql('baseline-fenced', values));
    return { result: undefined, commit: true };
  });
}

async function asRole(client: ClientBase, role: string, sql: string): Promise<void> {
  await client.query(`set local role ${pg.escapeIdentifier(role)}`);
  await client.query(sql);
  await client.query('reset role');
}
