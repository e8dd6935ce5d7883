-- Blueprints and the forms drawn from them.

-- What an exam must contain. sections holds the rules as written; forms copy what they need, so a change here touches
-- no form.
create table blueprint (
    tenant_id      uuid not null,
    blueprint_id   text collate "C" not null,
    display_name   text not null,
    bank_id        text collate "C" not null,
    sections       jsonb not null,
    total          numeric not null,
    total_declared boolean not null,
    duration_s     integer,
    question_count integer not null,
    revision       bigint not null default 1,
    create_time    timestamptz not null default now(),
    update_time    timestamptz not null default now(),
    primary key (tenant_id, blueprint_id),
    foreign key (tenant_id, bank_id) references bank
);
create index blueprint_by_time on blueprint (tenant_id, create_time, blueprint_id);

-- A frozen form. Never changed: attempts are scored by it for years. position_count counts what can be answered on its
-- own (each part of a case is one), question_count what has a number of its own.
create table form (
    tenant_id      uuid not null,
    blueprint_id   text collate "C" not null,
    form_id        text collate "C" not null,
    label          text not null,
    title          text not null,
    bank_id        text collate "C" not null,
    seed           bigint not null,
    algorithm      text not null,
    sections       jsonb not null,
    total          numeric not null,
    duration_s     integer,
    question_count integer not null,
    position_count integer not null,
    create_time    timestamptz not null default now(),
    primary key (tenant_id, blueprint_id, form_id),
    foreign key (tenant_id, blueprint_id) references blueprint
);
create index form_by_time on form (tenant_id, blueprint_id, create_time, form_id);

-- One question version on a form, with its points. Never changed. section is an index into form.sections.
create table form_item (
    tenant_id    uuid not null,
    blueprint_id text collate "C" not null,
    form_id      text collate "C" not null,
    number       integer not null,
    section      integer not null,
    position     integer not null,
    bank_id      text collate "C" not null,
    question_id  text collate "C" not null,
    version      integer not null,
    points       numeric not null check (points > 0),
    primary key (tenant_id, blueprint_id, form_id, number),
    foreign key (tenant_id, blueprint_id, form_id) references form,
    foreign key (tenant_id, bank_id, question_id, version) references question_version
);
create index form_item_by_question on form_item (tenant_id, bank_id, question_id, version);
