-- $1: oids of tables. Triggers that fire after a change and may change the same table amid the statement.
-- One that is deferred comes after capture.
select
  t.tgrelid::text as table_oid, t.tgname as name, t.tgtype & 1 = 1 as each_row,
  fn.nspname as function_schema, f.proname as function_name,
  f.prosrc ~* '\m(insert|update|delete|merge)\M' as writes,
  exists (
    select from unnest(array[c.relname, root.relname]) named (text)
    where case
      when named.text ~ '^\w+$' then f.prosrc ~* ('\m' || named.text || '\M')
      else position(lower(named.text) in lower(f.prosrc)) > 0
    end
  ) as names_table,
  -- What its text does not show.
  f.prosrc ~* '\m(execute|perform|call)\M' or l.lanname not in ('sql', 'plpgsql') as hidden
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
left join pg_class root on c.relispartition and root.oid = pg_partition_root(c.oid)
join pg_proc f on f.oid = t.tgfoid
join pg_language l on l.oid = f.prolang
join pg_namespace fn on fn.oid = f.pronamespace
where t.tgrelid = any ($1::oid[]) and not t.tgisinternal and t.tgenabled <> 'D'
  and t.tgtype & 66 = 0 and not t.tginitdeferred
order by t.tgrelid, t.tgname
