import pg from 'pg';

/** A column's type and values that have been trouble somewhere: each in the type's input syntax. */
export interface ValueKind {
  /** As format_type names it, modifier included; `@.` stands for the schema of the test's own types. */
  readonly type: string;
  /** Simplest first. */
  readonly values: readonly string[];
  /** Whether equality is btree's, so that it can be a key. */
  readonly key?: true;
  /** As server_version_num. */
  readonly since?: number;
}

/** Types that a schema's own columns may have; made in the schema by `typesDdl`. */
export const typesDdl = [
  `create type @.mood as enum ('ok', 'a b', 'q''x', 'Ünï', '"')`,
  `create type @."c Omp" as (a int, "b, c" text, n numeric)`,
  'create type @.floats as range (subtype = float8)',
  `create domain @.positive as int check (value > 0)`,
  `create domain @."d ""Text" as text check (value <> 'never')`,
  'create domain @.money_like as numeric(12, 2)',
  'create domain @.mood_d as @.mood',
  'create domain @.ints as int[]',
  'create domain @.doc as json',
  'create domain @.at as timestamptz',
];

const doubles = ['0', '0.1', '-0', 'NaN', 'Infinity', '-Infinity', '0.1234567890123', '5e-324'];
const json = ['{"a": 1}', 'null', '[1, 2 ]', '{"a": 1, "a":  2}', '"é\\u00e9"', '1.000', '-0'];

/** Every kind of column, the simplest first. */
export const valueKinds: readonly ValueKind[] = [
  { type: 'integer', values: ['0', '1', '-1', '2147483647', '-2147483648'], key: true },
  {
    type: 'text',
    values: [
      ...['a', '', 'b', "it's", '日本 🎉', 'back\\slash', 'null', ' "q" ', 'unchanged-toast-datum'],
      ...[
        'new\nline',
        '\\x00ff',
        '{}',
        '$capture$',
        '%s%I',
        'NaN',
        '\u0001\u007f\u2028',
        'é\u0301',
      ],
      ...[
        'tab\tcr\r',
        '<none>',
        ',AUDIT: WITNESS,"',
        "' old-key: new-tuple: a[text]:'",
        '\\.',
        '\\N',
      ],
    ],
    key: true,
  },
  { type: 'bigint', values: ['0', '9223372036854775807', '-9223372036854775808'], key: true },
  { type: 'boolean', values: ['false', 'true'] },
  {
    type: 'numeric',
    values: [
      ...[
        '0',
        '1.10',
        'NaN',
        'Infinity',
        '-Infinity',
        '1e100',
        '0.00',
        '-0.0',
        '1e-1000',
        '1e3000',
      ],
      ...['123456789012345678901234567890.1234567890', '99999999999999999999'],
    ],
    key: true,
  },
  { type: 'numeric(10,2)', values: ['0.00', '-99999999.99', '1.005', 'NaN'] },
  {
    type: 'double precision',
    values: [...doubles, '1.7976931348623157e308', '123456789.12345679'],
  },
  {
    type: 'real',
    values: ['0', '0.1', '-0', 'NaN', 'Infinity', '1e-45', '3.4028235e38', '16777217'],
  },
  {
    type: 'timestamp with time zone',
    values: [
      ...['2024-03-01 12:00+00', 'infinity', '-infinity', '0044-03-15 00:00+00 BC'],
      ...[
        '294276-12-31 23:59:59.999999+00',
        '2024-03-31 02:30:00.000001+01',
        '1883-01-01 00:00+00:17:30',
      ],
    ],
    key: true,
  },
  {
    type: 'timestamp without time zone',
    values: ['2024-02-29 00:00', 'infinity', '4713-11-24 BC'],
  },
  { type: 'date', values: ['2024-02-29', 'infinity', '0044-03-15 BC', '5874897-12-31'], key: true },
  { type: 'time without time zone', values: ['00:00', '24:00:00', '23:59:59.999999'] },
  { type: 'time with time zone', values: ['00:00+00', '24:00:00-15:59', '12:00:00.5+05:30'] },
  {
    type: 'interval',
    values: ['0', '1 year -1 day 00:00:00.000001', '-178000000 years', '1 mon -3 days +04:05:06.7'],
  },
  { type: 'bytea', values: ['\\x', '\\x00ff', '\\x5c27', '\\xdeadbeef00'] },
  {
    type: 'uuid',
    values: ['00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    key: true,
  },
  { type: 'json', values: [...json, '"\\u0000"', '"\\ud800"', '1e400000', ' {"x" :\n1}'] },
  { type: 'jsonb', values: [...json, '1e1000', '{"b": {"a": [null, 1e-7]}}', '"a\\u2028"'] },
  { type: 'character varying(20)', values: ['a', '', 'trailing  ', '日本'], key: true },
  { type: 'character(5)', values: ['a', '', 'ab   ', "'"] },
  { type: '"char"', values: ['a', '"'] },
  { type: 'smallint', values: ['0', '32767', '-32768'], key: true },
  { type: 'integer[]', values: ['{}', '{1,NULL,-3}', '{{1,2},{3,4}}', '[0:1]={7,8}'] },
  {
    type: 'text[]',
    values: ['{}', '{NULL,"null","a,b","\\"q\\\\"}', '{""}', '{日本,"new\nline"}'],
  },
  { type: 'double precision[]', values: ['{0.1,NaN,-Infinity,-0}'] },
  { type: 'timestamp with time zone[]', values: ['{"2024-03-01 12:00+00",infinity}'] },
  { type: 'json[]', values: ['{}', '{"{\\"a\\":  1}"}', '{1.0,NULL}'] },
  { type: 'bytea[]', values: ['{"\\\\x00","\\\\x5c"}'] },
  { type: 'int4range', values: ['empty', '[1,5)', '(,)', '[2,)'], key: true },
  { type: 'tstzrange', values: ['empty', '["2024-03-01 12:00+00",infinity)'] },
  { type: 'numrange', values: ['[1.10,2.0]', 'empty'] },
  { type: 'int4multirange', values: ['{}', '{[1,3),[5,)}'] },
  { type: 'inet', values: ['10.0.0.1', '::1/64', '10.0.0.1/8'], key: true },
  { type: 'macaddr', values: ['08:00:2b:01:02:03'] },
  { type: 'bit(3)', values: ['101', '000'] },
  { type: 'bit varying', values: ['', '1', '0110011'] },
  { type: 'money', values: ['0', '1234.5', '-0.01'] },
  { type: 'tsvector', values: ['', "'a':1A 'it''s':2"] },
  { type: 'point', values: ['(0,0)', '(0.1234567890123,-Infinity)'] },
  { type: 'box', values: ['((1,1),(0,0.1234567890123))'] },
  { type: 'pg_lsn', values: ['0/0', 'FFFFFFFF/1'] },
  { type: 'jsonpath', values: ['$', '$."a"[*] ? (@ > 1.10)'] },
  { type: '@.mood', values: ['ok', 'a b', "q'x", 'Ünï', '"'], key: true },
  { type: '@.mood[]', values: ['{}', '{ok,"a b",NULL}'] },
  { type: '@.positive', values: ['1', '2147483647'], key: true },
  { type: '@."d ""Text"', values: ['a', '', "'"], key: true },
  { type: '@.money_like', values: ['0.00', '1234567890.12'] },
  { type: '@.mood_d', values: ['ok', '"'] },
  { type: '@.ints', values: ['{}', '{1,NULL}'] },
  { type: '@.doc', values: ['{"a":  1}', '"\\u0000"'] },
  { type: '@.at', values: ['2024-03-01 12:00+00', '-infinity'] },
  { type: '@."c Omp"', values: ['(1,x,1.10)', '(,,)', '(-1,"a ""q"", \\\\b",NaN)'] },
  { type: '@."c Omp"[]', values: ['{}', '{"(1,\\"x y\\",0.0)",NULL}'] },
  { type: '@.floats', values: ['empty', '[0.1,0.1234567890123)', '(,)'] },
];

/** `'…'::type`, the same under any setting of standard_conforming_strings. */
export function castLiteral(text: string, type: string): string {
  return `${pg.escapeLiteral(text).trim()}::${type}`;
}
