import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { captureNames, imageType, showIdentifier, showName } from './capture-names.ts';
import {
  type Catalogue,
  nameKey,
  type OwnTrigger,
  type Records,
  readCatalogue,
  readMaySet,
  readOwnTriggers,
  readRecords,
  readRoleSettings,
  readServer,
  type SettingRecord,
} from './catalogue.ts';
import { knownShapes } from './image-shape.ts';
import { type CaptureConnections, lockTogether } from './plan.ts';
import { otherApp } from './plan-bookkeeping.ts';
import { shapeFaults } from './plan-history.ts';
import { alterRole, superuserRuns } from './plan-settings.ts';
import { sqlFile, statementsOf } from './sql-file.ts';
import type { CapturedName, CaptureTarget } from './target.ts';
import { changeCapture, type Patience } from './transaction.ts';

/** What uninstall did about one object. */
export interface RemovedObject {
  readonly kind: 'trigger' | 'guard' | 'function' | 'history' | 'setting' | 'bookkeeping';
  readonly name: string;
  /** `blocked`: no connection given may do it; `fix` says who has to run what. */
  readonly action: 'drop' | 'keep' | 'reset' | 'blocked';
  readonly why?: string;
  readonly fix?: string;
}

export interface UninstallOutcome {
  /** False where nothing was installed, and nothing changed. */
  readonly changed: boolean;
  readonly objects: readonly RemovedObject[];
}

interface Step extends RemovedObject {
  readonly sql?: string;
  /** Whose it is to run; the owner role's where absent. */
  readonly by?: 'login' | 'superuser';
}

/**
 * Takes away what install made, all in one transaction: triggers, functions, guards, the log_statement
 * that it set and what it noted. History stays with what is in it, who may read it and what it is
 * read with, unless `dropHistory`. Running it again changes nothing. Throws as installCapture does.
 */
export function uninstallCapture(
  connections: CaptureConnections,
  target: CaptureTarget,
  options: { readonly dropHistory: boolean } & Partial<Patience>,
): Promise<UninstallOutcome> {
  return changeCapture<UninstallOutcome>(connections, 'taking capture away', options, async () => {
    const { owner, superuser } = connections;
    const catalogue = await readAll(owner, target);
    const others = otherApp(catalogue.records, target);
    if (others !== undefined) {
      throw new PgwitnessError({
        code: 'capture.other-app',
        message: `Nothing was taken away: ${others.why}.`,
        fix: others.fix ?? '',
        exit: 2,
      });
    }
    const triggers = await triggersToDrop(owner, catalogue);
    const history = historySteps(catalogue, target, options.dropHistory);
    const steps = [
      // First, since the way back to what a role had set stands in what is dropped last.
      ...(await settingSteps(connections, catalogue)),
      ...triggerSteps(triggers),
      ...functionSteps(catalogue),
      ...history,
      ...bookkeepingSteps(catalogue, history),
    ];
    if (triggers.length > 0) {
      const tables = triggers.map(({ schema, table }) => sqlName(schema, table));
      await asRole(owner, target.owner, lockTogether(tables, 'access exclusive').join('\n'));
    }
    const changes = steps.filter((step) => step.sql !== undefined);
    for (const { sql, by } of changes) {
      if (sql === undefined) continue;
      if (by === 'login') await owner.query(sql);
      else if (by === 'superuser') await superuser?.query(sql);
      else await asRole(owner, target.owner, sql);
    }
    const objects = steps.map(({ sql: _sql, by: _by, ...object }) => object);
    return { result: { changed: changes.length > 0, objects }, commit: changes.length > 0 };
  });
}

/** As its owner, so that a superuser who uninstalls runs nothing of the owner's with its own rights. */
async function asRole(client: ClientBase, role: string, sql: string): Promise<void> {
  await client.query(`set local role ${pg.escapeIdentifier(role)}`);
  await client.query(sql);
  await client.query('reset role');
}

/** The catalogue, with the tables that were installed and are no longer configured. */
async function readAll(owner: ClientBase, target: CaptureTarget): Promise<Catalogue> {
  const server = await readServer(owner, target.owner);
  const { tables } = await readRecords(owner, server, target.owner);
  const recorded = tables
    .filter(({ kind }) => kind === 'history')
    .map(({ table_schema, table_name }) => ({ schema: table_schema, name: table_name }));
  const all = new Map(
    [...target.tables, ...recorded].map((table) => [nameKey(table.schema, table.name), table]),
  );
  return readCatalogue(owner, { ...target, tables: [...all.values()] });
}

/** log_statement goes back to what stood before, where it still is what install set. */
async function settingSteps(
  { owner, superuser }: CaptureConnections,
  catalogue: Catalogue,
): Promise<Step[]> {
  const recorded = catalogue.records.settings;
  const roles = recorded.map((record) => record.role_name);
  const held = await readRoleSettings(owner, roles);
  const mayOwner = await readMaySet(owner, roles);
  const maySuperuser = superuser === undefined ? undefined : await readMaySet(superuser, roles);
  return recorded.flatMap((record): Step[] => {
    const current = held.find(
      (setting) =>
        setting.role === record.role_name && setting.in_database === (record.database !== null),
    );
    const name = `log_statement of ${showIdentifier(record.role_name)}: ${record.replaced ?? 'as the server has it'}`;
    if (current === undefined) return [];
    if (current.value !== record.value) {
      const why = `it was ${record.value} when installed and is ${current.value} now: another hand set it`;
      return [{ kind: 'setting', name, action: 'keep', why }];
    }
    const sql = restoreSql(record);
    if (mayOwner.has(record.role_name)) {
      return [{ kind: 'setting', name, action: 'reset', sql, by: 'login' }];
    }
    if (maySuperuser?.has(record.role_name) === true) {
      return [{ kind: 'setting', name, action: 'reset', sql, by: 'superuser' }];
    }
    const why = 'no connection given may set it';
    return [{ kind: 'setting', name, action: 'blocked', why, fix: superuserRuns(sql) }];
  });
}

function sqlName(schema: string, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

function restoreSql({ role_name, database, replaced }: SettingRecord): string {
  return alterRole(role_name, database, replaced);
}

/** Every trigger that calls one of our functions, wherever it is: on a table, a partition, a detached one. */
function triggersToDrop(owner: ClientBase, { records }: Catalogue): Promise<OwnTrigger[]> {
  return readOwnTriggers(owner, ownFunctions(records));
}

/** The functions that triggers of ours call, those of the schema `pgwitness` aside. */
function ownFunctions(records: Records): CapturedName[] {
  return records.tables.flatMap(({ table_schema, table_name, function_name }) =>
    function_name === null
      ? []
      : [
          { schema: table_schema, name: function_name },
          {
            schema: table_schema,
            name: captureNames({ schema: table_schema, name: table_name }).witness,
          },
        ],
  );
}

function triggerSteps(triggers: readonly OwnTrigger[]): Step[] {
  return triggers.map(({ schema, table, trigger, function_schema }) => ({
    kind: function_schema === 'pgwitness' ? 'guard' : 'trigger',
    name: `${showIdentifier(trigger)} on ${showName(schema, table)}`,
    action: 'drop',
    sql: `drop trigger ${pg.escapeIdentifier(trigger)} on ${sqlName(schema, table)};`,
  }));
}

function functionSteps({ records }: Catalogue): Step[] {
  return ownFunctions(records).map(({ schema, name }) => ({
    kind: 'function',
    name: `${showName(schema, name)}()`,
    action: 'drop',
    sql: `drop function if exists ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}();`,
  }));
}

/** Every history table with its view and types: of this install, or left by an uninstall that kept it. */
function historySteps(catalogue: Catalogue, target: CaptureTarget, dropHistory: boolean): Step[] {
  const captured = [
    ...new Map(
      [
        ...target.tables,
        ...catalogue.records.tables.map((record) => ({
          schema: record.table_schema,
          name: record.table_name,
        })),
      ].map((table) => [nameKey(table.schema, table.name), captureNames(table)]),
    ).values(),
  ];
  return captured.flatMap((names): Step[] => {
    const { schema, history } = names;
    const relation = catalogue.relations.get(nameKey(schema, history));
    if (relation === undefined) return [];
    const name = showName(schema, history);
    if (!dropHistory) return [{ kind: 'history', name, action: 'keep' }];
    const ours = catalogue.records.tables.some(
      (record) => record.table_schema === schema && record.history_name === history,
    );
    if (shapeFaults(relation, target.owner, ours, catalogue).length > 0) {
      return [{ kind: 'history', name, action: 'keep', why: 'it is not as capture makes it' }];
    }
    const types = knownShapes(catalogue, names).map(({ number }) => imageType(names, number));
    const sql = [
      `drop view if exists ${sqlName(schema, names.changes)};`,
      `drop table ${sqlName(schema, history)};`,
      ...types.map((type) => `drop type if exists ${sqlName(schema, type)};`),
    ].join('\n');
    return [{ kind: 'history', name, action: 'drop', sql }];
  });
}

/** With history stay what it is read with and the key that its witness lines are checked with. */
function bookkeepingSteps({ server, records }: Catalogue, history: readonly Step[]): Step[] {
  if (server.bookkeeping === null || records.migrations.length === 0) return [];
  if (history.some(({ action }) => action === 'keep')) {
    const forget = 'delete from pgwitness.captured_table; delete from pgwitness.role_setting;';
    const why = 'history is read with it';
    const installed = records.tables.length + records.settings.length > 0;
    const step = { kind: 'bookkeeping', name: 'schema pgwitness', action: 'keep', why } as const;
    return [installed ? { ...step, sql: forget } : step];
  }
  return statementsOf(sqlFile('remove-bookkeeping.sql')).map((sql) => ({
    kind: 'bookkeeping',
    name: sql.replace(/^drop (.*);$/s, '$1').replace(/\s+/g, ' '),
    action: 'drop',
    sql,
  }));
}
