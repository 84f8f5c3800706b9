import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { type CaptureNames, captureNames, showName } from './capture-names.ts';
import { readRecords, readServer, type ShapeRecord } from './catalogue.ts';
import { type AskedKey, parseKey } from './pseudonymize-key.ts';
import type { Sought } from './pseudonymize-sql.ts';
import { sqlFile } from './sql-file.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

/** Whose history is to be pseudonymized, and as whom. */
export interface PseudonymRequest {
  readonly target: CaptureTarget;
  /** One of the target's, with its personal columns. */
  readonly table: CapturedTable;
  /** What each `--key` says. */
  readonly key: readonly string[];
  /** Columns besides the personal ones: of older images, under names that the table no longer has. */
  readonly also?: readonly string[];
}

/** A history table that this role may pseudonymize. */
export interface OpenedHistory {
  readonly sought: Sought;
  readonly asked: AskedKey;
  /** Keys that the table had before, by their columns. */
  readonly alsoKeys: readonly (readonly string[])[];
  /** Whether a trigger tells the log of each row that changes. */
  readonly witnessed: boolean;
}

interface HistoryState {
  readonly login: string;
  readonly role: string;
  readonly exists: boolean;
  readonly owner: string | null;
  readonly triggers: readonly string[];
  readonly may_update: readonly string[];
  readonly may_make_tokens: boolean;
  readonly may_become: readonly string[];
}

/**
 * For the rest of the transaction the role that has `update` on history: the login itself, or the only one
 * that it is a member of. Returns its name.
 */
export async function becomeArchiver(
  client: ClientBase,
  { target, table }: PseudonymRequest,
): Promise<string> {
  const roles = target.roles
    .filter(({ name, history }) => name !== target.owner && history.includes('update'))
    .map(({ name }) => name);
  if (roles.length === 0) {
    throw new PgwitnessError({
      code: 'capture.no-archiver',
      message: 'No role in the configuration may pseudonymize: none has `update` on history.',
      fix: 'Give one `history: [select, update]`, and run `pgwitness install`.',
      exit: 2,
    });
  }
  const { role, may_become } = await readHistory(client, captureNames(table), roles);
  if (roles.includes(role)) return role;
  const [only, another] = may_become;
  if (only === undefined || another !== undefined) {
    throw new PgwitnessError({
      code: 'capture.which-archiver',
      message: `${role} may act as ${only === undefined ? `none of the roles with \`update\` on history (${roles.join(', ')})` : `several roles with \`update\` on history: ${may_become.join(', ')}`}.`,
      fix: 'Give `archiver_url_env` a login of the role that is to do it.',
      exit: 2,
    });
  }
  try {
    await client.query(`set local role ${pg.escapeIdentifier(only)}`);
  } catch (error) {
    // Since Postgres 16 a member may be one that can't SET ROLE.
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new PgwitnessError({
      code: 'capture.which-archiver',
      message: `${role} is a member of ${only}, and may not SET ROLE to it.`,
      fix: `Give \`archiver_url_env\` a login of ${only}.`,
      exit: 2,
      cause: error,
    });
  }
  return only;
}

/** Finds the history of a table, and makes sure that what is changed in it is allowed, kept and told. */
export async function openHistory(
  client: ClientBase,
  request: PseudonymRequest,
  role: string,
): Promise<OpenedHistory> {
  const { target, table, also = [] } = request;
  const names = captureNames(table);
  const shown = showName(table.schema, table.name);
  const columns = [...new Set([...(table.personal ?? []), ...also])];
  if (columns.length === 0) {
    throw new PgwitnessError({
      code: 'capture.no-personal-columns',
      message: `The configuration names no personal columns of ${shown}: there is nothing to replace.`,
      fix: 'List them under `personal` of this table, and run `pgwitness install`.',
      exit: 2,
    });
  }
  const server = await readServer(client, target.owner);
  const { tables, shapes: all } = await readRecords(client, server, target.owner);
  const shapes = all.filter(
    (shape) => shape.table_schema === table.schema && shape.table_name === table.name,
  );
  const captured = tables.some(
    (record) =>
      record.kind === 'history' &&
      record.table_schema === table.schema &&
      record.table_name === table.name,
  );
  const state = await readHistory(client, names, []);
  if (!captured || shapes.length === 0 || !state.exists || state.owner !== target.owner) {
    throw new PgwitnessError({
      code: 'capture.not-captured',
      message: `${shown} is not captured in the database ${server.database}: it has no history of ${target.owner}.`,
      fix: 'Run `pgwitness install`; where capture was taken away, put it back, so that what is changed in history is told of.',
      exit: 2,
    });
  }
  const keys = keysOf(shapes);
  if (keys.length === 0) {
    throw new PgwitnessError({
      code: 'capture.no-key',
      message: `${shown} has no primary key in history, so no row of it can be told to be one subject's.`,
      fix: 'Give the table a primary key, and run `pgwitness install`: what is captured from then on can be found.',
      exit: 2,
    });
  }
  const parsed = parseKey(request.key, keys);
  if (!parsed.ok) {
    throw new PgwitnessError({
      code: 'capture.bad-key',
      message: `The key of ${shown} is (${keys[0]?.join(', ')}): ${parsed.why}.`,
      fix: '`pgwitness pseudonymize --help` shows how a key is written.',
      exit: 2,
    });
  }
  expectAllowed(state, role, target, names, shapes);
  return {
    sought: { names, shapes, key: parsed.key.names, columns },
    asked: parsed.key,
    alsoKeys: keys.filter((key) => key !== parsed.key.names),
    witnessed: target.witness !== false,
  };
}

/** Different keys of the images, the newest first. */
function keysOf(shapes: readonly ShapeRecord[]): readonly (readonly string[])[] {
  const keys = [...shapes].reverse().map(({ key_columns }) => key_columns);
  return [...new Map(keys.map((key) => [JSON.stringify([...key].sort()), key])).values()].filter(
    (key) => key.length > 0,
  );
}

function expectAllowed(
  state: HistoryState,
  role: string,
  target: CaptureTarget,
  names: CaptureNames,
  shapes: readonly ShapeRecord[],
): void {
  const history = showName(names.schema, names.history);
  const parts = shapes.flatMap(({ number }) => [`image_${number}`, `before_${number}`]);
  const lacking = ['drifted', ...parts].filter((part) => !state.may_update.includes(part));
  if (lacking.length > 0 || !state.may_make_tokens) {
    throw new PgwitnessError({
      code: 'capture.may-not-pseudonymize',
      message: `${role} may not ${lacking.length > 0 ? `update ${lacking.join(', ')} of ${history}` : 'have tokens made'} in this database.`,
      fix: 'Run `pgwitness install`, which grants what the configuration says.',
      exit: 1,
    });
  }
  const wanted = [
    'pgwitness_first_xmin',
    'pgwitness_append_only',
    ...(target.witness === false ? [] : ['pgwitness_witness_update']),
  ];
  const missing = wanted.filter((trigger) => !state.triggers.includes(trigger));
  if (missing.length === 0) return;
  throw new PgwitnessError({
    code: 'capture.unguarded-history',
    message: `${history} lacks ${missing.join(', ')}, or has it disabled: what would be changed would not be told of.`,
    fix: 'Run `pgwitness plan --check` to see what else is not as it has to be, then `pgwitness install`.',
    exit: 1,
  });
}

async function readHistory(
  client: ClientBase,
  { schema, history }: CaptureNames,
  roles: readonly string[],
): Promise<HistoryState> {
  const { rows } = await client.query<HistoryState>(sqlFile('catalogue/pseudonymize-table.sql'), [
    schema,
    history,
    roles,
  ]);
  const [state] = rows;
  if (state === undefined) throw new Error('the query of the history table gave no row');
  return state;
}
