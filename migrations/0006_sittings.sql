-- Exam policies, accommodations, and what a sitting keeps.

-- late_mode and grace_s: what happens to answers after an attempt's time. grade_bands: [{label, from}], ascending.
-- release_time: when the results were released by hand.
alter table exam
    add column late_mode text not null default 'refuse' check (late_mode in ('refuse', 'accept_and_mark')),
    add column grace_s integer not null default 0 check (grace_s between 0 and 600),
    add column counting text not null default 'first' check (counting in ('first', 'best', 'last', 'mean')),
    add column grade_bands jsonb not null default '[]',
    add column release_when text not null default 'by_hand'
        check (release_when in ('at_once', 'by_hand', 'after_closing')),
    add column release_content text not null default 'score_only'
        check (release_content in ('score_only', 'marks', 'keys')),
    add column form_allotment text not null default 'hash' check (form_allotment in ('hash', 'seat', 'given')),
    add column release_time timestamptz;

-- What one candidate gets beyond the rule of an exam. It is joined wherever time and number of attempts are judged, so
-- that it holds for open attempts at once and no attempt has to be rewritten for it.
create table accommodation (
    tenant_id      uuid not null,
    exam_id        text collate "C" not null,
    candidate      text collate "C" not null,
    extra_time_s   integer not null default 0 check (extra_time_s between 0 and 86400),
    extra_attempts integer not null default 0 check (extra_attempts between 0 and 100),
    reason         text not null default '',
    update_time    timestamptz not null,
    primary key (tenant_id, exam_id, candidate),
    foreign key (tenant_id, exam_id) references exam
);
alter table accommodation enable row level security;
alter table accommodation force row level security;
create policy of_tenant on accommodation
    using (tenant_id = (select nullif(current_setting('assessd.tenant', true), '')::uuid));

-- flags: 1 it came late and the exam accepts that, 2 the service ended it when its time ran out. log: what happened in
-- the sitting (src/attempt/log.rs has the encoding); null where the candidate sat elsewhere.
--
-- state: -1 void, 0 open, 1 scored, 2 awaiting grading; "state > 0" is what counts. A void attempt keeps what it had.
-- due_time is without extra time while the attempt is open, and the end that held when it ended after that.
alter table attempt
    add column flags smallint not null default 0,
    add column log bytea,
    drop constraint attempt_state_check,
    drop constraint attempt_check,
    drop constraint attempt_check1,
    drop constraint attempt_check2,
    add constraint attempt_state_check check (state between -1 and 2),
    add constraint attempt_open_check
        check (state <> 0 or (submit_time is null and score is null and awaiting is null and marks is null)),
    add constraint attempt_counts_check check (
        state <= 0
        or (submit_time is not null and score is not null and awaiting is not null and marks is not null)
    );

-- Open attempts whose time may be over.
create index attempt_due on attempt (tenant_id, due_time) where state = 0 and due_time is not null;

-- The service ends overdue attempts of every tenant, so it must know which tenants there are. Only a transaction that
-- says so sees them, and it sees nothing else of theirs.
create policy for_sweep on tenant for select using (current_setting('assessd.sweep', true) = 'on');
