-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', :'schema', :'history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', :'schema', :'history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;
