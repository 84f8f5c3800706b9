import { z } from 'zod';

/** Name of an environment variable that holds a secret: the secret itself never stands in the file. */
const envName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must name an environment variable, e.g. RAXX_PROD_OWNER_URL');

/** A table as in SQL without quotes: `name` or `schema.name`; anything Postgres allows inside. */
const tableName = z.string().min(1).max(127);
const roleName = z.string().min(1).max(63);

/** `30s`, `15m`, `1h`, `7d` → milliseconds. */
const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}(ms|s|m|h|d)$/, 'must be a duration such as 30s, 15m, 1h or 7d');

/** One path segment that is safe in an object key and in a folder. */
const segment = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'must be lower-case letters, digits, dots, dashes; at most 63',
  );

const roleSchema = z.strictObject({
  /** What this role's statements are logged as: set with ALTER ROLE … SET log_statement. */
  log_statement: z.enum(['none', 'ddl', 'mod', 'all']).optional(),
  /** Privileges on every history table; all else is revoked. */
  history: z.array(z.enum(['select', 'insert', 'update'])).default([]),
});

const databaseSchema = z.strictObject({
  /** Environment variable with the owner's connection URL: plan, install and uninstall use it. */
  owner_url_env: envName,
  /** The application's own login: the smoke test writes as it. */
  app_url_env: envName.optional(),
  /** A login that may SET log_statement for roles, where the owner may not. */
  superuser_url_env: envName.optional(),
  /** Schema of table names given without one. */
  schema: z.string().min(1).max(63).default('public'),
  /** Role that owns the tables, the history tables and the capture functions. */
  owner: roleName,
  /** Tables whose changes are kept in `<table>_history`. */
  tables: z.array(tableName).min(1),
  /** Tables that only ever grow: no history of their own, UPDATE, DELETE and TRUNCATE refused. */
  append_only: z.array(tableName).default([]),
  roles: z.record(roleName, roleSchema).default({}),
});

const drainSchema = z.strictObject({
  /** User part of the drain URL; the app's name where absent. */
  user: segment.optional(),
  /** Environment variable with the password part of the drain URL. */
  secret_env: envName,
  /** Logplex drain tokens (`d.…`) of this app: needed where several apps share one URL. */
  tokens: z
    .array(z.string().regex(/^d\.[A-Za-z0-9-]{1,64}$/, 'must be a drain token, d.…'))
    .default([]),
});

const shipSchema = z.strictObject({
  /** Folder into which the server writes its jsonlog files (`log_directory`). */
  log_directory: z.string().min(1),
  /** File that keeps the position reached. */
  state: z.string().min(1),
  /** Environment variable with the drain URL, user and password included. */
  drain_url_env: envName,
});

const smokeRow = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const smokeSchema = z.strictObject({
  /** How long the tracer may take to reach the archive. */
  within: duration.default('30s'),
  /** A row that the application role inserts; `{nonce}` and `{now}` are replaced. */
  event: z.strictObject({ table: tableName, row: smokeRow }),
  /** A row that the owner inserts to see it captured. */
  trigger: z.strictObject({ table: tableName, row: smokeRow }),
});

const appSchema = z.strictObject({
  /** Folder of this app's objects below `logs/`; the app's name where absent. */
  prefix: segment.optional(),
  drain: drainSchema,
  database: databaseSchema,
  ship: shipSchema.optional(),
  smoke: smokeSchema.optional(),
});

/** `pgwitness.yaml` as written. Keys that it does not name are errors. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  /** Where objects are put and read: a folder, relative to the file. */
  archive: z.strictObject({ folder: z.string().min(1) }),
  receiver: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65535).default(8080),
    })
    .prefault({}),
  apps: z.record(segment, appSchema),
});
export type ConfigInput = z.input<typeof configSchema>;
