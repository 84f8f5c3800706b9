    -- Only where a key changed is the row before not the newest one under the key of the row after.
    if tg_op = 'UPDATE' and not paired then
      select array(select :{old_key} from replaced_rows o limit 10000)
          <> array(select :{new_key} from captured_rows r limit 10000),
          exists (select from captured_rows offset 10000)
        into paired, many;
      if many and not paired then
        select exists (
          select from (select row_number() over () as number, :{new_key} as key from captured_rows r) r
          full join (select row_number() over () as number, :{old_key} as key from replaced_rows o) o
            using (number)
          where r.key is distinct from o.key
        ) into paired;
      end if;
    end if;
