  begin
