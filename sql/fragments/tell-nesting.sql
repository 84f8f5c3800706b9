  -- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting(:'nesting', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of(:'history_name', :'history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      :'nesting', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
