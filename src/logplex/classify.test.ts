import { describe, expect, it } from 'vitest';
import { classify } from './classify.ts';

const kind = (message: string, given: Partial<Parameters<typeof classify>[0]> = {}) =>
  classify({ severity: 'LOG', context: undefined, statement: undefined, message, ...given });

describe('classify', () => {
  it.each([
    ['statement: select 1', 'select 1'],
    ['statement:\n\nselect 1', '\n\nselect 1'],
    ['execute <unnamed>: select $1', 'select $1'],
    ['execute set note: update users', 'update users'],
    ['execute s1/c1: select 1', 'select 1'],
    ['execute fetch from s1/c1: select 1', 'select 1'],
    ['duration: 2405.887 ms  statement: with x as (select 1)', 'with x as (select 1)'],
    ['duration: 0.1 ms  execute <unnamed>: select 1', 'select 1'],
  ])('takes %j for a statement that was run', (message, statement) => {
    expect(kind(message)).toEqual({ kind: 'statement', statement });
  });

  it('says where the name of a prepared statement could hide what was run', () => {
    expect(kind('execute X: delete from users; --: select 1')).toMatchObject({ ambiguous: true });
    expect(kind('execute S_1: select $1::text').ambiguous).toBeUndefined();
    expect(kind("execute <unnamed>: select 'a: b'").ambiguous).toBeUndefined();
    expect(kind("statement: select 'a: b'").ambiguous).toBeUndefined();
  });

  it.each([
    'duration: 0.1 ms',
    'duration: 0.1 ms  parse <unnamed>: select 1',
    'duration: 0.1 ms  bind <unnamed>: select 1',
    'checkpoint starting: time',
    'a statement: select 1',
    'AUDIT: SESSION,"cut off',
    'AUDIT: OTHER,1',
  ])('takes %j for a message like any other', (message) => {
    expect(kind(message)).toEqual({ kind: 'log' });
  });

  it('takes no warning or notice for a statement: those are raised by functions', () => {
    for (const severity of ['WARNING', 'NOTICE', 'INFO', 'DEBUG']) {
      expect(kind('statement: select 1', { severity }).kind).toBe('log');
    }
  });

  it('takes errors by their severity, with the statement that met them', () => {
    for (const severity of ['ERROR', 'FATAL', 'PANIC']) {
      expect(kind('statement: x', { severity, statement: 'select 1' })).toEqual({
        kind: 'error',
        statement: 'select 1',
      });
    }
  });

  it('knows a witness line whatever its level, and keeps what the server added', () => {
    const given = { context: 'PL/pgSQL function f() line 3 at RAISE', statement: 'delete from t' };
    expect(kind('AUDIT: WITNESS,1,"a,b"', given)).toEqual({
      kind: 'witness',
      audit: ['WITNESS', '1', 'a,b'],
      statement: 'delete from t',
    });
    expect(kind('AUDIT: WITNESS,1', { severity: 'WARNING' }).kind).toBe('witness');
  });
});
