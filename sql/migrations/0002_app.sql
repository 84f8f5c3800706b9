-- Whose it is in pgwitness.yaml; null where a migration made it, which does not know.
alter table pgwitness.captured_table add column if not exists app text;
