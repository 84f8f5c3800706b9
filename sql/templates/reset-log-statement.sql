do $capture$
begin
  delete from pgwitness.role_setting where role_name = :'role' and setting = 'log_statement';
  if found then
    execute :'statement';
  end if;
exception when insufficient_privilege then
  raise warning '% was refused to %: have a superuser run it', :'statement', session_user;
end
$capture$;
