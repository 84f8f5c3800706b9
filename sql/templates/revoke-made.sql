-- Default privileges may have given anyone anything on what was just made: what everyone is meant to have stays.
do $capture$
declare
  held record;
begin
  for held in
    select
      made.kind, made.name, acl.privilege_type as privilege,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from (values
      :{made}
    ) made (kind, name, meant)
    cross join lateral (
      select n.nspowner, n.nspacl from pg_namespace n
      where made.kind = 'schema' and n.nspname = made.name
      union all
      select c.relowner, c.relacl from pg_class c
      where made.kind = 'table' and c.oid = to_regclass(made.name)
      union all
      select p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
      where made.kind = 'function' and p.oid = to_regprocedure(made.name)
    ) object (owner, acl)
    cross join lateral aclexplode(object.acl) acl
    where acl.grantee <> object.owner
      and (acl.grantee <> 0 or lower(acl.privilege_type) is distinct from made.meant)
  loop
    execute format(
      'revoke %s on %s %s from %s cascade', held.privilege, held.kind, held.name, held.grantee
    );
  end loop;
end
$capture$;
