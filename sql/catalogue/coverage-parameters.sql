-- From Postgres 15 on. $1: settings that only a superuser may change: who else was granted to.
select r.rolname as role, p.name as setting
from pg_roles r
cross join unnest($1::text[]) p (name)
where not r.rolsuper and r.rolname !~ '^pg_' and has_parameter_privilege(r.oid, p.name, 'set')
order by r.rolname, p.name
