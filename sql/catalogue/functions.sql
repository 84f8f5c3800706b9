-- $1, $2: schemas and names of functions without arguments, pairwise; those that exist.
select
  n.nspname as schema, p.proname as name,
  p.oid::text as oid,
  pg_get_userbyid(p.proowner) as owner,
  l.lanname as language,
  p.prosrc as source,
  p.prosecdef as security_definer,
  coalesce(to_jsonb(p.proconfig), '[]') as settings,
  p.prorettype = 'trigger'::regtype and p.prokind = 'f' as is_trigger,
  exists (
    select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
    where acl.grantee <> p.proowner
  ) as granted
from unnest($1::text[], $2::text[]) wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_proc p on p.pronamespace = n.oid and p.proname = wanted.name and p.pronargs = 0
join pg_language l on l.oid = p.prolang
