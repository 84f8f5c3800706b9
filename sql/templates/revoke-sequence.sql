-- With setval on the sequence of its id, history would refuse rows, and the writes they belong to fail.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and c.oid = pg_get_serial_sequence(format('%I.%I', :'schema', :'history'), 'id')::regclass
  loop
    execute format('revoke all on sequence %s from %s cascade', held.relation, held.grantee);
  end loop;
end
$capture$;
