import type { ClientBase } from 'pg';
import type { QualifiedName } from './qualified-name.ts';

/**
 * Whether a name is an ordinary table of `owner`'s; undefined where there is none. What another made under
 * that name is not to be read: as a view, or with policies, it would run its maker's code with the rights
 * of the reader, and as a table it would hold what its maker likes.
 */
export async function belongsTo(
  client: ClientBase,
  { schema, name }: QualifiedName,
  owner: string,
): Promise<boolean | undefined> {
  const { rows } = await client.query<{ own: boolean }>(
    `select c.relkind = 'r' and r.rolname = $3 as own
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_roles r on r.oid = c.relowner
     where n.nspname = $1 and c.relname = $2`,
    [schema, name, owner],
  );
  return rows[0]?.own;
}
