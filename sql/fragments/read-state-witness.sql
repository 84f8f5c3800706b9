  if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          :'schema', :'table', :'shape', :'key_index', :'key_definition', :'partitions'::text[],
          :'numbers'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
