  if tg_op <> 'TRUNCATE' and tg_level = 'STATEMENT' then
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          :'schema', :'table', :'shape', :'key_index', :'key_definition', :'partitions'::text[],
          :'numbers'::int[]
        ))
      into any_rows, as_installed;
  end if;
