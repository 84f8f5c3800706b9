-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', :'schema', :'table'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', :'schema', :'history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = :'schema' and b.table_name = :'table' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    :'schema', :'table',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    :'shape'::int, :'because',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when :'fenced'::boolean or not :'keyed'::boolean then clock_timestamp() end,
    case when not :'keyed'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      :'places'::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(:'places'::text[]) place)
    );
end
$capture$;
