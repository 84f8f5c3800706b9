-- $1: names of settings. What was set for roles and for this database; a role of null is everybody.
select
  r.rolname as role,
  s.setdatabase <> 0 as in_database,
  lower(split_part(entry, '=', 1)) as name,
  substr(entry, position('=' in entry) + 1) as value
from pg_db_role_setting s
left join pg_roles r on r.oid = s.setrole
cross join unnest(s.setconfig) entry
where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (s.setrole = 0 or r.oid is not null)
  and lower(split_part(entry, '=', 1)) = any ($1::text[])
