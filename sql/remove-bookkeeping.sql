drop function if exists pgwitness.witness_append_only();

drop function if exists
  pgwitness.token(text), pgwitness.kept_as(text), pgwitness.history_of(text, text, oid, text), pgwitness.columns_of(oid), pgwitness.places_of(text, text, text, text, text, text[], int[]),
  pgwitness.drifted_values(oid, text, text[], text[], text[]), pgwitness.drifted_shape(oid, text[]),
  pgwitness.drifted_insert(text, oid, text, text, text, text[], text[], text[], bigint),
  pgwitness.value_as_jsonb(text, text), pgwitness.drifted_image(json, text),
  pgwitness.drifted_key(json), pgwitness.row_key(jsonb, jsonb), pgwitness.key_values(jsonb, jsonb),
  pgwitness.changed_columns(jsonb, jsonb), pgwitness.keep_first_xmin(),
  pgwitness.pseudonym(text), pgwitness.drifted_key_text(json, text, text[], int[]),
  pgwitness.drifted_pseudonyms(json, text[]);

drop table pgwitness.image_shape, pgwitness.baseline, pgwitness.witness_key;

drop table pgwitness.role_setting;

drop table pgwitness.captured_table;

drop function if exists pgwitness.refuse_change();

drop table pgwitness.migration;

drop schema pgwitness;
