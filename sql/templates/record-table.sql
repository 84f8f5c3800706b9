insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint
) values (
  :'schema', :'table', :'kind', :'history', :'function', :'fingerprint'
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  installed_at = now();
