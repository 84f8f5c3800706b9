import pg from 'pg';
import { showName } from './capture-names.ts';
import { type Catalogue, type FunctionState, nameKey } from './catalogue.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import { functionBody, functionSettings, renderSql } from './sql-file.ts';
import type { CapturedName, CaptureTarget } from './target.ts';

/** A trigger function of ours: made, left as it is, put right, or refused where another hand made it. */
export function planFunction(
  catalogue: Catalogue,
  target: CaptureTarget,
  { schema, name }: CapturedName,
  createSql: string,
  record: { readonly ours: boolean; readonly drift: string },
): PlannedObject {
  const existing = catalogue.functions.get(nameKey(schema, name));
  const shown = `${showName(schema, name)}()`;
  const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}()`;
  const sql = [createSql, renderSql('revoke-execute', { schema, function: name })];
  const undo = [`drop function if exists ${identifier};`];
  const base = { kind: 'function' as const, name: shown, undo };
  if (existing === undefined) return { ...base, action: 'create', sql };
  if (functionMatches(existing, createSql, target.owner)) {
    return { ...base, action: record.ours ? 'unchanged' : 'adopt', sql: [] };
  }
  if (existing.owner !== target.owner) {
    const fix = `As ${existing.owner} or a superuser: alter function ${identifier} owner to ${pg.escapeIdentifier(target.owner)};`;
    const why = `it belongs to ${existing.owner}, not to ${target.owner}`;
    return refuse('function', shown, why, fix);
  }
  // Its text tells it where the notes were lost.
  const ours = record.ours || existing.source.includes('pgwitness.witness_key');
  if (!ours || !existing.is_trigger) {
    const fix = `Where another migration made it, take it away with its triggers, and run again: drop function ${identifier} cascade;`;
    return refuse('function', shown, 'it exists and is not ours', fix);
  }
  return { ...base, action: 'change', why: record.drift, sql };
}

function functionMatches(existing: FunctionState, createSql: string, owner: string): boolean {
  return (
    existing.source === functionBody(createSql) &&
    [...existing.settings].sort().join('\n') === functionSettings(createSql).sort().join('\n') &&
    existing.security_definer &&
    existing.is_trigger &&
    existing.language === 'plpgsql' &&
    existing.owner === owner &&
    !existing.granted
  );
}
