import type { ClientBase } from 'pg';
import { readMaySet } from '../capture/catalogue.ts';
import { sqlFile } from '../capture/sql-file.ts';

/** A column as the catalogue has it. */
export interface ColumnFacts {
  readonly name: string;
  /** As SQL writes it, e.g. `character varying(64)`. */
  readonly type: string;
  /** Name of the type behind domains and arrays, e.g. `varchar`, and its pg_type.typcategory. */
  readonly base: string;
  readonly category: string;
  /** Part of the primary key. */
  readonly inKey: boolean;
  /** Part of a foreign key. */
  readonly references: boolean;
}

/** A table as the catalogue has it; partitions are no tables of their own. */
export interface TableFacts {
  readonly name: string;
  /** pg_class.relkind: r, p or f. */
  readonly kind: string;
  readonly owner: string;
  /** The extension that it belongs to. */
  readonly extension: string | null;
  readonly has_key: boolean;
  /** A foreign key of it deletes or updates its rows. */
  readonly changed_by_cascade: boolean;
  /** Rows since the server's counters began, rolled-back ones included: a hint, no proof. */
  readonly inserted: number;
  readonly changed: number;
  readonly columns: readonly ColumnFacts[];
}

/** A role that can log in, and the tables on which it may do something that changes rows. */
export interface WriterFacts {
  readonly role: string;
  readonly privilege: 'insert' | 'update' | 'delete' | 'truncate';
  readonly tables: readonly string[];
}

export interface OwnerFacts {
  readonly superuser: boolean;
  readonly login: boolean;
  /** The connection is this role or a member of it. */
  readonly may_become: boolean;
  /** It may create objects in the schema. */
  readonly may_create: boolean;
  /** Other roles that log in and are members of it. */
  readonly members: readonly string[];
  /** Connections that are open as this role, besides our own. */
  readonly other_sessions: number;
}

/** What a proposal rests on: one consistent look at one schema. */
export interface DatabaseFacts {
  readonly database: string;
  readonly user: string;
  /** As server_version_num, and for people. */
  readonly version: number;
  readonly version_name: string;
  /** The server's own setting; null where this session can't tell it from a role's. */
  readonly log_statement: string | null;
  readonly log_line_prefix: string;
  readonly schema: string;
  readonly schemas: readonly { readonly name: string; readonly tables: number }[];
  readonly tables: readonly TableFacts[];
  readonly writers: readonly WriterFacts[];
  /** By the names of all owners in `tables`. */
  readonly owners: ReadonlyMap<string, OwnerFacts>;
  /** Roles of `owners` and `writers` that this connection may SET log_statement for. */
  readonly maySetLog: ReadonlySet<string>;
}

/** Reads the catalogue of `schema`. Needs a login, no more; writes nothing, on a standby too. */
export async function readDatabase(client: ClientBase, schema: string): Promise<DatabaseFacts> {
  await client.query('begin isolation level repeatable read, read only');
  try {
    // A schema of the database's may hold functions and views of the same names.
    await client.query('set local search_path = pg_catalog');
    const rows = async <Row extends object>(name: string, values: unknown[] = []) =>
      (await client.query<Row>(sqlFile(`init/${name}.sql`), values)).rows;
    type Server = Omit<
      DatabaseFacts,
      'schema' | 'schemas' | 'tables' | 'writers' | 'owners' | 'maySetLog'
    >;
    const [server] = await rows<Server>('server');
    if (server === undefined) throw new Error('the server query gave no row');
    const tables = await rows<TableFacts>('tables', [schema]);
    const writers = await rows<WriterFacts>('writers', [schema]);
    const owners = new Map<string, OwnerFacts>();
    for (const owner of new Set(tables.map((table) => table.owner))) {
      const [facts] = await rows<OwnerFacts>('owner', [owner, schema]);
      if (facts !== undefined) owners.set(owner, facts);
    }
    const roles = [...owners.keys(), ...writers.map(({ role }) => role)];
    return {
      ...server,
      schema,
      schemas: await rows('schemas'),
      tables,
      writers,
      owners,
      maySetLog: await readMaySet(client, [...new Set(roles)]),
    };
  } finally {
    await client.query('rollback');
  }
}
