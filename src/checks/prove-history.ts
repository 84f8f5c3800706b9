import type { SmokeConfig, SmokeRow } from '../config/config.ts';
import { historyOf, showTable } from '../config/table-name.ts';
import { type Ask, refusalOf } from './ask-database.ts';
import {
  findInHistory,
  type InsertedRow,
  insertRow,
  removeRow,
  triggersOn,
} from './find-in-history.ts';
import { failed, type Outcome } from './smoke-stage.ts';
import { refused } from './write-tracer.ts';

export interface ProvenHistory {
  readonly historyId: string;
}

const repair =
  '`pgwitness plan` shows what is missing or switched off; `pgwitness install` puts it back. What was written meanwhile is not in history.';

/**
 * Inserts the trigger row as the owner and looks for it in history. `inserted` says what there is to
 * take away afterwards, whatever came out.
 */
export async function proveHistory(
  ask: Ask,
  trigger: SmokeConfig['trigger'],
  row: SmokeRow,
  nonce: string,
): Promise<{ readonly outcome: Outcome<ProvenHistory>; readonly inserted?: InsertedRow }> {
  const table = showTable(trigger.table);
  let inserted: InsertedRow | undefined;
  try {
    inserted = await insertRow(ask, trigger.table, row);
  } catch (error) {
    return { outcome: refused(error, table, 'The owner', 'smoke.trigger.row') };
  }
  if (inserted === undefined) {
    const outcome = failed(`${table}: the insert made no row`, {
      meaning: 'A trigger or a rule on the table takes new rows away.',
      next: 'Choose another table for smoke.trigger, or another row.',
    });
    return { outcome };
  }
  return { inserted, outcome: await lookIntoHistory(ask, trigger, nonce, inserted) };
}

async function lookIntoHistory(
  ask: Ask,
  trigger: SmokeConfig['trigger'],
  nonce: string,
  inserted: InsertedRow,
): Promise<Outcome<ProvenHistory>> {
  const history = showTable(historyOf(trigger.table));
  const table = showTable(trigger.table);
  try {
    const found = await findInHistory(ask, trigger.table, nonce, inserted.since);
    if (found !== undefined) {
      const historyId = found.id ?? found.changedAt;
      const evidence = `${history}, ${found.id === undefined ? 'row' : `row ${found.id}`} of ${found.changedAt}`;
      return { ok: true, evidence, found: { historyId } };
    }
  } catch (error) {
    const { message, sqlState } = refusalOf(error);
    return failed(`${history}: ${message}${sqlState === undefined ? '' : ` (${sqlState})`}`, {
      mode: 'C',
      meaning: `${history} can't be searched by operation and changed_at.`,
      next: repair,
    });
  }
  const triggers = await triggersOn(ask, trigger.table);
  return failed(
    `${history} has no such row; triggers on ${table}: ${triggers.length === 0 ? 'none' : triggers.join(', ')}`,
    { mode: 'C', meaning: `Changes of ${table} are not captured.`, next: repair },
  );
}

/** Takes the trigger row away again. */
export async function clean(
  ask: Ask,
  trigger: SmokeConfig['trigger'],
  inserted: InsertedRow,
  nonce: string,
): Promise<Outcome<undefined>> {
  const table = showTable(trigger.table);
  const stays = {
    meaning: `A row of the smoke test stays in ${table}; it does no harm.`,
    next: `Delete the row that holds ${nonce} as the owner.`,
  };
  try {
    const removed = await removeRow(ask, trigger.table, inserted, nonce);
    if (removed) return { ok: true, evidence: `the row of ${table} is deleted`, found: undefined };
    return failed(`${table}: the row is no longer where it was`, stays);
  } catch (error) {
    return failed(`${table}: ${refusalOf(error).message}`, stays);
  }
}
