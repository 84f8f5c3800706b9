-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type :"schema".:"type" as (:{attributes});
  revoke all on type :"schema".:"type" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', :'schema', :'type')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', :'schema', :'type', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', :'schema', :'type'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', :'schema', :'type'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;
