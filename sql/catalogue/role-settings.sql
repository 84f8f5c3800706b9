-- $1: names of roles. What each has set for log_statement: everywhere, and in this database alone.
select
  r.rolname as role,
  s.setdatabase <> 0 as in_database,
  split_part(entry, '=', 2) as value
from pg_db_role_setting s
join pg_roles r on r.oid = s.setrole
cross join unnest(s.setconfig) entry
where r.rolname = any ($1::text[])
  and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and split_part(entry, '=', 1) = 'log_statement'
