import pg from 'pg';
import { CopyIn } from '../oracle/copy-in.ts';

/** The longest name whose history can have one, made of what has to be quoted and of two-byte letters. */
export const oddTable = `O, "q"\n${'ö'.repeat(17)}`;
/** Of an append-only table it may be as long as Postgres takes. */
export const oddLog = `"${',"'.repeat(30)}é`;

const odd = pg.escapeIdentifier(oddTable);
const log = pg.escapeIdentifier(oddLog);

/** The tables that `witnessWorkload` writes to. */
export const witnessTables = `
  create table t (id int primary key, v text);
  create table child (id int primary key, t int references t on delete cascade);
  create table part (id int, v text) partition by range (id);
  create table part_1 partition of part for values from (0) to (100);
  create table part_2 partition of part for values from (100) to (200);
  create table ${odd} (id int primary key, v text);
  create table ${log} (id int, note text);
  create function touch(p_v text) returns void language plpgsql as $f$
    begin update t set v = p_v where id = 1; end $f$;
  create procedure touch_twice() language plpgsql as $f$
    begin update t set v = 'once' where id = 1; commit; update t set v = 'twice' where id = 1; end $f$;
`;
export const capturedTables = ['t', 'child', 'part', oddTable];

/** A query as the application sends it, and the lines that are due: `INSERT t 2`, in their order. */
export interface WitnessedQuery {
  readonly sql: string;
  readonly values?: readonly string[];
  /** Fed to a COPY. */
  readonly data?: string;
  readonly lines: readonly string[];
}

/** Every way in which a write can come; `big` adds those that a flood of log would follow. */
export function witnessWorkload(big: boolean): readonly WitnessedQuery[] {
  const inserts = Array.from({ length: 200 }, (_, i) => `insert into t values (${1_000 + i}, 'x')`);
  return [
    { sql: "insert into t values (1, 'läuft ☕'), (2, 'b')", lines: ['INSERT t 2'] },
    {
      sql: `insert into ${odd}\n\tvalues (1, e'two\\nlines'),\n  (2, 'c, "d"')`,
      lines: [`INSERT ${oddTable} 2`],
    },
    { sql: `insert into ${log} values (1, 'n'), (2, null)`, lines: [`INSERT ${oddLog} 2`] },
    { sql: 'insert into t values ($1, $2)', values: ['3', 'bound'], lines: ['INSERT t 1'] },
    { sql: 'update t set v = $1 where false', values: ['none'], lines: [] },
    {
      sql: "select touch('in a function')\n  from generate_series(1, 2)",
      lines: ['UPDATE t 1', 'UPDATE t 1'],
    },
    {
      sql: "do $$ begin perform touch('in a do'); delete from t where id = 2; end $$",
      lines: ['UPDATE t 1', 'DELETE t 1'],
    },
    // The mark of what was told ends with the transaction.
    { sql: 'call touch_twice()', lines: ['UPDATE t 1', 'UPDATE t 1 with text'] },
    {
      sql: "with added as (insert into t values (4, 'cte') returning id) select * from added",
      lines: ['INSERT t 1'],
    },
    { sql: 'insert into child values (1, 4), (2, 4), (3, 3)', lines: ['INSERT child 3'] },
    { sql: 'delete from t where id = 4', lines: ['DELETE t 1', 'DELETE child 2'] },
    { sql: 'copy t from stdin', data: "5\tcopied\n6\tit's\n", lines: ['INSERT t 2'] },
    {
      sql: `merge into t using (values (5), (7), (6)) as s (id) on s.id = t.id
        when matched and t.id = 6 then delete
        when matched then update set v = 'merged'
        when not matched then insert values (s.id, 'new')`,
      lines: ['DELETE t 1', 'UPDATE t 1', 'INSERT t 1'],
    },
    { sql: "insert into part values (1, 'a'), (101, 'b'), (2, 'c')", lines: ['INSERT part 3'] },
    { sql: "update part set v = 'd'", lines: ['UPDATE part 3'] },
    { sql: "insert into part_2 values (102, 'leaf')", lines: ['INSERT part 1'] },
    {
      sql: `do $$ begin
        begin update t set v = 'undone'; raise exception 'back'; exception when raise_exception then null; end;
        update t set v = 'stays' where id = 1;
      end $$`,
      // What a savepoint takes back it takes from the mark of what was told, too.
      lines: ['UPDATE t 4', 'UPDATE t 1 with text'],
    },
    ...(big
      ? [
          { sql: `insert into t values (8, '${'big '.repeat(262_144)}')`, lines: ['INSERT t 1'] },
          { sql: inserts.join('; '), lines: inserts.map(() => 'INSERT t 1') },
        ]
      : []),
    { sql: 'truncate t cascade', lines: ['TRUNCATE t 0', 'TRUNCATE child 0'] },
    { sql: `truncate ${odd}`, lines: [`TRUNCATE ${oddTable} 0`] },
    // The only statement that runs the triggers of each partition, too: each says so.
    { sql: 'truncate part', lines: Array(3).fill('TRUNCATE part 0') },
  ];
}

/** What a client does to the queries of a workload, one after another. */
export async function sendWorkload(
  client: pg.Client,
  queries: readonly WitnessedQuery[],
): Promise<void> {
  for (const { sql, values, data } of queries) {
    if (data === undefined) await client.query(sql, values === undefined ? undefined : [...values]);
    else {
      const copy = new CopyIn(sql, data);
      client.query(copy);
      await copy.done;
    }
  }
}

/**
 * The lines that are due of a workload, in order: what they tell, and the statement they carry. With
 * `textEach` every one does: where the server's level leaves out warnings all are of level LOG.
 */
export function dueLines(
  queries: readonly WitnessedQuery[],
  textEach: boolean,
): { readonly tells: string; readonly statement: string | undefined }[] {
  return queries.flatMap(({ sql, lines }) =>
    lines.map((line, index) => ({
      tells: line.replace(' with text', ''),
      statement: textEach || index === 0 || line.endsWith(' with text') ? sql : undefined,
    })),
  );
}
