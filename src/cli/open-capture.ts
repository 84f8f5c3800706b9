import type pg from 'pg';
import type { CaptureConnections } from '../capture/plan.ts';
import type { PlannedObject } from '../capture/planned-object.ts';
import type { CaptureTarget } from '../capture/target.ts';
import type { AppConfig } from '../config/config.ts';
import type { KeyPath } from '../config/problem.ts';
import { PgwitnessError } from '../error.ts';
import type { Cli } from './context.ts';

/** An app's database, connected to as the verbs of capture need it. */
export interface OpenCapture {
  readonly app: AppConfig;
  readonly target: CaptureTarget;
  readonly connections: CaptureConnections;
  /** What the reader should know about the connections. */
  readonly notes: readonly string[];
  /** `pgwitness.yaml:22:17` of a table or role that the file names; '' of what it does not. */
  readonly placeOf: (object: PlannedObject) => string;
  close(): Promise<void>;
}

/** Reads the configuration and connects. Throws PgwitnessError: exit 2 or 3. */
export async function openCapture(
  given: Cli,
  flags: { readonly config: string; readonly app?: string },
): Promise<OpenCapture> {
  const { chooseApp, invalidConfig, parseConfig, readConfigText, secretFrom } = await import(
    '../config/read-config.ts'
  );
  const { withSecrets } = await import('./with-secrets.ts');
  const { expectSameServer } = await import('../capture/same-server.ts');
  const { connectDatabase, loginOf } = await import('../capture/connect.ts');
  const { showIdentifier, showName } = await import('../capture/capture-names.ts');
  const parsed = parseConfig(await readConfigText(flags.config), flags.config);
  if (!parsed.ok) throw invalidConfig(flags.config, parsed.problems);
  const app = chooseApp(parsed.config, flags.app);
  const cli = await withSecrets(given, parsed.config);
  const { owner, ownerUrlEnv, appUrlEnv, superuserUrlEnv, roles } = app.database;
  // Plan, install and uninstall do without the application's URL; where it is set it tells who that is.
  const applicationUrl = appUrlEnv === undefined ? undefined : cli.env[appUrlEnv];
  const applicationLogin = applicationUrl === undefined ? undefined : loginOf(applicationUrl);

  const purpose = `the connection URL of ${owner} for ${app.name}`;
  const opened: pg.Client[] = [];
  const close = async () => {
    for (const client of opened) await client.end();
  };
  const connect = async (url: string, what: string) => {
    const client = await connectDatabase(url, what);
    opened.push(client);
    return client;
  };
  const ownerClient = await connect(
    secretFrom(cli.env, ownerUrlEnv, purpose),
    `the connection of ${owner} for ${app.name}`,
  );
  const notes: string[] = [];
  let superuser: pg.Client | undefined;
  try {
    const url = cli.env[superuserUrlEnv ?? ''];
    if (superuserUrlEnv !== undefined && url !== undefined && url.trim() !== '') {
      superuser = await connect(url, `the superuser's connection for ${app.name}`);
      await expectSameServer(ownerClient, superuser, superuserUrlEnv);
    } else if (superuserUrlEnv !== undefined) {
      notes.push(`${superuserUrlEnv} is not set: done without a superuser's connection.`);
    }
  } catch (error) {
    await close();
    throw error;
  }

  const placeOf = (object: PlannedObject) => {
    const database: KeyPath = ['apps', app.name, 'database'];
    const index = (tables: AppConfig['database']['tables']) =>
      tables.findIndex(({ schema, name }) => showName(schema, name) === object.name);
    const { tables, appendOnly } = app.database;
    let key: KeyPath | undefined;
    if (object.kind === 'role') {
      const role = roles.find(({ name }) => showIdentifier(name) === object.name);
      key = [...database, ...(role === undefined ? ['owner'] : ['roles', role.name])];
    } else if (index(tables) >= 0) key = [...database, 'tables', index(tables)];
    else if (index(appendOnly) >= 0) key = [...database, 'append_only', index(appendOnly)];
    if (key === undefined) return '';
    const { line, column } = parsed.locate(key);
    return `${flags.config}:${line}:${column}`;
  };
  return {
    app,
    target: {
      ...app.database,
      app: app.name,
      ...(applicationLogin !== undefined && { applicationLogin }),
    },
    connections:
      superuser === undefined ? { owner: ownerClient } : { owner: ownerClient, superuser },
    notes,
    placeOf,
    close,
  };
}

/** The error after a plan with refusals was shown; each refusal names its place, why and what to do. */
export function refusedError(
  refusals: readonly PlannedObject[],
  placeOf: OpenCapture['placeOf'],
): PgwitnessError {
  const lines = refusals.map((object) => {
    const place = placeOf(object);
    return `  ${place === '' ? '' : `${place} `}${object.kind} ${object.name}: ${object.why}\n    ${object.fix}`;
  });
  const count = refusals.length === 1 ? 'One thing stands' : `${refusals.length} things stand`;
  return new PgwitnessError({
    code: 'capture.refused',
    message: `${count} in the way, and nothing was changed:\n${lines.join('\n')}`,
    fix: 'See to each of them, and run it again.',
    // What the file names and the database lacks is a fault of the configuration.
    exit: refusals.every(({ misconfigured }) => misconfigured === true) ? 2 : 1,
  });
}
