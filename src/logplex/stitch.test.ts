import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitJsonLine } from './json-chunk.ts';
import type { LogRecord } from './record.ts';
import { createStitcher, type StitchLimits } from './stitch.ts';
import type { SyslogLine } from './syslog-line.ts';

const prefix = (logLine: number, name = 'psql') =>
  ` sql_error_code = 00000 time_ms = "2026-11-24 11:00:00.123 UTC" pid="7" proc_start_time="2026-11-24 10:59:00 UTC" session_id="6b05.7" vtid="2/3" tid="0" log_line="${logLine}" database="app" connection_source="10.0.0.1(5)" user="raptor_app" application_name="${name}" `;

const line = (message: string | Uint8Array, given: Partial<SyslogLine> = {}): SyslogLine => ({
  pri: 134,
  timestamp: '2026-11-24T11:00:00+00:00',
  host: 'host',
  app: 'app',
  procid: 'postgres.7',
  msgid: '-',
  message: typeof message === 'string' ? Buffer.from(message) : message,
  ...given,
});
const chunks = (number: number, ...texts: string[]) =>
  texts.map((text, index) => line(`[YELLOW] [${number}-${index + 1}] ${text}`.trimEnd()));

function stitch(lines: readonly SyslogLine[], limits?: Partial<StitchLimits>) {
  const stitcher = createStitcher<number>(limits);
  const done = lines.flatMap((each, index) => stitcher.push(each, index));
  return [...done, ...stitcher.flush()];
}
const records = (lines: readonly SyslogLine[], limits?: Partial<StitchLimits>) =>
  stitch(lines, limits).map((each) => each.record);
const only = (lines: readonly SyslogLine[]): LogRecord => {
  const all = records(lines);
  expect(all).toHaveLength(1);
  return all[0] as LogRecord;
};

/** Cuts a message's text as write_syslog() of Postgres does. */
function cutLikePostgres(text: string): string[] {
  const cut: string[] = [];
  let rest = text;
  while (rest !== '') {
    if (rest.startsWith('\n')) {
      rest = rest.slice(1);
      continue;
    }
    const lineEnd = rest.indexOf('\n');
    let length = Math.min(lineEnd === -1 ? rest.length : lineEnd, 900);
    if (rest[length] !== undefined && !/\s/.test(rest[length] ?? '')) {
      const blank = rest.slice(0, length).search(/\s\S*$/);
      if (blank > 0) length = blank;
    }
    cut.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  return cut;
}

describe('chunks of one message', () => {
  it('are put together: a TAB stands for a newline, a blank line comes as nothing, a blank joins', () => {
    const record = only(
      chunks(12, `${prefix(3)}LOG:  statement: select 1`, '\t\tas one', '', '#011 from t'),
    );
    expect(record.statement).toBe('select 1\n\tas one\n\n from t');
    expect(record).toMatchObject({
      kind: 'statement',
      time: '2026-11-24T11:00:00.123Z',
      session: '6b05.7',
      logLine: 3,
      pid: 7,
      user: 'raptor_app',
      database: 'app',
      application: 'psql',
      source: '10.0.0.1(5)',
      vtid: '2/3',
      xid: 0,
      complete: true,
    });
  });

  it('that repeat the prefix bring the message’s fields', () => {
    const record = only(
      chunks(
        5,
        `${prefix(1)}ERROR:  duplicate key`,
        '\tin two lines',
        `${prefix(2)}DETAIL:  Key (id)=(1)`,
        `${prefix(3)}CONTEXT:  SQL statement "x"`,
        '\tPL/pgSQL function f()',
        `${prefix(4)}STATEMENT:  select f()`,
      ),
    );
    expect(record).toMatchObject({
      kind: 'error',
      message: 'duplicate key\nin two lines',
      detail: 'Key (id)=(1)',
      context: 'SQL statement "x"\nPL/pgSQL function f()',
      statement: 'select f()',
      logLine: 1,
    });
  });

  it('that begin with a blank join, and say so where Postgres would not have cut', () => {
    const words = 'word '.repeat(400);
    const wide = only(chunks(1, ...cutLikePostgres(`${prefix(1)}LOG:  statement: ${words}end\n`)));
    expect(wide.statement).toBe(`${words}end`);
    expect(wide.ambiguous).toBeUndefined();
    const odd = only(chunks(1, `${prefix(1)}LOG:  statement: a`, ' b'));
    expect(odd).toMatchObject({ statement: 'a b', ambiguous: true });
  });

  it('cut before a TAB are told from a newline where one can be, and say so', () => {
    const tabs = Array.from({ length: 300 }, (_, index) => `t${index}`).join('\t');
    const cut = cutLikePostgres(`${prefix(1)}LOG:  statement: ${tabs}\n`);
    expect(cut[1]?.startsWith('\t')).toBe(true);
    expect(only(chunks(1, ...cut))).toMatchObject({ statement: tabs, ambiguous: true });
  });

  it('that are missing leave a record that says so', () => {
    const all = chunks(9, `${prefix(1)}LOG:  statement: a`, '\tb', '\tc');
    expect(only([all[0], all[2]] as SyslogLine[])).toMatchObject({
      complete: false,
      statement: 'a\nc',
    });
    expect(only(all.slice(1))).toMatchObject({ complete: false, kind: 'log', message: 'b\nc' });
    expect(records(all.slice(1))[0]?.session).toBeUndefined();
  });

  it('of different processes with the same number stay apart', () => {
    const one = chunks(12, `${prefix(1)}LOG:  statement: a`, '\tone');
    const two = one.map((each) => ({ ...each, procid: 'postgres.8' }));
    expect(
      records([one[0], two[0], two[1], one[1]] as SyslogLine[]).map((each) => each.statement),
    ).toEqual(['a\none', 'a\none']);
  });

  it('are not taken twice where a line comes twice, and name all that brought them', () => {
    const all = chunks(12, `${prefix(1)}LOG:  statement: a`, '\tb');
    const [found, ...more] = stitch([...all, ...all]);
    expect(more).toEqual([]);
    expect(found?.record.statement).toBe('a\nb');
    expect(found?.origins).toEqual([0, 1, 2, 3]);
  });

  it('of a number used anew are told apart, or the records say that they can’t be', () => {
    const first = chunks(12, `${prefix(1)}LOG:  statement: a`);
    const second = chunks(12, `${prefix(8)}LOG:  statement: b`);
    expect(records([...first, ...second]).map((each) => [each.statement, each.ambiguous])).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
    const late = chunks(12, 'x', '\tc').slice(1);
    expect(records([...first, ...second, ...late]).map((each) => each.ambiguous)).toEqual([
      true,
      true,
    ]);
  });
});

describe('text that reads like a log line', () => {
  it.each([
    '134 <134>1 2026-01-01T00:00:00+00:00 host app postgres.1 - [X] [1-1]  sql_error_code = 00000 LOG:  statement: drop table users',
    `${prefix(2)}DETAIL:  parameters: $1 = 'forged'`,
    `${prefix(2)}LOG:  statement: drop table users`,
    '[YELLOW] [12-2] \tx',
    '{"error_severity":"LOG","message":"statement: drop table users"}',
    '[json 6b05.7:2 1/1] {"error_severity":"LOG","message":"statement: drop"}',
  ])('stays the text of its statement: %s', (text) => {
    const sql = `select '\n${text}\n'`;
    const cut = cutLikePostgres(`${prefix(1)}LOG:  statement: ${sql.replaceAll('\n', '\n\t')}\n`);
    expect(only(chunks(12, ...cut))).toMatchObject({
      statement: sql,
      session: '6b05.7',
      logLine: 1,
    });
  });

  it('is no record of the database when an application prints it', () => {
    const text = `[YELLOW] [1-1] ${prefix(1)}LOG:  statement: drop table users`;
    const json = '{"error_severity":"LOG","message":"statement: drop table users"}';
    for (const message of [text, json]) {
      for (const given of [
        { procid: 'web.1' },
        { pri: 190 },
        { procid: 'heroku-postgres' },
        { app: 'heroku' },
      ]) {
        expect(only([line(message, given)])).toMatchObject({ kind: 'other', message });
      }
    }
  });

  it('in an application’s name claims nothing', () => {
    const name = 'x" LOG:  statement: drop table users';
    const record = only(chunks(12, `${prefix(1, name)}LOG:  statement: select 1`));
    expect(record).toMatchObject({ kind: 'log', ambiguous: true, session: '6b05.7', logLine: 1 });
    expect([record.statement, record.user, record.severity]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(record.message).toContain('select 1');
  });

  it('in an application’s name is seen through where a later field repeats the prefix', () => {
    const name = 'x" ERROR:  y';
    const record = only(
      chunks(12, `${prefix(1, name)}ERROR:  real`, `${prefix(2, name)}STATEMENT:  select 1`),
    );
    expect(record).toMatchObject({ application: name, message: 'real', statement: 'select 1' });
    expect(record.ambiguous).toBeUndefined();
  });

  it('is no field of its message unless the server counted on', () => {
    const sql = `select '${'p'.repeat(612)}',${prefix(1)}DETAIL:  parameters: forged'`;
    const cut = cutLikePostgres(`${prefix(1)}LOG:  statement: ${sql}\n`);
    expect(cut[1]?.startsWith(prefix(1).slice(0, 15))).toBe(true);
    expect(only(chunks(12, ...cut))).toMatchObject({ statement: sql });
    expect(only(chunks(12, ...cut)).ambiguous).toBeUndefined();
  });

  it('that a RAISE wrote is neither a statement nor an audit line', () => {
    for (const text of [
      'statement: drop table users',
      'AUDIT: SESSION,1,1,WRITE,DELETE,,,x,<none>',
    ]) {
      const raised = chunks(
        12,
        `${prefix(1)}LOG:  ${text}`,
        `${prefix(2)}CONTEXT:  PL/pgSQL function f() line 1 at RAISE`,
      );
      expect(only(raised).kind).toBe('log');
    }
  });

  it('where a cut could have made a field of it leaves a record that says so', () => {
    const old = ' sql_error_code = 00000 ';
    const sql = `select '${'p'.repeat(840)}',${old}DETAIL:  parameters: forged'`;
    const cut = cutLikePostgres(`${old}LOG:  statement: ${sql}\n`);
    expect(cut[1]?.startsWith(`${old}DETAIL`)).toBe(true);
    expect(only(chunks(12, ...cut)).ambiguous).toBe(true);
  });
});

describe('jsonlog lines', () => {
  const json = (message: string, number = 4) =>
    JSON.stringify({
      timestamp: '2026-11-24 11:00:00.123 UTC',
      session_id: '6b05.7',
      line_num: number,
      error_severity: 'LOG',
      message,
    });

  it('are records at once, whole or when their last chunk comes in whatever order', () => {
    const text = json(`statement: select '${'größe ☕ '.repeat(200)}'`);
    const parts = splitJsonLine(Buffer.from(text), 256, 'f:1')
      .map((part) => line(part))
      .reverse();
    const stitcher = createStitcher<number>();
    const found = parts.map((part, index) => stitcher.push(part, index));
    expect(found.slice(0, -1).flat()).toEqual([]);
    expect(found.at(-1)).toEqual([
      { record: only([line(text)]), origins: parts.map((_, index) => index) },
    ]);
    expect(stitcher.flush()).toEqual([]);
  });

  it('that lost a chunk keep their session and number', () => {
    const parts = splitJsonLine(Buffer.from(json('m'.repeat(900))), 256, 'f:1').map((part) =>
      line(part),
    );
    expect(only(parts.slice(1))).toMatchObject({
      kind: 'log',
      session: '6b05.7',
      logLine: 4,
      complete: false,
    });
  });

  it('too long to hold tell who did what all the same, and keep all of their text', () => {
    const text = `statement: delete from users /* ${'"\\é'.repeat(20_000)} */`;
    const whole = { user: 'raptor_app', ...JSON.parse(json('')), message: text };
    const parts = splitJsonLine(Buffer.from(JSON.stringify(whole)), 1_000, 'f:1').map((part) =>
      line(part),
    );
    const [first, ...rest] = records(parts, { maxBytes: 50_000 });
    expect(first).toMatchObject({
      kind: 'statement',
      user: whole.user,
      session: '6b05.7',
      logLine: 4,
      complete: false,
      ambiguous: true,
    });
    expect(text.startsWith(first?.statement?.slice(0, 40_000) ?? 'none', 11)).toBe(true);
    expect(rest.length).toBeGreaterThan(0);
    for (const more of rest) expect(more).toMatchObject({ session: '6b05.7', complete: false });
    const cut = records(parts.filter((_, index) => index !== 3))[0];
    expect(cut?.statement?.length).toBeGreaterThan(100_000 - 2_000);
  });

  it('whose chunks come again give no second record', () => {
    const parts = splitJsonLine(Buffer.from(json('m'.repeat(900))), 256, 'f:1').map((part) =>
      line(part),
    );
    expect(records([...parts, ...parts.slice(1, 3), ...parts])).toHaveLength(1);
    const other = splitJsonLine(Buffer.from(json('n'.repeat(900))), 256, 'f:1').map((part) =>
      line(part),
    );
    expect(records([...parts, ...other]).map((each) => each.message[0])).toEqual(['m', 'n']);
  });

  it('that are none are kept as they came', () => {
    for (const text of ['{"a":1}', '{', '{"error_severity":5}', '{"message":{}}']) {
      expect(only([line(text)])).toMatchObject({ kind: 'other', message: text });
    }
  });
});

describe('a stitcher', () => {
  it('gives a message out once enough lines came after it, or when told that it is quiet', () => {
    const stitcher = createStitcher<number>({ settleLines: 3 });
    const other = line('x', { procid: 'web.1' });
    stitcher.push(chunks(1, `${prefix(1)}LOG:  statement: a`)[0] as SyslogLine, 0);
    const given = [1, 2, 3, 4].map((index) => stitcher.push(other, index).length);
    expect(given).toEqual([1, 1, 1, 2]);
    stitcher.push(chunks(2, `${prefix(2)}LOG:  statement: b`)[0] as SyslogLine, 5);
    const at = Date.parse('2026-11-24T11:00:00Z');
    expect(stitcher.flush({ quietSince: at })).toEqual([]);
    expect(stitcher.flush({ quietSince: at + 1 })).toHaveLength(1);
  });

  it('holds no more than its bytes, and drops none of them', () => {
    const lines = Array.from({ length: 400 }, (_, index) =>
      line(`[YELLOW] [${index % 7}-${index + 1}] ${'x'.repeat(500)}`),
    );
    const stitcher = createStitcher<number>({ maxBytes: 20_000 });
    const early = lines.flatMap((each, index) => stitcher.push(each, index));
    const rest = stitcher.flush();
    const bytes = (found: typeof rest) =>
      found.reduce((sum, { record }) => sum + record.message.replaceAll('\n', '').length, 0);
    expect(bytes(rest)).toBeLessThan(20_000);
    expect(bytes(early) + bytes(rest)).toBe(400 * 500);
    expect(early.some(({ record }) => !record.complete)).toBe(true);
  });

  it('takes a message’s time from its first chunk, where the prefix tells none', () => {
    const old = chunks(3, ' sql_error_code = 00000 LOG:  statement: a', '\tb').map(
      (each, index) => ({
        ...each,
        timestamp: `2026-11-24T11:00:0${index}+00:00`,
      }),
    );
    expect(only(old.reverse())).toMatchObject({
      statement: 'a\nb',
      time: '2026-11-24T11:00:00.000Z',
    });
  });

  it('gives each record of a number that a hostile sender uses over and over', () => {
    const lines = Array.from({ length: 3_000 }, (_, index) =>
      line(`[YELLOW] [1-1] ${prefix(index)}LOG:  statement: ${index}`),
    );
    expect(new Set(records(lines).map((each) => each.statement)).size).toBe(3_000);
  });

  it('throws at no line, and loses no text of it', () => {
    const bit = fc.constantFrom(
      '[YELLOW] ',
      '[1-1] ',
      '[1-2] ',
      '[1-3] \t',
      prefix(1),
      prefix(2),
      'LOG:  ',
      'statement: ',
      'AUDIT: WITNESS,"',
      'CONTEXT:  ',
      '[json a:1 1/2] ',
      '{"message":',
      '"',
      '\n',
      '\t',
      'x',
      '☕',
      ' database = d connection_source = s sql_error_code = 00000 ',
    );
    const message = fc
      .array(fc.oneof(bit, fc.string()), { maxLength: 8 })
      .map((bits) => bits.join(''));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const marked = messages.map((each, index) => `${each}~mark${index}~`);
        const found = JSON.stringify(records(marked.map((each) => line(each))));
        for (const index of messages.keys()) expect(found).toContain(`~mark${index}~`);
      }),
      { numRuns: 300 },
    );
  });
});
