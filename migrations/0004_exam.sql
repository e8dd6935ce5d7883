-- Exams and attempts.

-- The administration of forms. forms (full resource names), rounding and mark_floor never change: stored marks depend
-- on them.
create table exam (
    tenant_id    uuid not null references tenant,
    exam_id      text collate "C" not null,
    display_name text not null,
    forms        text[] not null check (cardinality(forms) between 1 and 26),
    open_time    timestamptz,
    close_time   timestamptz,
    time_limit_s integer,
    max_attempts integer not null default 1,
    pass_mark    numeric,
    rounding     jsonb not null,
    mark_floor   numeric not null default 0 check (mark_floor <= 0),
    revision     bigint not null default 1,
    create_time  timestamptz not null default now(),
    update_time  timestamptz not null default now(),
    primary key (tenant_id, exam_id)
);
create index exam_by_time on exam (tenant_id, create_time, exam_id);

-- One candidate's sitting, in one row: responses and marks are packed by position (src/attempt/packed.rs has the
-- encoding), because a row for each response costs seven to nine times the log. What must be searched stands in columns
-- of its own. The row is also the event and the audit record of its saves and its submission, so that the hot path
-- writes nothing else; actor is the API key that submitted.
--
-- state: 0 open, 1 scored, 2 awaiting grading. form is an index into exam.forms. score, awaiting and marks are null
-- while it is open. request_hash is that of the submission's request, to tell a repeat from a reuse. There is no
-- foreign key to exam: exams are never deleted, and a hot parent row would be locked by every insert.
create table attempt (
    tenant_id    uuid not null,
    attempt_id   uuid not null,
    exam_id      text collate "C" not null,
    candidate    text collate "C" not null,
    number       integer not null,
    form         smallint not null,
    state        smallint not null check (state between 0 and 2),
    revision     integer not null default 1,
    start_time   timestamptz not null,
    due_time     timestamptz,
    submit_time  timestamptz,
    sequence     bigint not null default 0,
    answered     integer not null default 0,
    score        numeric,
    awaiting     numeric,
    actor        uuid not null,
    request_hash bytea,
    responses    bytea not null,
    marks        bytea,
    primary key (tenant_id, attempt_id),
    check ((state = 0) = (submit_time is null)),
    check ((state = 0) = (score is null)),
    check ((state = 0) = (marks is null))
);
-- An attempt's number is given once, whoever asks at the same time; it also finds the first attempt of a candidate.
create unique index attempt_number on attempt (tenant_id, exam_id, candidate, number);
-- However often start is called at once, one attempt is open.
create unique index attempt_open on attempt (tenant_id, exam_id, candidate) where state = 0;
create index attempt_by_submit on attempt (tenant_id, exam_id, submit_time, attempt_id) where state > 0;
create index attempt_by_score on attempt (tenant_id, exam_id, score, attempt_id) where state > 0;
create index attempt_of_candidate on attempt (tenant_id, candidate, submit_time, attempt_id) where state > 0;
