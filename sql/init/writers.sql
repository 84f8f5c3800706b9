-- $1: a schema. Roles that can log in and write its tables, whichever way the privilege reaches them:
-- granted to them, to a role they are a member of (with SET ROLE too), to PUBLIC, or for all data.
-- Superusers and each table's owner are left out: nothing has to be granted to them.
with tables as (
  select c.oid, c.relname, c.relowner, c.relacl
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
), granted as (
  select t.oid, acl.grantee, lower(acl.privilege_type) as privilege
  from tables t
  cross join lateral aclexplode(t.relacl) acl
  union
  select t.oid, acl.grantee, lower(acl.privilege_type)
  from tables t
  join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  cross join lateral aclexplode(a.attacl) acl
  union
  select t.oid, everything.oid, privilege
  from tables t
  join pg_roles everything on everything.rolname = 'pg_write_all_data'
  cross join unnest(array['insert', 'update', 'delete']) privilege
)
select r.rolname as role, g.privilege, array_agg(distinct t.relname::text) as tables
from granted g
join tables t on t.oid = g.oid
join pg_roles r on r.rolcanlogin and not r.rolsuper and r.oid <> t.relowner
where g.privilege in ('insert', 'update', 'delete', 'truncate')
  and (g.grantee = 0 or r.oid = g.grantee or pg_has_role(r.oid, g.grantee, 'member'))
group by r.rolname, g.privilege
order by r.rolname, array_position(array['insert', 'update', 'delete', 'truncate'], g.privilege)
