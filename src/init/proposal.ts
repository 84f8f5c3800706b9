import { showIdentifier } from '../capture/capture-names.ts';
import { findSecrets } from '../config/find-secrets.ts';
import { PgwitnessError } from '../error.ts';
import { judgeAppendOnly } from './append-only.ts';
import { type Finding, findingsOf } from './findings.ts';
import { commonOwner, type LeftOut, leftOut } from './left-out.ts';
import { logSettings } from './log-settings.ts';
import type { DatabaseFacts } from './read-database.ts';
import { canStand } from './role-name.ts';
import { type ColumnProposal, sensitiveColumns } from './sensitive-columns.ts';
import { whatLeaves } from './what-leaves.ts';

export interface ProposedTable {
  readonly name: string;
  /** What its reader should know of it. */
  readonly note?: string;
  readonly columns: readonly (ColumnProposal & { readonly type: string })[];
}

export interface ProposedRole {
  readonly name: string;
  readonly logStatement?: 'ddl' | 'mod';
  readonly history: readonly 'select'[];
  readonly why: string;
}

/** What `pgwitness.yaml` is to say of one app. Names as in the catalogue; no secret, no row. */
export interface Proposal {
  readonly app: string;
  readonly database: string;
  readonly schema: string;
  readonly ownerUrlEnv: string;
  readonly drainSecretEnv: string;
  /** Absent where no role but the owner writes. */
  readonly appUrlEnv?: string;
  /** Set where log_statement needs a login that has more rights than the owner. */
  readonly superuserUrlEnv?: string;
  readonly owner: string;
  readonly tables: readonly ProposedTable[];
  readonly appendOnly: readonly { readonly name: string; readonly why: string }[];
  readonly roles: readonly ProposedRole[];
  readonly leftOut: readonly LeftOut[];
  readonly findings: readonly Finding[];
  /** What leaves the database with this configuration, a sentence each. */
  readonly leaves: readonly string[];
}

/**
 * What to write for the app called `app`. Pure. Throws PgwitnessError, exit 2: `init.no-such-schema`,
 * `init.nothing-to-capture`, `init.owner-name`.
 */
export function propose(
  facts: DatabaseFacts,
  given: { readonly app: string; readonly ownerUrlEnv: string },
): Proposal {
  const { schema } = facts;
  if (!facts.schemas.some(({ name }) => name === schema)) throw noSchema(facts);
  const owner = commonOwner(schema, facts.tables, facts.user);
  const out = leftOut(schema, facts.tables, owner ?? facts.user);
  if (owner === undefined) throw nothingToCapture(facts, out);
  if (!canStand(owner)) throw ownerName(owner);

  const kept = facts.tables.filter(({ name }) => !out.some((left) => left.name === name));
  const judged = kept.map((table) => ({ table, growing: judgeAppendOnly(table, facts.writers) }));
  const tables = judged.flatMap(({ table, growing }): ProposedTable[] => {
    if (growing.likely === 'yes') return [];
    const types = new Map(table.columns.map(({ name, type }) => [name, type]));
    const sensitive = sensitiveColumns(table.name, table.columns);
    const columns = sensitive
      .filter(({ name }) => findSecrets(name).length === 0)
      .map((column) => ({ ...column, type: types.get(column.name) ?? '' }));
    const notes = [
      ...(columns.length === sensitive.length
        ? []
        : ['a column that belongs here is missing: its name looks like a secret, so rename it']),
      ...(table.has_key ? [] : ['no primary key: captured, without a key']),
      ...(growing.likely === 'perhaps' ? [growing.why] : []),
    ];
    return [{ name: table.name, columns, ...(notes.length > 0 && { note: notes.join('; ') }) }];
  });
  const appendOnly = judged.flatMap(({ table, growing }) =>
    growing.likely === 'yes' ? [{ name: table.name, why: growing.why }] : [],
  );
  // The configuration needs a table with history: guarding is all that could be done without one.
  if (tables.length === 0) throw nothingToCapture(facts, out);

  const writers = writersOf(
    facts,
    kept.map(({ name }) => name),
  );
  const settings = logSettings(facts, [owner, ...writers.keys()]);
  const logged = settings.host === 'other';
  const roles = [
    ownerRole(owner, { logged, alone: writers.size === 0 }),
    ...[...writers].map(([name, may]) => writerRole(name, may, logged)),
  ];
  const env = environment(given);
  return {
    app: given.app,
    database: facts.database,
    schema,
    ownerUrlEnv: given.ownerUrlEnv,
    drainSecretEnv: env('DRAIN_SECRET'),
    ...(writers.size > 0 && { appUrlEnv: env('APP_URL') }),
    ...(logged && settings.blocked.length > 0 && { superuserUrlEnv: env('SUPERUSER_URL') }),
    owner,
    tables,
    appendOnly,
    roles,
    leftOut: out,
    findings: findingsOf(facts, { owner, tables: kept, writers: [...writers.keys()], settings }),
    leaves: whatLeaves(settings, logged),
  };
}

function ownerRole(
  name: string,
  { logged, alone }: { readonly logged: boolean; readonly alone: boolean },
): ProposedRole {
  const who = alone ? 'the owner, and as it seems the application too' : 'the owner';
  if (!logged) return { name, history: [], why: who };
  return {
    name,
    // mod holds ddl too.
    logStatement: alone ? 'mod' : 'ddl',
    history: [],
    why: `${who}: switching capture off leaves a line, unless in a DO block`,
  };
}

function writerRole(name: string, may: readonly string[], logged: boolean): ProposedRole {
  return {
    name,
    ...(logged && { logStatement: 'mod' as const }),
    history: ['select'],
    why: `may ${may.join(', ')}; capture writes history itself, so it is given no more than reading it`,
  };
}

/** Roles besides the owner that write one of `tables`, with what they may do. */
function writersOf(
  facts: DatabaseFacts,
  tables: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const kept = new Set(tables);
  const writers = new Map<string, string[]>();
  for (const { role, privilege, tables: on } of facts.writers) {
    if (!canStand(role) || !on.some((name) => kept.has(name))) continue;
    writers.set(role, [...(writers.get(role) ?? []), privilege]);
  }
  return writers;
}

/** Names variables after the app: MYAPP_APP_URL; never the one that is the owner's. */
function environment({ app, ownerUrlEnv }: { app: string; ownerUrlEnv: string }) {
  const prefix = envPrefix(app);
  return (suffix: string) =>
    `${prefix}_${suffix}` === ownerUrlEnv ? `${prefix}_OTHER_${suffix}` : `${prefix}_${suffix}`;
}

/** `raxx-api-prod` as `RAXX_API_PROD`. */
export function envPrefix(app: string): string {
  return app
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^(?=[0-9])/, '_');
}

function noSchema({ schema, schemas, database }: DatabaseFacts): PgwitnessError {
  return new PgwitnessError({
    code: 'init.no-such-schema',
    message: `The database ${database} has no schema ${JSON.stringify(schema)}.`,
    fix: `Name one that it has with --schema: ${shown(schemas)}.`,
    exit: 2,
  });
}

function nothingToCapture(
  { schema, schemas, tables, database }: DatabaseFacts,
  out: readonly LeftOut[],
): PgwitnessError {
  const others = schemas.filter(({ name, tables: count }) => name !== schema && count > 0);
  const left = out.slice(0, 10).map(({ name, why }) => `  ${showIdentifier(name)} ${why}`);
  const more = out.length > left.length ? [`  … and ${out.length - left.length} more`] : [];
  return new PgwitnessError({
    code: 'init.nothing-to-capture',
    message:
      tables.length === 0
        ? `The schema ${showIdentifier(schema)} of the database ${database} has no tables.`
        : `The schema ${showIdentifier(schema)} of the database ${database} has no table whose changes could be kept${left.length === 0 ? '.' : `:\n${[...left, ...more].join('\n')}`}`,
    fix:
      others.length > 0
        ? `Name the schema that holds the application's tables with --schema: ${shown(others)}.`
        : 'Create the tables first, or check that this is the right database.',
    exit: 2,
  });
}

function ownerName(owner: string): PgwitnessError {
  return new PgwitnessError({
    code: 'init.owner-name',
    message: `The tables are owned by ${JSON.stringify(owner)}, a name that the configuration does not take.`,
    fix: 'Give the tables to a role whose name holds no control character and does not look like a secret.',
    exit: 2,
  });
}

function shown(schemas: readonly { readonly name: string }[]): string {
  const names = schemas.slice(0, 20).map(({ name }) => showIdentifier(name));
  return [...names, ...(schemas.length > names.length ? ['…'] : [])].join(', ');
}
