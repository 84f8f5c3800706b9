do $capture$
begin
  execute :'statement';
  insert into pgwitness.role_setting (role_name, setting, database, value, replaced)
  values (:'role', 'log_statement', :'database', :'value', :'replaced')
  on conflict (role_name, setting) do update set
    database = excluded.database, value = excluded.value, set_at = now();
exception when insufficient_privilege then
  -- Capture works without it: the rest of the migration stands.
  raise warning '% was refused to %: have a superuser run it', :'statement', session_user;
end
$capture$;
