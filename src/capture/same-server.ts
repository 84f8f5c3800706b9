import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';
import { PgwitnessError } from '../error.ts';

/**
 * Makes sure that both connections are to one server: roles belong to a server, so on another the
 * superuser's connection would set log_statement of a role that only has the same name. The proof is a
 * lock that one takes and the other sees, which needs no privilege and goes through a pooler.
 * `superuserEnv` names the variable with the superuser's URL. Throws `capture.other-server`, exit 2.
 */
export async function expectSameServer(
  owner: ClientBase,
  superuser: ClientBase,
  superuserEnv: string,
): Promise<void> {
  const key = [randomBytes(4).readInt32BE(), randomBytes(4).readInt32BE()];
  await owner.query('begin');
  try {
    await owner.query('select pg_catalog.pg_advisory_xact_lock_shared($1, $2)', key);
    // The view has the two halves as oids, which are unsigned.
    const { rows } = await superuser.query(
      `select from pg_catalog.pg_locks
       where locktype = 'advisory' and classid = $1::bigint::oid and objid = $2::bigint::oid`,
      key.map((half) => half >>> 0),
    );
    if (rows.length > 0) return;
  } finally {
    await owner.query('rollback');
  }
  throw new PgwitnessError({
    code: 'capture.other-server',
    message: `The URL in ${superuserEnv} leads to another server than the owner's.`,
    fix: "Let it name the owner's server; any database there will do.",
    exit: 2,
  });
}
