insert into pgwitness.role_setting (role_name, setting, database, value, replaced)
values (:'role', 'log_statement', :'database', :'value', :'replaced')
on conflict (role_name, setting) do update set
  database = excluded.database,
  value = excluded.value,
  -- What stood before us stays what stood before us, however often it is set again.
  set_at = now();
