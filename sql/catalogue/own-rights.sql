-- $1, $2: schemas and names of histories, pairwise. Who besides the owner may do what with the schema pgwitness,
-- with what is in it, and with the types of images.
with object (kind, name, owner, acl) as (
  select 'schema', n.nspname::text, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner))
  from pg_namespace n where n.nspname = 'pgwitness'
  union all
  select 'table', format('pgwitness.%I', c.relname), c.relowner, coalesce(c.relacl, acldefault('r', c.relowner))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'pgwitness' and c.relkind in ('r', 'v', 'm', 'p', 'f')
  union all
  select 'table', format('pgwitness.%I', c.relname), c.relowner, a.attacl
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'pgwitness' and a.attacl is not null
  union all
  select 'function', format('pgwitness.%s(%s)', p.proname, array_to_string(array(
      select format_type(t.type, null)
      from unnest(p.proargtypes::oid[]) with ordinality t (type, place) order by t.place
    ), ', ')), p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'pgwitness' and p.prokind = 'f'
  union all
  select distinct 'type', format('%I.%I', tn.nspname, t.typname), t.typowner,
    coalesce(t.typacl, acldefault('T', t.typowner))
  from unnest($1::text[], $2::text[]) history (schema, name)
  join pg_namespace n on n.nspname = history.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = history.name
  join pg_attribute a on a.attrelid = c.oid and a.attname ~ '^(image|before)_[0-9]+$'
  join pg_type t on t.oid = a.atttypid and t.typtype = 'c'
  join pg_namespace tn on tn.oid = t.typnamespace
)
select
  object.kind, object.name,
  case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end as grantee,
  acl.grantee = 0 as public,
  lower(acl.privilege_type) as privilege,
  bool_or(acl.is_grantable) as grantable
from object, aclexplode(object.acl) acl
where acl.grantee <> object.owner
group by object.kind, object.name, acl.grantee, acl.privilege_type
order by 1, 2, 3, 5
