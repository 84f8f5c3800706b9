import pg from 'pg';
import { showIdentifier } from './capture-names.ts';
import type { Catalogue, Records } from './catalogue.ts';
import { withRights } from './plan-own-rights.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import { type Migration, renderSql, sqlFile, statementsOf } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/** CREATE OR REPLACE TRIGGER came with it. */
const oldestServer = 140000;

/** The server, the owner and the configured roles: what is missing there is missing for every table. */
export function planPreconditions(catalogue: Catalogue, target: CaptureTarget): PlannedObject[] {
  const { server } = catalogue;
  const refusals: PlannedObject[] = [];
  if (server.version < oldestServer) {
    const why = `it is Postgres ${Math.floor(server.version / 10000)}; capture needs 14 or later`;
    refusals.push(refuse('bookkeeping', server.database, why, 'Upgrade the server.'));
  }
  if (!server.owner_exists) {
    refusals.push(
      refuse(
        'role',
        showIdentifier(target.owner),
        'there is no such role, and it is to own history and the capture functions',
        'Correct `owner` in the configuration, or create the role.',
        true,
      ),
    );
  } else if (!server.may_become_owner) {
    refusals.push(
      refuse(
        'role',
        showIdentifier(target.owner),
        `the connection's user ${server.user} is neither this role nor a member of it`,
        `Connect as ${target.owner}, or correct \`owner\` in the configuration.`,
        true,
      ),
    );
  }
  const others = otherApp(catalogue.records, target);
  if (others !== undefined) refusals.push(others);
  for (const role of catalogue.roles.values()) {
    if (role.exists || role.name === target.owner) continue;
    refusals.push(
      refuse(
        'role',
        showIdentifier(role.name),
        'there is no such role',
        'Correct `roles` in the configuration, or create the role.',
        true,
      ),
    );
  }
  return refusals;
}

/** A database is one app's: with two, each would take the other's capture for what is no longer configured. */
export function otherApp(records: Records, target: CaptureTarget): PlannedObject | undefined {
  const theirs = records.tables.find(({ app }) => typeof app === 'string' && app !== target.app);
  if (theirs === undefined || target.app === undefined) return undefined;
  return refuse(
    'bookkeeping',
    'schema pgwitness',
    `capture in this database is that of the app ${theirs.app}, not of ${target.app}`,
    `Use --app ${theirs.app}, or give ${target.app} a database of its own. If the app was renamed, as ${target.owner}: update pgwitness.captured_table set app = ${pg.escapeLiteral(target.app)};`,
  );
}

/** The schema `pgwitness` and its migrations. */
export function planBookkeeping(
  catalogue: Catalogue,
  target: CaptureTarget,
  known: readonly Migration[],
): PlannedObject[] {
  const { server, records } = catalogue;
  const existing = server.bookkeeping;
  if (existing === null && server.owner_exists && !server.owner_may_create_schema) {
    const why = `${target.owner} may not create a schema in the database ${server.database}`;
    const fix = `As the database's owner: grant create on database ${pg.escapeIdentifier(server.database)} to ${pg.escapeIdentifier(target.owner)};`;
    return [refuse('bookkeeping', 'schema pgwitness', why, fix)];
  }
  if (existing !== null && existing.owner !== target.owner) {
    const why = `it exists and belongs to ${existing.owner}, not to ${target.owner}`;
    const fix =
      'Install with the owner that installed it; where the schema is another program’s, rename it.';
    return [refuse('bookkeeping', 'schema pgwitness', why, fix)];
  }
  const schema: PlannedObject = {
    kind: 'bookkeeping',
    name: 'schema pgwitness',
    action: existing?.ledger === true ? 'unchanged' : 'create',
    sql: existing?.ledger === true ? [] : withRights(statementsOf(sqlFile('ledger.sql'))),
    // History is read with it, and stays.
    undo: [],
  };
  const newer = records.migrations.filter(
    ({ number }) => !known.some((migration) => migration.number === number),
  );
  return [
    schema,
    ...known.map((migration) => planMigration(catalogue, migration)),
    ...newer.map(({ number, name }) =>
      refuse(
        'bookkeeping',
        `migration ${number} ${name}`,
        'it was applied by a newer pgwitness than this one',
        'Use the newer version.',
      ),
    ),
  ];
}

function planMigration({ records }: Catalogue, migration: Migration): PlannedObject {
  const name = `migration ${migration.number} ${migration.name}`;
  const applied = records.migrations.find(({ number }) => number === migration.number);
  if (applied !== undefined && applied.sha256 !== migration.sha256) {
    const why = 'it was applied with another text than this version has';
    return refuse('bookkeeping', name, why, 'Use the version of pgwitness that installed it.');
  }
  const record = renderSql('record-migration', {
    number: String(migration.number),
    name: migration.name,
    sha256: migration.sha256,
  });
  return {
    kind: 'bookkeeping',
    name,
    action: applied === undefined ? 'create' : 'unchanged',
    // Its row first: of two installers that got here at once, one fails at the primary key before
    // it has done anything.
    sql: applied === undefined ? [record, ...withRights(migration.statements)] : [],
    undo: [],
  };
}
