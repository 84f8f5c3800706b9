import type pg from 'pg';
import type { CaptureTarget } from '../capture/target.ts';
import type { AppConfig } from '../config/config.ts';
import type { Cli } from './context.ts';

/** An app's database, connected to as the role that pseudonymizes. */
export interface OpenArchiver {
  readonly app: AppConfig;
  readonly target: CaptureTarget;
  readonly client: pg.Client;
  close(): Promise<void>;
}

/**
 * Reads the configuration and connects: by `archiver_url_env`, or as the owner where the file has none.
 * Throws PgwitnessError: exit 2 or 3.
 */
export async function openArchiver(
  cli: Cli,
  flags: { readonly config: string; readonly app?: string },
): Promise<OpenArchiver> {
  const { chooseApp, readConfig, secretFrom } = await import('../config/read-config.ts');
  const { connectDatabase } = await import('../capture/connect.ts');
  const { withSecrets } = await import('./with-secrets.ts');
  const config = await readConfig(flags.config);
  const app = chooseApp(config, flags.app);
  const { env } = await withSecrets(cli, config);
  const { archiverUrlEnv, ownerUrlEnv, owner } = app.database;
  const who = archiverUrlEnv === undefined ? owner : 'the role that pseudonymizes';
  const url = secretFrom(
    env,
    archiverUrlEnv ?? ownerUrlEnv,
    `the connection URL of ${who} for ${app.name}`,
  );
  const client = await connectDatabase(url, `the connection of ${who} for ${app.name}`);
  return {
    app,
    target: { ...app.database, app: app.name },
    client,
    close: () => client.end(),
  };
}
