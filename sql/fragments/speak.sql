  line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
