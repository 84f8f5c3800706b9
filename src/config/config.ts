/** `pgwitness.yaml`, trusted: names resolved, defaults in place, cross-references checked, no secret inside. */
export interface Config {
  /** Absolute path of the file it came from. */
  readonly path: string;
  readonly archive: ArchiveConfig;
  readonly receiver: ReceiverConfig;
  /** Absolute path of the file that holds secrets where the environment lacks them. */
  readonly secretsFile?: string;
  readonly spaces: readonly SpaceConfig[];
  readonly apps: readonly AppConfig[];
}

/** Where objects are put and read. */
export type ArchiveConfig =
  /** Absolute path. */
  { readonly kind: 'folder'; readonly folder: string } | S3ArchiveConfig;

export interface S3ArchiveConfig {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  /** An S3 other than AWS: `https://host[:port]`. */
  readonly endpoint?: string;
  /** The endpoint may be http on another machine: also one that the environment names. */
  readonly allowHttp?: boolean;
  /** The bucket stands in the path of a URL (true) or in its host; as the endpoint has it where absent. */
  readonly pathStyle?: boolean;
  /** The bucket's own default where absent. */
  readonly storageClass?: string;
  /** With which key the store encrypts an object; `none` sends no such header. */
  readonly encryption: 'AES256' | 'aws:kms' | 'none';
  /** With `aws:kms` only; the account's own key where absent. */
  readonly kmsKeyId?: string;
  /** Profiles of the AWS configuration files: who puts, and who reads. */
  readonly writerProfile?: string;
  readonly readerProfile?: string;
}

export interface ReceiverConfig {
  readonly host: string;
  readonly port: number;
  /** Where drains reach it from outside, without user and password. */
  readonly url?: string;
}

/** A Shield private space: one drain for all of its apps, whose lines stand below one prefix. */
export interface SpaceConfig {
  readonly name: string;
  /** Path segment below `logs/`. */
  readonly prefix: string;
  readonly drain: DrainConfig;
  readonly redactKeyEnv?: string;
}

export interface AppConfig {
  readonly name: string;
  /** Path segment below `logs/`; its space's where it is in one. */
  readonly prefix: string;
  readonly space?: string;
  /** Absent where the app is in a space, whose drain it goes through. */
  readonly drain?: DrainConfig;
  /** Its space's where it is in one. */
  readonly redactKeyEnv?: string;
  readonly database: DatabaseConfig;
  readonly ship?: ShipConfig;
  readonly smoke?: SmokeConfig;
}

export interface DrainConfig {
  readonly user: string;
  readonly secretEnv: string;
  /** Where the secret before is kept during a rotation: both are valid. */
  readonly oldSecretEnv?: string;
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
