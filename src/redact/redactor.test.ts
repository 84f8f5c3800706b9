import { beforeAll, describe, expect, it } from 'vitest';
import { recordsOf } from '../../test/rig/golden-truth.ts';
import { type ServerMessage, serverLines } from '../../test/rig/postgres-syslog.ts';
import { encodeFrame, parseFrame } from '../logplex/frame.ts';
import type { LogRecord } from '../logplex/record.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { createRedactor, type Redactor } from './redactor.ts';

let redactor: Redactor;
beforeAll(async () => {
  redactor = await createRedactor('a key of thirty-two characters at least');
});

const session = { prefix: 'session', pid: 7, user: 'raptor_app', application: 'web' } as const;
const sent = (message: ServerMessage, number = 12) => serverLines(session, message, number);
const log = (primary: string, fields: ServerMessage['fields'] = []): ServerMessage => ({
  ...{ severity: 'LOG', sqlState: '00000', primary, fields },
});
const other = (line: Partial<SyslogLine>, text: string): SyslogLine => ({
  ...{ pri: 134, timestamp: '2026-11-24T12:14:51+00:00', host: 'host', app: 'app' },
  ...{ procid: 'web.1', msgid: '-', ...line, message: Buffer.from(text) },
});

async function redacted(...frames: readonly (readonly SyslogLine[])[]): Promise<LogRecord[]> {
  const bodies = await Promise.all(frames.map((lines) => redactor.redact(encodeFrame(lines))));
  return recordsOf(bodies.flatMap((body) => parseFrame(body).lines));
}

async function textOf(line: SyslogLine): Promise<string> {
  return Buffer.from(await redactor.redact(encodeFrame([line]))).toString('utf8');
}

describe('a redactor', () => {
  it('refuses a key that could be guessed', async () => {
    await expect(createRedactor('short')).rejects.toMatchObject({ code: 'redact.weak-key' });
  });

  it('gives a value one token in statement, parameter, error and function', async () => {
    const token = redactor.token('joe@x.de');
    const [record] = await redacted(
      sent({
        ...{ severity: 'ERROR', sqlState: '23505' },
        primary: 'duplicate key value violates unique constraint "users_email_key"',
        fields: [
          ['DETAIL', 'Key (email)=(joe@x.de) already exists.'],
          [
            'CONTEXT',
            'SQL statement "insert into users values (\'joe@x.de\')"\nPL/pgSQL function f() line 3 at SQL statement',
          ],
          ['STATEMENT', "select f('joe@x.de')"],
        ],
      }),
    );
    expect(record).toMatchObject({
      message: 'duplicate key value violates unique constraint "users_email_key"',
      detail: `Key (email)=(${token}) already exists.`,
      context: `SQL statement "insert into users values ('${token}')"\nPL/pgSQL function f() line 3 at SQL statement`,
      statement: `select f('${token}')`,
    });
  });

  it('keeps a wide statement readable to the byte, though its tokens are longer than its values', async () => {
    const rows = Array.from({ length: 60 }, (_, index) => `(${index}, 'a', 2)`);
    for (const sql of [
      `insert into t values ${rows.join(', ')}`,
      `insert into t values\n ${rows.join(', ')},\n\t${rows.join(',\n ')}`,
    ]) {
      const [record, ...rest] = await redacted(sent(log(`statement: ${sql}`)));
      expect(rest).toEqual([]);
      expect(record?.ambiguous).toBeUndefined();
      const values = sql.replace(
        /'a'|\d+/g,
        (value) => `'${redactor.token(value.replaceAll("'", ''))}'`,
      );
      expect(record?.statement?.trimEnd()).toBe(values);
    }
  });

  it('tells of a message that is cut by the end of a frame what the frame tells of it', async () => {
    const lines = sent(
      log('execute s1: insert into users (email)\n values ($1)', [
        ['DETAIL', "parameters: $1 = 'joe@x.de'"],
      ]),
    );
    const token = redactor.token('joe@x.de');
    const [record] = await redacted(lines.slice(0, 2), lines.slice(2));
    expect(record).toMatchObject({ kind: 'statement', detail: `parameters: $1 = '${token}'` });
    const [torn] = await redacted(lines.slice(0, 1), lines.slice(1));
    expect(torn?.statement).toBe('insert into users (email)\n[redacted 12 bytes]');
  });

  it('takes no raised text for a statement', async () => {
    const raise = log('statement: select smith', [
      ['CONTEXT', 'PL/pgSQL function f() line 3 at RAISE'],
    ]);
    expect((await redacted(sent(raise)))[0]?.message).toBe('[redacted 23 bytes]');
  });

  it.each([
    ['assertion', 'PL/pgSQL function f() line 3 at ASSERT'],
    ['elog of another language', 'PL/Perl function "f"'],
  ])('takes the text of an %s for nothing that Postgres says', async (_, context) => {
    const text = 'could not receive data from client: Ada Qwzxvjk Lovelace';
    const [record] = await redacted(sent(log(text, [['CONTEXT', context]])));
    expect(record?.message).toBe(`[redacted ${text.length} bytes]`);
  });

  it('keeps of a CONTEXT what PL/pgSQL was at, and no words that it never says', async () => {
    const at = (what: string) => `PL/pgSQL function f() line 3 at ${what}`;
    for (const [context, kept] of [
      [at('FOR over SELECT rows'), true],
      [at('Ada Qwzxvjk Lovelace'), false],
    ] as const) {
      const [record] = await redacted(sent(log('division by zero', [['CONTEXT', context]])));
      expect(record?.context).toBe(kept ? context : `[redacted ${context.length} bytes]`);
    }
  });

  it.each([
    ...['relation', 'type', 'function', 'role', 'schema', 'text search configuration'],
    ...['database', 'column', 'prepared statement'],
  ])('keeps no name of a %s that does not exist: it may be a parameter', async (kind) => {
    const error = (primary: string) => ({ ...log(primary), severity: 'ERROR', sqlState: '42P01' });
    const [record] = await redacted(sent(error(`${kind} "Qwzxvjk" does not exist`)));
    expect(record?.message).toBe(`${kind} "${redactor.token('Qwzxvjk')}" does not exist`);
  });

  it('keeps table and column where a statement names a column that is missing', async () => {
    const text = 'column "ada" of relation "t" does not exist';
    const [record] = await redacted(sent({ ...log(text), severity: 'ERROR', sqlState: '42703' }));
    expect(record?.message).toBe(text);
  });

  it('takes a word that was run as a statement for no expression', async () => {
    const query = async (primary: string) => {
      const error = { ...log(primary, [['QUERY', 'qwzxvjk']]), severity: 'ERROR' };
      return Buffer.from(await redactor.redact(encodeFrame(sent(error)))).toString();
    };
    expect(await query('syntax error at or near "qwzxvjk"')).toContain('QUERY:  [redacted 7 bytes');
    expect(await query('division by zero')).toContain('QUERY:  qwzxvjk');
  });

  it('takes two messages under one number for neither', async () => {
    const lines = [
      ...sent(log("statement: select 'joe'")),
      ...sent(log("statement: select 'ann'")),
    ];
    for (const record of await redacted(lines))
      expect(record.message).toMatch(/^\[redacted \d+ bytes\]$/);
  });

  it('says how many bytes the lines had that it does not know', async () => {
    const line = other({ procid: 'router', app: 'heroku' }, 'path="/u?email=joe@x.de"');
    expect(await textOf(line)).toContain(' router - [redacted 24 bytes]\n');
  });

  it.each([
    [
      'a loss',
      other(
        { pri: 172, app: 'heroku', procid: 'logplex' },
        'Error L10 (output buffer overflow): 3 messages dropped since 2026-11-24T12:00:00+00:00.',
      ),
    ],
    [
      'a metric',
      other(
        { procid: 'heroku-postgres' },
        'source=DATABASE addon=postgresql-flat-12345 sample#current_transaction=1873 sample#db_size=26219348792bytes sample#load-avg-1m=0.01',
      ),
    ],
    ['a checkpoint', sent(log('checkpoint starting: time'))[0]],
    [
      'a login',
      sent(log('connection authorized: user=raptor_app database=d4f application_name=web'))[0],
    ],
    [
      'an end',
      sent({
        severity: 'FATAL',
        sqlState: '57P01',
        primary: 'terminating connection due to administrator command',
      })[0],
    ],
  ] as const)('leaves %s as it is', async (_, line) => {
    if (line === undefined) throw new Error('no line');
    expect(await textOf(line)).toBe(Buffer.from(encodeFrame([line])).toString('utf8'));
  });

  it('keeps what is no message a fault, in its place', async () => {
    const line = encodeFrame(sent(log('checkpoint starting: time')));
    const body = Buffer.concat([
      line,
      Buffer.from('joe@x.de\nann\n'),
      line,
      Buffer.from('99 <134>1 joe'),
    ]);
    const before = parseFrame(body);
    const after = parseFrame(await redactor.redact(body));
    expect(after.lines).toEqual(before.lines);
    expect(after.faults.map(({ reason }) => reason)).toEqual(
      before.faults.map(({ reason }) => reason),
    );
    expect(after.faults.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
      before.faults.map(({ bytes }) => `[redacted ${bytes.length} bytes]\n`),
    );
  });

  it('stands one fault for a body that can not be read', () => {
    const { lines, faults } = parseFrame(redactor.placeholder(1_234));
    expect({ lines, faults: faults.length }).toEqual({ lines: [], faults: 1 });
  });

  it('makes a large body of tiny values no larger than memory allows', async () => {
    const numbers = Array.from({ length: 40_000 }, (_, index) => index % 10).join(',');
    const body = encodeFrame(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((number) =>
        sent(log(`statement: select ${numbers}`), number),
      ),
    );
    const out = await redactor.redact(body);
    expect(out.length).toBeLessThan(8.5 * body.length + 2.1 * 1024 * 1024);
    const records = recordsOf(parseFrame(out).lines);
    expect(records.filter(({ message }) => message.includes('[redacted '))).not.toEqual([]);
    expect(records.filter(({ message }) => message.includes('pgw:'))).not.toEqual([]);
    expect(parseFrame(out).lines).toHaveLength(parseFrame(body).lines.length);
  });

  it('lets others go on while it works on a large body', async () => {
    const lines = Array.from({ length: 1_500 }, (_, index) =>
      sent(log(`statement: select 'v${index}'`), index + 1),
    ).flat();
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 0);
    await redactor.redact(encodeFrame(lines));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('a line of jsonlog that is longer than a frame', () => {
  it('is told as far as the first frame goes, and never taken for whole', async () => {
    const json = JSON.stringify({
      ...{
        timestamp: '2026-11-24 12:14:51.112 UTC',
        user: 'raptor_app',
        session_id: '6b057fbb.7',
        line_num: 3,
      },
      ...{
        error_severity: 'LOG',
        message: `statement: insert into users values ('joe@x.de', '${'x'.repeat(900)}')`,
      },
    });
    const chunks = [0, 1, 2, 3].map((index) =>
      other(
        { procid: 'postgres.7' },
        `[json 6b057fbb.7:3 ${index + 1}/4] ${json.slice(index * 300, (index + 1) * 300)}`,
      ),
    );
    const [record, ...rest] = await redacted(chunks.slice(0, 2), chunks.slice(2));
    expect(rest).toEqual([]);
    expect(record).toMatchObject({
      kind: 'statement',
      user: 'raptor_app',
      logLine: 3,
      complete: false,
    });
    expect(record?.statement).toBe(
      `insert into users values ('${redactor.token('joe@x.de')}', '[cut]'[redacted 300 bytes][redacted 190 bytes]`,
    );
  });
});
