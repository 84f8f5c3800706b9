import type { ClientBase } from 'pg';
import type { Catalogue } from './catalogue.ts';
import { sqlFile } from './sql-file.ts';
import type { CapturedName, CaptureTarget } from './target.ts';

/** What coverage looks at besides the catalogue that a plan rests on. One consistent look with it. */
export interface CoverageFacts {
  /** Of the schemas that the configuration names tables of: all that hold rows. */
  readonly relations: readonly RelationFacts[];
  readonly otherSchemas: readonly { readonly schema: string; readonly tables: number }[];
  readonly heirs: readonly HeirFacts[];
  /** Configured tables and their partitions, by oid. */
  readonly places: ReadonlyMap<string, PlaceFacts>;
  readonly rules: readonly RuleFacts[];
  readonly roles: readonly RoleFacts[];
  readonly schemaOwners: readonly {
    readonly schema: string;
    readonly owner: string;
    readonly superuser: boolean;
  }[];
  /** Who may change a setting that only superusers may; none before Postgres 15. */
  readonly parameters: readonly { readonly role: string; readonly setting: string }[];
  readonly settings: readonly SettingFacts[];
  /** null where what was set for this login hides the server's own. */
  readonly serverSettings: ReadonlyMap<string, string | null>;
  readonly subscriptions: readonly {
    readonly table_oid: string;
    readonly name: string;
    readonly enabled: boolean;
  }[];
  readonly replicaFunctions: readonly CapturedName[];
  /** When each table was last made or put right; none where the schema pgwitness can't be read. */
  readonly installs: readonly (CapturedName & {
    readonly kind: 'history' | 'append_only';
    readonly installed_at: Date;
  })[];
}

export interface RelationFacts extends CapturedName {
  readonly oid: string;
  /** r, p or f. */
  readonly kind: string;
  readonly persistence: string;
  /** Of a partition: the table at the top. */
  readonly root: (CapturedName & { readonly oid: string }) | null;
  readonly extension: string | null;
  readonly columns: readonly string[];
  readonly captured_by: readonly (CapturedName & { readonly enabled: boolean })[];
}

export interface HeirFacts extends CapturedName {
  readonly root: string;
  readonly oid: string;
  readonly kind: string;
  readonly more_columns: readonly string[];
}

export interface PlaceFacts {
  readonly oid: string;
  readonly kind: string;
  readonly persistence: string;
  readonly parent: string | null;
  readonly pages: number;
  readonly toast_bytes: number;
  readonly rows: number;
  readonly average_bytes: number;
}

export interface RuleFacts {
  readonly table_oid: string;
  readonly name: string;
  readonly instead: boolean;
  readonly event: string;
}

export interface RoleFacts {
  readonly name: string;
  readonly superuser: boolean;
  readonly login: boolean;
  readonly creates_roles: boolean;
  readonly member_of_owner: boolean | null;
  readonly writes_all: boolean;
  readonly reads_all: boolean;
  readonly reaches_server: boolean;
  /** It can log in and change a captured table. */
  readonly writes: boolean;
}

export interface SettingFacts {
  /** null: everybody's. */
  readonly role: string | null;
  readonly in_database: boolean;
  readonly name: string;
  readonly value: string;
}

/** Settings that decide whether triggers fire and what of a witness line reaches the log. */
export const watchedSettings = [
  'session_replication_role',
  'log_min_messages',
  'log_min_error_statement',
  'log_error_verbosity',
  'log_statement',
] as const;

/** Reads them in the transaction that the caller has begun. Throws what `pg` throws. */
export async function readCoverageFacts(
  client: ClientBase,
  target: CaptureTarget,
  catalogue: Catalogue,
): Promise<CoverageFacts> {
  const read = async <Row extends object>(query: string, ...values: unknown[]) =>
    (await client.query<Row>(sqlFile(`catalogue/coverage-${query}.sql`), values)).rows;
  const schemas = [
    ...new Set([...target.tables, ...target.appendOnly].map(({ schema }) => schema)),
  ];
  const tables = [...catalogue.tables.values()].filter(({ oid }) => oid !== null);
  const tops = tables.map(({ oid }) => oid);
  const oids = [...tops, ...tables.flatMap(({ partitions }) => partitions.map(({ oid }) => oid))];
  const { server } = catalogue;
  const places = await read<PlaceFacts>('places', oids);
  const serverSettings = await read<{ name: string; value: string | null }>('server-settings', [
    ...watchedSettings,
  ]);
  return {
    relations: await read('relations', schemas),
    otherSchemas: await read('schemas', schemas),
    heirs: await read('heirs', tops),
    places: new Map(places.map((place) => [place.oid, place])),
    rules: await read('rules', oids),
    roles: await read('roles', target.owner, oids),
    schemaOwners: await read('schema-owners', [...schemas, 'pgwitness']),
    // has_parameter_privilege came with it.
    parameters:
      server.version < 150000
        ? []
        : await read('parameters', [
            'session_replication_role',
            'log_min_messages',
            'log_min_error_statement',
          ]),
    settings: await read('settings', [...watchedSettings]),
    serverSettings: new Map(serverSettings.map(({ name, value }) => [name, value])),
    subscriptions: await read('subscriptions', oids),
    replicaFunctions: await read('replica-functions'),
    installs:
      server.bookkeeping?.readable === true && catalogue.records.migrations.length > 0
        ? await read('installs')
        : [],
  };
}
