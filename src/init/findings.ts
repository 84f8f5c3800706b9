import { showIdentifier } from '../capture/capture-names.ts';
import type { LogSettings } from './log-settings.ts';
import type { DatabaseFacts, TableFacts } from './read-database.ts';
import { canStand } from './role-name.ts';

/** Something about the database that a trail suffers from. */
export interface Finding {
  /** Stays the same across releases. */
  readonly code: string;
  readonly sentence: string;
  readonly fix: string;
  /** The tables or roles that it is about, as in the catalogue. */
  readonly about: readonly string[];
}

interface Seen {
  readonly owner: string;
  /** All that are proposed, append-only ones included. */
  readonly tables: readonly TableFacts[];
  /** Roles that write them, the owner left out. */
  readonly writers: readonly string[];
  readonly settings: LogSettings;
}

/** What its reader should mend, or know: the gravest first. */
export function findingsOf(facts: DatabaseFacts, seen: Seen): readonly Finding[] {
  return [
    ...oldServer(facts),
    ...sharedCredential(facts, seen),
    ...ownerFindings(facts, seen),
    ...logStatement(seen),
    ...withoutKey(seen),
    ...rolesNotNamed(facts, seen),
  ];
}

function oldServer({ version, version_name }: DatabaseFacts): Finding[] {
  if (version >= 140000) return [];
  return [
    {
      code: 'init.old-server',
      sentence: `This is Postgres ${version_name}; capture needs 14 or later.`,
      fix: 'Upgrade the server before `pgwitness install`.',
      about: [],
    },
  ];
}

const consequence =
  'Whoever holds that one credential can switch a trigger off, change rows and switch it on again inside a DO block, and leave neither a line nor a row of history; or change history itself. Capture is then evidence of tampering at best, not protection.';

function sharedCredential(
  { owners }: DatabaseFacts,
  { owner, writers, settings }: Seen,
): Finding[] {
  const name = showIdentifier(owner);
  if (writers.length === 0) {
    return [
      {
        code: 'init.shared-credential',
        sentence: `No role but ${name}, which owns the tables, can log in and write them: the application and the owner share one credential. ${consequence}`,
        fix: `Make the application a role of its own that may SELECT, INSERT, UPDATE and DELETE and owns nothing${settings.host === 'other' ? '' : ' (on Heroku: `heroku pg:credentials:create`)'}, let it log in as that, and run init again.`,
        about: [owner],
      },
    ];
  }
  const sessions = owners.get(owner)?.other_sessions ?? 0;
  if (sessions === 0) return [];
  return [
    {
      code: 'init.owner-in-use',
      sentence: `${sessions === 1 ? 'One more session is' : `${sessions} more sessions are`} logged in as ${name}, the owner, at this moment. If that is the application: ${consequence.charAt(0).toLowerCase()}${consequence.slice(1)}`,
      fix: 'Let the application log in as a role that owns nothing, and keep the owner for migrations.',
      about: [owner],
    },
  ];
}

function ownerFindings({ owners, user, schema }: DatabaseFacts, { owner }: Seen): Finding[] {
  const facts = owners.get(owner);
  if (facts === undefined) return [];
  const name = showIdentifier(owner);
  const findings: Finding[] = [];
  if (facts.superuser) {
    findings.push({
      code: 'init.superuser-owns',
      sentence: `${name}, which owns the tables, is a superuser: nothing in the database binds it.`,
      fix: 'Give the tables to a role that is none (ALTER TABLE … OWNER TO …), and run init again.',
      about: [owner],
    });
  }
  if (facts.members.length > 0) {
    findings.push({
      code: 'init.member-of-owner',
      sentence: `${facts.members.map(showIdentifier).join(', ')} can act as ${name}, being a member of it: what is said of the owner's credential holds for ${facts.members.length === 1 ? 'that one' : 'those'} too.`,
      fix: `Revoke the membership from every role that the application logs in as: revoke ${name} from …;`,
      about: facts.members,
    });
  }
  if (!facts.may_become) {
    findings.push({
      code: 'init.not-the-owner',
      sentence: `This login, ${showIdentifier(user)}, is neither ${name}, which owns the tables, nor a member of it: \`pgwitness install\` could not make its triggers.`,
      fix: `Let the variable hold the URL of ${name}.`,
      about: [owner],
    });
  }
  if (!facts.may_create) {
    findings.push({
      code: 'init.owner-may-not-create',
      sentence: `${name} may not create objects in the schema ${showIdentifier(schema)}, so there is no place for history.`,
      fix: `As the schema's owner: grant create on schema ${showIdentifier(schema)} to ${name};`,
      about: [owner],
    });
  }
  return findings;
}

function logStatement({ settings: { host, refused, blocked, on } }: Seen): Finding[] {
  const rest =
    'Capture itself needs no such setting: with `witness: true` its own lines carry each captured statement out of the database. Reads, and statements that failed or touched no captured table, are then not in the log.';
  if (on) return [];
  if (refused) {
    return [
      {
        code: 'init.log-statement-refused',
        sentence: `This looks like an essential tier of Heroku (by its log_line_prefix), which refuses log_statement: the witness lines carry the trail alone. ${rest}`,
        fix: 'Leave `witness: true` on; from the standard tier on, log_statement can be had too.',
        about: [],
      },
    ];
  }
  if (host === 'heroku') {
    return [
      {
        code: 'init.log-statement-by-api',
        sentence: `This looks like Heroku (by its log_line_prefix): log_statement is set for the whole database by the data API, not for a role. ${rest}`,
        fix: 'To have it too: PATCH /postgres/v0/databases/<addon>/config with {"log_statement":"mod"}.',
        about: [],
      },
    ];
  }
  if (blocked.length === 0) return [];
  const roles = blocked.map(showIdentifier).join(', ');
  return [
    {
      code: 'init.log-statement-blocked',
      sentence: `This login may not set log_statement for ${roles}; a superuser may, or from Postgres 15 on whoever was granted SET on it and may alter the role. ${rest}`,
      fix: 'Give `superuser_url_env` a login that may; or, where the provider refuses it, take `log_statement` out of the roles.',
      about: blocked,
    },
  ];
}

function withoutKey({ tables }: Seen): Finding[] {
  const keyless = tables.filter(({ has_key }) => !has_key).map(({ name }) => name);
  if (keyless.length === 0) return [];
  return [
    {
      code: 'init.no-key',
      sentence: `${list(keyless)} ${keyless.length === 1 ? 'has' : 'have'} no primary key: changes are captured, but the changes of one row can't be told from those of another.`,
      fix: 'Add a primary key where the rows have one.',
      about: keyless,
    },
  ];
}

/** Roles whose names the configuration does not take. */
function rolesNotNamed({ writers }: DatabaseFacts, { tables }: Seen): Finding[] {
  const kept = new Set(tables.map(({ name }) => name));
  const odd = new Set(
    writers
      .filter(({ role, tables: on }) => !canStand(role) && on.some((name) => kept.has(name)))
      .map(({ role }) => role),
  );
  if (odd.size === 0) return [];
  return [
    {
      code: 'init.role-name',
      sentence: `${list([...odd])} may write too, and ${odd.size === 1 ? 'has a name' : 'have names'} that the configuration does not take.`,
      fix: 'Rename it; its writes are captured all the same.',
      about: [...odd],
    },
  ];
}

/** The first ten of many. */
function list(names: readonly string[]): string {
  const first = names.slice(0, 10).map(showIdentifier);
  return names.length > first.length
    ? `${first.join(', ')} and ${names.length - first.length} more`
    : first.join(', ');
}
