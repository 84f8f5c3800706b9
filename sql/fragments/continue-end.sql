  exception
    -- What only the destruction of capture can cause. Not a timeout, a full disk or a stack too deep, which
    -- an application can bring about: by those it would choose what is captured.
    when undefined_table or undefined_column or undefined_function or undefined_object
      or invalid_schema_name or insufficient_privilege or wrong_object_type or datatype_mismatch
      or not_null_violation or check_violation or data_corrupted
    then
      raise log 'pgwitness: % on %.% was not captured: % (%)',
        tg_op, tg_table_schema, tg_table_name, sqlerrm, sqlstate;
  end;
