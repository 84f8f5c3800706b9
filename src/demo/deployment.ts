import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { AppConfig } from '../config/config.ts';
import { readConfig } from '../config/read-config.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { database, type Passwords } from './world.ts';

/** The app of examples/raxx/pgwitness.yaml that the demo runs. */
const appName = 'raxx-api-staging';

export interface Deployment {
  /** Absolute path of the demo's pgwitness.yaml. */
  readonly configPath: string;
  /** Absolute path of a file that sets the demo's secrets in a shell; mode 0600. */
  readonly envPath: string;
  /** The same secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly app: AppConfig;
  readonly archiveFolder: string;
}

/**
 * Writes the example's configuration into `directory`, cut down to one app and pointed at this
 * machine: what runs is what examples/raxx shows, not another thing that looks like it.
 */
export async function writeDeployment(given: {
  readonly directory: string;
  readonly postgres: EmbeddedPostgres;
  readonly passwords: Passwords;
  readonly port: number;
}): Promise<Deployment> {
  const example = await readFile(
    new URL('../../examples/raxx/pgwitness.yaml', import.meta.url),
    'utf8',
  );
  const config = parse(example) as { apps: Record<string, Record<string, unknown>> };
  const app = config.apps[appName];
  if (app === undefined) throw new Error(`examples/raxx/pgwitness.yaml has no app ${appName}`);
  const archiveFolder = join(given.directory, 'archive');
  const configPath = join(given.directory, 'pgwitness.yaml');
  await writeFile(
    configPath,
    stringify({
      ...config,
      archive: { folder: archiveFolder },
      receiver: { host: '127.0.0.1', port: given.port },
      apps: {
        [appName]: {
          ...app,
          ship: {
            log_directory: given.postgres.logDirectory,
            state: 'ship-state.json',
            drain_url_env: 'RAXX_DEMO_DRAIN_URL',
          },
        },
      },
    }),
  );
  const trusted = await readConfig(configPath);
  const [chosen] = trusted.apps;
  if (chosen === undefined) throw new Error('the demo has lost its app');

  const { drain } = chosen;
  if (drain === undefined) throw new Error("the demo's app has lost its drain");
  const secret = randomBytes(24).toString('base64url');
  const { user, password } = given.postgres.superuser;
  const env: Record<string, string> = {
    [drain.secretEnv]: secret,
    RAXX_DEMO_DRAIN_URL: `http://${drain.user}:${secret}@127.0.0.1:${given.port}/`,
    [chosen.database.ownerUrlEnv]: given.postgres.url(
      'raxx_owner',
      given.passwords.raxx_owner,
      database,
    ),
  };
  if (chosen.database.appUrlEnv !== undefined) {
    env[chosen.database.appUrlEnv] = given.postgres.url(
      'raptor_app',
      given.passwords.raptor_app,
      database,
    );
  }
  if (chosen.database.superuserUrlEnv !== undefined) {
    env[chosen.database.superuserUrlEnv] = given.postgres.url(user, password, database);
  }
  const envPath = join(given.directory, 'env');
  const lines = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  await writeFile(envPath, lines.join(''), { mode: 0o600 });
  return { configPath, envPath, env, app: chosen, archiveFolder };
}
