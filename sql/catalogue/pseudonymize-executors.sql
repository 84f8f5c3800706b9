-- Who besides its owner may have a value's token made.
select
  case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end as grantee,
  acl.grantee = 0 as public,
  bool_or(acl.is_grantable) as grantable
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace,
  aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
where n.nspname = 'pgwitness' and p.proname = 'pseudonym'
  and acl.grantee <> p.proowner and acl.privilege_type = 'EXECUTE'
group by acl.grantee
order by 1
