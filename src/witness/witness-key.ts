import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ClientBase } from 'pg';
import { PgwitnessError } from '../error.ts';
import { belongsTo } from './belongs-to.ts';
import type { Witness } from './witness-line.ts';

const keyBytes = 32;
const codeDigits = 32;

/** Whether the capture functions made the code: HMAC-SHA256 with the witness key, its first 32 hex digits. */
export function verifyCode(witness: Pick<Witness, 'line' | 'code'>, key: Uint8Array): boolean {
  // 'l' keeps the codes of lines apart from all else that is made with the key.
  const made = createHmac('sha256', key).update(`l${witness.line}`).digest('hex');
  const [right, given] = [made.slice(0, codeDigits), witness.code].map((text) => Buffer.from(text));
  return right !== undefined && given?.length === right.length && timingSafeEqual(right, given);
}

/**
 * The key of codes and digests, 32 bytes; it must not be logged or shown. `owner` is whose capture is. Throws
 * PgwitnessError, exit 2, where there is none, where the role that is logged in may not read it, and where
 * what is called so is another's.
 */
export async function readWitnessKey(client: ClientBase, owner: string): Promise<Uint8Array> {
  const own = await belongsTo(client, { schema: 'pgwitness', name: 'witness_key' }, owner);
  if (own === undefined) {
    throw unreadable(
      'missing',
      'there is no table pgwitness.witness_key: capture with witness lines was never installed here',
      '`pgwitness install` makes it. See also that the URL names the right database.',
    );
  }
  if (!own) {
    throw unreadable(
      'not-owned',
      `pgwitness.witness_key does not belong to ${owner}, or is no ordinary table`,
      'Find out who made it: it was not `pgwitness install`, and no code made with it proves anything.',
    );
  }
  const { rows } = await client
    .query<{ key: Buffer }>('select key from pgwitness.witness_key')
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== '42501') throw error;
      throw unreadable(
        'refused',
        'the role that is logged in may not read pgwitness.witness_key',
        `Let the owner's URL log in as ${owner}: nobody else can read the key, and nobody else should.`,
      );
    });
  const [row] = rows;
  if (row === undefined || rows.length > 1 || row.key.length !== keyBytes) {
    throw unreadable(
      'malformed',
      `pgwitness.witness_key holds ${rows.length} rows, not one with a key of ${keyBytes} bytes`,
      'Restore it from a backup: what was made with a lost key can be checked with no other.',
    );
  }
  return row.key;
}

function unreadable(why: string, what: string, fix: string): PgwitnessError {
  return new PgwitnessError({
    code: `witness.key-${why}`,
    message: `The witness key can't be read: ${what}.`,
    fix,
    exit: 2,
  });
}
