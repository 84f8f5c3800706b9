import type { ClientBase } from 'pg';
import { captureNames } from './capture-names.ts';
import type { OwnFunction } from './own-objects.ts';
import { sqlFile } from './sql-file.ts';
import type { CapturedName } from './target.ts';

/** What stands in the schema pgwitness, and on the types of images; nothing where no migration is applied. */
export interface OwnState {
  readonly functions: readonly OwnFunctionState[];
  readonly rights: readonly RightState[];
  /**
   * `lost` where no row holds the key, `no-table` where there is no table for one either, `hidden` where the
   * login may not look; null where there is none to be expected.
   */
  readonly key: 'held' | 'lost' | 'no-table' | 'hidden' | null;
}

/** A function there, whoever made it. */
export interface OwnFunctionState extends Omit<OwnFunction, 'sql'> {
  readonly owner: string;
  /** It says something of leaks, of parallel plans or of a support function. */
  readonly promises: boolean;
}

/** What a role besides the owner may do with one object. */
export interface RightState {
  readonly kind: 'schema' | 'table' | 'function' | 'type';
  /** In SQL, with its schema; of a function its signature. */
  readonly name: string;
  readonly grantee: string;
  readonly public: boolean;
  /** In lower case. */
  readonly privilege: string;
  readonly grantable: boolean;
}

/**
 * Reads it, with what may be done with the images of these tables. No function there is run: it may not be the
 * one that it was. `migrations` are the names of those that are applied.
 */
export async function readOwnState(
  client: ClientBase,
  migrations: readonly string[],
  tables: readonly CapturedName[],
): Promise<OwnState> {
  if (migrations.length === 0) return { functions: [], rights: [], key: null };
  const functions = await client.query<OwnFunctionState>(sqlFile('catalogue/own-functions.sql'));
  const rights = await client.query<RightState>(sqlFile('catalogue/own-rights.sql'), [
    tables.map(({ schema }) => schema),
    tables.map((table) => captureNames(table).history),
  ]);
  const key = migrations.includes('witness') ? await readKey(client) : null;
  return { functions: functions.rows, rights: rights.rows, key };
}

async function readKey(client: ClientBase): Promise<OwnState['key']> {
  const table = await client.query<{ readable: boolean }>(sqlFile('catalogue/witness-key.sql'));
  const readable = table.rows[0]?.readable;
  if (readable === undefined) return 'no-table';
  if (!readable) return 'hidden';
  // Whether there is one, and never the key itself.
  const { rowCount } = await client.query('select from pgwitness.witness_key');
  return rowCount === 0 ? 'lost' : 'held';
}
