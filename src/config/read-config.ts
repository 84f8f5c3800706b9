import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PgwitnessError } from '../error.ts';
import type { AppConfig, Config, DatabaseConfig, RoleConfig } from './config.ts';
import { crossCheck } from './cross-check.ts';
import { parseDuration } from './duration.ts';
import { findSecrets } from './find-secrets.ts';
import { inFileOrder, type KeyPath, type Problem, showKey, showProblem } from './problem.ts';
import { configSchema, type WrittenConfig } from './schema.ts';
import { schemaFaults } from './schema-problems.ts';
import { parseTableName } from './table-name.ts';
import { type Place, parseYaml } from './yaml-source.ts';

/** A file of many apps has some tens of kilobytes; reading stops here, before the parser's memory grows. */
const largestFile = 1_048_576;

export type ParsedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Where the value at `key` stands in the file, e.g. `['apps', name, 'database', 'tables', 0]`. */
      readonly locate: (key: KeyPath) => Place;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `pgwitness.yaml` as text to a trusted Config, or every problem at once. Pure; `path` need not exist. */
export function parseConfig(text: string, path: string): ParsedConfig {
  const problem = (place: Place, key: KeyPath, sentence: string, fix: string): Problem => ({
    path,
    line: place.line,
    column: place.column,
    key: showKey(key),
    sentence,
    fix,
  });
  if (Buffer.byteLength(text) > largestFile) {
    const sentence = `The file is larger than ${largestFile} bytes.`;
    return { ok: false, problems: [problem({ line: 1, column: 1 }, [], sentence, sizeFix)] };
  }
  const problems: Problem[] = findSecrets(text).map(({ offset, looksLike }) =>
    problem(
      placeOf(text, offset),
      [],
      `This looks like ${looksLike}, and the file is no place for secrets.`,
      'Put it into an environment variable and name the variable here; change the secret if the file was ever shared.',
    ),
  );
  const source = parseYaml(text);
  problems.push(
    ...source.faults.map((fault) =>
      problem(
        fault,
        [],
        fault.sentence,
        fault.fatal
          ? 'Correct it; the keys are looked at once it can be read.'
          : 'Remove one of the two.',
      ),
    ),
  );
  if (source.faults.some((fault) => fault.fatal)) {
    return { ok: false, problems: inFileOrder(problems) };
  }

  const parsed = configSchema.safeParse(source.value);
  if (!parsed.success) {
    for (const { at, sentence, fix, onKey } of schemaFaults(parsed.error.issues, source.value)) {
      problems.push(problem(source.locate(at, onKey ? 'key' : 'value'), at, sentence, fix));
    }
  }
  for (const { at, sentence, fix, onKey } of crossCheck(source.value)) {
    problems.push(problem(source.locate(at, onKey ? 'key' : 'value'), at, sentence, fix));
  }
  if (!parsed.success || problems.length > 0) {
    return { ok: false, problems: inFileOrder(problems) };
  }
  return { ok: true, config: trusted(parsed.data, resolve(path)), locate: source.locate };
}

const sizeFix = 'Is it the right file? A configuration of a hundred apps has less.';

/**
 * Reads `path`. Throws PgwitnessError, exit 2: `config.no-such-file`, `config.cannot-read`, and
 * `config.invalid`, whose message lists every problem as `file:line:column sentence`.
 */
export async function readConfig(path: string): Promise<Config> {
  const parsed = parseConfig(await readConfigText(path), path);
  if (!parsed.ok) throw invalidConfig(path, parsed.problems);
  return parsed.config;
}

/** The error `config.invalid`, exit 2: all of `problems` in one message. */
export function invalidConfig(path: string, problems: readonly Problem[]): PgwitnessError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const list = problems.map((problem) => `  ${showProblem(problem)}`).join('\n');
  return new PgwitnessError({
    code: 'config.invalid',
    message: `${path} has ${count}:\n${list}`,
    fix: 'Correct the lines above; `pgwitness config check` looks at the file again.',
    exit: 2,
  });
}

/** The file's text, as far as `parseConfig` takes it. Throws as `readConfig` does for a file it can't read. */
export async function readConfigText(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      // One byte more than is taken shows that there is more; a device or a pipe ends here too.
      const buffer = Buffer.alloc(largestFile + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      return buffer.toString('utf8', 0, length).replace(/^\ufeff/, '');
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    const missing = code === 'ENOENT';
    throw new PgwitnessError({
      code: missing ? 'config.no-such-file' : 'config.cannot-read',
      message: missing ? `There is no file ${path}.` : `${path} can't be read (${code}).`,
      fix: missing
        ? 'Name the configuration with --config; `examples/raxx/pgwitness.yaml` is one to begin with.'
        : 'Give the account that runs pgwitness the right to read it.',
      exit: 2,
      cause: error,
    });
  }
}

/**
 * The app called `name`, or the only one. Throws `config.no-such-app` or `config.which-app`, exit 2;
 * both list the names.
 */
export function chooseApp(config: Config, name?: string): AppConfig {
  const names = config.apps.map((app) => app.name).join(', ');
  if (name === undefined) {
    const [only, another] = config.apps;
    if (only !== undefined && another === undefined) return only;
    throw new PgwitnessError({
      code: 'config.which-app',
      message: `${config.path} holds several apps: ${names}.`,
      fix: 'Choose one with --app.',
      exit: 2,
    });
  }
  const app = config.apps.find((candidate) => candidate.name === name);
  if (app !== undefined) return app;
  throw new PgwitnessError({
    code: 'config.no-such-app',
    message: `There is no app ${JSON.stringify(name)} in ${config.path}.`,
    fix: `Its apps are: ${names}.`,
    exit: 2,
  });
}

/**
 * The secret in the environment variable `name`. `purpose` says what it has to hold, e.g.
 * `the connection URL of raxx_owner`. Missing or empty: `config.no-secret`, exit 2.
 */
export function secretFrom(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  purpose: string,
): string {
  const value = env[name];
  if (value === undefined || value.trim() === '') {
    throw new PgwitnessError({
      code: 'config.no-secret',
      message: `The environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}; it must hold ${purpose}.`,
      fix: `Set it, e.g. \`export ${name}=…\`, and run again.`,
      exit: 2,
    });
  }
  return value;
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}

function trusted(written: WrittenConfig, path: string): Config {
  const here = (given: string) => resolve(dirname(path), given);
  return {
    path,
    archive: { folder: here(written.archive.folder) },
    receiver: written.receiver,
    apps: Object.entries(written.apps).map(([name, app]) => {
      const table = (text: string) => checkedTable(text, app.database.schema);
      return {
        name,
        prefix: app.prefix ?? name,
        drain: {
          user: app.drain.user ?? name,
          secretEnv: app.drain.secret_env,
          tokens: app.drain.tokens,
        },
        database: trustedDatabase(app.database),
        ...(app.ship && {
          ship: {
            logDirectory: here(app.ship.log_directory),
            state: here(app.ship.state),
            drainUrlEnv: app.ship.drain_url_env,
          },
        }),
        ...(app.smoke && {
          smoke: {
            withinMs: checkedDuration(app.smoke.within),
            event: { table: table(app.smoke.event.table), row: app.smoke.event.row },
            trigger: { table: table(app.smoke.trigger.table), row: app.smoke.trigger.row },
          },
        }),
      };
    }),
  };
}

function trustedDatabase(written: WrittenConfig['apps'][string]['database']): DatabaseConfig {
  return {
    ownerUrlEnv: written.owner_url_env,
    ...(written.app_url_env !== undefined && { appUrlEnv: written.app_url_env }),
    ...(written.superuser_url_env !== undefined && { superuserUrlEnv: written.superuser_url_env }),
    owner: written.owner,
    tables: written.tables.map((text) => checkedTable(text, written.schema)),
    appendOnly: written.append_only.map((text) => checkedTable(text, written.schema)),
    roles: Object.entries(written.roles).map(
      ([name, role]): RoleConfig => ({
        name,
        ...(role.log_statement !== undefined && { logStatement: role.log_statement }),
        history: role.history,
      }),
    ),
  };
}

/** `crossCheck` has told of every name that is none: what comes here is one. */
function checkedTable(text: string, schema: string) {
  const parsed = parseTableName(text, schema);
  if (!parsed.ok) throw new TypeError(`a table name was not checked: it ${parsed.why}`);
  return parsed.table;
}

function checkedDuration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new TypeError('a duration was not checked');
  return milliseconds;
}
