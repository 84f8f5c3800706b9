-- $1: oids of tables. Triggers that fire after a change and may change the same table amid the statement.
-- One that is deferred comes after capture.
select
  t.tgrelid::text as table_oid, t.tgname as name, t.tgtype & 1 = 1 as each_row,
  fn.nspname as function_schema, f.proname as function_name,
  f.prosrc ~* '\m(insert|update|delete|merge|execute|perform|call)\M'
    as writes
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_proc f on f.oid = t.tgfoid
join pg_namespace fn on fn.oid = f.pronamespace
where t.tgrelid = any ($1::oid[]) and not t.tgisinternal and t.tgenabled <> 'D'
  and t.tgtype & 66 = 0 and not t.tginitdeferred
order by t.tgrelid, t.tgname
