-- $1: the role that owns the tables. $2: its schema.
select
  r.rolsuper as superuser,
  r.rolcanlogin as login,
  pg_has_role(current_user, r.oid, 'member') as may_become,
  has_schema_privilege(r.oid, $2, 'create') as may_create,
  array(
    select m.rolname::text from pg_roles m
    where m.rolcanlogin and not m.rolsuper and m.oid <> r.oid and pg_has_role(m.oid, r.oid, 'member')
    order by m.rolname
  ) as members,
  (
    select count(*)::int from pg_stat_activity s
    where s.usesysid = r.oid and s.datname = current_database() and s.pid <> pg_backend_pid()
  ) as other_sessions
from pg_roles r
where r.rolname = $1
