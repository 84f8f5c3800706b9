insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  :'schema', :'table', :'kind', :'history', :'function', :'fingerprint', :'app'
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();
