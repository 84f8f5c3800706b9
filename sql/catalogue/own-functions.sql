-- Functions of the schema pgwitness, described as `create function` does.
select
  p.proname::text as name,
  format('pgwitness.%s(%s)', p.proname, array_to_string(array(
    select format_type(t.type, null)
    from unnest(p.proargtypes::oid[]) with ordinality t (type, place) order by t.place
  ), ', ')) as signature,
  pg_get_function_arguments(p.oid) as arguments,
  pg_get_function_result(p.oid) as result,
  pg_get_userbyid(p.proowner) as owner,
  l.lanname as language,
  p.prosrc as source,
  p.provolatile as volatility,
  p.proisstrict as strict,
  p.prosecdef as security_definer,
  coalesce(to_jsonb(p.proconfig), '[]') as settings,
  -- None of ours is LEAKPROOF, PARALLEL anything but UNSAFE, or has a support function.
  p.proleakproof or p.proparallel <> 'u' or p.prosupport::oid <> 0 as promises
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
where n.nspname = 'pgwitness' and p.prokind = 'f'
order by 2
