    if nested is not null then
      -- A row that is no longer as this statement left it was changed by the one captured before, and so
      -- comes before that.
      if tg_op = 'UPDATE' then
:{nested_update}
      elsif tg_op = 'INSERT' then
:{nested_insert}
      else
:{nested_delete}
      end if;
    elsif tg_op = 'UPDATE' and paired then
:{insert_paired}
    else
:{insert_rows}
    end if;
