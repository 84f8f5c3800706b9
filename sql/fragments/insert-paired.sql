      -- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      :{stored}insert into :"schema".:"history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, :"image", :"before":{position_column}
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, :{new_image}, :{old_image}:{position}
      from (select row_number() over () as :"number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as :"number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o.:"number" = r.:"number"
      where coalesce(r.:"number", 0) > 0
      order by r.:"number"
      :{tell};
