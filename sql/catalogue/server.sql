-- $1: role that is to own all.
select
  current_setting('server_version_num')::int as version,
  current_database() as database,
  getdatabaseencoding() as encoding,
  current_user as "user",
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  owner.oid is not null as owner_exists,
  coalesce(pg_has_role(owner.oid, 'member'), false) as may_become_owner,
  coalesce(has_database_privilege(owner.oid, current_database(), 'create'), false)
    as owner_may_create_schema,
  (
    select jsonb_build_object(
      'owner', pg_get_userbyid(n.nspowner),
      'readable', has_schema_privilege(n.oid, 'usage'),
      -- to_regclass would fail where the schema may not be used.
      'ledger', exists (
        select from pg_class c where c.relnamespace = n.oid and c.relname = 'migration'
      )
    )
    from pg_namespace n where n.nspname = 'pgwitness'
  ) as bookkeeping
from (select) one left join pg_roles owner on owner.rolname = $1
