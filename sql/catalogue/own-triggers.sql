-- $1, $2: schemas and names of capture functions, pairwise. Triggers that call one of them, and guards.
select
  t.tgrelid::text as table_oid,
  n.nspname as schema, c.relname as "table", t.tgname as trigger,
  fn.nspname as function_schema, f.proname as function_name,
  encode(t.tgargs, 'escape') as arguments,
  t.tgenabled as enabled
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_proc f on f.oid = t.tgfoid
join pg_namespace fn on fn.oid = f.pronamespace
where not t.tgisinternal and t.tgparentid = 0
  and (
    (fn.nspname, f.proname) in (
      select own.schema, own.name from unnest($1::text[], $2::text[]) own (schema, name)
    )
    or (fn.nspname = 'pgwitness' and f.proname in ('refuse_change', 'keep_first_xmin', 'witness_append_only'))
  )
order by 2, 3, 4
