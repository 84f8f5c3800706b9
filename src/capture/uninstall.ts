import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { showIdentifier, showName } from './capture-names.ts';
import {
  type Catalogue,
  nameKey,
  type OwnTrigger,
  readCatalogue,
  readMaySet,
  readOwnTriggers,
  readRecords,
  readRoleSettings,
  readServer,
  type SettingRecord,
} from './catalogue.ts';
import { type CaptureConnections, lockTogether } from './plan.ts';
import { otherApp } from './plan-bookkeeping.ts';
import { shapeFaults } from './plan-history.ts';
import { alterRole, superuserRuns } from './plan-settings.ts';
import { sqlFile, statementsOf } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';
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
 * that it set and the schema `pgwitness`. History tables stay with what is in them and who may read
 * it, unless `dropHistory`. Running it again changes nothing. Throws as installCapture does.
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
    const steps = [
      // First, since the way back to what a role had set stands in what is dropped last.
      ...(await settingSteps(connections, catalogue)),
      ...triggerSteps(triggers),
      ...functionSteps(catalogue),
      ...historySteps(catalogue, target, options.dropHistory),
      ...bookkeepingSteps(catalogue),
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
  const { tables } = await readRecords(owner, await readServer(owner, target.owner));
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
  const functions = records.tables.flatMap(({ table_schema, function_name }) =>
    function_name === null ? [] : [{ schema: table_schema, name: function_name }],
  );
  return readOwnTriggers(owner, functions);
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
  return records.tables.flatMap(({ table_schema, function_name }): Step[] => {
    if (function_name === null) return [];
    const identifier = `${pg.escapeIdentifier(table_schema)}.${pg.escapeIdentifier(function_name)}()`;
    const name = `${showName(table_schema, function_name)}()`;
    return [
      { kind: 'function', name, action: 'drop', sql: `drop function if exists ${identifier};` },
    ];
  });
}

/** Every history table: of this install, or left by an uninstall that kept it. */
function historySteps(catalogue: Catalogue, target: CaptureTarget, dropHistory: boolean): Step[] {
  return [...catalogue.relations.values()].flatMap((relation): Step[] => {
    if (relation.index_of !== null) return [];
    const { schema, name: history } = relation;
    const name = showName(schema, history);
    if (!dropHistory) return [{ kind: 'history', name, action: 'keep' }];
    const ours = catalogue.records.tables.some(
      (record) => record.table_schema === schema && record.history_name === history,
    );
    if (shapeFaults(relation, target.owner, ours, catalogue).length > 0) {
      return [{ kind: 'history', name, action: 'keep', why: 'it is not as capture makes it' }];
    }
    const sql = `drop table ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(history)};`;
    return [{ kind: 'history', name, action: 'drop', sql }];
  });
}

function bookkeepingSteps({ server, records }: Catalogue): Step[] {
  if (server.bookkeeping === null || records.migrations.length === 0) return [];
  return statementsOf(sqlFile('remove-bookkeeping.sql')).map((sql) => ({
    kind: 'bookkeeping',
    name: sql.replace(/^drop (.*);$/, '$1'),
    action: 'drop',
    sql,
  }));
}
