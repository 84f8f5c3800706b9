import { wordsOf } from './column-name.ts';
import type { TableFacts, WriterFacts } from './read-database.ts';

/** Whether a table only ever grows: `yes` is proposed, `perhaps` is told, and its changes are kept meanwhile. */
export type AppendOnly =
  | { readonly likely: 'yes' | 'perhaps'; readonly why: string }
  | { readonly likely: 'no' };

/**
 * Judges by name, by what roles may do and by the server's counters. An append-only table refuses
 * UPDATE, DELETE and TRUNCATE, so a wrong guess would break the application: only a table that nobody
 * but its owner may change now, and that has not been changed, is proposed.
 */
export function judgeAppendOnly(table: TableFacts, writers: readonly WriterFacts[]): AppendOnly {
  const named = /_audits?_|_events?_$|_logs?_$|_ledger_|_journal_/.test(wordsOf(table.name));
  if (!named || table.changed > 0 || table.changed_by_cascade) return { likely: 'no' };
  const held = writers.filter(({ tables }) => tables.includes(table.name));
  if (held.some(({ privilege }) => privilege !== 'insert')) return { likely: 'no' };
  if (held.length > 0) {
    return {
      likely: 'yes',
      why: 'by its name, and no role but its owner may do more than INSERT',
    };
  }
  return {
    likely: 'perhaps',
    why: 'if it only ever grows, name it in append_only instead: UPDATE, DELETE and TRUNCATE are then refused',
  };
}
