-- The second guard between tenants: forced on every table, for the owner too.
do $$
declare
    t text;
begin
    foreach t in array array[
        'tenant', 'api_key', 'request', 'audit', 'event', 'bank', 'question', 'question_version', 'blueprint', 'form',
        'form_item', 'exam', 'attempt'
    ] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy of_tenant on %I using (tenant_id = (select nullif(current_setting(''assessd.tenant'', true), '''')::uuid))',
            t
        );
    end loop;
end
$$;
