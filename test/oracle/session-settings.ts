import type { Picks } from './picks.ts';

/** Settings that a session may have and that must change nothing in history. */
const settings: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['extra_float_digits', ['-10', '-15', '3', '0']],
  ['timezone', ['Asia/Kolkata', 'America/New_York', '-17:17']],
  ['datestyle', ['SQL, DMY', 'German', 'Postgres, MDY']],
  ['intervalstyle', ['sql_standard', 'iso_8601', 'postgres_verbose']],
  ['bytea_output', ['escape']],
  ['search_path', ['pg_temp', '', 'public, pg_catalog']],
  ['client_encoding', ['LATIN1', 'UTF8']],
  ['row_security', ['off']],
  ['standard_conforming_strings', ['off', 'on']],
  ['escape_string_warning', ['off']],
  ['backslash_quote', ['off', 'on']],
  ['application_name', [`o'dd "app", x`, '', 'ünï', 'AUDIT: WITNESS,1,1']],
  ['quote_all_identifiers', ['on']],
  ['array_nulls', ['off']],
  ['lc_monetary', ['C.UTF-8']],
  ['plan_cache_mode', ['force_generic_plan', 'force_custom_plan']],
  ['client_min_messages', ['debug1', 'error']],
  ['xmloption', ['document']],
  ['transform_null_equals', ['on']],
  ['work_mem', ['64kB']],
  ['enable_seqscan', ['off']],
  ['default_toast_compression', ['pglz']],
  ['jit', ['off', 'on']],
  ['pgwitness.actor', [`user '42'`, '', '日本']],
  ['pgwitness.request_id', ['req-1', '']],
  ['role', ['none', 'raptor_app']],
];

/** `set x to y`, for the session or for the transaction. */
export function renderSetting(picks: Picks, local: boolean): string {
  const [name, values] = picks.of(settings);
  const value = picks.of(values);
  // A list is no literal: search_path and DateStyle would take it as one name.
  const literal =
    name === 'search_path' || name === 'datestyle'
      ? value === ''
        ? `''`
        : value
      : `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  return `set ${local && picks.chance(30) ? 'local ' : ''}${name} to ${literal}`;
}
