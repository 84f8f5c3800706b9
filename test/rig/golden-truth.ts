import { expect } from 'vitest';
import { parseFrame } from '../../src/logplex/frame.ts';
import { jsonLogRecord } from '../../src/logplex/json-log.ts';
import type { LogRecord } from '../../src/logplex/record.ts';
import { createStitcher } from '../../src/logplex/stitch.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';
import type { Captured } from './capture-golden.ts';
import { callOfAFunction, hostileApplication, type SentStatement } from './golden-workload.ts';

/** The records of these lines, those that are done at the end included. */
export function recordsOf(lines: readonly SyslogLine[]): LogRecord[] {
  const stitcher = createStitcher<number>();
  const done = lines.flatMap((line, index) => stitcher.push(line, index));
  return [...done, ...stitcher.flush()].map((each) => each.record);
}

/** Roles of the workload whose statements are logged by other means than `log_statement`. */
const otherMeans = ['audited', 'timed'];

/**
 * Holds the records of a capture against what the clients sent: each statement is there with its
 * text to the byte, and nothing is told that nobody did. Where the bytes leave a choice, the record
 * has to say so.
 */
export function expectTruth(captured: Omit<Captured, 'json'>): void {
  const { lines, faults } = parseFrame(captured.frame);
  expect(faults).toEqual([]);
  const records = recordsOf(lines);
  const plain = captured.sent.filter((each) => !otherMeans.includes(each.application));
  expectStatements(records, plain, captured.prefix === 'session');
  expectErrors(records, plain);
  expectNoForgery(records, captured.sent);
  const audited = captured.sent.filter((each) => each.application === 'audited');
  if (audited.length > 0) expectAudit(records, audited);
  if (captured.prefix === 'session') expectSessions(records, captured.sent);
}

function expectStatements(
  records: readonly LogRecord[],
  sent: readonly SentStatement[],
  namesInPrefix: boolean,
): void {
  const found = records.filter((each) => each.kind === 'statement');
  const sure = found.filter((each) => !each.ambiguous).map((each) => each.statement ?? '');
  // The server logs a statement once it is parsed: one that is none it tells of in an error alone.
  const logged = sent.filter((each) => each.failed !== syntaxError);
  const unsure = logged.filter((each) => !take(sure, each.sql));
  const timed = records.filter((each) => each.message.startsWith('duration: '));
  expect(sure.filter((sql) => !timed.some((each) => each.statement === sql))).toEqual([]);
  for (const { application, sql } of unsure) {
    const candidates = records.filter((each) => each.ambiguous && holds(each, sql));
    expect(candidates, `${application}: ${sql.slice(0, 80)}`).toHaveLength(1);
  }
  const hostileNames = [hostileApplication, 'mallory'];
  const explained = unsure.filter(
    ({ application, sql }) =>
      hostileNames.includes(application) || sql.includes('tabs_in_a_line') || sql.includes('ppp'),
  );
  expect(unsure).toEqual(explained);
  if (namesInPrefix) {
    const unread = records.filter((each) => each.ambiguous && each.user === undefined);
    expect(unread.map((each) => [each.kind, each.statement, each.severity])).toEqual(
      unread.map(() => ['log', undefined, undefined]),
    );
  }
}

const syntaxError = '42601';

/** An ambiguous reading may cut a statement short or lengthen it; its beginning is there. */
function holds(record: LogRecord, sql: string): boolean {
  return record.message.includes(sql.slice(0, 400));
}

function take(from: string[], value: string): boolean {
  const at = from.indexOf(value);
  if (at !== -1) from.splice(at, 1);
  return at !== -1;
}

function expectErrors(records: readonly LogRecord[], sent: readonly SentStatement[]): void {
  const errors = records.filter((each) => each.kind === 'error' && each.severity === 'ERROR');
  expect(errors.map((each) => [each.sqlState, each.statement])).toEqual(
    sent.filter((each) => each.failed !== undefined).map((each) => [each.failed, each.sql]),
  );
  const byCode = new Map(errors.map((each) => [each.sqlState, each]));
  expect(byCode.get('23505')?.detail).toBe('Key (email)=(multi@x.invalid) already exists.');
  expect(byCode.get('23514')?.context).toBe(
    'SQL statement "update users\n     set note = p_note"\nPL/pgSQL function touch(text) line 3 at SQL statement',
  );
  expect(byCode.get('42883')?.hint).toMatch(/type casts\.$/);
  const fatal = records.filter((each) => each.severity === 'FATAL');
  expect(fatal.map((each) => each.kind)).toEqual(fatal.map(() => 'error'));
}

/** What was raised to look like a statement or an audit line is neither; what is a witness line is one. */
function expectNoForgery(records: readonly LogRecord[], sent: readonly SentStatement[]): void {
  const known = new Set(sent.map((each) => each.sql));
  for (const record of records.filter((each) => each.statement !== undefined && !each.ambiguous)) {
    expect(known).toContain(record.statement);
  }
  const forged = records.filter((each) => each.context?.includes('inline_code_block line 1'));
  expect(forged.length).toBeGreaterThan(2);
  expect(forged.map((each) => each.kind)).toEqual(forged.map(() => 'log'));
  const witness = records.filter((each) => each.kind === 'witness');
  expect(witness.map((each) => each.audit?.[7])).toEqual(Array(2).fill('rows, "quoted"'));
  const call = sent.find((each) => each.sql.includes('select witness('))?.sql;
  expect(witness.map((each) => each.statement)).toEqual([call, call]);
}

function expectAudit(records: readonly LogRecord[], sent: readonly SentStatement[]): void {
  const audit = records.filter((each) => each.kind === 'audit');
  const writes = sent.filter((each) => !each.sql.startsWith('do '));
  const session = audit.filter((each) => each.audit?.[0] === 'SESSION');
  const inFunction = 'update users\n     set note = p_note';
  expect(session.map((each) => each.audit?.[7])).toEqual(
    writes.map((each) => (each.sql === callOfAFunction ? inFunction : each.sql)),
  );
  expect(session[1]?.audit?.[8]).toBe('"a,b",aud@x.invalid');
  const object = audit.filter((each) => each.audit?.[0] === 'OBJECT');
  expect(object.map((each) => [each.audit?.[6], each.audit?.[7]])).toEqual([
    ['public.users', "delete from users where email = 'aud@x.invalid'"],
  ]);
}

function expectSessions(records: readonly LogRecord[], sent: readonly SentStatement[]): void {
  const applications = ['shapes', 'hostile', 'bound', 'timed'];
  for (const application of [...applications, ...[1, 2, 3, 4].map((each) => `crowd ${each}`)]) {
    const own = records.filter((each) => each.application === application);
    expect(new Set(own.map((each) => each.session)).size).toBe(1);
    const statements = own.filter((each) => each.kind === 'statement' && !each.ambiguous);
    const expected = sent.filter((each) => each.application === application);
    const order = expected.map((each) => each.sql).filter((sql) => !sql.includes('tabs_in_a_line'));
    expect(statements.map((each) => each.statement)).toEqual(order);
  }
  const bound = records.filter((each) => each.application === 'bound');
  expect(bound.map((each) => each.detail?.toLowerCase())).toEqual([
    "parameters: $1 = 'ann@x.invalid', $2 = 'it''s\n\ttwo lines'",
    'parameters: $1 = null',
    "parameters: $1 = 'läuft', $2 = 'ann@x.invalid'",
  ]);
}

/**
 * Holds the records against the jsonlog lines that the same server wrote of the same messages: in
 * that form nothing is cut and nothing has to be guessed.
 */
export function expectSameAsJson(frame: Uint8Array, json: Uint8Array): void {
  const { lines } = parseFrame(frame);
  const header = lines[0] as SyslogLine;
  const fromJson = Buffer.from(json)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => jsonLogRecord(header, Buffer.from(line)));
  const stitched = bySession(recordsOf(lines));
  const written = bySession(fromJson);
  expect([...stitched.keys()].sort()).toEqual([...written.keys()].sort());
  for (const [session, expected] of written) {
    const found = stitched.get(session) ?? [];
    const sure = expected.filter((_, index) => found[index]?.ambiguous !== true);
    expect(found.length).toBe(expected.length);
    expect(found.filter((each) => !each.ambiguous).map(comparable)).toEqual(sure.map(comparable));
  }
}

function bySession(records: readonly LogRecord[]): Map<string | undefined, LogRecord[]> {
  const sessions = new Map<string | undefined, LogRecord[]>();
  for (const record of records) {
    sessions.set(record.session, [...(sessions.get(record.session) ?? []), record]);
  }
  return sessions;
}

/**
 * What the two forms tell alike. Syslog counts a message's fields as lines of their own and puts the
 * cursor position into an error's text, and jsonlog does not; a JSON line names no process to syslog.
 */
function comparable(record: LogRecord): Partial<LogRecord> {
  const { logLine: _, procid: __, ...rest } = record;
  return { ...rest, message: rest.message.replace(/ at character \d+$/, '') };
}
