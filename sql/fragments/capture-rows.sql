    if tg_op = 'UPDATE' and paired then
:{insert_paired}
    else
:{insert_rows}
    end if;
