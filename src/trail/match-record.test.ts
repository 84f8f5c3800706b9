import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../logplex/record.ts';
import { recordMatcher } from './match-record.ts';

const record = (fields: Partial<LogRecord>): LogRecord => ({
  kind: 'statement',
  time: '2026-06-30T12:00:00.000Z',
  host: 'host',
  app: 'app',
  procid: 'postgres.7',
  message: '',
  complete: true,
  ...fields,
});
const statement = (text: string) =>
  record({ statement: text, message: `statement: ${text}`, user: 'raptor_app' });
const audit = (object: string, text = 'x') =>
  record({
    kind: 'audit',
    message: `AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,${object},${text},<none>`,
    audit: ['SESSION', '1', '1', 'WRITE', 'INSERT', 'TABLE', object, text, '<none>'],
  });

describe('--table', () => {
  const users = recordMatcher({ table: 'users' });

  test.each([
    'insert into users values (1)',
    'INSERT INTO Users(email) VALUES (1)',
    'update public.users set a = 1',
    'update "public"."users" set a = 1',
    'delete from only users*',
    'select 1 from a,users',
    'insert into\n\tusers\n\tvalues (1)',
    'merge into other.users u using x on true',
    'select users.email from users',
  ])('%j names users', (text) => {
    expect(users(statement(text))).toBe(true);
  });

  test.each([
    'insert into users_history values (1)',
    'insert into old_users values (1)',
    'insert into usersé values (1)',
    'insert into "Users" values (1)',
    'insert into "users_" values (1)',
    'insert into users$ values (1)',
    'insert into sessions values (1)',
  ])('%j does not', (text) => {
    expect(users(statement(text))).toBe(false);
  });

  test('a name that needs quotes is matched exactly, whatever it holds', () => {
    const odd = recordMatcher({ table: '"My ""T"" (a|b)*"' });
    expect(odd(statement('insert into "My ""T"" (a|b)*" values (1)'))).toBe(true);
    expect(odd(statement('insert into "my ""t"" (a|b)*" values (1)'))).toBe(false);
    expect(odd(statement('insert into "My ""T"" a" values (1)'))).toBe(false);
  });

  test('a schema that is asked for leaves out the table of another schema, not the bare name', () => {
    const billing = recordMatcher({ table: 'billing.users' });
    expect(billing(statement('insert into billing.users values (1)'))).toBe(true);
    expect(billing(statement('insert into BILLING . "users" values (1)'))).toBe(true);
    expect(billing(statement('insert into users values (1)'))).toBe(true);
    expect(billing(statement('insert into public.users values (1)'))).toBe(false);
    expect(billing(statement('insert into public . users values (1)'))).toBe(false);
  });

  test('an AUDIT line goes by the object it names and not by its text', () => {
    expect(users(audit('public.users'))).toBe(true);
    expect(users(audit('public.sessions', 'insert into sessions select * from users'))).toBe(false);
    expect(recordMatcher({ table: 'billing.users' })(audit('public.users'))).toBe(false);
    expect(recordMatcher({ table: '"A.b"."T"' })(audit('"A.b"."T"'))).toBe(true);
  });

  test('an AUDIT line without an object goes by its text', () => {
    expect(users(audit('', 'insert into users values (1)'))).toBe(true);
    expect(users(audit('', 'insert into sessions values (1)'))).toBe(false);
  });

  test('an execute goes by what was prepared', () => {
    const execute = record({
      statement: 'execute p(1)',
      message: 'statement: execute p(1)',
      detail: 'prepare: prepare p as insert into users values ($1)',
    });
    expect(users(execute)).toBe(true);
  });

  test('a name as long as text allows is looked for in no time', () => {
    const hostile = statement(`public ${' '.repeat(200_000)}.${'users'.repeat(20_000)}`);
    const began = performance.now();
    recordMatcher({ table: 'public.users' })(hostile);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('recordMatcher', () => {
  test('a record that is not whole is kept where what is missing may be what is asked for', () => {
    const asked = recordMatcher({
      kind: 'statement',
      table: 'users',
      role: 'raptor_app',
      texts: ['x'],
    });
    const headless = record({ kind: 'log', message: 'only an end', complete: false });
    expect(asked(headless)).toBe(true);
    expect(recordMatcher({ kind: 'audit' })(headless)).toBe(true);
    const cut = { ...statement('/* padding'), severity: 'LOG', complete: false };
    expect(asked(cut)).toBe(true);
    // What it tells for sure decides all the same.
    expect(asked({ ...cut, user: 'someone_else' })).toBe(false);
    expect(recordMatcher({ kind: 'error' })(cut)).toBe(false);
    expect(recordMatcher({ kind: 'loss' })(headless)).toBe(false);
  });

  test('all filters have to hold', () => {
    const matches = recordMatcher({ table: 'users', role: 'raptor_app', texts: ['values (1)'] });
    expect(matches(statement('insert into users values (1)'))).toBe(true);
    expect(matches({ ...statement('insert into users values (1)'), user: 'raptor' })).toBe(false);
    expect(matches(statement('insert into users values (2)'))).toBe(false);
  });

  test('a loss comes through every filter but a kind', () => {
    const loss = record({ kind: 'loss' });
    expect(recordMatcher({ table: 'users', role: 'x', texts: ['y'] })(loss)).toBe(true);
    expect(recordMatcher({ kind: 'statement' })(loss)).toBe(false);
    expect(recordMatcher({ kind: 'loss' })(loss)).toBe(true);
  });

  test('text is found among the parameters too', () => {
    const bound = record({
      statement: 'insert into users values ($1)',
      detail: "parameters: $1 = 'a'",
    });
    expect(recordMatcher({ texts: ["$1 = 'a'"] })(bound)).toBe(true);
  });

  test('one of several texts is enough, and none of them is too little', () => {
    const matches = recordMatcher({ texts: ['joe', 'pgw:0123'] });
    expect(matches(statement("insert into users values ('joe')"))).toBe(true);
    expect(matches(statement("insert into users values ('pgw:0123')"))).toBe(true);
    expect(matches(statement("insert into users values ('pgw:4567')"))).toBe(false);
    expect(recordMatcher({ texts: [] })(statement('joe'))).toBe(false);
  });

  test('a redacted statement is found by its table as before', () => {
    const matches = recordMatcher({ table: 'public.users' });
    expect(matches(statement("update public.users set a = 'pgw:0123' where id = 'pgw:4567'"))).toBe(
      true,
    );
    expect(matches(statement("update public.user_events set a = 'pgw:0123'"))).toBe(false);
  });

  test('a statement that was redacted as a whole may be any, a message that was is none', () => {
    const whole = statement('[redacted 120 bytes]');
    const raised = record({ kind: 'error', message: 'x', statement: '[redacted 9 bytes]' });
    const audited = audit('', '"[redacted 12 bytes]"');
    const asked = recordMatcher({ table: 'users', texts: ['joe'] });
    for (const each of [whole, raised, audited]) expect(asked(each)).toBe(true);
    expect(recordMatcher({ table: 'users' })(audit('public.users', '[redacted 9 bytes]'))).toBe(
      true,
    );
    expect(asked({ ...whole, user: 'raptor' })).toBe(true);
    expect(recordMatcher({ role: 'raptor', table: 'users' })(whole)).toBe(false);
    for (const kind of ['log', 'other', 'error'] as const) {
      expect(asked(record({ kind, message: '[redacted 120 bytes]' })), kind).toBe(false);
    }
  });
});
