-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', :'schema', :'function'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', :'schema', :'function', held.grantee
    );
  end loop;
end
$capture$;
