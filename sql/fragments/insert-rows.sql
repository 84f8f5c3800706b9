      :{stored}insert into :"schema".:"history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, :"image":{position_column}
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, :{new_image}:{position}
      from captured_rows r
      :{tell};
