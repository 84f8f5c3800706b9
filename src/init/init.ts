import { connectDatabase } from '../capture/connect.ts';
import { databaseFailure } from '../capture/server-error.ts';
import { secretFrom } from '../config/read-config.ts';
import { envName, segment } from '../config/schema.ts';
import { wrongIdentifier } from '../config/table-name.ts';
import { PgwitnessError } from '../error.ts';
import { configText } from './config-text.ts';
import { envPrefix, type Proposal, propose } from './proposal.ts';
import { readDatabase } from './read-database.ts';

/** What the user names, checked. */
export interface Naming {
  readonly app: string;
  readonly ownerUrlEnv: string;
  readonly schema: string;
}

/** The names as given on the command line. Throws PgwitnessError, exit 2, which quotes no variable's name: it may be a URL by mistake. */
export function checkNaming(given: {
  readonly app: string;
  readonly ownerUrlEnv?: string;
  readonly schema: string;
}): Naming {
  const { app, schema } = given;
  const named = segment.safeParse(app);
  if (!named.success) {
    throw new PgwitnessError({
      code: 'init.bad-app',
      message: `The name of an app ${named.error.issues[0]?.message}.`,
      fix: 'Name it with --app, e.g. --app shop.',
      exit: 2,
    });
  }
  const ownerUrlEnv = given.ownerUrlEnv ?? `${envPrefix(app)}_OWNER_URL`;
  if (!envName.safeParse(ownerUrlEnv).success) {
    throw new PgwitnessError({
      code: 'init.bad-variable',
      message:
        '--owner-url-env takes the name of an environment variable (capitals, digits, _), not the URL itself.',
      fix: `Put the URL into a variable and name that, e.g. --owner-url-env ${envPrefix(app)}_OWNER_URL.`,
      exit: 2,
    });
  }
  const wrong = schema === '' ? 'is empty' : wrongIdentifier(schema);
  if (wrong !== undefined) {
    throw new PgwitnessError({
      code: 'init.bad-schema',
      message: `The name of the schema ${wrong}.`,
      fix: 'Name it as the catalogue has it, without quotes.',
      exit: 2,
    });
  }
  return { app, ownerUrlEnv, schema };
}

/**
 * Reads the database behind the variable `ownerUrlEnv` of `env`, and proposes; `yaml` is the file's
 * text, undefined where it would be larger than pgwitness reads. Throws PgwitnessError:
 * exit 2 for what `env`, the schema or its tables lack, exit 3 where the database can't be reached.
 */
export async function proposeFrom(
  env: Readonly<Record<string, string | undefined>>,
  naming: Naming,
): Promise<{ readonly proposal: Proposal; readonly yaml: string | undefined }> {
  const { app, ownerUrlEnv, schema } = naming;
  const url = secretFrom(env, ownerUrlEnv, `the connection URL of the owner of ${app}'s tables`);
  const client = await connectDatabase(url, `the owner's connection for ${app}`);
  try {
    const facts = await readDatabase(client, schema).catch((error: unknown) => {
      throw databaseFailure(error, 'looking at the database');
    });
    const proposal = propose(facts, naming);
    return { proposal, yaml: configText(proposal) };
  } finally {
    await client.end();
  }
}
