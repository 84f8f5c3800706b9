-- $1: names of settings. The server's own, and null where what was set for this login hides it.
select
  name,
  case
    when source in ('default', 'configuration file', 'command line', 'environment variable', 'override')
    then setting
  end as value
from pg_settings
where name = any ($1::text[])
