import { describe, expect, test } from 'vitest';
import { parseDecodedLine } from './decode-text.ts';

const text = (type: string, value: string) => ({ type, value: { text: value } });

/** All lines here are what Postgres 15.18 and 18.4 wrote, alike. */
describe('A line of test_decoding', () => {
  test('tells where a transaction begins and ends', () => {
    expect(parseDecodedLine('BEGIN 754')).toEqual({ kind: 'begin', xid: '754' });
    expect(parseDecodedLine('COMMIT 754')).toEqual({ kind: 'commit', xid: '754' });
  });

  test('gives a message as it was emitted, whatever it holds', () => {
    expect(
      parseDecodedLine('message: transactional: 0 prefix: step, sz: 7 content:1 begin'),
    ).toEqual({ kind: 'message', transactional: false, prefix: 'step', content: '1 begin' });
    expect(
      parseDecodedLine('message: transactional: 1 prefix: step, sz: 9 content:a, sz: 3\n'),
    ).toEqual({ kind: 'message', transactional: true, prefix: 'step', content: 'a, sz: 3\n' });
  });

  test('keeps names, types and values apart, whatever quotes, brackets and lines they hold', () => {
    const line =
      `table "o]d""d"."t ]:q": INSERT: "c[x]:1"[integer]:1 t[text]:'it''s\nnew \\ "q" null' ` +
      `e["o]d""d"."m[]o"]:'q''x' ea["o]d""d"."m[]o"[]]:'{"a b",q''x}' d["o]d""d".dint]:'3' b[bit]:B'101' ` +
      `vb[bit varying]:B'' n[numeric]:1.50 f[double precision]:NaN bo[boolean]:true c[character]:'ab   ' ` +
      `j[json]:'{"a":  1}' nothing[text]:null word[text]:'null'`;
    expect(parseDecodedLine(line)).toEqual({
      kind: 'change',
      relation: { schema: 'o]d"d', name: 't ]:q' },
      operation: 'INSERT',
      old: undefined,
      new: new Map<string, unknown>([
        ['c[x]:1', text('integer', '1')],
        ['t', text('text', 'it\'s\nnew \\ "q" null')],
        ['e', text('"o]d""d"."m[]o"', "q'x")],
        ['ea', text('"o]d""d"."m[]o"[]', `{"a b",q'x}`)],
        ['d', text('"o]d""d".dint', '3')],
        ['b', text('bit', '101')],
        ['vb', text('bit varying', '')],
        ['n', text('numeric', '1.50')],
        ['f', text('double precision', 'NaN')],
        ['bo', text('boolean', 'true')],
        ['c', text('character', 'ab   ')],
        ['j', text('json', '{"a":  1}')],
        ['nothing', { type: 'text', value: null }],
        ['word', text('text', 'null')],
      ]),
    });
  });

  test('tells the old row of an UPDATE from the new one, and a value that stayed in TOAST from its words', () => {
    const line =
      "table public.t: UPDATE: old-key: id[integer]:1 v[text]:'a new-tuple: b' big[text]:'xyz' " +
      "new-tuple: id[integer]:-1 v[text]:'unchanged-toast-datum' big[text]:unchanged-toast-datum";
    expect(parseDecodedLine(line)).toMatchObject({
      operation: 'UPDATE',
      old: new Map([
        ['id', text('integer', '1')],
        ['v', text('text', 'a new-tuple: b')],
        ['big', text('text', 'xyz')],
      ]),
      new: new Map<string, unknown>([
        ['id', text('integer', '-1')],
        ['v', text('text', 'unchanged-toast-datum')],
        ['big', { type: 'text', value: 'unchanged' }],
      ]),
    });
  });

  test('reads an old row of which everything is null', () => {
    expect(parseDecodedLine('table public.t: UPDATE: old-key: new-tuple: id[integer]:1')).toEqual({
      kind: 'change',
      relation: { schema: 'public', name: 't' },
      operation: 'UPDATE',
      old: new Map(),
      new: new Map([['id', text('integer', '1')]]),
    });
    expect(parseDecodedLine('table public.t: DELETE:')).toMatchObject({ old: new Map() });
    expect(parseDecodedLine('table public.t: DELETE: (no-tuple-data)')).toMatchObject({
      old: new Map(),
    });
  });

  test('names every table of a TRUNCATE', () => {
    expect(
      parseDecodedLine('table public.t, public."u, v": TRUNCATE: restart_seqs cascade'),
    ).toEqual({
      kind: 'truncate',
      relations: [
        { schema: 'public', name: 't' },
        { schema: 'public', name: 'u, v' },
      ],
    });
  });

  test('is refused where it is of another form', () => {
    for (const line of ['', 'table public.t: MERGE: a[integer]:1', "table t: INSERT: a[text]:'x"]) {
      expect(() => parseDecodedLine(line), line).toThrow('not understood');
    }
  });
});
