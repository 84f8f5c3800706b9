import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { EmbeddedPostgres } from './embedded-postgres.ts';

/** Roles of the runbook that log in, and the passwords this demo gave them. */
export type Passwords = Readonly<
  Record<'raxx_owner' | 'raptor_app' | 'audit_archiver' | 'raptor_audit_compliance', string>
>;

/** Database of the runbook's world. */
export const database = 'raxx';

const example = (name: string) =>
  readFile(new URL(`../../examples/raxx/${name}`, import.meta.url), 'utf8');

/** Creates the runbook's database, roles and tables, from the same files that examples/raxx gives its readers. */
export async function createWorld(postgres: EmbeddedPostgres, passwords: Passwords): Promise<void> {
  const { user, password } = postgres.superuser;
  await withClient(postgres.url(user, password), (client) =>
    client.query(`create database ${database}`),
  );
  await withClient(postgres.url(user, password, database), async (client) => {
    await client.query(await example('roles.sql'));
    await client.query(`alter database ${database} owner to raxx_owner`);
    for (const [role, secret] of Object.entries(passwords)) {
      await client.query(
        `alter role ${pg.escapeIdentifier(role)} password ${pg.escapeLiteral(secret)}`,
      );
    }
  });
  await withClient(postgres.url('raxx_owner', passwords.raxx_owner, database), async (client) =>
    client.query(await example('schema.sql')),
  );
}

async function withClient(
  url: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
