-- Question banks.

-- A set of questions. revision counts its changes and is its etag.
create table bank (
    tenant_id    uuid not null references tenant,
    bank_id      text collate "C" not null,
    display_name text not null,
    description  text not null default '',
    revision     bigint not null default 1,
    create_time  timestamptz not null default now(),
    update_time  timestamptz not null default now(),
    primary key (tenant_id, bank_id)
);
create index bank_by_time on bank (tenant_id, create_time, bank_id);

-- A question's present draft. The published versions stand in question_version; version is the number of the newest
-- one, 0 when there is none, and published_hash is its content_hash. body_hash covers the folded stem and options,
-- item_hash the key as well: an equal item_hash within a bank is the same question, an equal body_hash with another
-- item_hash is a conflict of keys.
create table question (
    tenant_id       uuid not null,
    bank_id         text collate "C" not null,
    question_id     text collate "C" not null,
    kind            text not null,
    state           text not null check (state in ('draft', 'published', 'retired')),
    topic           text collate "C" not null default '',
    tags            text[] not null default '{}',
    difficulty      double precision check (difficulty between 0 and 1),
    knowledge_point text not null default '',
    content         jsonb not null,
    body_hash       bytea not null,
    item_hash       bytea not null,
    version         integer not null default 0,
    published_hash  bytea,
    source          jsonb,
    revision        bigint not null default 1,
    create_time     timestamptz not null default now(),
    update_time     timestamptz not null default now(),
    primary key (tenant_id, bank_id, question_id),
    foreign key (tenant_id, bank_id) references bank
);
create index question_by_time on question (tenant_id, bank_id, create_time, question_id);
create index question_by_update on question (tenant_id, bank_id, update_time, question_id);
create index question_by_difficulty on question (tenant_id, bank_id, (coalesce(difficulty, -1)), question_id);
create index question_by_body on question (tenant_id, bank_id, body_hash);

-- A published version of a question: what forms, attempts and statistics cite. Never changed, never deleted.
-- content_hash covers everything that a version fixes, to the letter.
create table question_version (
    tenant_id       uuid not null,
    bank_id         text collate "C" not null,
    question_id     text collate "C" not null,
    version         integer not null check (version > 0),
    kind            text not null,
    topic           text collate "C" not null,
    tags            text[] not null,
    difficulty      double precision,
    knowledge_point text not null,
    content         jsonb not null,
    content_hash    bytea not null,
    publish_time    timestamptz not null default now(),
    primary key (tenant_id, bank_id, question_id, version),
    foreign key (tenant_id, bank_id, question_id) references question
);
