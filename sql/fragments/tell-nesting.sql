  -- A statement that a trigger runs amid another one on this table is captured first. It keeps a place in the
  -- order for the other, and for each one around that.
  nesting := current_setting(:'nesting', true);
  if nesting > '' and starts_with(nesting, statement_timestamp()::text) then
    nested := substring(nesting from '/([0-9]{1,18})$')::bigint + pg_trigger_depth() - 1;
    if pg_trigger_depth() = 1 then
      perform set_config(:'nesting', '', true);
    end if;
  elsif pg_trigger_depth() > 1 then
    nesting := statement_timestamp()::text || '/' || nextval(pg_get_serial_sequence(:'history_name', 'id'));
    for level in 3 .. pg_trigger_depth() loop
      perform nextval(pg_get_serial_sequence(:'history_name', 'id'));
    end loop;
    perform set_config(:'nesting', nesting, true);
  end if;
