create or replace trigger pgwitness_first_xmin
  before update on :"schema".:"table"
  for each row execute function pgwitness.keep_first_xmin();
