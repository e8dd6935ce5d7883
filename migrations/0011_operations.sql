-- Work that outlives the call that asked for it, and the regrades as the first of its kinds.

-- One piece of long work: who asked for it by which method, how far it is, how it ended. The resource that it works for
-- (target) keeps its own particulars. A step moves both in one transaction, so it can stop anywhere and be taken over by
-- any process. Rows that are not running never change again, except that hide_time takes them out of sight; they are
-- never deleted.
--
-- alone: no two running operations of a kind share it; null where any number may run. progress and response are encoded
-- google.protobuf.Any; progress is empty before the first step. error_code is a google.rpc.Code, error_reason the stable
-- word for programs, error the text for a person. holder is the run that
-- carries the operation, until lease_until, which every step moves on; whoever comes after that may take it over.
create table operation (
    tenant_id    uuid not null references tenant,
    operation_id uuid not null,
    kind         text collate "C" not null,
    target       text collate "C" not null,
    alone        text collate "C",
    actor        text not null,
    method       text not null,
    state        text collate "C" not null default 'running' check (state in ('running', 'done', 'cancelled', 'failed')),
    progress     bytea not null default '',
    response     bytea,
    error_code   integer not null default 0,
    error_reason text not null default '',
    error        text not null default '',
    holder       uuid not null,
    lease_until  timestamptz not null,
    create_time  timestamptz not null default now(),
    update_time  timestamptz not null default now(),
    end_time     timestamptz,
    hide_time    timestamptz,
    primary key (tenant_id, operation_id),
    check ((state = 'running') = (end_time is null)),
    check (hide_time is null or end_time is not null)
);
create unique index operation_alone on operation (tenant_id, kind, alone) where state = 'running';
create index operation_by_time on operation (tenant_id, create_time, operation_id) where hide_time is null;
-- What a process that looks for abandoned operations reads, of all tenants at once; it holds the few that run.
create index operation_lease on operation (lease_until) where state = 'running';

alter table operation enable row level security;
alter table operation force row level security;
create policy of_tenant on operation
    using (tenant_id = (select nullif(current_setting('assessd.tenant', true), '')::uuid));
-- The service goes on with what lost its process, whosever it is, so it must know which operations run. Only a
-- transaction that says so sees them, and it changes nothing.
create policy for_sweep on operation for select
    using (state = 'running' and current_setting('assessd.sweep', true) = 'on');

-- A regrade is carried by an operation, after a resumption by another one; its state is that of the newest. The
-- operations of regrades that ended before there were operations were nobody's to see, so they stay out of sight.
alter table regrade add column operation_id uuid;
alter table regrade no force row level security;
alter table operation no force row level security;
insert into operation (tenant_id, operation_id, kind, target, alone, actor, method, state, error_code, error, holder,
    lease_until, create_time, update_time, end_time, hide_time)
select tenant_id, regrade_id, 'regrade', 'exams/' || exam_id || '/regrades/' || regrade_id, 'exams/' || exam_id, actor,
    'GradingService/RegradeExam', state, case state when 'cancelled' then 1 when 'failed' then 13 else 0 end, error,
    regrade_id, lease_until, create_time, update_time,
    case when state <> 'running' then update_time end, case when state <> 'running' then update_time end
from regrade;
update regrade set operation_id = regrade_id;
alter table regrade force row level security;
alter table operation force row level security;
drop index regrade_running;
alter table regrade
    alter column operation_id set not null,
    add foreign key (tenant_id, operation_id) references operation,
    drop column state,
    drop column lease_until,
    drop column error;
create unique index regrade_of_operation on regrade (tenant_id, operation_id);

-- Marks are replaced under the lock of their attempt, and attempts are never deleted: looking each one up once more for
-- every revision cost a sixth of a regrade's time and guarded nothing.
alter table mark_revision drop constraint mark_revision_tenant_id_attempt_id_fkey;
