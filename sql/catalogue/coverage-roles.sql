-- $1: the owner. $2: oids of captured tables. Every role of the server's own making, and what it could do.
-- A superuser is a member of every role, so that only the first column counts for one.
select
  r.rolname as name,
  r.rolsuper as superuser,
  r.rolcanlogin as login,
  r.rolcreaterole as creates_roles,
  pg_has_role(r.oid, o.oid, 'member') as member_of_owner,
  pg_has_role(r.oid, 'pg_write_all_data', 'member') as writes_all,
  pg_has_role(r.oid, 'pg_read_all_data', 'member') as reads_all,
  pg_has_role(r.oid, 'pg_write_server_files', 'member')
    or pg_has_role(r.oid, 'pg_execute_server_program', 'member') as reaches_server,
  r.rolcanlogin and exists (
    select from unnest($2::oid[]) t (oid)
    where has_table_privilege(r.oid, t.oid, 'insert, update, delete, truncate')
      or has_any_column_privilege(r.oid, t.oid, 'insert, update')
  ) as writes
from pg_roles r
left join pg_roles o on o.rolname = $1
where r.rolname !~ '^pg_'
order by r.rolname
