create index if not exists :"index" on :"schema".:"history" using brin (changed_at);
