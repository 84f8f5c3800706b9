-- $1: names of roles. $2: role that is to own all.
select
  wanted.name,
  r.oid is not null as exists,
  coalesce(r.rolsuper, false) as superuser,
  coalesce(pg_has_role(r.oid, owner.oid, 'member'), false) as member_of_owner
from unnest($1::text[]) with ordinality wanted (name, position)
left join pg_roles r on r.rolname = wanted.name
left join pg_roles owner on owner.rolname = $2
order by wanted.position
