-- $1: oids of tables.
select
  t.tgrelid::text as table_oid,
  n.nspname as table_schema, c.relname as table_name,
  t.tgname as name,
  t.tgenabled as enabled,
  t.tgtype::int as type,
  t.tgoldtable as old_table, t.tgnewtable as new_table,
  -- Arguments end with a zero byte each: 'table\000'.
  encode(t.tgargs, 'escape') as arguments,
  t.tgqual is not null as conditional,
  -- Of a row trigger it can't be told so: it may name two rows.
  case when t.tgtype::int & 1 = 0 then pg_get_expr(t.tgqual, t.tgrelid) end as condition,
  array(
    select a.attname::text from pg_attribute a
    where a.attrelid = t.tgrelid and a.attnum = any (t.tgattr::int2[])
    order by a.attnum
  ) as update_columns,
  t.tgconstraint <> 0 as is_constraint,
  fn.nspname as function_schema, f.proname as function_name
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_proc f on f.oid = t.tgfoid
join pg_namespace fn on fn.oid = f.pronamespace
where t.tgrelid = any ($1::oid[]) and not t.tgisinternal
