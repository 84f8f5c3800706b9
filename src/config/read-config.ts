import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PgwitnessError } from '../error.ts';
import type {
  AppConfig,
  CapturedTableConfig,
  Config,
  DatabaseConfig,
  DrainConfig,
  ReceiverConfig,
  RoleConfig,
  SpaceConfig,
} from './config.ts';
import { crossCheck } from './cross-check.ts';
import { parseDuration } from './duration.ts';
import { findSecrets } from './find-secrets.ts';
import { type Place, placesIn } from './place.ts';
import {
  inFileOrder,
  type KeyPath,
  type Problem,
  problemAt,
  secretTold,
  showProblems,
} from './problem.ts';
import { configSchema, type WrittenConfig } from './schema.ts';
import { schemaFaults } from './schema-problems.ts';
import { parseTableName } from './table-name.ts';
import { trustedArchive } from './trusted-archive.ts';
import { parseYaml } from './yaml-source.ts';

/** A file of a hundred apps has some 140,000 bytes; reading stops here, before the parser's work grows. */
const largestFile = 262_144;

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
  if (Buffer.byteLength(text) > largestFile) {
    const sentence = `The file is larger than ${largestFile} bytes.`;
    const told = { sentence, fix: sizeFix };
    return { ok: false, problems: [problemAt(path, { line: 1, column: 1 }, [], told)] };
  }
  const placeAt = placesIn(text);
  const problems = findSecrets(text).map(({ offset, looksLike }) =>
    problemAt(path, placeAt(offset), [], secretTold(looksLike)),
  );
  const source = parseYaml(text);
  problems.push(...source.faults.map((fault) => problemAt(path, fault, [], fault)));
  if (source.faults.some((fault) => fault.fatal)) {
    return { ok: false, problems: inFileOrder(problems) };
  }

  const parsed = configSchema.safeParse(source.value);
  const faults = [
    ...(parsed.success ? [] : schemaFaults(parsed.error.issues, source.value)),
    ...crossCheck(source.value),
  ];
  for (const fault of faults) {
    const place = source.locate(fault.at, fault.onKey ? 'key' : 'value');
    problems.push(problemAt(path, place, fault.at, fault));
  }
  if (!parsed.success || problems.length > 0) {
    return { ok: false, problems: inFileOrder(problems) };
  }
  return { ok: true, config: trusted(parsed.data, resolve(path)), locate: source.locate };
}

const sizeFix = 'Is it the right file? A configuration of a hundred apps has half of that.';

/**
 * Reads `path`, a regular file. Throws PgwitnessError, exit 2: `config.no-such-file`,
 * `config.cannot-read`, `config.not-utf8`, and `config.invalid`, whose message lists every problem (the
 * first hundred) as `file:line:column sentence`.
 */
export async function readConfig(path: string): Promise<Config> {
  const parsed = parseConfig(await readConfigText(path), path);
  if (!parsed.ok) throw invalidConfig(path, parsed.problems);
  return parsed.config;
}

/** The error `config.invalid`, exit 2: all of `problems` in one message. */
export function invalidConfig(path: string, problems: readonly Problem[]): PgwitnessError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const list = showProblems(problems)
    .map((shown) => `  ${shown}`)
    .join('\n');
  return new PgwitnessError({
    code: 'config.invalid',
    message: `${path} has ${count}:\n${list}`,
    fix: 'Correct the lines above; `pgwitness config check` looks at the file again.',
    exit: 2,
  });
}

/** The file's text, as far as `parseConfig` takes it. Throws as `readConfig` does for a file it can't read. */
export async function readConfigText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  // What is too large is cut, perhaps in a character: parseConfig tells of its size.
  if (bytes.length <= largestFile && !isUtf8(bytes)) throw notUtf8(path, bytes);
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    // Opening a named pipe would wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw noFile(path);
      // One byte more than is taken shows that there is more.
      const buffer = Buffer.alloc(largestFile + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      return buffer.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof PgwitnessError || code === undefined) throw error;
    const missing = code === 'ENOENT';
    throw new PgwitnessError({
      code: missing ? 'config.no-such-file' : 'config.cannot-read',
      message: missing ? `There is no file ${path}.` : `${path} can't be read (${code}).`,
      fix: missing
        ? 'Name the configuration with --config, or have `pgwitness init` write one from your database.'
        : 'Give the account that runs pgwitness the right to read it.',
      exit: 2,
      cause: error,
    });
  }
}

function noFile(path: string): PgwitnessError {
  return new PgwitnessError({
    code: 'config.cannot-read',
    message: `${path} is not a regular file.`,
    fix: 'Name a file with --config, not a folder, pipe or device: paths in it are relative to it.',
    exit: 2,
  });
}

function notUtf8(path: string, bytes: Buffer): PgwitnessError {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    // No character of UTF-8 spans a line's end.
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
    line += 1;
  }
  return new PgwitnessError({
    code: 'config.not-utf8',
    message: `${path}:${line} holds bytes that are not UTF-8 text.`,
    fix: 'Save the file as UTF-8; editors also offer UTF-16 and Latin-1, which are not read.',
    exit: 2,
  });
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
 * `the connection URL of raxx_owner`; `maker` is the command that makes it. Missing or empty: `config.no-secret`, exit 2.
 */
export function secretFrom(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  purpose: string,
  maker?: string,
): string {
  const value = env[name];
  if (value === undefined || value.trim() === '') {
    throw new PgwitnessError({
      code: 'config.no-secret',
      message: `The environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}; it must hold ${purpose}.`,
      fix: `Set it, e.g. \`export ${name}=…\`, or write it into the file of \`secrets.file\`, and run again${maker === undefined ? '' : `; where there is none yet, \`${maker}\` makes one`}.`,
      exit: 2,
    });
  }
  return value;
}

function trusted(written: WrittenConfig, path: string): Config {
  const here = (given: string) => resolve(dirname(path), given);
  const spaces = Object.entries(written.spaces).map(
    ([name, { prefix, drain, redact }]): SpaceConfig => ({
      name,
      prefix: prefix ?? name,
      drain: trustedDrain({ ...drain, tokens: [] }, name),
      ...(redact && { redactKeyEnv: redact.key_env }),
    }),
  );
  return {
    path,
    archive: trustedArchive(written.archive, here),
    receiver: trustedReceiver(written.receiver),
    ...(written.secrets && { secretsFile: here(written.secrets.file) }),
    spaces,
    apps: Object.entries(written.apps).map(([name, app]) => {
      const table = (text: string) => checkedTable(text, app.database.schema);
      const space = spaces.find((candidate) => candidate.name === app.space);
      const redactKeyEnv = space === undefined ? app.redact?.key_env : space.redactKeyEnv;
      return {
        name,
        prefix: space?.prefix ?? app.prefix ?? name,
        ...(space && { space: space.name }),
        ...(app.drain && { drain: trustedDrain(app.drain, name) }),
        ...(redactKeyEnv !== undefined && { redactKeyEnv }),
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

type WrittenDrain = NonNullable<WrittenConfig['apps'][string]['drain']>;

/** `name` is that of its app or space: the user where the file names none. */
function trustedDrain(written: WrittenDrain, name: string): DrainConfig {
  const { user, secret_env, old_secret_env, tokens } = written;
  return {
    user: user ?? name,
    secretEnv: secret_env,
    ...(old_secret_env !== undefined && { oldSecretEnv: old_secret_env }),
    tokens,
  };
}

function trustedReceiver({ host, port, url }: WrittenConfig['receiver']): ReceiverConfig {
  return { host, port, ...(url !== undefined && { url }) };
}

type WrittenDatabase = WrittenConfig['apps'][string]['database'];

function trustedDatabase(written: WrittenDatabase): DatabaseConfig {
  return {
    ownerUrlEnv: written.owner_url_env,
    ...(written.app_url_env !== undefined && { appUrlEnv: written.app_url_env }),
    ...(written.superuser_url_env !== undefined && { superuserUrlEnv: written.superuser_url_env }),
    ...(written.archiver_url_env !== undefined && { archiverUrlEnv: written.archiver_url_env }),
    owner: written.owner,
    witness: written.witness,
    tables: written.tables.map((table) => capturedTable(table, written)),
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

function capturedTable(
  table: WrittenDatabase['tables'][number],
  database: WrittenDatabase,
): CapturedTableConfig {
  const written = typeof table === 'string' ? { table } : table;
  const { exclude, mask, personal } = written;
  const onFailure = written.on_failure ?? database.on_failure;
  const triggers = written.triggers ?? database.triggers;
  return {
    ...checkedTable(written.table, database.schema),
    ...(exclude !== undefined && { exclude }),
    ...(mask !== undefined && { mask }),
    ...(personal !== undefined && { personal }),
    ...(onFailure !== undefined && { onFailure }),
    ...(triggers !== undefined && { always: triggers === 'always' }),
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
