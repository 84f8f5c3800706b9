insert into pgwitness.migration (number, name, sha256)
values (:'number', :'name', :'sha256')
on conflict do nothing;
