import type { ShipEvent } from '../../ship/ship-event.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

export const shipVerb = defineVerb<{
  config: string;
  app?: string;
  once: boolean;
  json: boolean;
}>({
  brief: "Carry a self-run Postgres's own log to the drain, each line at least once",
  detail:
    "Follows the server's jsonlog files, across rotation and restart, and posts them in Logplex's wire format. The position is kept; the log files are the buffer while the receiver is away. The server needs `logging_collector = on` and `log_destination = jsonlog`. Runs until Ctrl-C.\n\nWith --once it gives up, with exit 3, when the drain refuses the log or takes none of it for 30 s.",
  examples: [
    ['pgwitness ship --app raxx-api-prod', 'follow the log'],
    ['pgwitness ship --app raxx-api-prod --once', 'send what is there now, then end'],
    ['pgwitness ship --json >> ship.log', 'one JSON object for each thing that happens'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      once: {
        kind: 'boolean',
        brief: 'Send what is there now, then end',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { chooseApp, readConfig, secretFrom } = await import('../../config/read-config.ts');
    const { patienceMs, ship } = await import('../../ship/ship.ts');
    const { packageVersion } = await import('../version.ts');
    const { withSecrets } = await import('../with-secrets.ts');
    const config = await readConfig(flags.config);
    const app = chooseApp(config, flags.app);
    const { env } = await withSecrets(cli, config);
    if (app.ship === undefined) {
      const { PgwitnessError } = await import('../../error.ts');
      throw new PgwitnessError({
        code: 'ship.not-configured',
        message: `The app ${app.name} in ${flags.config} has no \`ship\`.`,
        fix: 'Add it, with `log_directory`, `state` and `drain_url_env`; on Heroku, Logplex does this and nothing needs to be shipped.',
        exit: 2,
      });
    }
    const { logDirectory, state, drainUrlEnv } = app.ship;
    // A drain of a space has none: what arrives below its prefix is told by its user and password.
    const [token] = app.drain?.tokens ?? [];
    await ship({
      logDirectory,
      statePath: state,
      drainUrl: secretFrom(env, drainUrlEnv, `the drain URL of ${app.name}`),
      ...(token !== undefined && { token }),
      userAgent: `pgwitness/${packageVersion()}`,
      once: flags.once,
      signal: cli.signal,
      now: cli.now,
      report: flags.json
        ? jsonReport(cli)
        : await textReport(cli, logDirectory, flags.once ? patienceMs : undefined),
    });
    return 0;
  },
});

function jsonReport(cli: Cli): (event: ShipEvent) => void {
  return (event) => {
    const at = new Date(cli.now()).toISOString();
    cli.process.stdout.write(`${JSON.stringify({ at, ...event })}\n`);
  };
}

/** Progress goes to stdout, on a terminal at most a line a second; troubles go to stderr. */
async function textReport(
  cli: Cli,
  folder: string,
  patienceMs: number | undefined,
): Promise<(event: ShipEvent) => void> {
  const { createColors } = (await import('picocolors')).default;
  const paint = createColors(cli.terminal);
  const total = { lines: 0, bytes: 0 };
  let printedAt = 0;
  let troubled = false;
  const say = (text: string) => {
    const time = new Date(cli.now()).toISOString().slice(11, 23);
    cli.process.stdout.write(`${paint.dim(time)} ${text}\n`);
  };
  const warn = (text: string) => cli.process.stderr.write(`${paint.yellow('warning')} ${text}\n`);
  const sum = () => `${total.lines} lines, ${(total.bytes / 1_000_000).toFixed(1)} MB so far`;
  return (event) => {
    switch (event.kind) {
      case 'started':
        say(`shipping ${folder} to ${event.place} as ${event.token}`);
        if (event.inTheClear) {
          warn(`${event.place} is not https: the drain's password and the log travel unencrypted.`);
        }
        return;
      case 'sent':
        total.lines += event.lines;
        total.bytes += event.bytes;
        if (troubled) say(paint.green(`the drain takes the log again, at try ${event.tries}`));
        troubled = false;
        if (cli.terminal && cli.now() - printedAt >= 1_000) {
          printedAt = cli.now();
          say(`${event.file} up to byte ${event.offset}; ${sum()}`);
        }
        return;
      case 'caught-up':
        // With a trickle of lines this comes after each: once a second is enough on a terminal, and
        // where stdout is kept in a file, only the first tells something.
        if (printedAt !== 0 && (!cli.terminal || cli.now() - printedAt < 1_000)) return;
        printedAt = cli.now();
        say(`all that the server has written is stored; ${sum()}`);
        return;
      case 'waiting':
        say(`waiting: ${event.why}`);
        return;
      case 'warning':
        warn(event.why);
        return;
      case 'unavailable':
        troubled = true;
        warn(
          `The drain can't take the log: ${event.why} (try ${event.tries}). Trying on${patienceMs === undefined ? '' : ` for up to ${patienceMs / 1_000} s`}; the log files keep what is unsent.`,
        );
        return;
      case 'refused':
        troubled = true;
        warn(
          `The drain refuses the log: ${event.why}. Check the drain URL; trying on, nothing is dropped.`,
        );
        return;
      case 'loss':
        warn(`${event.why}. This is told in the log that is sent.`);
        return;
      case 'left-alone':
        warn(`${event.file} is left alone: ${event.why}.`);
    }
  };
}
