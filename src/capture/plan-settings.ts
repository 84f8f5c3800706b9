import pg from 'pg';
import { showIdentifier } from './capture-names.ts';
import type { Catalogue } from './catalogue.ts';
import type { PlannedObject } from './planned-object.ts';
import { renderSql } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/** Roles that a connection may SET log_statement for. */
export interface MaySet {
  readonly owner: ReadonlySet<string>;
  /** undefined where no superuser's connection is configured. */
  readonly superuser: ReadonlySet<string> | undefined;
}

/**
 * log_statement of each role that the configuration gives one. Judged by what holds for a login of the
 * role to this database: a setting for this very database goes before one for all.
 */
export function planSettings(
  catalogue: Catalogue,
  target: CaptureTarget,
  may: MaySet,
): PlannedObject[] {
  return target.roles.flatMap((role): PlannedObject[] => {
    const wanted = role.logStatement;
    if (wanted === undefined || catalogue.roles.get(role.name)?.exists !== true) return [];
    const name = `log_statement of ${showIdentifier(role.name)}: ${wanted}`;
    const held = catalogue.roleSettings.filter((setting) => setting.role === role.name);
    const here = held.find((setting) => setting.in_database);
    const standing = here ?? held.find((setting) => !setting.in_database);
    if (standing?.value === wanted) {
      return [{ kind: 'setting', name, action: 'unchanged', sql: [], undo: [] }];
    }
    const database = here === undefined ? null : catalogue.server.database;
    const values = {
      role: role.name,
      database,
      value: wanted,
      replaced: standing?.value ?? null,
    };
    const setting = {
      sql: alterRole(role.name, database, wanted),
      trySql: renderSql('set-log-statement', {
        ...values,
        statement: alterRole(role.name, database, wanted),
      }),
      tryUndoSql: renderSql('reset-log-statement', {
        role: role.name,
        statement: alterRole(role.name, database, values.replaced),
      }),
    };
    const by = may.owner.has(role.name)
      ? 'owner'
      : may.superuser?.has(role.name) === true
        ? 'superuser'
        : 'nobody';
    if (by === 'nobody') {
      return [
        {
          kind: 'setting',
          name,
          action: 'blocked',
          ...blockedBecause(catalogue, may, setting.sql),
          sql: [],
          undo: [],
          setting: { by, ...setting },
        },
      ];
    }
    return [
      {
        kind: 'setting',
        name,
        action: standing === undefined ? 'create' : 'change',
        ...(standing === undefined ? {} : { why: `it is ${standing.value}` }),
        sql: [renderSql('record-setting', values)],
        undo: [],
        setting: { by, ...setting },
      },
    ];
  });
}

function blockedBecause(
  { server: { user } }: Catalogue,
  may: MaySet,
  alter: string,
): { readonly why: string; readonly fix: string } {
  return {
    why:
      may.superuser === undefined
        ? `${user} may not set it, and no superuser's connection is given`
        : `neither ${user} nor the superuser's connection may set it`,
    fix: superuserRuns(alter),
  };
}

/** What to do about a setting that no connection given may make. */
export function superuserRuns(alter: string): string {
  return `Have a superuser run \`${alter}\`. Where a provider gives no superuser, its own API may set log_statement for the whole database (Heroku's data API does).`;
}

/** `alter role … set log_statement to …`, or `reset` where there is no value. */
export function alterRole(role: string, database: string | null, value: string | null): string {
  const scope = database === null ? '' : ` in database ${pg.escapeIdentifier(database)}`;
  const what =
    value === null ? 'reset log_statement' : `set log_statement to ${pg.escapeLiteral(value)}`;
  return `alter role ${pg.escapeIdentifier(role)}${scope} ${what};`;
}
