import pg from 'pg';
import { showIdentifier } from './capture-names.ts';
import type { Catalogue } from './catalogue.ts';
import { type OwnObject, ownObjects } from './own-objects.ts';
import type { RightState } from './own-state.ts';
import type { PlannedObject } from './planned-object.ts';
import { type Migration, renderSql, sqlFile, statementsOf } from './sql-file.ts';

/** To whom this one is given, the configuration says: plan-pseudonym.ts. */
const givenByConfiguration = 'pgwitness.pseudonym(text)';

/** The statements of the migrations that are applied, in their order. */
export function appliedStatements(
  { records }: Catalogue,
  known: readonly Migration[],
): readonly string[] {
  return known
    .filter(({ number }) => records.migrations.some((applied) => applied.number === number))
    .flatMap(({ statements }) => statements);
}

/**
 * Statements that make objects of ours, followed by what leaves everyone with the rights alone that `meaning`
 * gives: the server's default privileges may have given more, or less.
 */
export function withRights(
  statements: readonly string[],
  meaning: readonly string[] = statements,
): string[] {
  const meant = new Map(ownObjects(meaning).map((object) => [object.name, object]));
  const made = ownObjects(statements).map((object) => meant.get(object.name) ?? object);
  if (made.length === 0) return [...statements];
  const lines = made.map(
    ({ kind, name, meant: right }) =>
      `(${[kind, name].map((text) => pg.escapeLiteral(text)).join(', ')}, ${right === null ? 'null' : pg.escapeLiteral(right)})`,
  );
  const revoke = renderSql('revoke-made', {}, { made: lines.join(',\n      ') });
  const granted = meaning === statements ? [] : made.flatMap(grantMeant);
  return [...statements, revoke, ...granted];
}

/** Who may do what in the schema pgwitness and with the types of images, and the key in it. */
export function planOwnRights(catalogue: Catalogue, known: readonly Migration[]): PlannedObject[] {
  const statements = appliedStatements(catalogue, known);
  if (statements.length === 0) return [];
  const objects = ownObjects([...statementsOf(sqlFile('ledger.sql')), ...statements]);
  return [
    ...planKey(catalogue, statements),
    ...objects.flatMap((object) => planMeant(catalogue, object)),
    ...planStrays(catalogue, objects),
  ];
}

/** Capture refuses every write without a key; what was written with a lost one can't be checked any more. */
function planKey({ own }: Catalogue, statements: readonly string[]): PlannedObject[] {
  if (own.key !== 'lost' && own.key !== 'no-table') return [];
  const table = statements.filter((sql) =>
    /^(create table if not exists|revoke all on) pgwitness\.witness_key/m.test(sql),
  );
  const key = statements.filter((sql) => sql.startsWith('do $key$'));
  return [
    {
      kind: 'bookkeeping',
      name: 'the key in pgwitness.witness_key',
      action: 'create',
      why: 'it holds no key, and every captured write fails',
      sql: own.key === 'lost' ? key : [...withRights(table), ...key],
      undo: [],
    },
  ];
}

/** What everyone is meant to have and does not. */
function planMeant({ own }: Catalogue, object: OwnObject): PlannedObject[] {
  const { kind, name, meant } = object;
  const held = own.rights.some(
    (right) => right.public && right.name === name && right.privilege === meant,
  );
  const missing = kind === 'function' && !own.functions.some(({ signature }) => signature === name);
  if (meant === null || held || missing) return [];
  return [
    {
      kind: 'grant',
      name: `everyone on ${name}: ${meant}`,
      action: 'change',
      why: 'who reads history or a plan needs it',
      sql: grantMeant(object),
      undo: [],
    },
  ];
}

function grantMeant({ kind, name, meant }: OwnObject): string[] {
  return meant === null ? [] : [`grant ${meant} on ${kind} ${name} to public;`];
}

/** What anyone may do beyond what everyone is meant to. */
function planStrays({ own }: Catalogue, objects: readonly OwnObject[]): PlannedObject[] {
  const strays = new Map<string, RightState[]>();
  for (const right of own.rights) {
    const { kind, name, grantee, privilege } = right;
    const object = objects.find((candidate) => candidate.name === name);
    // Functions and tables of others are no matter of ours, wherever they are.
    if ((object === undefined && kind !== 'type') || name === givenByConfiguration) continue;
    // As everyone may: nothing is gained by it.
    if (privilege === object?.meant && !right.grantable) continue;
    const key = JSON.stringify([name, grantee, right.public]);
    strays.set(key, [...(strays.get(key) ?? []), right]);
  }
  return [...strays.values()].flatMap((rights) => {
    const [first] = rights;
    return first === undefined ? [] : [planStray(first, rights)];
  });
}

function planStray(
  { kind, name, grantee, public: everyone }: RightState,
  rights: readonly RightState[],
): PlannedObject {
  const privileges = rights.map(({ privilege }) => privilege).join(', ');
  const role = everyone ? 'public' : pg.escapeIdentifier(grantee);
  return {
    kind: 'grant',
    name: `${everyone ? 'everyone' : showIdentifier(grantee)} on ${name}: no ${privileges}`,
    action: 'change',
    why: dangers[name] ?? dangers[kind],
    sql: [`revoke ${privileges} on ${kind} ${name} from ${role} cascade;`],
    undo: [],
  };
}

const dangers: Readonly<Record<string, string>> & Readonly<Record<RightState['kind'], string>> = {
  'pgwitness.witness_key':
    'with the key anyone may forge witness lines, and guess what a token stands for',
  schema: 'objects of another’s in it could be taken for ours',
  table: 'what pgwitness notes is the owner’s alone to change',
  function: 'it is for the owner’s functions alone to call',
  type: 'it may hang objects of its own on it, which keep the owner from changing it',
};
