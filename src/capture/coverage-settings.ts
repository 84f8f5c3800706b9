import { showIdentifier, showName } from './capture-names.ts';
import type { CoverageFacts, watchedSettings } from './coverage-facts.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { CoverageLook } from './coverage-look.ts';

type Setting = (typeof watchedSettings)[number];

/** Settings under which triggers don't fire, or what they say does not reach the log whole. */
export function settingGaps(look: CoverageLook): Gap[] {
  return [...replicaGaps(look), ...replicaNotes(look), ...lineGaps(look), ...statementNotes(look)];
}

/**
 * What a setting is at the login of a role: its own for this database goes before its own, that before this
 * database's, then everybody's, then the server's. undefined where that can't be told.
 */
function effective(
  { settings, serverSettings }: CoverageFacts,
  name: Setting,
  role: string,
): string | undefined {
  const set = (of: string | null, here: boolean) =>
    settings.find((one) => one.name === name && one.role === of && one.in_database === here)?.value;
  return (
    set(role, true) ??
    set(role, false) ??
    set(null, true) ??
    set(null, false) ??
    serverSettings.get(name) ??
    undefined
  );
}

/** Roles that log in and write, by what a setting is for them. */
function byValue(
  { facts }: CoverageLook,
  name: Setting,
): ReadonlyMap<string | undefined, string[]> {
  const values = new Map<string | undefined, string[]>();
  for (const role of facts.roles.filter(({ writes }) => writes)) {
    const value = effective(facts, name, role.name);
    values.set(value, [...(values.get(value) ?? []), showIdentifier(role.name)]);
  }
  return values;
}

function replicaGaps(look: CoverageLook): Gap[] {
  const { target, facts } = look;
  const plain = target.tables.some(({ always }) => always !== true) || target.appendOnly.length > 0;
  const gaps: Gap[] = [];
  const values = byValue(look, 'session_replication_role');
  const replicas = values.get('replica') ?? [];
  if (replicas.length > 0 && plain) {
    const text = `${listed(replicas)} logs in with session_replication_role = replica, under which plain triggers don't fire: what it writes is not captured.`;
    gaps.push(
      gap(
        'setting.replica',
        undefined,
        text,
        'Take the setting away: alter role … reset session_replication_role;',
      ),
    );
  }
  if (values.has(undefined)) {
    const text = `Can't tell whether session_replication_role is replica at the login of ${listed(values.get(undefined) ?? [])}: a setting of this login hides the server's own.`;
    gaps.push(
      gap(
        'setting.replica',
        undefined,
        text,
        'Log in with a role that has no such setting of its own.',
      ),
    );
  }
  if (facts.replicaFunctions.length > 0 && plain) {
    const names = listed(
      facts.replicaFunctions.map(({ schema, name }) => `${showName(schema, name)}()`),
    );
    const text = `${names} sets session_replication_role = replica while it runs: what is written below it is not captured.`;
    gaps.push(
      gap('setting.replica-function', undefined, text, 'Take the setting off the function.'),
    );
  }
  return gaps;
}

/** Who could switch plain triggers off for a session of theirs, or the lines. */
function replicaNotes({ facts, target, catalogue }: CoverageLook): Gap[] {
  if (catalogue.server.version < 150000) return [];
  const isApplication = (role: string) =>
    role === target.applicationLogin || target.roles.some(({ name }) => name === role);
  return [true, false].flatMap((application) => {
    const found = facts.parameters.filter(({ role }) => isApplication(role) === application);
    if (found.length === 0) return [];
    const names = [
      ...new Set(found.map(({ role, setting }) => `${showIdentifier(role)} (${setting})`)),
    ];
    const text = `Besides superusers these may set what switches plain triggers or the lines of the log off for a session: ${listed(names)}.`;
    const todo = 'Revoke it: revoke set on parameter … from …;';
    return [
      application
        ? gap('setting.granted', undefined, text, todo)
        : note('setting.granted', undefined, text, todo),
    ];
  });
}

function lineGaps(look: CoverageLook): Gap[] {
  const { target } = look;
  if (target.witness === false) {
    const text =
      'Witness lines are switched off (`witness: false`): what is captured stays in the database, and what is changed in history later contradicts nothing outside.';
    return [
      note(
        'setting.no-witness',
        undefined,
        text,
        'Say `witness: true`, and run `pgwitness install`.',
      ),
    ];
  }
  const gaps: Gap[] = [];
  const tell = (
    name: Setting,
    bad: readonly string[],
    id: string,
    what: string,
    level: typeof gap | typeof note,
  ) => {
    for (const [value, roles] of byValue(look, name)) {
      if (value !== undefined && bad.includes(value)) {
        const text = `${name} is ${value} for ${listed(roles)}: ${what}.`;
        gaps.push(level(id, undefined, text, `As a superuser, set ${name} to its default.`));
      } else if (value === undefined) {
        const text = `Can't tell what ${name} is at the login of ${listed(roles)}: a setting of this login hides the server's own.`;
        gaps.push(
          level(id, undefined, text, 'Log in with a role that has no such setting of its own.'),
        );
      }
    }
  };
  const off = ['fatal', 'panic'];
  tell('log_min_messages', off, 'setting.no-lines', 'no witness line is written', gap);
  tell(
    'log_min_error_statement',
    off,
    'setting.no-statements',
    'a witness line comes without the text of its statement',
    gap,
  );
  tell(
    'log_error_verbosity',
    ['terse'],
    'setting.terse',
    'where the log is text, lines come without CONTEXT, and statements without their bind parameters',
    note,
  );
  return gaps;
}

/** log_statement as it is, of roles that write. */
function statementNotes(look: CoverageLook): Gap[] {
  const { target, facts } = look;
  const less = target.roles.flatMap(({ name, logStatement }) => {
    if (logStatement === undefined || !facts.roles.some((role) => role.name === name)) return [];
    const value = effective(facts, 'log_statement', name);
    return value === logStatement
      ? []
      : [`${showIdentifier(name)} (${value ?? "can't tell"}, not ${logStatement})`];
  });
  if (less.length > 0) {
    const text = `log_statement at login is not as configured: ${listed(less)}.`;
    return [
      note(
        'setting.log-statement',
        undefined,
        text,
        'Run `pgwitness install`, with a superuser’s connection where it needs one.',
      ),
    ];
  }
  // Of the owner the log has to show its DDL, unless the application logs in as the owner.
  const owner = target.applicationLogin === target.owner ? undefined : showIdentifier(target.owner);
  const silent = [...byValue(look, 'log_statement')].flatMap(([value, roles]) => {
    if (value === 'none') return roles;
    return value === 'ddl' ? roles.filter((role) => role !== owner) : [];
  });
  if (silent.length === 0) return [];
  const text = `The statements of ${listed(silent)} are not logged (log_statement)${target.witness === false ? '' : ': those that change captured tables leave the database with their witness lines, without bind parameters'}.`;
  return [
    note(
      'setting.log-statement',
      undefined,
      text,
      'Set `log_statement: mod` for the roles that write.',
    ),
  ];
}
