alter table :"schema".:"history"
  add column if not exists :"image" :"schema".:"type",
  add column if not exists :"before" :"schema".:"type";
