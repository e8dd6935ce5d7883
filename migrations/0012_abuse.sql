-- What keeps one caller from costing all others: refusals that are counted, and one look for what is due.

-- times: how often. A refusal is one row for each key, method and minute, and the one kind of row that changes, while its
-- minute lasts; everything else happened once.
alter table audit add column times bigint not null default 1 check (times > 0);

-- The service ends overdue attempts of every tenant and must know who has any. Only a transaction that says so sees the
-- open attempts whose time is over, and it changes nothing.
create policy for_sweep on attempt for select
    using (state = 0 and due_time <= now() and current_setting('assessd.sweep', true) = 'on');
create index attempt_due_first on attempt (due_time) where state = 0 and due_time is not null;
