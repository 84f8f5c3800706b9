-- $1, $2: schema and name of a history table. $3: roles that may pseudonymize.
select
  session_user as login,
  current_user as role,
  c.oid is not null as exists,
  pg_get_userbyid(c.relowner) as owner,
  array(
    select t.tgname::text from pg_trigger t
    where t.tgrelid = c.oid and t.tgenabled in ('O', 'A') and not t.tgisinternal
  ) as triggers,
  array(
    select a.attname::text from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and has_column_privilege(c.oid, a.attnum, 'update')
  ) as may_update,
  coalesce(
    has_function_privilege(to_regprocedure('pgwitness.pseudonym(text)')::oid, 'execute'), false
  ) as may_make_tokens,
  array(
    select r.rolname::text from pg_roles r
    where r.rolname = any ($3::text[]) and pg_has_role(r.oid, 'member')
    order by r.rolname
  ) as may_become
from (select) one
left join pg_namespace n on n.nspname = $1
left join pg_class c on c.relnamespace = n.oid and c.relname = $2 and c.relkind = 'r'
