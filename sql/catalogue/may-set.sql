-- $1: names of roles. Whether this connection may ALTER ROLE ... SET log_statement for each.
-- From Postgres 15 on (before, only a superuser may). CREATEROLE needs the admin option since 16.
select
  r.rolname as role,
  me.rolsuper or (
    has_parameter_privilege('log_statement', 'set')
    and not r.rolsuper
    and (
      r.rolname = current_user
      or (
        me.rolcreaterole
        and (
          current_setting('server_version_num')::int < 160000
          or pg_has_role(r.oid, 'member with admin option')
        )
      )
    )
  ) as may
from pg_roles r
join pg_roles me on me.rolname = current_user
where r.rolname = any ($1::text[])
