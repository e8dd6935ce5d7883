-- Marks that people give, and marks that change.

-- How the responses of an exam that need a person are marked. No row: one marker, named candidates, no rubrics. rubrics
-- and key points are chosen by question and part. A change touches no mark that was given.
create table grading_scheme (
    tenant_id    uuid not null,
    exam_id      text collate "C" not null,
    marker_count integer not null check (marker_count between 1 and 2),
    tolerance    numeric not null check (tolerance >= 0),
    anonymous    boolean not null,
    questions    jsonb not null,
    revision     bigint not null default 1,
    update_time  timestamptz not null default now(),
    primary key (tenant_id, exam_id),
    foreign key (tenant_id, exam_id) references exam
);

-- One response that a person has claimed or marked. What waits untouched has no row here: it is told from the packed
-- marks of its attempt, so that submitting writes nothing more. exam_id, form and position are those of the attempt and
-- never change. state: 0 waits, 1 waits for a second marker, 2 waits for an adjudicator, 3 has its mark. marks holds what
-- each marker gave, in order; an entry is never changed or removed, even where a regrade makes the mark void later.
create table grading (
    tenant_id     uuid not null,
    attempt_id    uuid not null,
    position      integer not null check (position > 0),
    exam_id       text collate "C" not null,
    form          smallint not null,
    state         smallint not null default 0 check (state between 0 and 3),
    claimed_by    text collate "C",
    claim_expires timestamptz,
    marks         jsonb not null default '[]',
    primary key (tenant_id, attempt_id, position),
    foreign key (tenant_id, attempt_id) references attempt,
    check ((claimed_by is null) = (claim_expires is null))
);
create index grading_of_exam on grading (tenant_id, exam_id, state, form, position);
create index grading_of_grader on grading (tenant_id, exam_id, claimed_by) where claimed_by is not null;

-- The results that wait for a person, oldest first: what queues read.
create index attempt_waiting on attempt (tenant_id, exam_id, submit_time, attempt_id) where state = 2;

-- The marks that an attempt had before they changed: revision is the one that was replaced, at, actor, method and reason
-- say when, by whom and why. Appended in the change's own transaction; never changed.
create table mark_revision (
    tenant_id  uuid not null,
    attempt_id uuid not null,
    revision   integer not null,
    at         timestamptz not null default now(),
    actor      text not null,
    method     text not null,
    reason     text not null,
    state      smallint not null,
    score      numeric not null,
    awaiting   numeric not null,
    marks      bytea not null,
    primary key (tenant_id, attempt_id, revision),
    foreign key (tenant_id, attempt_id) references attempt
);

-- A regrade of an exam: its rules as they were asked for, with the versions that they meant at that time, and how far it
-- has come. Attempts up to (cursor_time, cursor_attempt) are done; both move in the same transaction as the marks, so it
-- can stop anywhere and go on from there. lease_until says until when a running process has it.
create table regrade (
    tenant_id      uuid not null,
    regrade_id     uuid not null,
    exam_id        text collate "C" not null,
    state          text not null check (state in ('running', 'cancelled', 'done', 'failed')),
    rules          jsonb not null,
    never_lower    boolean not null,
    reason         text not null,
    actor          text not null,
    cursor_time    timestamptz,
    cursor_attempt uuid,
    lease_until    timestamptz not null,
    total          bigint not null,
    examined       bigint not null default 0,
    revised        bigint not null default 0,
    changed        bigint not null default 0,
    newly_passed   bigint not null default 0,
    newly_failed   bigint not null default 0,
    skipped        bigint not null default 0,
    error          text not null default '',
    create_time    timestamptz not null default now(),
    update_time    timestamptz not null default now(),
    primary key (tenant_id, regrade_id),
    foreign key (tenant_id, exam_id) references exam
);
create index regrade_by_time on regrade (tenant_id, exam_id, create_time, regrade_id);
-- Two regrades of one exam would undo each other's work.
create unique index regrade_running on regrade (tenant_id, exam_id) where state = 'running';

do $$
declare
    t text;
begin
    foreach t in array array['grading_scheme', 'grading', 'mark_revision', 'regrade'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy of_tenant on %I using (tenant_id = (select nullif(current_setting(''assessd.tenant'', true), '''')::uuid))',
            t
        );
    end loop;
end
$$;
