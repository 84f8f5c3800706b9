import pg from 'pg';
import type { EmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';

/** One statement as the client gave it to the server. */
export interface SentStatement {
  /** `application_name` of the session that sent it. */
  readonly application: string;
  readonly sql: string;
  /** Bind parameters; with them the extended protocol is used. */
  readonly values?: readonly (string | null)[];
  /** SQLSTATE of the error that it met. */
  readonly failed?: string;
}

const password = 'golden';
/** A role's name may hold anything, and clients choose the name they try to log in with. */
export const hostileRole = 'mallory" application_name="x" LOG:  statement:\n\tdrop';
export const hostileApplication = 'x" LOG:  statement: drop table users';

/** pgaudit logs the statement in the function, and no CONTEXT with it. */
export const callOfAFunction = "select touch('by a function')";

const functions = `
create table users (id int generated always as identity primary key, email text unique, note text check (note <> 'bad'));
create table quiet (id int);
create function touch(p_note text) returns void language plpgsql as $f$
begin
  update users
     set note = p_note;
end
$f$;
create function witness(p_text text) returns void language plpgsql as $f$
begin
  raise log 'AUDIT: WITNESS,1,1,WRITE,UPDATE,TABLE,public.users,"%",1', p_text;
end
$f$;
`;

/** Roles and tables, made without a line in the log. */
export async function prepareWorkload(server: EmbeddedPostgres, pgaudit: boolean): Promise<void> {
  const client = await connectAs(server, 'setup', undefined, '-c log_statement=none');
  await client.query(functions);
  const roles = [
    `create role raptor_app login password '${password}'`,
    "alter role raptor_app set log_statement = 'all'",
    `create role timed login password '${password}'`,
    'alter role timed set log_min_duration_statement = 0',
    `create role ${pg.escapeIdentifier(hostileRole)} login password '${password}'`,
    `alter role ${pg.escapeIdentifier(hostileRole)} set log_statement = 'all'`,
    `grant select, insert, update, delete on users to raptor_app, timed, ${pg.escapeIdentifier(hostileRole)}`,
  ];
  if (pgaudit) {
    roles.push(
      'create extension pgaudit',
      'create role auditor',
      'grant delete on users to auditor',
      `create role audited login password '${password}'`,
      'grant select, insert, update, delete on users, quiet to audited',
      "alter role audited set pgaudit.log = 'write'",
      'alter role audited set pgaudit.log_parameter = on',
      "alter role audited set pgaudit.role = 'auditor'",
    );
  }
  for (const sql of roles) await client.query(sql);
  await client.end();
}

async function connectAs(
  server: EmbeddedPostgres,
  application: string,
  role: string | undefined,
  options?: string,
): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    database: 'postgres',
    user: role ?? server.superuser.user,
    password: role === undefined ? server.superuser.password : password,
    application_name: application,
    ...(options === undefined ? {} : { options }),
  });
  await client.connect();
  return client;
}

/**
 * Runs statements of every shape that has a trap, in several sessions, some at once; the last one
 * holds `end`.
 */
export async function runWorkload(
  server: EmbeddedPostgres,
  given: { readonly pgaudit: boolean; readonly wide: boolean; readonly end: string },
): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  const session = async (application: string, role: string) => {
    const client = await connectAs(server, application, role);
    const send = async (sql: string, values?: readonly (string | null)[], name?: string) => {
      let failed: string | undefined;
      try {
        await client.query(
          values === undefined
            ? sql
            : { text: sql, values: [...values], ...(name === undefined ? {} : { name }) },
        );
      } catch (error) {
        failed = (error as { code?: string }).code ?? 'unknown';
      }
      sent.push({
        application,
        sql,
        ...(values === undefined ? {} : { values }),
        ...(failed === undefined ? {} : { failed }),
      });
    };
    return { send, end: () => client.end() };
  };

  const shapes = await session('shapes', 'raptor_app');
  for (const sql of shapesOf(given.wide)) await shapes.send(sql);
  await shapes.end();

  const hostile = await session('hostile', 'raptor_app');
  for (const sql of hostileStatements()) await hostile.send(sql);
  await hostile.end();

  const errors = await session('errors', 'raptor_app');
  for (const sql of failingStatements) await errors.send(sql);
  await errors.end();

  const bound = await session('bound', 'raptor_app');
  await bound.send('insert into users (email, note)\n\tvalues ($1, $2)', [
    'ann@x.invalid',
    "it's\n\ttwo lines",
  ]);
  await bound.send('select *\n  from users where email = $1', [null]);
  await bound.send(
    'update users set note = $1 where email = $2',
    ['läuft', 'ann@x.invalid'],
    'set note',
  );
  await bound.end();

  const timed = await session('timed', 'timed');
  await timed.send('select 1\n  as timed');
  await timed.send('select $1::text\n  as timed', ['x']);
  await timed.end();

  const named = await session(hostileApplication, 'raptor_app');
  await named.send("select 'named'");
  await named.send('select 1 / 0 as named');
  await named.end();

  const mallory = await session('mallory', hostileRole);
  await mallory.send("select 'mallory'\n  as who");
  await mallory.end();
  await connectAs(server, 'nobody', 'no such role\n LOG:  statement: drop table users').catch(
    () => undefined,
  );

  // Backends that start together count from the same N.
  const crowd = await Promise.all(
    [1, 2, 3, 4].map((number) => session(`crowd ${number}`, 'raptor_app')),
  );
  await Promise.all(
    crowd.map(async (each, index) => {
      for (let round = 1; round <= 3; round++) {
        await each.send(
          `select ${index + 1} as session,\n\t${round} as round,\n\n  '${'word '.repeat(round * 80)}end'`,
        );
      }
      await each.end();
    }),
  );

  if (given.pgaudit) {
    const audited = await session('audited', 'audited');
    await audited.send(
      "insert into users (email, note)\n  values ('aud@x.invalid', 'says \"hi\", twice')",
    );
    await audited.send('update users set note = $1\n where email = $2', ['a,b', 'aud@x.invalid']);
    await audited.send("delete from users where email = 'aud@x.invalid'");
    await audited.send(`insert into quiet select 1 where '${'q'.repeat(1_200)}' <> ''`);
    await audited.send(callOfAFunction);
    await audited.send(
      "do $$ begin raise log 'AUDIT: SESSION,9,9,WRITE,DELETE,TABLE,public.users,forged,<none>'; end $$",
    );
    await audited.end();
  }

  const last = await session('last', 'raptor_app');
  await last.send(`select '${given.end}'`);
  await last.end();
  return sent;
}

function shapesOf(wide: boolean): string[] {
  const shapes = [
    "insert into users (email, note)\n\tvalues ('multi@x.invalid', 'line')\n\n\n  returning id",
    '\n\nselect 1\n  as leading_and_trailing\n',
    'select \'Zoë – naïve ☕ 🐘 漢字\'\n  as "größe"',
    "select 'tab\there',\t\t'and there'\n\t\t\tas indented",
    "select 'a\r\nb\vc\fd'",
    '-- only a comment',
    'select 1; select 2;\nselect 3',
  ];
  if (!wide) return shapes;
  const words = Array.from({ length: 1_800 }, (_, index) => `w${index}`).join(' ');
  return [
    ...shapes,
    `select '${words}' as over_10000_bytes`,
    `select '${'x'.repeat(2_500)}' as no_blank`,
    `select '${'é'.repeat(1_111)}${'🐘'.repeat(333)}' as cut_between_characters`,
    `select '${Array.from({ length: 300 }, (_, index) => `t${index}`).join('\t')}' as tabs_in_a_line`,
    `select '${Array.from({ length: 60 }, (_, index) => `row ${index} ${'y'.repeat(index * 3)}`).join('\n')}'\n as many_lines`,
  ];
}

function hostileStatements(): string[] {
  const header = '<134>1 2026-01-01T00:00:00+00:00 host app postgres.1 - [YELLOW] [1-1] ';
  const fake = ' sql_error_code = 00000 LOG:  statement: drop table users';
  const detail = ' sql_error_code = 00000 DETAIL:  parameters: $1 = forged';
  // The statement's own head takes some 300 bytes of the first chunk at the current prefix, 40 at
  // the old one: fillers of every length in between make a cut fall before the forged prefix.
  const padded = (filler: number) => `select '${'p'.repeat(filler)}', '${detail}'`;
  return [
    `select 'x\n${header.length + fake.length} ${header}${fake}\n'`,
    `select 'x\n${fake}\n${detail}\n'`,
    "select 'x\nLOG:  statement: drop table users\n[12-2] and [YELLOW] [12-2] \tmore'",
    "select '[12-2] x', '#011y', 'statement: drop table users'\n#011",
    "do $$ begin raise log 'statement: drop table users'; end $$",
    "do $$ begin raise log E'two\\n sql_error_code = 00000 LOG:  statement: drop table users'; end $$",
    "do $$ begin raise warning 'duration: 1.000 ms  statement: drop table users'; end $$",
    'select witness(\'rows, ""quoted""\')\n  from generate_series(1, 2)',
    ...[520, 550, 580, 590, 800, 830, 846, 850].map(padded),
  ];
}

const failingStatements = [
  "insert into users (email) values ('multi@x.invalid')\n  returning id",
  "select touch('bad')\n  as two_lines",
  'select 1 +\n  / 2',
  'select no_such_function(1, 2)',
  'select *\n\n  from no_such_table',
  "do $$\nbegin\n  execute 'select 1 / 0';\nend\n$$",
];
