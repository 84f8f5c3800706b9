import { type Attack, app, type Theme } from './try-attack.ts';

/** Settings any session may make, each of which changes how some statement is read, planned or shown. */
const settings: readonly string[] = [
  'search_path to pg_temp',
  `search_path to ''`,
  'extra_float_digits to -15',
  `timezone to 'Pacific/Kiritimati'`,
  `datestyle to 'German, DMY'`,
  `intervalstyle to 'sql_standard'`,
  `bytea_output to 'escape'`,
  'quote_all_identifiers to on',
  'standard_conforming_strings to off',
  'escape_string_warning to off',
  `backslash_quote to 'on'`,
  'transform_null_equals to on',
  'array_nulls to off',
  `xmloption to document`,
  `xmlbinary to hex`,
  'row_security to off',
  `default_text_search_config to 'simple'`,
  `plan_cache_mode to force_generic_plan`,
  `plan_cache_mode to force_custom_plan`,
  `jit to on; set jit_above_cost to 0; set jit_inline_above_cost to 0; set jit_optimize_above_cost to 0`,
  'enable_seqscan to off; set enable_indexscan to off; set enable_bitmapscan to off',
  'enable_hashjoin to off; set enable_nestloop to off; set enable_mergejoin to off',
  'enable_material to off; set enable_sort to off; set enable_hashagg to off',
  'work_mem to 64; set hash_mem_multiplier to 1; set temp_buffers to 100',
  'max_parallel_workers_per_gather to 8; set parallel_setup_cost to 0; set min_parallel_table_scan_size to 0',
  `constraint_exclusion to on; set from_collapse_limit to 1; set join_collapse_limit to 1; set geqo_threshold to 2`,
  `default_transaction_isolation to 'serializable'`,
  'synchronous_commit to off',
  'check_function_bodies to off',
  `default_toast_compression to 'pglz'`,
  `client_min_messages to 'debug5'`,
  `client_min_messages to 'error'`,
  `client_encoding to 'LATIN1'`,
  `client_encoding to 'SQL_ASCII'`,
  'debug_print_parse to on; set debug_print_rewritten to on; set debug_print_plan to on',
  `plpgsql.extra_errors to 'all'`,
  `plpgsql.extra_warnings to 'all'`,
  'plpgsql.check_asserts to off',
  'plpgsql.print_strict_params to on',
  `plpgsql.variable_conflict to 'use_column'`,
  'exit_on_error to on',
  'gin_fuzzy_search_limit to 1',
  `lc_monetary to 'C.UTF-8'; set lc_numeric to 'C.UTF-8'; set lc_time to 'C.UTF-8'`,
  'idle_in_transaction_session_timeout to 60000; set lock_timeout to 2000',
  `application_name to ''`,
];

/** What a value that capture stores, and a line tells, might hold. */
const values: readonly (readonly [string, string])[] = [
  ['a comma, quotes and a line’s beginning', `a,b"c"'d',AUDIT: WITNESS,1,1,WRITE`],
  ['newlines and tabs', 'one\ntwo\r\n\tthree\n\n'],
  ['what looks like facts', ' rows=0 xid=1 code=00000000 '],
  ['percent signs and backslashes', String.raw`%s %I %L %% \\ \n \000 \x00 $1 $$ $capture$`],
  ['control characters', '\u0001\u0007\u001b[31m\u007f\u0085\u2028'],
  ['letters of many scripts', 'Ünïcödé 用户 🔑 \u202e\u200b e\u0301'],
  ['nothing but blanks', '   '],
  ['text of a JSON object', '{"a": "\\u0000", "b": [1e999]}'],
  ['100 KB', 'x'.repeat(100_000)],
];

function literal(text: string): string {
  return `e'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

const written = `insert into public.users (email) values ('told@example.invalid')`;
const undo = `delete from public.users where email = 'told@example.invalid'`;

function told(name: 'actor' | 'request_id', what: string, text: string): Attack {
  return {
    title: `${what} in pgwitness.${name}`,
    as: app,
    sql: [`select set_config('pgwitness.${name}', ${literal(text)}, false)`, written],
    expects: {
      harmless: 'history holds it exactly',
      adds: [{ table: 'users', operation: 'INSERT', [name]: text }],
    },
    undo,
  };
}

/** What an ordinary session may set, and what stands in the values that capture keeps. */
export const settingAttacks: readonly Theme[] = [
  {
    title: 'settings of the session',
    prepare: `insert into users (email) values ('first@example.invalid')`,
    attacks: settings.map((setting) => ({
      title: `set ${setting}`,
      as: app,
      sql: `set ${setting}`,
      // Only a session that has not yet run any PL/pgSQL lets that be set.
      lasting: setting.startsWith('plpgsql'),
      expects: { harmless: 'capture depends on none of them' },
    })),
  },
  {
    title: 'values that capture keeps',
    attacks: [
      ...values.flatMap(([what, text]) => [
        told('actor', what, text),
        told('request_id', what, text),
      ]),
      {
        title: 'an actor in a session that speaks another encoding and hears every message',
        as: app,
        sql: [
          `select set_config('pgwitness.actor', '用户', false)`,
          `set client_encoding to 'LATIN1'`,
          'set client_min_messages to debug5',
          written,
        ],
        expects: {
          harmless: 'the client is sent none of it',
          adds: [{ table: 'users', operation: 'INSERT', actor: '用户' }],
        },
        undo,
      },
      {
        title: 'an application name of 10,000 bytes',
        as: app,
        sql: [`set application_name to '${'n",'.repeat(3_333)}n'`, written],
        expects: {
          harmless: 'Postgres cuts it at 63 bytes, and history holds those',
          adds: [{ application_name: 'n",'.repeat(21) }],
        },
        undo,
      },
      {
        title: 'settings that capture does not know, in its own prefix',
        as: app,
        sql: [
          ...['told', 'key', 'code', 'depth', 'statement', 'table', 'off', 'skip'].map(
            (name) => `select set_config('pgwitness.${name}', 'on', false)`,
          ),
          written,
        ],
        expects: { harmless: 'there is no switch', adds: [{ operation: 'INSERT' }] },
        undo,
      },
      {
        title: 'discarding all that the session holds between two writes',
        as: app,
        sql: [written, 'discard all', 'discard plans', 'discard temp', 'discard sequences'],
        expects: {
          harmless: 'capture keeps nothing that it needs',
          adds: [{ operation: 'INSERT' }],
        },
        undo,
      },
    ],
  },
  {
    title: 'writes cut short',
    prepare: `insert into users (email) select i || '@example.invalid' from generate_series(1, 200) i`,
    attacks: [
      {
        title: 'a statement timeout that ends a large write somewhere',
        as: app,
        sql: [
          `set statement_timeout to '15ms'`,
          `update users set display_name = repeat('x', 200)`,
        ],
        expects: { refused: '57014' },
      },
      {
        title: 'a transaction that is read-only by default',
        as: app,
        sql: ['set default_transaction_read_only to on', written],
        expects: { refused: '25006' },
        ownWrite: '25006',
      },
      {
        title: 'a transaction that becomes read-only after its write',
        as: app,
        sql: ['begin', written, 'set transaction read only', 'commit'],
        expects: { harmless: 'the write stands with its history', adds: [{ operation: 'INSERT' }] },
        undo,
      },
      {
        title: 'a write that fails in its RETURNING, after the row',
        as: app,
        sql: `insert into users (email) values ('gone@example.invalid') returning 1 / (id - id)`,
        expects: { refused: '22012' },
      },
      {
        title: 'a write that fails for its last row',
        as: app,
        sql: `insert into users (email) values ('new@example.invalid'), ('1@example.invalid')`,
        expects: { refused: '23505' },
      },
      {
        title: 'a write caught by an exception block',
        as: app,
        sql: `do $$ begin
          begin insert into public.users (email) values ('caught@example.invalid'); raise exception 'x';
          exception when others then null; end; end $$`,
        expects: { harmless: 'the block’s rows are gone, and their history with them' },
      },
    ],
  },
];
