  line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || :'object'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
