import type { ClientBase } from 'pg';
import { PgwitnessError } from '../error.ts';
import { showName } from './capture-names.ts';
import { pinnedPath } from './plan.ts';
import {
  batchesOf,
  bounded,
  examineHistory,
  type ReplacedColumn,
  readDriftedColumns,
} from './pseudonymize-examine.ts';
import { type Followed, followSubject, type SubjectRow } from './pseudonymize-follow.ts';
import { pseudonymNotes } from './pseudonymize-notes.ts';
import {
  askedKeySql,
  historyName,
  keyTypes,
  replaceSql,
  type Sought,
  subjectRowsSql,
} from './pseudonymize-sql.ts';
import {
  becomeArchiver,
  type OpenedHistory,
  openHistory,
  type PseudonymRequest,
} from './pseudonymize-table.ts';
import { databaseFailure } from './server-error.ts';
import { changeCapture, type Patience } from './transaction.ts';

/** What was, or with a preview would be, replaced in the history of one subject. Holds no value. */
export interface PseudonymReport {
  /** `public.users`. */
  readonly table: string;
  /** The role that did it. */
  readonly role: string;
  /** Rows of history that are the subject's. */
  readonly rows: number;
  /** Those of them in which something was replaced. */
  readonly changed: number;
  /** Keys that the subject had. */
  readonly keys: number;
  readonly columns: readonly ReplacedColumn[];
  /** Sentences for the reader. */
  readonly notes: readonly string[];
}

export interface PseudonymOptions extends Partial<Patience> {
  /** Told after each batch: rows looked at, and how many there are. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Rows fetched at once. */
const fetchSize = 20_000;

/**
 * What `pseudonymize` would do; writes nothing. Throws PgwitnessError: exit 2 where the request fits neither
 * configuration nor database, `capture.unknown-subject` (exit 1) where history has no row of the key.
 */
export async function previewPseudonyms(
  client: ClientBase,
  request: PseudonymRequest,
): Promise<PseudonymReport> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query(pinnedPath);
    return await work(client, request, {}, 'preview');
  } catch (error) {
    throw databaseFailure(error, `looking into the history of ${request.table.name}`);
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

/**
 * Replaces the personal columns in one subject's history with keyed tokens: all of it in one transaction, or
 * nothing. Doing it again changes nothing. Each row that changes is told of by a witness line, by the trigger
 * on history. The table itself is not touched. Throws as `previewPseudonyms`, and `capture.locked`.
 */
export function pseudonymize(
  client: ClientBase,
  request: PseudonymRequest,
  options: PseudonymOptions = {},
): Promise<PseudonymReport> {
  return changeCapture(
    { owner: client },
    `pseudonymizing the history of ${request.table.name}`,
    options,
    async () => {
      const result = await work(client, request, options, 'replace');
      return { result, commit: result.changed > 0 };
    },
  );
}

async function work(
  client: ClientBase,
  request: PseudonymRequest,
  options: PseudonymOptions,
  how: 'preview' | 'replace',
): Promise<PseudonymReport> {
  await client.query(sessionSettings);
  const role = await becomeArchiver(client, request);
  const history = await openHistory(client, request, role);
  const { sought } = history;
  const key = await askedKey(client, history);
  const unreadable = new Set<number>();
  let first = true;
  const followed = await followSubject(key, async (keys) => {
    const rows = await fetchRows(client, subjectRowsSql(sought, first), keys, options);
    first = false;
    for (const row of rows) if (row.key === null && row.keyBefore === null) unreadable.add(row.id);
    return rows;
  });
  if (followed.rows.size === 0) throw unknownSubject(request, history);
  const ids = [...followed.rows.keys()].sort((a, b) => a - b);
  const found = await examineHistory(client, sought, ids);
  let changed = found.rows;
  if (how === 'replace') {
    changed = await replace(client, sought, followed, options);
    const left = await examineHistory(client, sought, ids);
    if (left.rows > 0) throw notAllReplaced(request, left.rows);
  }
  return {
    table: showName(request.table.schema, request.table.name),
    role,
    rows: ids.length,
    changed,
    keys: followed.keys,
    columns: found.columns,
    notes: pseudonymNotes({
      history,
      followed,
      columns: found.columns,
      unreadable: unreadable.size,
      drifted: await readDriftedColumns(client, sought, followed.rows),
    }),
  };
}

/**
 * A history of years takes its time. Texts of values are as the capture functions write them. The witness
 * trigger joins the rows before and after by a plan that it made for the first batch, which may be of one
 * row: a nested loop would take the square of the next.
 */
const sessionSettings = `
  set local statement_timeout = 0;
  set local enable_nestloop = off;
  set local jit = off;
  set local extra_float_digits = 1;
  set local "TimeZone" = 'UTC';
  set local "DateStyle" = 'ISO, YMD';
  set local "IntervalStyle" = 'postgres';
  set local bytea_output = 'hex'`;

async function askedKey(client: ClientBase, { sought, asked }: OpenedHistory): Promise<string> {
  const types = keyTypes(sought);
  try {
    const { rows } = await client.query<{ key: string }>(askedKeySql(sought, types), [
      ...asked.values,
    ]);
    return rows[0]?.key ?? '';
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    // A text that is no value of its type: class 22. What it says quotes the value.
    if (!code.startsWith('22')) throw error;
    const told = sought.key.map((name, index) => `${name} ${types[index] ?? 'text'}`).join(', ');
    throw new PgwitnessError({
      code: 'capture.bad-key',
      message: `What --key gives is no key of ${showName(sought.names.schema, sought.names.table)} (${told}).`,
      fix: 'Write each value as the database shows it.',
      exit: 2,
    });
  }
}

async function fetchRows(
  client: ClientBase,
  sql: string,
  keys: readonly string[],
  { signal }: PseudonymOptions,
): Promise<SubjectRow[]> {
  await client.query(`declare pgwitness_subject no scroll cursor for ${sql}`, [keys]);
  const found: SubjectRow[] = [];
  for (;;) {
    const { rows } = await client.query<FetchedRow>(`fetch ${fetchSize} from pgwitness_subject`);
    for (const { id, place, moment, key_before, ...row } of rows) {
      found.push({
        ...row,
        id: Number(id),
        place: Number(place),
        moment: moment === null ? undefined : Number(moment),
        keyBefore: key_before,
      });
    }
    stopIfAsked(signal);
    if (rows.length < fetchSize) break;
  }
  await client.query('close pgwitness_subject');
  return found;
}

interface FetchedRow {
  readonly id: string;
  readonly place: string;
  readonly operation: string;
  readonly statement: string;
  readonly moment: string | null;
  readonly key: string | null;
  readonly key_before: string | null;
  readonly parts: string;
}

async function replace(
  client: ClientBase,
  sought: Sought,
  { rows }: Followed,
  { onProgress, signal }: PseudonymOptions,
): Promise<number> {
  const groups = new Map<string, number[]>();
  for (const [id, parts] of rows) {
    const group = groups.get(parts);
    if (group === undefined) groups.set(parts, [id]);
    else group.push(id);
  }
  let changed = 0;
  let done = 0;
  for (const [parts, ids] of groups) {
    const sql = replaceSql(sought, parts.split(','));
    for (const batch of batchesOf(ids.sort((a, b) => a - b))) {
      stopIfAsked(signal);
      if (sql !== undefined) changed += (await client.query(sql, bounded(batch))).rowCount ?? 0;
      done += batch.length;
      onProgress?.(done, rows.size);
    }
  }
  return changed;
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new PgwitnessError({
    code: 'capture.stopped',
    message: 'It was stopped, and nothing was changed.',
    fix: 'Run it again: it begins anew.',
    exit: 1,
  });
}

function unknownSubject(
  { table }: PseudonymRequest,
  { sought, alsoKeys }: OpenedHistory,
): PgwitnessError {
  const other = alsoKeys.map((names) => `(${names.join(', ')})`).join(' and ');
  return new PgwitnessError({
    code: 'capture.unknown-subject',
    message: `The history of ${showName(table.schema, table.name)} holds no row under this key (${sought.key.join(', ')}).`,
    fix: `Look for it in ${historyName({ ...sought.names, history: sought.names.changes })}, in row_key.${other === '' ? '' : ` Older rows have the key ${other}: name its columns, as in --key 'id=42'.`}`,
    exit: 1,
  });
}

function notAllReplaced({ table }: PseudonymRequest, rows: number): PgwitnessError {
  return new PgwitnessError({
    code: 'capture.not-replaced',
    message: `${rows} rows of the history of ${showName(table.schema, table.name)} still hold what was to be replaced; nothing was kept.`,
    fix: 'Look for triggers on the history table that are not of pgwitness.',
    exit: 1,
  });
}
