-- $1: schemas. Who owns them, and so may drop what stands in them, whoever that belongs to.
select
  n.nspname as schema,
  r.rolname as owner,
  r.rolsuper as superuser
from pg_namespace n
join pg_database d on d.datname = current_database()
join pg_roles r on r.oid = case
  when pg_get_userbyid(n.nspowner) = 'pg_database_owner' then d.datdba else n.nspowner
end
where n.nspname = any ($1::text[])
order by n.nspname
