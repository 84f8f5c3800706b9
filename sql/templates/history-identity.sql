-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table :"schema".:"history" replica identity full;
