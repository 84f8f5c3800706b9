import { connectDatabase } from '../capture/connect.ts';
import { databaseFailure } from '../capture/server-error.ts';
import type { AppConfig } from '../config/config.ts';
import { secretFrom } from '../config/read-config.ts';
import type { Archive } from '../sink/sink.ts';
import { checkDigest } from '../witness/check-digest.ts';
import type { WitnessProof } from '../witness/judge-witness.ts';
import { scanImageChanges } from '../witness/scan-changes.ts';
import { readWitnessKey } from '../witness/witness-key.ts';
import type { Cli } from './context.ts';

/** What was changed since is told up to now, by a clock that may run ahead of this one. */
const aheadMs = 24 * 3_600_000;

/**
 * Connects as the owner and reads the witness key, so that lines of the archive from `since` (epoch
 * milliseconds) on can be judged. The archive is gone through for changes of history at most once, and
 * only where history is not as it was captured. Throws PgwitnessError: exit 2 or 3.
 */
export async function openProof(
  cli: Cli,
  app: AppConfig,
  archive: Archive,
  span: { readonly since: number; readonly lateMs: number },
): Promise<{ readonly proof: WitnessProof; close(): Promise<void> }> {
  const { owner, ownerUrlEnv } = app.database;
  const what = `the connection of ${owner} for ${app.name}`;
  const url = secretFrom(cli.env, ownerUrlEnv, `the connection URL of ${owner} for ${app.name}`);
  const client = await connectDatabase(url, what);
  try {
    const key = await readWitnessKey(client, owner);
    let changes: ReturnType<typeof scanImageChanges> | undefined;
    return {
      proof: {
        key,
        check: async (witness, told) => {
          try {
            return await checkDigest(client, owner, witness, told);
          } catch (error) {
            throw databaseFailure(error, 'history was held against its witness lines');
          }
        },
        changesOf: async ({ table }) => {
          const until = cli.now() + aheadMs;
          const all = { prefix: app.prefix, ...span, until, signal: cli.signal };
          changes ??= scanImageChanges(archive, all, key);
          return (await changes)(table);
        },
      },
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error;
  }
}
