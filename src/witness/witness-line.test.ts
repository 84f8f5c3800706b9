import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuditFields } from '../logplex/audit-fields.ts';
import { capturedDigests } from './image-changes.ts';
import { isRaisedBy } from './raised-by.ts';
import { verifyCode } from './witness-key.ts';
import { parseWitness, type Witness } from './witness-line.ts';

const sum = 'ddff8d614ec99a375b06c58f02017d6e';
const other = '0'.repeat(32);
const signature = '1b216b427fed294689aeb17a4b6d6d00';

const parse = (message: string): Witness | undefined => {
  const audit = parseAuditFields(message.replace(/^AUDIT: /, ''));
  return parseWitness({ message, ...(audit === undefined ? {} : { audit }) });
};
const lineOf = (given: {
  id?: string;
  kind?: string;
  command?: string;
  object?: string;
  facts?: string;
  code?: string;
}) =>
  `AUDIT: WITNESS,${given.id ?? '17'},1,${given.kind ?? 'WRITE'},${given.command ?? 'UPDATE'},TABLE,${given.object ?? 'public.users'},<none>,<none>,${given.facts ?? `xid=812 sub=813 rows=3 ids=17-21 digest=${sum}`},${given.code ?? signature}`;

describe('parseWitness', () => {
  it('reads a captured statement', () => {
    expect(parse(lineOf({}))).toEqual({
      kind: 'captured',
      table: { schema: 'public', name: 'users' },
      command: 'UPDATE',
      xid: 812n,
      sub: 813,
      rows: 3,
      firstId: 17n,
      lastId: 21n,
      digest: sum,
      line: lineOf({}).slice(0, -33),
      code: signature,
    });
  });

  it('reads what is told of an append-only table and of history itself', () => {
    expect(parse(lineOf({ id: '812', facts: `xid=812 rows=2 digest=${sum}` }))).toMatchObject({
      ...{ kind: 'append-only', xid: 812n, rows: 2, digest: sum },
    });
    const history = { id: '812', kind: 'MISC', object: 'public.users_history' };
    for (const command of ['INSERT', 'TRUNCATE']) {
      expect(parse(lineOf({ ...history, command, facts: 'xid=812' }))).toMatchObject({
        ...{ kind: 'history', command, xid: 812n },
      });
    }
    const removed = { ...history, command: 'DELETE', facts: 'xid=812 rows=2 ids=-1-7' };
    expect(parse(lineOf(removed))).toMatchObject({ kind: 'history', firstId: -1n, lastId: 7n });
    const images = `xid=812 rows=2 images=1:${sum}:${other};9223372036854775807:${other}:${sum}`;
    expect(parse(lineOf({ ...history, facts: images }))).toMatchObject({
      kind: 'history',
      images: [
        { id: 1n, before: sum, after: other },
        { id: 9_223_372_036_854_775_807n, before: other, after: sum },
      ],
    });
  });

  it('reads a transaction id with its epoch, exactly', () => {
    const facts = `xid=18446744073709551615 sub=4294967295 rows=3 ids=17-21 digest=${sum}`;
    expect(parse(lineOf({ facts }))).toMatchObject({ xid: 2n ** 64n - 1n, sub: 2 ** 32 - 1 });
  });

  it.each([
    ['public.users', 'public', 'users'],
    ['"Public"."a,""b"""', 'Public', 'a,"b"'],
    ['"My Schema".t', 'My Schema', 't'],
    ['public."a.b"', 'public', 'a.b'],
    ['public."two\nlines"', 'public', 'two\nlines'],
  ])('reads the name %j', (object, schema, name) => {
    const field = /[",\n]/.test(object) ? `"${object.replaceAll('"', '""')}"` : object;
    expect(parse(lineOf({ object: field }))?.table).toEqual({ schema, name });
  });

  it.each([
    ['a fact more', { facts: `xid=812 sub=813 rows=3 ids=17-21 digest=${sum} x=1` }],
    ['facts in another order', { facts: `sub=813 xid=812 rows=3 ids=17-21 digest=${sum}` }],
    ['a number with a zero in front', { facts: `xid=0812 sub=813 rows=3 ids=17-21 digest=${sum}` }],
    [
      'a transaction beyond xid8',
      { facts: `xid=18446744073709551616 sub=1 rows=3 ids=17-21 digest=${sum}` },
    ],
    [
      'a subtransaction beyond xid',
      { facts: `xid=812 sub=4294967296 rows=3 ids=17-21 digest=${sum}` },
    ],
    [
      'an id beyond bigint',
      {
        id: '9223372036854775808',
        facts: `xid=812 sub=813 rows=1 ids=9223372036854775808-9223372036854775808 digest=${sum}`,
      },
    ],
    ['ids the wrong way round', { facts: `xid=812 sub=813 rows=3 ids=17-16 digest=${sum}` }],
    ['more rows than ids', { facts: `xid=812 sub=813 rows=6 ids=17-21 digest=${sum}` }],
    ['no rows', { facts: `xid=812 sub=813 rows=0 ids=17-21 digest=${sum}` }],
    ['a TRUNCATE with rows', { command: 'TRUNCATE' }],
    [
      'a digest in capitals',
      { facts: `xid=812 sub=813 rows=3 ids=17-21 digest=${sum.toUpperCase()}` },
    ],
    ['a short digest', { facts: 'xid=812 sub=813 rows=3 ids=17-21 digest=ddff' }],
    ['a statement number that is not its first id', { id: '18' }],
    ['another class', { kind: 'READ' }],
    ['another command', { command: 'SELECT' }],
    ['a captured statement as one on history', { kind: 'MISC' }],
    ['a name without a schema', { object: 'users' }],
    ['a name in capitals without quotes', { object: 'public.Users' }],
    ['three names', { object: 'a.b.c' }],
    ['a name that no table can have', { object: `public.${'x'.repeat(64)}` }],
    ['a code of another length', { code: signature.slice(1) }],
    ['a code in capitals', { code: signature.toUpperCase() }],
    [
      'images that are not as many as rows',
      { id: '812', kind: 'MISC', facts: `xid=812 rows=2 images=1:${sum}:${other}` },
    ],
    [
      'seventeen images',
      {
        id: '812',
        kind: 'MISC',
        facts: `xid=812 rows=17 images=${Array(17).fill(`1:${sum}:${other}`).join(';')}`,
      },
    ],
  ])('takes %s for none of ours', (_what, given) => {
    expect(parse(lineOf(given))).toBeUndefined();
  });

  it('takes nothing for a witness line that has no fields or too many', () => {
    expect(parseWitness({ message: lineOf({}) })).toBeUndefined();
    expect(parse(`${lineOf({})},more`)).toBeUndefined();
    expect(parse(lineOf({}).replace('WITNESS', 'SESSION'))).toBeUndefined();
    expect(parse(lineOf({ object: `public."${'x'.repeat(5_000)}"` }))).toBeUndefined();
  });

  it('takes any text without failing', () => {
    const words = fc.constantFrom(
      ...lineOf({}).split(/(?=[,= -])/),
      '"',
      ',',
      '\n',
      '9'.repeat(40),
    );
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        const message = parts.join('');
        const witness = parse(message);
        if (witness !== undefined) expect(message).toBe(`${witness.line},${witness.code}`);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('verifyCode', () => {
  const key = Buffer.alloc(32, 7);
  const witness = (line: string) => ({
    line,
    code: createHmac('sha256', key).update(`l${line}`).digest('hex').slice(0, 32),
  });

  it('takes the code of this line under this key alone', () => {
    const own = witness('AUDIT: WITNESS,é');
    expect(verifyCode(own, key)).toBe(true);
    expect(verifyCode(own, Buffer.alloc(32, 8))).toBe(false);
    expect(verifyCode({ ...own, line: 'AUDIT: WITNESS,e' }, key)).toBe(false);
    expect(verifyCode({ ...own, code: own.code.slice(1) }, key)).toBe(false);
    expect(verifyCode({ ...own, code: '' }, key)).toBe(false);
  });
});

describe('isRaisedBy', () => {
  const captured = parse(lineOf({})) as Witness;
  const of = (context: string | undefined, witness = captured) =>
    isRaisedBy(context === undefined ? {} : { context }, witness);

  it('knows the function that writes such a line by its schema and name', () => {
    const end = ' line 147 at RAISE';
    expect(of(`PL/pgSQL function public.fn_capture_users_history()${end}`)).toBe(true);
    expect(of(`PL/pgSQL function public.fn_capture_users_history()${end}\nSQL statement "x"`)).toBe(
      true,
    );
    for (const name of [
      ...['fn_capture_users_history()', 'public.fn_capture_users_history(integer)'],
      ...['pg_temp_3.fn_capture_users_history()', 'public.fn_capture_sessions_history()'],
      ...['inline_code_block', 'public.fn_witness_users_history()'],
      '"public.fn_capture_users_history()"()',
    ]) {
      expect(of(`PL/pgSQL function ${name}${end}`), name).toBe(false);
    }
    expect(
      of(
        'PL/pgSQL function public.f() line 1 at PERFORM\nPL/pgSQL function public.fn_capture_users_history() line 1 at RAISE',
      ),
    ).toBe(false);
    const history = parse(
      lineOf({
        id: '812',
        kind: 'MISC',
        command: 'INSERT',
        object: 'public.users_history',
        facts: 'xid=812',
      }),
    ) as Witness;
    expect(of(`PL/pgSQL function public.fn_witness_users_history()${end}`, history)).toBe(true);
    const appended = parse(lineOf({ id: '812', facts: `xid=812 rows=1 digest=${sum}` })) as Witness;
    expect(of(`PL/pgSQL function pgwitness.witness_append_only()${end}`, appended)).toBe(true);
  });

  it('says nothing where the server does not, or speaks another language', () => {
    expect(of(undefined)).toBeUndefined();
    expect(
      of('PL/pgSQL-Funktion public.fn_capture_users_history() Zeile 147 bei RAISE'),
    ).toBeUndefined();
  });
});

describe('capturedDigests', () => {
  it('follows changes back to what was captured, past those that were rolled back', () => {
    const [a, b, c, x] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(32)) as [
      string,
      string,
      string,
      string,
    ];
    const found = capturedDigests([
      { id: 1n, before: a, after: x },
      { id: 1n, before: a, after: b },
      { id: 2n, before: b, after: c },
      { id: 1n, before: b, after: b },
      { id: 1n, before: b, after: c },
    ]);
    const pairs = found.ids.map((id, index) => [id, found.now[index], found.captured[index]]);
    expect(pairs).toEqual([
      ['1', x, a],
      ['1', b, a],
      ['1', c, a],
      ['2', c, b],
    ]);
  });
});
