import type { RecordKind } from '../../logplex/record.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag, keyEnvFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly since: string;
  readonly until?: string;
  readonly table?: string;
  readonly role?: string;
  readonly kind?: RecordKind;
  readonly grep?: string;
  readonly keyEnv?: string;
  readonly limit?: number;
  readonly last?: number;
  readonly late: string;
  readonly verify: boolean;
  readonly json: boolean;
}

const kinds = ['statement', 'audit', 'witness', 'error', 'loss', 'log', 'other'] as const;

function parseText(text: string): string {
  if (text === '') throw new Error('must not be empty');
  return text;
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error('must be a whole number from 1 on');
  return Number(text);
}

/** The newest are held until the scan is over. */
const mostLast = 10_000;

function parseLast(text: string): number {
  const count = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (count === 0 || count > mostLast) {
    throw new Error(`must be a whole number from 1 to ${mostLast}`);
  }
  return count;
}

export const trailVerb = defineVerb<Flags>({
  brief: 'Print what the archive holds: who ran which statement, when',
  detail: [
    'Records come in time order, each once, however often its lines were stored. All filters have to hold. A loss that the transport told of is printed whatever is asked for, unless --kind is: an answer with a hole in it says so.',
    'A record is headed by its time (UTC), the role, its client and application where known, and its kind.',
    '--table is exact over AUDIT and WITNESS lines, which name their object. Over statements it looks for the name as a word of the text, quoted or not, with a schema or without: it finds a statement that merely mentions it, and not one that reaches the table through a function or a view.',
    "A witness line is what capture itself wrote about a statement: table, command, rows, their ids in history. Any role can write a text that looks like one. --verify reads the key from the database, as the owner of the app's URL, tells true lines from forged and repeated ones, and holds the rows of history against what each line says of them.",
    'Exit code 1 where a part of the archive could not be read (stderr says which) or a witness line is not true, 3 where the archive is not there or may not be read.',
  ].join('\n\n'),
  examples: [
    ['pgwitness trail --since 1h --table users', 'who touched users in the last hour?'],
    [
      'pgwitness trail --since 2026-06-30T12:00 --until 2026-06-30T13:00 --role raptor_app',
      "what did raptor_app run between noon and one o'clock (UTC)?",
    ],
    ['pgwitness trail --since 1d --last 20', 'the newest 20 of a day'],
    ['pgwitness trail --since 1h --kind witness --verify', 'is history what the lines tell of it?'],
    ["pgwitness trail --since 7d --grep 'smoke-' --json | jq -r .statement", 'for a program'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      since: {
        kind: 'parsed',
        parse: String,
        brief: 'From then on: how long ago (30s, 1h, 7d), or a time in UTC',
        placeholder: 'moment',
        default: '1h',
      },
      until: {
        kind: 'parsed',
        parse: String,
        brief: 'Up to then; all that has arrived unless given',
        placeholder: 'moment',
        optional: true,
      },
      table: {
        kind: 'parsed',
        parse: parseText,
        brief: 'Records of this table, as SQL or pgwitness.yaml names it',
        placeholder: 'name',
        optional: true,
      },
      role: {
        kind: 'parsed',
        parse: parseText,
        brief: 'Records of sessions logged in as this role, exactly',
        placeholder: 'name',
        optional: true,
      },
      kind: { kind: 'enum', values: kinds, brief: 'Records of this kind', optional: true },
      grep: {
        kind: 'parsed',
        parse: parseText,
        brief: 'Records that hold this text, upper and lower case as written',
        placeholder: 'text',
        optional: true,
      },
      keyEnv: {
        ...keyEnvFlag,
        brief: 'With --grep: variable of another redaction key, e.g. of one that was replaced',
      },
      limit: {
        kind: 'parsed',
        parse: parseLimit,
        brief: 'At most so many records, the earliest',
        placeholder: 'count',
        optional: true,
      },
      last: {
        kind: 'parsed',
        parse: parseLast,
        brief: `At most so many records, the newest; up to ${mostLast}`,
        placeholder: 'count',
        optional: true,
      },
      late: {
        kind: 'parsed',
        parse: String,
        brief: 'How long after it was written a line may have been stored',
        placeholder: 'duration',
        default: '24h',
      },
      verify: {
        kind: 'boolean',
        brief: "Hold witness lines and history against each other, with the owner's URL",
        default: false,
        withNegated: false,
      },
      json: { ...jsonFlag, brief: 'One JSON object a line instead of text' },
    },
  },
  async run(given, flags) {
    const { chooseApp, readConfig } = await import('../../config/read-config.ts');
    const { PgwitnessError } = await import('../../error.ts');
    const { askedTable } = await import('../asked-table.ts');
    const { grepTexts } = await import('../grep-texts.ts');
    const { openArchive } = await import('../open-archive.ts');
    const { withSecrets } = await import('../with-secrets.ts');
    const { harmlessText } = await import('../harmless-text.ts');
    const { printTrail } = await import('../print-trail.ts');
    const { trailSpan } = await import('../moment.ts');
    const { role, kind, grep, limit, last, json } = flags;
    if (limit !== undefined && last !== undefined) {
      throw new PgwitnessError({
        code: 'cli.limit-and-last',
        message: '--limit asks for the earliest records and --last for the newest.',
        fix: 'Give one of them.',
        exit: 2,
      });
    }
    const span = trailSpan(flags, given.now());
    const config = await readConfig(flags.config);
    const app = chooseApp(config, flags.app);
    const cli = await withSecrets(given, config);
    const say = (note: string) => cli.process.stderr.write(`${harmlessText(note)}\n`);
    const asked = flags.table === undefined ? undefined : askedTable(flags.table, app);
    if (asked?.note !== undefined) say(asked.note);
    if (app.space !== undefined) {
      say(
        `note ${app.name} runs in the space ${app.space}, whose drain tells no app from another: these are the records of all its apps. --role and --table narrow them.`,
      );
    }
    const { keyEnv: redactKeyEnv = app.redactKeyEnv } = flags;
    const keyed = { name: app.name, ...(redactKeyEnv !== undefined && { redactKeyEnv }) };
    const searched = grep === undefined ? undefined : grepTexts(grep, keyed, cli.env);
    if (searched?.note !== undefined) say(searched.note);
    const archive = await openArchive(config, cli);
    const opened = flags.verify
      ? await (await import('../open-proof.ts')).openProof(cli, app, archive, span)
      : undefined;
    try {
      return await printTrail(cli, {
        archive,
        prefix: app.prefix,
        app: app.name,
        ...span,
        filter: {
          ...(asked === undefined ? {} : { table: asked.table }),
          ...(role === undefined ? {} : { role }),
          ...(kind === undefined ? {} : { kind }),
          ...(searched === undefined ? {} : { texts: searched.texts }),
        },
        ...(limit === undefined ? {} : { limit }),
        ...(last === undefined ? {} : { last }),
        ...(opened === undefined ? {} : { proof: opened.proof }),
        json,
      });
    } finally {
      await opened?.close();
    }
  },
});
