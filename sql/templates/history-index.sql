-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists :"index" on :"schema".:"history" using brin (id, changed_at);
