/** `pgwitness.yaml`, trusted: names resolved, defaults in place, cross-references checked, no secret inside. */
export interface Config {
  /** Absolute path of the file it came from. */
  readonly path: string;
  readonly archive: { readonly folder: string };
  readonly receiver: { readonly host: string; readonly port: number };
  readonly apps: readonly AppConfig[];
}

export interface AppConfig {
  readonly name: string;
  /** Path segment below `logs/`. */
  readonly prefix: string;
  readonly drain: DrainConfig;
  readonly database: DatabaseConfig;
  readonly ship?: ShipConfig;
  readonly smoke?: SmokeConfig;
}

export interface DrainConfig {
  readonly user: string;
  readonly secretEnv: string;
  readonly tokens: readonly string[];
}

/** A table by schema and name, as in the catalogue (no quotes, exact case). */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export type HistoryPrivilege = 'select' | 'insert' | 'update';

export interface RoleConfig {
  readonly name: string;
  readonly logStatement?: 'none' | 'ddl' | 'mod' | 'all';
  readonly history: readonly HistoryPrivilege[];
}

/** A table whose changes are kept, and how; columns by their exact names. What the file leaves open is absent. */
export interface CapturedTableConfig extends TableName {
  /** Columns of which nothing is captured. */
  readonly exclude?: readonly string[];
  /** Columns captured as a keyed token: the same value gives the same token. */
  readonly mask?: readonly string[];
  /** Columns that pseudonymizing replaces in history. */
  readonly personal?: readonly string[];
  /** What becomes of a write where capture itself was destroyed; `abort` where absent. */
  readonly onFailure?: 'abort' | 'continue';
  /** Triggers fire under session_replication_role = replica too; not where absent. */
  readonly always?: boolean;
}

export interface DatabaseConfig {
  readonly ownerUrlEnv: string;
  readonly appUrlEnv?: string;
  readonly superuserUrlEnv?: string;
  /** The login that pseudonymizes. */
  readonly archiverUrlEnv?: string;
  readonly owner: string;
  /** Each captured statement leaves a line in the server log. */
  readonly witness: boolean;
  /** The database's defaults are in each of them. */
  readonly tables: readonly CapturedTableConfig[];
  readonly appendOnly: readonly TableName[];
  readonly roles: readonly RoleConfig[];
}

export interface ShipConfig {
  /** Absolute paths. */
  readonly logDirectory: string;
  readonly state: string;
  readonly drainUrlEnv: string;
}

export type SmokeRow = Readonly<Record<string, string | number | boolean | null>>;

export interface SmokeConfig {
  readonly withinMs: number;
  readonly event: { readonly table: TableName; readonly row: SmokeRow };
  readonly trigger: { readonly table: TableName; readonly row: SmokeRow };
}
