-- Functions that run as a replica would, so that plain triggers do not fire below them.
select n.nspname as schema, p.proname as name
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where exists (
  select from unnest(p.proconfig) entry
  where lower(entry) = 'session_replication_role=replica'
)
order by n.nspname, p.proname
