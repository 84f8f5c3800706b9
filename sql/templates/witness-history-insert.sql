-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger :"trigger"
  after insert on :"schema".:"table"
  for each statement when (pg_trigger_depth() = 0 or current_user <> :'owner')
  execute function :"schema".:"function"();
