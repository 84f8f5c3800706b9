drop table pgwitness.role_setting;

drop table pgwitness.captured_table;

drop function pgwitness.refuse_change();

drop table pgwitness.migration;

drop schema pgwitness;
