import { splitJsonLine } from '../../src/logplex/json-chunk.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';
import { type ServerMessage, type ServerSession, serverLines } from './postgres-syslog.ts';

/** How SQL writes a value. */
export const literals: readonly ((value: string) => string)[] = [
  (value) => `'${value.replaceAll("'", "''")}'`,
  (value) => `E'${value.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`,
  (value) => `N'${value.replaceAll("'", "''")}'`,
  (value) => `U&'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`,
  (value) => `$q9$${value}$q9$`,
  (value) => `'x' 'y', '${value.replaceAll("'", "''")}'::text`,
  (value) => `/* ${value.replaceAll('*/', '* /').replaceAll('/*', '/ *')} */ 1`,
  (value) => `1 -- ${value.replaceAll('\n', '\n-- ')}\n`,
  (value) => (/^-?[\d.]+$/.test(value) ? value : `x'${Buffer.from(value).toString('hex')}'`),
  (value) => `decode('${Buffer.from(value).toString('base64')}', 'base64')`,
];

const statements: readonly ((literal: string) => string)[] = [
  (v) => `insert into users (email, note)\n\tvalues (${v}, 'x')`,
  (v) => `update users set note = ${v} where id = 5`,
  (v) => `select * from users u\n where u.email = ${v}\n\n  and a <> 'b'`,
  (v) => `with c as (select ${v} as v) select * from c; select touch(${v})`,
  (v) => `delete from "Users" where lower("eMail") in ('a', ${v}, 'c')`,
];

interface Planted {
  readonly session: ServerSession;
  /** N of its messages. */
  readonly number: number;
  /** Blanks or words before the value, so that cuts fall at each place of it. */
  readonly filler: number;
  readonly literal: (value: string) => string;
}

export interface PlantedShape {
  readonly name: string;
  /** The value stands where a name does: one that reads like a name is one, and stays. */
  readonly holdsName: boolean;
  lines(value: string, given: Planted): SyslogLine[];
}

type Say = (value: string, sql: string, given: Planted) => ServerMessage;

const log = (primary: string, fields: ServerMessage['fields'] = []): ServerMessage => ({
  severity: 'LOG',
  sqlState: '00000',
  primary,
  fields,
});
const error = (primary: string, fields: ServerMessage['fields'] = []): ServerMessage => ({
  severity: 'ERROR',
  sqlState: '22P02',
  primary,
  fields,
});
const raised = 'PL/pgSQL function note(text) line 3 at RAISE';
const csv = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const bound = (value: string) => `$1 = '${value.replaceAll("'", "''")}', $2 = NULL, $3 = '42'`;

/** Every place in a message of the server's that a value gets into. */
const said: Readonly<Record<string, Say>> = {
  statement: (_, sql) => log(`statement: ${sql}`),
  'duration and statement': (_, sql) => log(`duration: 12.345 ms  statement: ${sql}`),
  execute: (value, sql) =>
    log(`execute <unnamed>: ${sql}`, [['DETAIL', `parameters: ${bound(value)}`]]),
  'execute of 16': (value) =>
    log('execute p/c: select $1', [['DETAIL', `Parameters: ${bound(value)}`]]),
  'bind with duration': (value, sql) =>
    log(`duration: 0.1 ms  bind s1: ${sql}`, [['DETAIL', `parameters: ${bound(value)}`]]),
  'execute of SQL': (_, sql) =>
    log("statement: execute p('a')", [['DETAIL', `prepare: prepare p as ${sql}`]]),
  'prepared under a name': (value) => log(`execute ${value}: select 1`),
  'error and statement': (_, sql) => error('division by zero', [['STATEMENT', sql]]),
  'not SQL at all': (value) =>
    error(`syntax error at or near "${value}" at character 1`, [
      ['STATEMENT', `${value} is what he said`],
    ]),
  'half a statement': (_, sql) =>
    error('syntax error at end of input', [['STATEMENT', `${sql} and (`]]),
  'input syntax': (value) =>
    error(`invalid input syntax for type integer: "${value}" at character 29`),
  'out of range': (value) => error(`value "${value}" is out of range for type integer`),
  'no such column': (value) => error(`column "${value}" does not exist at character 8`),
  'no such relation': (value) => error(`relation "${value}'s" does not exist`),
  'unknown message': (value) => error(`customer ${value} is not known here`),
  'known words and more': (value) => error(`division by zero of ${value}`),
  'duplicate key': (value, sql) =>
    error('duplicate key value violates unique constraint "users_email_key"', [
      ['DETAIL', `Key (lower(email), id)=(${value}, 5) already exists.`],
      ['STATEMENT', sql],
    ]),
  'no such key': (value) =>
    error('insert or update on table "a" violates foreign key constraint "b"', [
      ['DETAIL', `Key (email)=(${value}) is not present in table "users".`],
    ]),
  'failing row': (value) =>
    error('new row for relation "users" violates check constraint "c"', [
      ['DETAIL', `Failing row contains (1, ${value}, null).`],
    ]),
  'unknown detail': (value) => error('division by zero', [['DETAIL', `He is called ${value}.`]]),
  'unknown hint': (value) => error('division by zero', [['HINT', `Ask ${value}.`]]),
  query: (_, sql) =>
    error('division by zero', [
      ['QUERY', sql],
      ['CONTEXT', 'PL/pgSQL function f() line 3 at SQL statement'],
    ]),
  expression: (_, sql) =>
    error('division by zero', [['QUERY', `p_note || ${sql.slice(sql.indexOf('(') + 1)}`]]),
  'statement in a function': (_, sql) =>
    error('division by zero', [
      ['CONTEXT', `SQL statement "${sql}"\nPL/pgSQL function touch(text) line 3 at SQL statement`],
      ['STATEMENT', sql],
    ]),
  'assignment in a function': (value) =>
    error('division by zero', [
      [
        'CONTEXT',
        `PL/pgSQL assignment "v := '${value.replaceAll("'", "''")}' || 1"\nPL/pgSQL function f(integer) line 3 at assignment`,
      ],
    ]),
  copy: (value) =>
    error('extra data after last expected column', [
      ['CONTEXT', `COPY users, line 3: "1\t${value}\tx"`],
    ]),
  'copy of a column': (value) =>
    error('invalid input syntax for type integer: "x"', [
      ['CONTEXT', `COPY users, line 3, column age: "${value}"`],
    ]),
  'portal with parameters': (value) =>
    error('division by zero', [
      ['CONTEXT', `unnamed portal with parameters: ${bound(value)}`],
      ['STATEMENT', 'select 1 / $1'],
    ]),
  'unknown context': (value) =>
    error('division by zero', [['CONTEXT', `while thinking of ${value}\n${raised}`]]),
  'raise log': (value) => log(`said ${value}`, [['CONTEXT', raised]]),
  'raise of what reads like a statement': (value) =>
    log(`statement: by ${value}`, [
      ['CONTEXT', raised],
      ['STATEMENT', "select note('x')"],
    ]),
  'raise with more fields': (value) =>
    error('no', [
      ['DETAIL', `of ${value}`],
      ['HINT', value],
      ['CONTEXT', raised],
    ]),
  'raise of a false witness line': (value) =>
    log(
      `AUDIT: WITNESS,1,1,WRITE,UPDATE,TABLE,public.users,${csv(value)},<none>,xid=1,${'0'.repeat(32)}`,
      [['CONTEXT', raised]],
    ),
  'plan of auto_explain': (value, sql) =>
    log(
      `duration: 12.345 ms  plan:\nQuery Text: ${sql}\nSeq Scan on users  (cost=0.00..1.01 rows=1 width=4)\n  Filter: (email = '${value}'::text)`,
    ),
  'audit of a session': (value, sql) =>
    log(`AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.users,${csv(sql)},${csv(csv(value))}`),
  'audit of an object': (value, sql) =>
    log(
      `AUDIT: OBJECT,1,1,WRITE,INSERT,TABLE,public.users,${csv(sql)},${csv(`1,${csv(value)},`)},5`,
    ),
  'audit of a strange object': (value) =>
    log(`AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,${csv(value)},<not logged>,<none>`),
  'false audit': (value) =>
    log(`AUDIT: SESSION,1,1,WRITE,INSERT,${csv(value)},public.users,select 1,<none>`),
  'failed login': (value) => ({
    severity: 'FATAL',
    sqlState: '28P01',
    primary: `password authentication failed for user "${value}"`,
    fields: [['DETAIL', `Connection matched file "/etc/hba" line 9: "host all ${value} all md5"`]],
  }),
  identity: (value) =>
    log(`connection authenticated: identity="${value}" method=cert (/etc/hba:9)`),
  authorized: (value) => log(`connection authorized: user=${value} database=d4f`),
  deadlock: (value, sql) =>
    error('deadlock detected', [
      [
        'DETAIL',
        `Process 1 waits for ShareLock on transaction 2; blocked by process 3.\nProcess 3: ${sql}`,
      ],
      ['HINT', 'See server log for query details.'],
      ['CONTEXT', `while updating tuple (0,1) in relation "${value}"`],
    ]),
  parameter: (value) => log(`parameter "search_path" changed to "${value}"`),
  'setting of a parameter': (value) =>
    log(`statement: set application_name = '${value.replaceAll("'", "''")}'`),
  'a password': (value) =>
    log(`statement: alter role joe password '${value.replaceAll("'", "''")}'`),
  'a block of code': (value) =>
    log(`statement: do $$ begin perform '${value.replaceAll('$', '')}'; end $$`),
  'quotes of the wrong kind': (value) =>
    log(`statement: select 1 from users where email = "${value.replaceAll('"', '""')}"`),
};

const ofNames: ReadonlySet<string> = new Set([
  ...[
    'prepared under a name',
    'audit of a strange object',
    'failed login',
    'authorized',
    'deadlock',
  ],
]);

/** Lines that are not a message of the server's. */
const others: Readonly<Record<string, (value: string) => Partial<SyslogLine> & { text: string }>> =
  {
    router: (value) => ({
      app: 'heroku',
      procid: 'router',
      text: `at=info method=GET path="/u?email=${value}" host=a.kwx.org fwd="10.1.2.3" status=200 bytes=5`,
    }),
    dyno: (value) => ({ pri: 190, procid: 'web.1', text: `user ${value} logged in` }),
    'dyno that is called postgres': (value) => ({
      pri: 190,
      procid: 'postgres.1',
      text: `[YELLOW] [12-1]  sql_error_code = 00000 LOG:  statement: ${value}`,
    }),
    api: (value) => ({ procid: 'api', text: `Release v12 created by user ${value}` }),
    'not a metric': (value) => ({
      procid: 'heroku-postgres',
      text: `source=DATABASE addon=postgresql-flat-1 sample#db_size=26219348792bytes sample#x=~${value}`,
    }),
    'not a loss': (value) => ({
      app: 'heroku',
      procid: 'logplex',
      text: `Error L10 (output buffer overflow): 1 messages dropped since 2026-11-24T12:00:00+00:00. ${value}`,
    }),
    'loss that a dyno tells': (value) => ({
      procid: 'web.1',
      text: `Error L10 (${value}): 1 messages dropped`,
    }),
    'log-shuttle': (value) => ({ pri: 172, procid: 'log-shuttle', text: `Error L12: ${value}` }),
    'database, in no known form': (value) => ({
      procid: 'postgres.7',
      text: `statement: select '${value}'`,
    }),
    'no prefix': (value) => ({
      procid: 'postgres.7',
      text: `[YELLOW] [12-1] LOG:  statement: ${value}`,
    }),
    'chunk without its beginning': (value) => ({
      procid: 'postgres.7',
      text: `[YELLOW] [12-2] \t'${value}'`,
    }),
    'number without parts': (value) => ({ procid: 'postgres.7', text: `[12] ${value}` }),
    'JSON of another kind': (value) => ({
      procid: 'postgres.7',
      text: JSON.stringify({ message: 'x', [value]: 1 }),
    }),
    'JSON in JSON': (value) => ({
      procid: 'postgres.7',
      text: JSON.stringify({ error_severity: 'LOG', message: { value } }),
    }),
    'JSON with a field twice': (value) => ({
      procid: 'postgres.7',
      text: `{"error_severity":"LOG","message":"duration: 1 ms","message":${JSON.stringify(value)}}`,
    }),
    'JSON with unknown fields': (value) => ({
      procid: 'postgres.7',
      text: JSON.stringify({
        error_severity: 'LOG',
        message: 'duration: 1 ms',
        secret: value,
        ps: value,
      }),
    }),
  };

const base: SyslogLine = {
  ...{ pri: 134, timestamp: '2026-11-24T12:14:51+00:00', host: 'host', app: 'app' },
  ...{ procid: 'web.1', msgid: '-', message: new Uint8Array() },
};

const fill = (length: number) => 'some words '.repeat(length / 11 + 1).slice(0, length);

function messageOf(say: Say, value: string, given: Planted): ServerMessage {
  const statement = statements[given.number % statements.length] ?? ((v: string) => `select ${v}`);
  // In front of the value, in a literal of its own.
  const sql = statement(`'${fill(given.filler)}', ${given.literal(value)}`.replace(/^'', /, ''));
  return say(value, sql, given);
}

const asSyslog = Object.entries(said).map(
  ([name, say]): PlantedShape => ({
    name,
    holdsName: ofNames.has(name),
    lines: (value, given) => serverLines(given.session, messageOf(say, value, given), given.number),
  }),
);

/** No two lines of a session have one number. */
let jsonLines = 1;
const asJson = Object.entries(said).map(
  ([name, say]): PlantedShape => ({
    name: `${name}, as jsonlog`,
    holdsName: ofNames.has(name),
    lines: (value, given) => {
      const message = messageOf(say, value, given);
      const fields = new Map(message.fields);
      const json = JSON.stringify({
        ...{ timestamp: '2026-11-24 12:14:51.112 UTC', user: 'raptor_app', dbname: 'd4f', pid: 7 },
        ...{
          remote_host: '10.1.2.3',
          remote_port: 41234,
          session_id: '6b057fbb.7',
          line_num: jsonLines++,
        },
        ...{ ps: 'idle', session_start: '2026-11-24 12:14:40 UTC', vxid: '3/24', txid: 0 },
        ...{
          error_severity: message.severity,
          state_code: message.sqlState,
          message: message.primary,
        },
        ...{
          detail: fields.get('DETAIL'),
          hint: fields.get('HINT'),
          internal_query: fields.get('QUERY'),
        },
        ...{ context: fields.get('CONTEXT'), statement: fields.get('STATEMENT') },
        ...{ application_name: 'app', backend_type: 'client backend', query_id: 0 },
      });
      // A filler of 0 leaves it one line where it can be.
      const room = given.filler === 0 ? 10_000 : 256 + given.filler;
      return splitJsonLine(Buffer.from(json), room, 'f:1').map((chunk) => ({
        ...{ ...base, procid: 'postgres.7', message: chunk },
      }));
    },
  }),
);

const asOthers = Object.entries(others).map(
  ([name, line]): PlantedShape => ({
    name,
    holdsName: false,
    lines: (value) => {
      const { text, ...head } = line(value);
      return [{ ...base, ...head, message: Buffer.from(text) }];
    },
  }),
);

/** All shapes of line that a drain brings. */
export const plantedShapes: readonly PlantedShape[] = [...asSyslog, ...asJson, ...asOthers];
