import { z } from 'zod';
import { archiveSchema } from './archive-schema.ts';
import { durationShape } from './duration.ts';

/** Name of an environment variable that holds a secret: the secret itself never stands in the file. */
export const envName = z
  .string()
  .max(128)
  .regex(
    /^[A-Z_][A-Z0-9_]*$/,
    'must name an environment variable (capitals, digits, _), e.g. RAXX_PROD_OWNER_URL',
  );

/** A table as SQL writes it; `parseTableName` says more precisely what is wrong with one. */
const tableName = z.string().min(1).max(260);
const roleName = z.string().min(1).max(63);

const duration = z.string().regex(durationShape, 'must be a duration such as 30s, 15m, 1h or 7d');

const segmentShape = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** One path segment that is safe in an object key and in a folder: an app's name, a prefix, a drain's user. */
export const segment = z
  .string()
  .regex(
    segmentShape,
    'must be lower-case letters, digits, dots, dashes; at most 63, the first a letter or digit',
  );

const roleSchema = z.strictObject({
  log_statement: z
    .enum(['none', 'ddl', 'mod', 'all'])
    .optional()
    .describe(
      'Which statements of this role the server logs: set with ALTER ROLE … SET log_statement.',
    ),
  history: z
    .array(z.enum(['select', 'insert', 'update']))
    .default([])
    .describe('Privileges of this role on every history table; all others are revoked.'),
});

const onFailure = z.enum(['abort', 'continue']);
const triggers = z.enum(['origin', 'always']);
/** A column by its exact name; crossCheck counts its bytes. */
const columns = z.array(z.string().min(1).max(63));

const capturedTable = z.strictObject({
  table: tableName.describe('The table: name, schema.name, or "Exact Name" in double quotes.'),
  exclude: columns
    .optional()
    .describe(
      'Columns of which nothing is captured, by their exact names: password digests, tokens.',
    ),
  mask: columns
    .optional()
    .describe('Columns captured as a keyed token: the same value gives the same token.'),
  personal: columns
    .optional()
    .describe('Columns that `pgwitness pseudonymize` replaces in the history of one subject.'),
  on_failure: onFailure
    .optional()
    .describe('As `on_failure` of the database, for this table alone.'),
  triggers: triggers.optional().describe('As `triggers` of the database, for this table alone.'),
});

const databaseSchema = z.strictObject({
  owner_url_env: envName.describe(
    "Environment variable with the owner's connection URL: plan, install and uninstall use it.",
  ),
  app_url_env: envName
    .optional()
    .describe(
      "Environment variable with the application's own login: the smoke test writes as it.",
    ),
  superuser_url_env: envName
    .optional()
    .describe(
      'Environment variable with a login that may SET log_statement for roles, where the owner may not.',
    ),
  archiver_url_env: envName
    .optional()
    .describe(
      "Environment variable with the login of the role that has `update` on history: `pgwitness pseudonymize` uses it, and the owner's where it is absent.",
    ),
  schema: z
    .string()
    .min(1)
    .max(63)
    .default('public')
    .describe('Schema of the tables that are named without one, exactly as in the catalogue.'),
  owner: roleName.describe(
    'Role that owns the tables, the history tables and the capture functions. Not the role that the application logs in as.',
  ),
  witness: z
    .boolean()
    .default(true)
    .describe(
      'Whether each captured statement leaves a line in the server log, with its text and a digest of what was captured.',
    ),
  on_failure: onFailure
    .optional()
    .describe(
      'What becomes of a write where capture itself was destroyed: abort (it does not happen) or continue (it does, and the log has an error); abort where absent.',
    ),
  triggers: triggers
    .optional()
    .describe(
      'origin, or always: triggers that fire under session_replication_role = replica too; origin where absent.',
    ),
  tables: z
    .array(
      z.union([tableName, capturedTable], {
        error: 'must be the name of a table, or a group of keys with `table` in it',
      }),
    )
    .min(1)
    .describe(
      'Tables whose changes are kept in <table>_history: name, schema.name, or "Exact Name" in double quotes; or a group of keys, `table` and how it is captured.',
    ),
  append_only: z
    .array(tableName)
    .default([])
    .describe(
      'Tables that only ever grow: no history of their own; UPDATE, DELETE and TRUNCATE are refused.',
    ),
  roles: z
    .record(roleName, roleSchema)
    .default({})
    .describe(
      'Roles that log in or read history, exactly as in pg_roles, with what each may and what is logged of it.',
    ),
});

const secretEnv = envName.describe(
  'Environment variable with the password part of the drain URL, which the receiver asks for.',
);
const oldSecretEnv = envName
  .optional()
  .describe(
    'Environment variable that holds the password before this one during a rotation: while it is set both are valid.',
  );

const redactSchema = z
  .strictObject({
    key_env: envName.describe(
      'Environment variable with the key of the tokens, 32 characters or more: `pgwitness secret new --for redaction` makes one.',
    ),
  })
  .optional()
  .describe(
    'Values in statements, parameters and unknown lines become keyed tokens before anything is stored.',
  );

const drainSchema = z.strictObject({
  user: segment
    .optional()
    .describe("User part of the drain URL; the app's name where it is absent."),
  secret_env: secretEnv,
  old_secret_env: oldSecretEnv,
  tokens: z
    .array(z.string().regex(/^d\.[A-Za-z0-9-]{1,64}$/, 'must be a drain token, d. and then its id'))
    .default([])
    .describe(
      'Logplex drain tokens (d.…) of this app, as `heroku drains` lists them: needed where several apps share one drain URL.',
    ),
});

const spaceSchema = z.strictObject({
  prefix: segment
    .optional()
    .describe("Folder of this space's objects below logs/; the space's name where it is absent."),
  drain: z
    .strictObject({
      user: segment
        .optional()
        .describe("User part of the drain URL; the space's name where it is absent."),
      secret_env: secretEnv,
      old_secret_env: oldSecretEnv,
    })
    .describe('How a request of the space’s one drain is known: it carries no token.'),
  redact: redactSchema,
});

const shipSchema = z.strictObject({
  log_directory: z
    .string()
    .min(1)
    .describe('Folder into which the server writes its jsonlog files (log_directory).'),
  state: z.string().min(1).describe('File in which `pgwitness ship` keeps the position reached.'),
  drain_url_env: envName.describe(
    'Environment variable with the drain URL, user and password included.',
  ),
});

const smokeRow = z
  .record(
    z.string().min(1),
    z.union([z.string(), z.number(), z.boolean(), z.null()], {
      error: 'must be a text, a number, true, false or null',
    }),
  )
  .describe('Column to value. {nonce} and {now} are replaced; {nonce} must stand in one of them.');

const smokeSchema = z.strictObject({
  within: duration
    .default('30s')
    .describe('How long the tracer may take to reach the archive: 500ms, 30s, 15m; at most 1h.'),
  event: z
    .strictObject({ table: tableName, row: smokeRow })
    .describe('A row that the application inserts, to be found again in the archive.'),
  trigger: z
    .strictObject({ table: tableName, row: smokeRow })
    .describe('A row that the owner inserts, to be found again in history.'),
});

const appSchema = z.strictObject({
  prefix: segment
    .optional()
    .describe("Folder of this app's objects below logs/; the app's name where it is absent."),
  drain: drainSchema
    .optional()
    .describe('How a request of the drain is known to be of this app. Either this or `space`.'),
  space: z
    .string()
    .max(256)
    .optional()
    .describe(
      'The private space (of `spaces`) that this app runs in, through whose drain its lines come. Instead of `drain`.',
    ),
  redact: redactSchema,
  database: databaseSchema.describe("The app's database: what is captured, and whose it is."),
  ship: shipSchema
    .optional()
    .describe('For a Postgres of your own: the log that `pgwitness ship` carries to the drain.'),
  smoke: smokeSchema.optional().describe('What the smoke test writes.'),
});

/** `pgwitness.yaml` as written. Keys that it does not name are errors. */
export const configSchema = z.strictObject({
  version: z.literal(1).describe('Version of this format: 1.'),
  archive: archiveSchema,
  secrets: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .describe(
          'File of NAME=value lines, absolute or relative to this file, that only its owner may read (chmod 600).',
        ),
    })
    .optional()
    .describe('Where a variable that the environment lacks is looked for.'),
  receiver: z
    .strictObject({
      url: z
        .string()
        .min(1)
        .max(2048)
        .optional()
        .describe(
          'Where drains reach the receiver from outside: https://host/, without user and password. `pgwitness secret url` builds drain URLs of it.',
        ),
      host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on.'),
      port: z
        .int()
        .min(0)
        .max(65535)
        .default(8080)
        .describe('Port to listen on; 0 takes a free one.'),
    })
    .prefault({})
    .describe('Where `pgwitness receive` listens for drains.'),
  spaces: z
    .record(z.string(), spaceSchema)
    .default({})
    .meta({
      description: 'The Shield private spaces by name, each with its one drain.',
      propertyNames: { type: 'string', pattern: segmentShape.source },
    }),
  apps: z
    // What is wrong with a name is crossCheck's to say: z.record leaves out all that stands below one.
    .record(z.string(), appSchema)
    .meta({
      description: 'The apps by name; verbs take it with --app.',
      propertyNames: { type: 'string', pattern: segmentShape.source },
    }),
});

/** The file once it has passed `configSchema`: defaults in place, names not yet resolved. */
export type WrittenConfig = z.output<typeof configSchema>;

/** What `configJsonSchema` returns: so much of JSON Schema draft 7 as is looked at here. */
export interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** JSON Schema (draft 7, which editors read best) of `pgwitness.yaml`, with a description on each key. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return { ...schema, title: 'pgwitness.yaml' } as JsonSchema;
}
