import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import type { BaselineLeaf, TableLook } from './baseline-look.ts';
import { captureNames } from './capture-names.ts';
import type { BaselineRecord } from './catalogue.ts';
import { imageExpression } from './image-shape.ts';
import { lockTimeoutMs } from './plan.ts';
import { renderSql, sqlFile } from './sql-file.ts';

/** Which rows a batch reads, and for which baseline. */
export interface BatchOf {
  readonly owner: string;
  readonly look: TableLook;
  readonly record: BaselineRecord;
  readonly leaf: BaselineLeaf;
}

export type BatchOutcome =
  | {
      readonly kind: 'read';
      /** Up to which page the leaf is done. */
      readonly pagesDone: number;
      /** Up to which it is to be read. */
      readonly end: number;
      readonly found: number;
      /** Fewer than found: what was captured since has an image already. */
      readonly kept: number;
      /** History had to be looked into for rows written since. */
      readonly looked: boolean;
    }
  /** Nothing is left of it, or another has completed it. */
  | { readonly kind: 'done' };

/** A batch that takes longer than this is given up, and a smaller one tried. */
const statementTimeoutMs = 60_000;

interface BatchState {
  readonly pages_done: number;
  readonly row_count: string;
  readonly completed: boolean;
  readonly superseded: boolean;
  readonly moved: boolean;
  readonly pages: number;
  readonly rows_hidden: boolean;
  readonly as_installed: boolean | null;
}

/**
 * Keeps images of the next `pages` pages, but not beyond page `end`, in a transaction of its own: rows and
 * how far it came are committed together, so that it goes on from there whatever ends it. Throws
 * PgwitnessError where the table is not as installed, and what `pg` throws; nothing of the batch is kept then.
 */
export async function readBatch(
  client: ClientBase,
  batch: BatchOf,
  pages: number,
  end: number,
): Promise<BatchOutcome> {
  const { look, record, leaf } = batch;
  const { schema, name } = look.table;
  const of = [schema, name, record.first_id];
  try {
    await client.query(
      renderSql(
        'baseline-open',
        {
          owner: batch.owner,
          lock_timeout: `${lockTimeoutMs}ms`,
          statement_timeout: `${statementTimeoutMs}ms`,
        },
        { place: leaf.identifier },
      ),
    );
    const { rows } = await client.query<BatchState>(sqlFile('catalogue/baseline-state.sql'), [
      ...of,
      leaf.oid,
      look.state.shape,
    ]);
    const state = expectReadable(rows[0], batch);
    // Rows of a file that was written anew are in other places: none of its pages is done.
    const from = state.moved ? 0 : state.pages_done;
    // What lies beyond `end` was written since, and captured.
    const last = state.moved ? state.pages : Math.min(end, state.pages);
    const to = Math.min(from + pages, last);
    if (state.completed || from >= last) {
      if (state.moved)
        await client.query(sqlFile('catalogue/baseline-progress.sql'), [...of, leaf.oid, 0, 0]);
      await client.query('commit');
      return { kind: 'done' };
    }
    const read = await client.query<{ kept: number; found: number; since: number }>(
      batchSql(batch),
      [
        `(${from},0)`,
        `(${to},0)`,
        String(BigInt(record.first_id) + BigInt(state.row_count)),
        record.last_id,
        String(BigInt(record.began_xid) & 0xffff_ffffn),
      ],
    );
    const { kept = 0, found = 0, since = 0 } = read.rows[0] ?? {};
    await client.query(sqlFile('catalogue/baseline-progress.sql'), [...of, leaf.oid, to, kept]);
    await client.query('commit');
    return { kind: 'read', pagesDone: to, end: last, found, kept, looked: since > 0 };
  } catch (error) {
    await client.query('rollback').catch((lost: unknown) => {
      // A connection that is gone has rolled back by itself; `error` is what the caller hears.
      if (lost instanceof pg.DatabaseError) process.emitWarning(lost);
    });
    throw error;
  }
}

function batchSql({ look, leaf }: BatchOf): string {
  const { table, shape, state } = look;
  const names = captureNames(table);
  return renderSql(
    'baseline-batch',
    {
      schema: names.schema,
      history: names.history,
      image: `image_${shape.number}`,
      partition: state.kind === 'p' ? leaf.identifier : null,
    },
    {
      image: imageExpression(names, shape, 'r'),
      same_key: shape.keyColumns
        .map((column) => pg.escapeIdentifier(column))
        .map((column) => `(h.image_${shape.number}).${column} = (f.image).${column}`)
        .join(' and '),
      place: leaf.identifier,
      columns: [
        't.xmin as xmin',
        ...state.columns.map((column) => {
          const quoted = pg.escapeIdentifier(column.name);
          // As triggers see them, so that what is read here does not differ from what is captured.
          const virtual = state.virtual_columns.includes(column.name);
          return virtual ? `null::${column.type} as ${quoted}` : `t.${quoted}`;
        }),
      ].join(', '),
    },
  );
}

function expectReadable(state: BatchState | undefined, { look, owner }: BatchOf): BatchState {
  if (state === undefined || state.superseded) {
    throw new PgwitnessError({
      code: 'capture.baseline-superseded',
      message: `Another baseline of ${look.shown} was begun while this one was being taken, or this one was taken away.`,
      fix: 'Run it again: it goes on with the newest one.',
      exit: 1,
    });
  }
  if (state.as_installed !== true) {
    throw new PgwitnessError({
      code: 'capture.baseline-drifted',
      message: `The columns of ${look.shown} have changed while its baseline was being taken. Until a new one is complete both images of each UPDATE are kept.`,
      fix: 'Run `pgwitness install`, then `pgwitness baseline`.',
      exit: 1,
    });
  }
  if (state.rows_hidden) {
    throw new PgwitnessError({
      code: 'capture.baseline-row-security',
      message: `Row security of ${look.shown} is forced upon its owner, so that ${owner} may not see all of its rows.`,
      fix: `As a superuser: alter role ${pg.escapeIdentifier(owner)} bypassrls; or have the table's row security no longer forced (alter table … no force row level security).`,
      exit: 1,
    });
  }
  return state;
}
