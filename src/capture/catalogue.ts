import type { ClientBase } from 'pg';
import { captureNames } from './capture-names.ts';
import { type OwnState, readOwnState } from './own-state.ts';
import { sqlFile } from './sql-file.ts';
import type { CapturedName, CaptureTarget } from './target.ts';

/** What the catalogue says about all that a target names or would make: one consistent look. */
export interface Catalogue {
  readonly server: ServerState;
  readonly roles: ReadonlyMap<string, RoleState>;
  /** By `nameKey`. */
  readonly tables: ReadonlyMap<string, TableState>;
  readonly relations: ReadonlyMap<string, RelationState>;
  readonly functions: ReadonlyMap<string, FunctionState>;
  readonly triggers: readonly TriggerState[];
  /** Triggers that call the capture functions of the target or of what was installed, and all guards, wherever they are. */
  readonly ownTriggers: readonly OwnTrigger[];
  readonly roleSettings: readonly RoleSettingState[];
  /** Who may execute pgwitness.pseudonym; none where there is no such function. */
  readonly pseudonymizers: readonly ExecutorState[];
  readonly own: OwnState;
  readonly records: Records;
}

export interface ServerState {
  /** As server_version_num: 150004. */
  readonly version: number;
  readonly database: string;
  readonly encoding: string;
  readonly user: string;
  readonly superuser: boolean;
  readonly owner_exists: boolean;
  readonly may_become_owner: boolean;
  readonly owner_may_create_schema: boolean;
  /** The schema `pgwitness`, where there is one. */
  readonly bookkeeping: {
    readonly owner: string;
    readonly readable: boolean;
    readonly ledger: boolean;
  } | null;
}

export interface RoleState {
  readonly name: string;
  readonly exists: boolean;
  readonly superuser: boolean;
  readonly member_of_owner: boolean;
}

export interface PartitionState {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** As regclass writes it, with its schema. */
  readonly text: string;
  readonly kind: string;
  readonly owner: string;
}

export interface TableState extends CapturedName {
  readonly schema_exists: boolean;
  readonly owner_may_create: boolean;
  /** null where there is no such table; so are kind, persistence and owner. */
  readonly oid: string | null;
  readonly kind: string | null;
  readonly persistence: string | null;
  readonly owner: string | null;
  readonly partition_of: string | null;
  /** Its owner sees the rows alone that its policies let through. */
  readonly forced_row_security: boolean;
  readonly has_heirs: boolean;
  /** Foreign tables below it, as partitions or by inheritance, as SQL writes them. */
  readonly foreign_heirs: readonly string[];
  /** Of its primary key. */
  readonly key_columns: readonly string[];
  /** Generated and not stored. */
  readonly virtual_columns: readonly string[];
  /** Its primary key's index: the name in SQL, and what pg_get_indexdef says of it. */
  readonly key_index: string | null;
  readonly key_definition: string | null;
  /** In their order. */
  readonly columns: readonly ColumnState[];
  /** The columns as pgwitness.places_of describes them; null where there are none. */
  readonly shape: string | null;
  /** Roles besides the owner that may make triggers on it or on a partition of it; `public` for everyone. */
  readonly trigger_makers: readonly {
    readonly schema: string;
    readonly name: string;
    readonly grantee: string;
    readonly public: boolean;
  }[];
  /** All below a partitioned table, those in between included. */
  readonly partitions: readonly PartitionState[];
}

export interface ColumnState {
  readonly name: string;
  /** pg_attribute.attnum: stays with it whatever it is called. */
  readonly number: number;
  /** As format_type tells it without its modifier. */
  readonly type: string;
  /** The type below its domains. */
  readonly stored: string;
  /** Whether an image can hold it as it is. */
  readonly native: boolean;
  readonly collatable: boolean;
}

export interface GrantState {
  readonly grantee: string;
  readonly public: boolean;
  readonly privilege: string;
  /** The column it is limited to. */
  readonly column: string | null;
  readonly grantable: boolean;
}

export interface RelationState extends CapturedName {
  readonly oid: string;
  readonly kind: string;
  readonly persistence: string;
  readonly owner: string;
  readonly row_security: boolean;
  readonly inherits: boolean;
  readonly has_rules: boolean;
  /** Oid of the table that an index belongs to. */
  readonly index_of: string | null;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    /** Of a composite type: name and type of each. */
    readonly attributes: readonly (readonly [string, string])[] | null;
    readonly required: boolean;
  }[];
  /** Columns of other relations that a view reads. */
  readonly view_reads: readonly string[];
  /** What a row has to meet besides its columns' types: constraints and unique indexes, as SQL. */
  readonly limits: readonly string[];
  readonly grants: readonly GrantState[];
  /** Someone besides the owner may use the sequence behind its id. */
  readonly sequence_granted: boolean;
}

export interface FunctionState extends CapturedName {
  readonly oid: string;
  readonly owner: string;
  readonly language: string;
  readonly source: string;
  readonly security_definer: boolean;
  readonly settings: readonly string[];
  readonly is_trigger: boolean;
  /** Someone besides the owner may execute it. */
  readonly granted: boolean;
}

export interface TriggerState {
  readonly table_oid: string;
  readonly table_schema: string;
  readonly table_name: string;
  readonly name: string;
  /** O origin, D disabled, R replica, A always. */
  readonly enabled: string;
  /** Bits of pg_trigger.tgtype. */
  readonly type: number;
  readonly old_table: string | null;
  readonly new_table: string | null;
  /** Each ends with `\000`. */
  readonly arguments: string;
  /** It has a WHEN. */
  readonly conditional: boolean;
  /** Its WHEN as Postgres writes it, where it is a statement trigger. */
  readonly condition: string | null;
  /** The columns of its UPDATE OF, in the table's order; none where it has no such list. */
  readonly update_columns: readonly string[];
  readonly is_constraint: boolean;
  readonly function_schema: string;
  readonly function_name: string;
}

export interface OwnTrigger {
  readonly table_oid: string;
  readonly schema: string;
  readonly table: string;
  readonly trigger: string;
  readonly function_schema: string;
  readonly function_name: string;
  /** As in TriggerState. */
  readonly arguments: string;
  /** As in TriggerState. */
  readonly enabled: string;
}

export interface ExecutorState {
  readonly grantee: string;
  readonly public: boolean;
  readonly grantable: boolean;
}

export interface RoleSettingState {
  readonly role: string;
  readonly in_database: boolean;
  readonly value: string;
}

/** What earlier runs noted in the schema `pgwitness`; empty where there is none or it can't be read. */
export interface Records {
  readonly migrations: readonly { number: number; name: string; sha256: string }[];
  readonly tables: readonly TableRecord[];
  readonly settings: readonly SettingRecord[];
  readonly shapes: readonly ShapeRecord[];
  readonly baselines: readonly BaselineRecord[];
}

/** The form of one table's images: of its columns image_<number> and before_<number>. */
export interface ShapeRecord {
  readonly table_schema: string;
  readonly table_name: string;
  readonly number: number;
  readonly attributes: readonly ImageAttribute[];
  readonly key_columns: readonly string[];
}

/** A column in an image: as its value, as the value's text, or as a keyed token of it. */
export interface ImageAttribute {
  readonly name: string;
  /** Of the attribute. */
  readonly type: string;
  readonly as: 'value' | 'text' | 'token';
}

/** A baseline that was begun, as pgwitness.baseline has it; ids as bigint's text. */
export interface BaselineRecord {
  readonly table_schema: string;
  readonly table_name: string;
  readonly first_id: string;
  readonly last_id: string;
  /** The number of its images' form. */
  readonly shape: number;
  readonly because: BaselineReason;
  /** What it reads, by oid: the table itself, or partitions of it. */
  readonly places: Readonly<Record<string, { readonly name: string; readonly filenode: string }>>;
  /** Oid of the database that it was begun in. */
  readonly database: number;
  readonly began_xid: string;
  /** From when on both images of each UPDATE are kept; null while a writer may not know of it yet. */
  readonly holds_since: Date | null;
  /** By oid. */
  readonly pages_done: Readonly<Record<string, number>>;
  readonly row_count: string;
  /** null while it is being taken. */
  readonly completed_at: Date | null;
}

/** Why a baseline was begun: capture was new or had been off, rows came from elsewhere, or someone asked. */
export type BaselineReason =
  | 'installed'
  | 'interrupted'
  | 'partition'
  | 'restored'
  | 'rewritten'
  | 'changed'
  | 'asked';

export interface TableRecord {
  readonly table_schema: string;
  readonly table_name: string;
  readonly kind: 'history' | 'append_only';
  readonly history_name: string | null;
  readonly function_name: string | null;
  readonly fingerprint: string;
  /** Absent where only a version installed it that did not note it. */
  readonly app?: string | null;
}

export interface SettingRecord {
  readonly role_name: string;
  readonly database: string | null;
  readonly value: string;
  readonly replaced: string | null;
}

/** Key of a catalogue map. */
export function nameKey(schema: string, name: string): string {
  return JSON.stringify([schema, name]);
}

/** Reads all that a plan rests on. Writes nothing, and needs no more than a login. */
export async function readCatalogue(client: ClientBase, target: CaptureTarget): Promise<Catalogue> {
  const server = await readServer(client, target.owner);
  const records = await readRecords(client, server, target.owner);
  const roles = await rows<RoleState>(client, 'roles', [
    target.roles.map((role) => role.name),
    target.owner,
  ]);
  const wanted = [...target.tables, ...target.appendOnly];
  const tables = await rows<TableState>(client, 'tables', [...columns(wanted), target.owner]);
  const names = target.tables.map(captureNames);
  const relations = await rows<RelationState>(
    client,
    'relations',
    columns(
      names.flatMap(({ schema, history, index, changes }) => [
        { schema, name: history },
        { schema, name: index },
        { schema, name: changes },
      ]),
    ),
  );
  const named = [
    ...names.map((name) => ({ schema: name.schema, name: name.function })),
    ...names.map((name) => ({ schema: name.schema, name: name.witness })),
    { schema: 'pgwitness', name: 'witness_append_only' },
  ];
  const functions = await rows<FunctionState>(client, 'functions', columns(named));
  const triggered = [
    ...tables.flatMap((table) => [table, ...table.partitions]),
    ...relations.filter((relation) => relation.kind !== 'i'),
  ].flatMap(({ oid }) => (oid === null ? [] : [oid]));
  return {
    server,
    roles: new Map(roles.map((role) => [role.name, role])),
    tables: byName(tables),
    relations: byName(relations),
    functions: byName(functions),
    triggers: await rows<TriggerState>(client, 'triggers', [triggered]),
    ownTriggers: await readOwnTriggers(client, [
      ...named,
      ...records.tables.flatMap(({ table_schema: schema, function_name: name }) =>
        name === null ? [] : [{ schema, name }],
      ),
    ]),
    roleSettings: await readRoleSettings(
      client,
      target.roles.map((role) => role.name),
    ),
    pseudonymizers: await rows<ExecutorState>(client, 'pseudonymize-executors', []),
    own: await readOwnState(
      client,
      records.migrations.map(({ name }) => name),
      [
        ...target.tables,
        ...records.tables.map(({ table_schema: schema, table_name: name }) => ({ schema, name })),
      ],
    ),
    records,
  };
}

/** The triggers that call one of these functions, and all guards. */
export function readOwnTriggers(
  client: ClientBase,
  functions: readonly CapturedName[],
): Promise<OwnTrigger[]> {
  return rows<OwnTrigger>(client, 'own-triggers', columns(functions));
}

/** What the roles have set for log_statement. */
export function readRoleSettings(
  client: ClientBase,
  roles: readonly string[],
): Promise<RoleSettingState[]> {
  return rows<RoleSettingState>(client, 'role-settings', [roles]);
}

/** Which of the roles this connection may SET log_statement for. */
export async function readMaySet(
  client: ClientBase,
  roles: readonly string[],
): Promise<ReadonlySet<string>> {
  const server = await readServer(client, '');
  if (server.superuser) return new Set(roles);
  // Before Postgres 15 no one else could be allowed to.
  if (server.version < 150000) return new Set();
  const found = await rows<{ role: string; may: boolean }>(client, 'may-set', [roles]);
  return new Set(found.filter(({ may }) => may).map(({ role }) => role));
}

/**
 * What earlier runs noted. Nothing is read in a schema that is not the owner's: what looks like our notes
 * there may be a view, and run another's code with the owner's rights.
 */
export async function readRecords(
  client: ClientBase,
  server: ServerState,
  owner: string,
): Promise<Records> {
  const none: Records = { migrations: [], tables: [], settings: [], shapes: [], baselines: [] };
  const { owner: theirs, readable, ledger } = server.bookkeeping ?? {};
  if (theirs !== owner || readable !== true || ledger !== true) return none;
  const migrations = await client.query<Records['migrations'][number]>(
    'select number, name, sha256 from pgwitness.migration order by number',
  );
  if (migrations.rows.length === 0) return none;
  const tables = await client.query<TableRecord>(
    'select * from pgwitness.captured_table order by table_schema, table_name, kind',
  );
  const settings = await client.query<SettingRecord>(
    "select * from pgwitness.role_setting where setting = 'log_statement' order by role_name",
  );
  const found = { migrations: migrations.rows, tables: tables.rows, settings: settings.rows };
  // Of an install by a version that had neither.
  if (!migrations.rows.some(({ name }) => name === 'witness')) {
    return { ...found, shapes: [], baselines: [] };
  }
  const shapes = await client.query<ShapeRecord>(
    'select * from pgwitness.image_shape order by table_schema, table_name, number',
  );
  const baselines = await client.query<BaselineRecord>(
    'select * from pgwitness.baseline order by table_schema, table_name, first_id',
  );
  return { ...found, shapes: shapes.rows, baselines: baselines.rows };
}

/** The server and who is connected, with regard to the role that is to own all. */
export async function readServer(client: ClientBase, owner: string): Promise<ServerState> {
  const [server] = await rows<ServerState>(client, 'server', [owner]);
  if (server === undefined) throw new Error('the server query gave no row');
  return server;
}

async function rows<Row extends object>(
  client: ClientBase,
  query: string,
  values: unknown[],
): Promise<Row[]> {
  return (await client.query<Row>(sqlFile(`catalogue/${query}.sql`), values)).rows;
}

function columns(names: readonly CapturedName[]): [string[], string[]] {
  return [names.map(({ schema }) => schema), names.map(({ name }) => name)];
}

function byName<Row extends CapturedName>(found: readonly Row[]): Map<string, Row> {
  return new Map(found.map((row) => [nameKey(row.schema, row.name), row]));
}
