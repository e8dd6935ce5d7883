-- What keeps one caller from costing all others: refusals that are counted, and one look for what is due.

-- times: how often. A refusal is one row for each key, method and minute, and the one kind of row that changes, while its
-- minute lasts; everything else happened once.
alter table audit add column times bigint not null default 1 check (times > 0);

-- The tenants that have open attempts whose time is over, but perhaps for what is added to it: one call for all of them,
-- each looked at under its own name by one look into attempt_due. Only a transaction that sweeps sees the tenants, and it
-- changes nothing. (A policy that shows such attempts to a sweep would do without the loop, but it stands as an OR beside
-- the tenant in every statement about attempts: estimates fall to one row, and lists sort what an index has in order.)
create function due_tenants() returns setof uuid language plpgsql as $$
declare
    one uuid;
begin
    for one in select tenant_id from tenant loop
        perform set_config('assessd.tenant', one::text, true);
        if exists (select from attempt where tenant_id = one and state = 0 and due_time <= now()) then
            return next one;
        end if;
    end loop;
    perform set_config('assessd.tenant', '00000000-0000-0000-0000-000000000000', true);
end
$$;
