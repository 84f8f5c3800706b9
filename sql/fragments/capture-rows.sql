    if nested is not null then
      if tg_op = 'UPDATE' then
:{nested_update}
      else
:{nested_rows}
      end if;
    elsif tg_op = 'UPDATE' and paired then
:{insert_paired}
    else
:{insert_rows}
    end if;
