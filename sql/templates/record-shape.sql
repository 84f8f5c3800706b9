insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values (:'schema', :'table', :'number', :'attributes', :'key_columns')
on conflict do nothing;
