-- What the database and this login are, and how the server logs.
select
  current_database() as database,
  current_user as "user",
  current_setting('server_version_num')::int as version,
  current_setting('server_version') as version_name,
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  -- Only where no role or database setting stands before it is it everybody's.
  (
    select setting from pg_settings
    where name = 'log_statement'
      and source in ('default', 'configuration file', 'command line', 'environment variable')
  ) as log_statement,
  current_setting('log_line_prefix') as log_line_prefix
