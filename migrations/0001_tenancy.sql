-- Tenants, their keys, and the records that every change leaves behind.
--
-- Every table of this service begins with tenant_id, and row-level security is forced on every one: a connection sees
-- only the rows of the tenant named in the setting assessd.tenant, and none at all where that is not set. Statements
-- name the tenant as well; either guard holds without the other. The service's role must be neither superuser nor
-- BYPASSRLS, else the second guard would be void.
--
-- Ids are made by the service (UUIDv7) or chosen by the caller (text, compared bytewise); there are no sequences and no
-- triggers, and no unique key without tenant_id, so that the tables can be distributed by tenant.

-- One customer. page_secret signs the page tokens of its lists; it never leaves the service.
create table tenant (
    tenant_id    uuid primary key,
    display_name text not null,
    page_secret  bytea not null,
    create_time  timestamptz not null default now()
);

-- What a calling system proves itself with. Only the SHA-256 of the secret is kept. Rows are revoked, never deleted:
-- audit rows cite them.
create table api_key (
    tenant_id    uuid not null references tenant,
    api_key_id   uuid not null,
    display_name text not null,
    secret_hash  bytea not null,
    roles        text[] not null,
    create_time  timestamptz not null default now(),
    expire_time  timestamptz,
    revoke_time  timestamptz,
    primary key (tenant_id, api_key_id)
);

-- The first answer to every change that came with a request id: a repeat is answered from here. The row is claimed at
-- the start of the change's own transaction, so that two callers with one id run one after the other.
create table request (
    tenant_id   uuid not null,
    method      text collate "C" not null,
    request_id  text collate "C" not null,
    body_hash   bytea not null,
    response    bytea,
    create_time timestamptz not null default now(),
    primary key (tenant_id, method, request_id)
);

-- Who changed what, or was refused. Appended in the change's own transaction; never changed.
create table audit (
    tenant_id uuid not null,
    audit_id  uuid not null,
    at        timestamptz not null default now(),
    actor     text not null,
    method    text not null,
    resource  text not null,
    outcome   text not null,
    detail    jsonb not null default '{}',
    primary key (tenant_id, audit_id)
);

-- What happened, for those who follow: an outbox, appended in the change's own transaction; never changed. xact orders
-- readers: a cursor that stays below the oldest running transaction misses no event.
create table event (
    tenant_id uuid not null,
    event_id  uuid not null,
    xact      xid8 not null default pg_current_xact_id(),
    at        timestamptz not null default now(),
    kind      text not null,
    resource  text not null,
    data      jsonb not null default '{}',
    primary key (tenant_id, event_id)
);
create index event_order on event (tenant_id, xact, event_id);
