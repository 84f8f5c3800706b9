import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { expect } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';

/** Password of every role in a test's world. */
export const password = 'p@ss/w%rd:1';

const plainTables = ['passkeys', 'subscriptions', 'positions', 'trades'];

/** What examples/raxx/pgwitness.yaml says of its databases. */
export const raxxTarget: CaptureTarget = {
  owner: 'raxx_owner',
  tables: [
    { schema: 'public', name: 'users', personal: ['email', 'display_name'] },
    { schema: 'public', name: 'sessions', exclude: ['token_digest'] },
    ...plainTables.map((name) => ({ schema: 'public', name })),
  ],
  appendOnly: [{ schema: 'public', name: 'customer_audit_events' }],
  roles: [
    { name: 'raxx_owner', logStatement: 'ddl', history: [] },
    { name: 'raptor_app', logStatement: 'mod', history: ['select', 'insert'] },
    { name: 'audit_archiver', logStatement: 'mod', history: ['select', 'update'] },
    { name: 'raptor_audit_compliance', history: ['select'] },
  ],
};

/** What every plan of `raxxTarget` tells its reader. */
export const usualNotes = [
  expect.stringMatching(/^raptor_app may insert into history/),
  expect.stringMatching(/^A row whose JSON would be larger than 1 GB/),
];

/** One database of its own with the example's tables, and connections to it. */
export interface TestDatabase {
  readonly name: string;
  url(role: string): string;
  connect(role: string): Promise<pg.Client>;
  /** As the superuser. */
  superuser(): Promise<pg.Client>;
}

/** A server with the example's roles; each test takes a fresh database from a template. */
export interface CaptureWorld {
  readonly server: EmbeddedPostgres;
  database(): Promise<TestDatabase>;
  /** One with capture installed in it, log_statement of the roles included. */
  installedDatabase(): Promise<TestDatabase>;
  /** An empty one, owned by raxx_owner. */
  emptyDatabase(): Promise<TestDatabase>;
  stop(): Promise<void>;
}

/** Starts the embedded Postgres, or the one whose programs are in `binaries`; `settings` are the server's. */
export async function startCaptureWorld(
  binaries?: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<CaptureWorld> {
  const server = await startEmbeddedPostgres({
    settings: { fsync: 'off', log_min_messages: 'panic', ...settings },
    ...(binaries === undefined ? {} : { binaries }),
  });
  const clients: pg.Client[] = [];
  const open = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    clients.push(client);
    return client;
  };
  const { user, password: superPassword } = server.superuser;
  const root = await open(server.url(user, superPassword));
  await root.query(await example('roles.sql'));
  for (const role of raxxTarget.roles.map(({ name }) => name)) {
    await root.query(
      `alter role ${pg.escapeIdentifier(role)} password ${pg.escapeLiteral(password)}`,
    );
  }
  await root.query('create database raxx_template owner raxx_owner');
  await once(server.url('raxx_owner', password, 'raxx_template'), async (owner) => {
    await owner.query(await example('schema.sql'));
  });
  // Nobody may be connected to a template while it is copied.
  let installed: Promise<void> | undefined;
  const installTemplate = async () => {
    await root.query('create database raxx_installed template raxx_template owner raxx_owner');
    await once(server.url('raxx_owner', password, 'raxx_installed'), async (owner) => {
      await installCapture({ owner, superuser: root }, raxxTarget);
    });
  };

  let count = 0;
  const make = async (template: string): Promise<TestDatabase> => {
    count += 1;
    const name = `raxx_${count}`;
    // Left behind by the test before: roles and their settings belong to the whole server.
    for (const { name: role } of raxxTarget.roles) {
      await root.query(`alter role ${pg.escapeIdentifier(role)} reset all`);
    }
    await root.query(`create database ${name} template ${template} owner raxx_owner`);
    return {
      name,
      url: (role) => server.url(role, password, name),
      connect: (role) => open(server.url(role, password, name)),
      superuser: () => open(server.url(user, superPassword, name)),
    };
  };
  return {
    server,
    database: () => make('raxx_template'),
    async installedDatabase() {
      installed ??= installTemplate();
      await installed;
      const database = await make('raxx_installed');
      for (const { name: role, logStatement } of raxxTarget.roles) {
        if (logStatement === undefined) continue;
        await root.query(`alter role ${role} set log_statement to ${logStatement}`);
      }
      return database;
    },
    emptyDatabase: () => make('template0'),
    async stop() {
      for (const client of clients) await client.end();
      await server.stop();
    },
  };
}

async function once(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await work(client);
  await client.end();
}

function example(name: string): Promise<string> {
  return readFile(new URL(`../../examples/raxx/${name}`, import.meta.url), 'utf8');
}

/** All that stands in a database, so that "unchanged" can be told. */
export async function everything(client: pg.Client): Promise<string> {
  const { rows } = await client.query(`
    select 'relation', n.nspname, c.relname, c.relkind::text, c.relacl::text from pg_class c
      join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information)'
    union all select 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, pg_get_triggerdef(oid)
      from pg_trigger where not tgisinternal
    union all select 'function', proname, md5(prosrc), proacl::text, xmin::text from pg_proc
      where pronamespace::regnamespace::text !~ '^(pg_|information)'
    union all select 'schema', nspname, nspacl::text, null, null from pg_namespace
    order by 1, 2, 3`);
  return JSON.stringify(rows);
}
