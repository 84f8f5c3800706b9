import pg from 'pg';
import type { Catalogue } from './catalogue.ts';
import { type OwnFunction, ownFunctions } from './own-objects.ts';
import type { OwnFunctionState } from './own-state.ts';
import { appliedStatements, withRights } from './plan-own-rights.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import type { Migration } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/**
 * The functions of the schema pgwitness that applied migrations define: one that was dropped is made anew, one
 * that was replaced or altered is put right, with the migration's own statement.
 */
export function planOwnFunctions(
  catalogue: Catalogue,
  target: CaptureTarget,
  known: readonly Migration[],
): PlannedObject[] {
  const statements = appliedStatements(catalogue, known);
  const wanted = ownFunctions(statements);
  return [
    ...wanted.map((own) => planOwnFunction(catalogue, target, own, statements)),
    ...strangers(catalogue, wanted),
  ];
}

function planOwnFunction(
  { own }: Catalogue,
  target: CaptureTarget,
  wanted: OwnFunction,
  statements: readonly string[],
): PlannedObject {
  const { signature, sql } = wanted;
  const found = own.functions.find((candidate) => candidate.signature === signature);
  const base = { kind: 'function' as const, name: signature, undo: [] };
  if (found === undefined) {
    return {
      ...base,
      action: 'create',
      why: 'it was dropped',
      sql: withRights([sql], statements),
    };
  }
  if (found.owner !== target.owner) {
    const why = `it belongs to ${found.owner}, not to ${target.owner}`;
    const fix = `As ${found.owner} or a superuser: alter function ${signature} owner to ${pg.escapeIdentifier(target.owner)};`;
    return refuse('function', signature, why, fix);
  }
  if (found.arguments !== wanted.arguments || found.result !== wanted.result) {
    const why = 'its parameters or its result are not what pgwitness gives it';
    return refuse('function', signature, why, dropFix(signature));
  }
  const differences = differ(found, wanted);
  return differences.length === 0
    ? { ...base, action: 'unchanged', sql: [] }
    : // Rights stay with a function that is replaced.
      { ...base, action: 'change', why: `altered: ${differences.join(', ')}`, sql: [sql] };
}

/** What CREATE OR REPLACE puts right. */
function differ(found: OwnFunctionState, wanted: OwnFunction): string[] {
  const sorted = (settings: readonly string[]) => [...settings].sort().join('\n');
  const same = {
    'its body': found.source === wanted.source && found.language === wanted.language,
    'its settings': sorted(found.settings) === sorted(wanted.settings),
    'whose rights it runs with': found.security_definer === wanted.security_definer,
    'what it promises the planner':
      found.volatility === wanted.volatility && found.strict === wanted.strict && !found.promises,
  };
  return Object.entries(same)
    .filter(([, holds]) => !holds)
    .map(([what]) => what);
}

/** Functions with the name of one of ours and other parameters: a call might find them instead. */
function strangers({ own }: Catalogue, wanted: readonly OwnFunction[]): PlannedObject[] {
  return own.functions
    .filter(
      ({ name, signature }) =>
        wanted.some((one) => one.name === name) &&
        !wanted.some((one) => one.signature === signature),
    )
    .map(({ signature }) => {
      const why = 'it is not ours, and may be called in place of one that is';
      return refuse('function', signature, why, dropFix(signature));
    });
}

function dropFix(signature: string): string {
  return `Take it away with what hangs on it, and run again: drop function ${signature} cascade;`;
}
