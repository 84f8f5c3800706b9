import { showIdentifier } from './capture-names.ts';
import type { RoleFacts } from './coverage-facts.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { CoverageLook } from './coverage-look.ts';

const consequence =
  'whoever has this login can switch a trigger off, change rows and switch it on again inside a DO block, and leave neither a line nor a row of history; or change history itself. Capture is then evidence of tampering at best';

/** Who could undo capture, or write what it did not capture. */
export function roleGaps(look: CoverageLook): Gap[] {
  return [
    ...sharedGaps(look),
    ...memberGaps(look),
    ...dataGaps(look),
    ...schemaOwnerGaps(look),
    ...superuserGaps(look),
  ];
}

/** The application is the owner itself. */
function sharedGaps({ target, facts }: CoverageLook): Gap[] {
  const owner = facts.roles.find(({ name }) => name === target.owner);
  const gaps: Gap[] = [];
  const granted = target.roles.some(
    ({ name, history }) => name === target.owner && history.length > 0,
  );
  if (target.applicationLogin === target.owner || granted) {
    const text = `The application logs in as the owner, ${showIdentifier(target.owner)}: ${consequence}.`;
    gaps.push(
      gap(
        'role.shared-login',
        undefined,
        text,
        'Give the application a role of its own, without ownership.',
      ),
    );
  } else if (target.applicationLogin === undefined) {
    const text =
      'Can’t tell whether the application logs in as the owner: its connection URL is not known here.';
    gaps.push(
      note('role.login-unknown', undefined, text, 'Set the variable that `app_url_env` names.'),
    );
  }
  if (owner?.superuser === true) {
    const text = `The owner, ${showIdentifier(target.owner)}, is a superuser: nothing in the database binds it.`;
    gaps.push(
      gap(
        'role.owner-superuser',
        undefined,
        text,
        'Give the tables to a role that is no superuser.',
      ),
    );
  }
  return gaps;
}

function memberGaps(look: CoverageLook): Gap[] {
  const { catalogue, target } = look;
  const owner = showIdentifier(target.owner);
  // Up to 15 a role with CREATEROLE makes itself a member of any role that is no superuser.
  const grants = ({ creates_roles }: RoleFacts) =>
    creates_roles && catalogue.server.version < 160000;
  const found = others(look).filter((role) => role.member_of_owner === true || grants(role));
  return split(look, found, (roles, application) => {
    const creators = roles.filter(({ member_of_owner }) => member_of_owner !== true);
    const text = `${named(roles)} can act as the owner, ${owner}${creators.length > 0 ? ` (${named(creators)} by CREATEROLE, which before Postgres 16 makes itself a member)` : ''}: ${application ? consequence : 'it can switch capture off and on again, and change history'}.`;
    const todo = application
      ? 'Revoke the membership, or CREATEROLE.'
      : `Know who holds it, and revoke it where nobody need: revoke ${owner} from …;`;
    return application
      ? gap('role.member-of-owner', undefined, text, todo)
      : note('role.member-of-owner', undefined, text, todo);
  });
}

function dataGaps(look: CoverageLook): Gap[] {
  const free = others(look).filter(({ member_of_owner }) => member_of_owner !== true);
  const writers = free.filter(({ writes_all }) => writes_all);
  const readers = free.filter(({ reads_all, writes_all }) => reads_all && !writes_all);
  const server = free.filter(({ reaches_server }) => reaches_server);
  return [
    ...(writers.length === 0
      ? []
      : [
          gap(
            'role.writes-all-data',
            undefined,
            `${named(writers)} has pg_write_all_data: it can add rows to history that no write made (the guard refuses it UPDATE and DELETE there), and change what is noted in the schema pgwitness, the witness key included.`,
            'Grant it the tables that it has to write instead.',
          ),
        ]),
    ...(readers.length === 0
      ? []
      : [
          note(
            'role.reads-all-data',
            undefined,
            `${named(readers)} has pg_read_all_data, and so can read the witness key: it can make lines that pass for true ones, and tokens.`,
            'Grant it the tables that it has to read instead.',
          ),
        ]),
    ...split(look, server, (roles, application) => {
      const text = `${named(roles)} may write files or run programs on the server, and so make itself a superuser.`;
      const todo =
        'Revoke pg_write_server_files and pg_execute_server_program where nobody need them.';
      return application
        ? gap('role.reaches-server', undefined, text, todo)
        : note('role.reaches-server', undefined, text, todo);
    }),
  ];
}

/** A schema's owner may drop whatever stands in it, another's table or function too. */
function schemaOwnerGaps({ facts, target }: CoverageLook): Gap[] {
  return facts.schemaOwners
    .filter(({ owner, superuser }) => owner !== target.owner && !superuser)
    .map(({ schema, owner }) => {
      const text = `${showIdentifier(owner)} owns the schema ${showIdentifier(schema)}, and so can drop what stands in it: history, and the capture functions with their triggers.`;
      const todo = `As ${showIdentifier(owner)} or a superuser: alter schema ${showIdentifier(schema)} owner to ${showIdentifier(target.owner)};`;
      const application =
        owner === target.applicationLogin || target.roles.some(({ name }) => name === owner);
      return application
        ? gap('role.schema-owner', undefined, text, todo)
        : note('role.schema-owner', undefined, text, todo);
    });
}

function superuserGaps({ facts, target }: CoverageLook): Gap[] {
  const found = facts.roles.filter(
    ({ name, superuser, login }) => superuser && login && name !== target.owner,
  );
  const application = found.filter(
    ({ name }) =>
      name === target.applicationLogin || target.roles.some((role) => role.name === name),
  );
  const gaps: Gap[] = [];
  if (application.length > 0) {
    const text = `${named(application)} is a superuser, and a role of the application: ${consequence}.`;
    gaps.push(gap('role.superuser', undefined, text, 'Take it: alter role … nosuperuser;'));
  }
  const rest = found.filter((role) => !application.includes(role));
  if (rest.length > 0) {
    const text = `Nothing in the database binds superusers: ${named(rest)}.`;
    gaps.push(
      note(
        'role.superusers',
        undefined,
        text,
        'Know who holds them, and have their statements logged.',
      ),
    );
  }
  return gaps;
}

/** Roles that are neither the owner nor superusers. */
function others({ facts, target }: CoverageLook): RoleFacts[] {
  return facts.roles.filter(({ name, superuser }) => !superuser && name !== target.owner);
}

/** One gap of the application's roles and one of all others, where there are any. */
function split(
  { target }: CoverageLook,
  roles: readonly RoleFacts[],
  tell: (roles: readonly RoleFacts[], application: boolean) => Gap,
): Gap[] {
  const isApplication = ({ name }: RoleFacts) =>
    name === target.applicationLogin || target.roles.some((role) => role.name === name);
  return [true, false].flatMap((application) => {
    const some = roles.filter((role) => isApplication(role) === application);
    return some.length === 0 ? [] : [tell(some, application)];
  });
}

function named(roles: readonly RoleFacts[]): string {
  return listed(roles.map(({ name }) => showIdentifier(name)));
}
