import pg from 'pg';
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
    const name = `log_statement of ${role.name}: ${wanted}`;
    const held = catalogue.roleSettings.filter((setting) => setting.role === role.name);
    const here = held.find((setting) => setting.in_database);
    const standing = here ?? held.find((setting) => !setting.in_database);
    if (standing?.value === wanted) {
      return [{ kind: 'setting', name, action: 'unchanged', sql: [], undo: [] }];
    }
    const database = here === undefined ? null : catalogue.server.database;
    const alter = alterRole(role.name, database, wanted);
    const undo = alterRole(role.name, database, standing?.value ?? null);
    const by = may.owner.has(role.name)
      ? 'owner'
      : may.superuser?.has(role.name) === true
        ? 'superuser'
        : 'nobody';
    const why = standing === undefined ? {} : { why: `it is ${standing.value}` };
    if (by === 'nobody') return [blockedSetting(name, { sql: alter, undo }, catalogue, may)];
    const record = renderSql('record-setting', {
      role: role.name,
      database,
      value: wanted,
      replaced: standing?.value ?? null,
    });
    return [
      {
        kind: 'setting',
        name,
        action: standing === undefined ? 'create' : 'change',
        ...why,
        sql: [record],
        undo: [],
        setting: { by, sql: alter, undo },
      },
    ];
  });
}

/** A setting that no connection at hand may make; `alter` is what someone else has to run, and its reverse. */
export function blockedSetting(
  name: string,
  alter: { readonly sql: string; readonly undo: string },
  catalogue: Pick<Catalogue, 'server'>,
  may: Pick<MaySet, 'superuser'>,
): PlannedObject {
  const { user } = catalogue.server;
  return {
    kind: 'setting',
    name,
    action: 'blocked',
    why:
      may.superuser === undefined
        ? `${user} may not set it, and no superuser's connection is configured`
        : `neither ${user} nor the superuser's connection may set it`,
    fix: `Have a superuser run: ${alter.sql} On Heroku the data API sets it for the whole database.`,
    sql: [],
    undo: [],
    setting: { by: 'nobody', ...alter },
  };
}

/** `alter role … set log_statement to …`, or `reset` where there is no value. */
export function alterRole(role: string, database: string | null, value: string | null): string {
  const scope = database === null ? '' : ` in database ${pg.escapeIdentifier(database)}`;
  const what =
    value === null ? 'reset log_statement' : `set log_statement to ${pg.escapeLiteral(value)}`;
  return `alter role ${pg.escapeIdentifier(role)}${scope} ${what};`;
}
