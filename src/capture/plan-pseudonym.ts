import pg from 'pg';
import { showIdentifier } from './capture-names.ts';
import type { Catalogue } from './catalogue.ts';
import type { PlannedObject } from './planned-object.ts';
import type { CaptureTarget } from './target.ts';

const identifier = 'pgwitness.pseudonym(text)';

/**
 * Who may have a token made of a value, and so replace one in history: the roles that the configuration
 * gives `update` there, and nobody else.
 */
export function planPseudonymizers(
  { pseudonymizers }: Catalogue,
  target: CaptureTarget,
): PlannedObject[] {
  const wanted = target.roles
    .filter(({ name, history }) => name !== target.owner && history.includes('update'))
    .map(({ name }) => name);
  const grants = wanted.map((role): PlannedObject => {
    const held = pseudonymizers.find(({ grantee, public: all }) => !all && grantee === role);
    const grantee = pg.escapeIdentifier(role);
    const name = `${showIdentifier(role)} on ${identifier}: execute`;
    const base = { kind: 'grant' as const, name, undo: [] };
    const grant = `grant execute on function ${identifier} to ${grantee};`;
    if (held === undefined) return { ...base, action: 'create', sql: [grant] };
    if (!held.grantable) return { ...base, action: 'unchanged', sql: [] };
    const revoke = `revoke grant option for execute on function ${identifier} from ${grantee} cascade;`;
    return { ...base, action: 'change', why: 'it may hand it on', sql: [revoke] };
  });
  const others = pseudonymizers.filter(
    ({ grantee, public: all }) => all || !wanted.includes(grantee),
  );
  const revokes = others.map(({ grantee, public: all }): PlannedObject => {
    const from = all ? 'public' : pg.escapeIdentifier(grantee);
    return {
      kind: 'grant',
      name: `${all ? 'everyone' : showIdentifier(grantee)} on ${identifier}: nothing`,
      action: 'change',
      why: 'it may find out by guessing what a token stands for, and has no `update` on history',
      sql: [`revoke all on function ${identifier} from ${from} cascade;`],
      undo: [],
    };
  });
  return [...grants, ...revokes];
}
