-- What people write can be archived and deleted, and says who wrote it.

-- created_by: the actor that created it, such as apiKeys/{id}; empty where it was created before this was kept.
-- archive_time: since when nothing new is made of it. delete_time: since when it is as if it were not there; purge_time,
-- set with it: from when on the service removes the row.
do $$
declare
    t text;
begin
    foreach t in array array['bank', 'question', 'blueprint', 'form', 'exam'] loop
        execute format(
            'alter table %1$I
                add column created_by text not null default '''',
                add column archive_time timestamptz,
                add column delete_time timestamptz,
                add column purge_time timestamptz,
                add constraint %1$s_purge_check check ((delete_time is null) = (purge_time is null))',
            t
        );
        -- What is to be purged: small, for little is deleted.
        execute format(
            'create index %1$s_purge on %1$I (tenant_id, purge_time) where purge_time is not null', t
        );
    end loop;
end
$$;
-- When something of the tenant is to be purged at the earliest, so that one look finds every tenant that has any.
alter table tenant add column purge_time timestamptz;
create index tenant_purge on tenant (purge_time) where purge_time is not null;

alter table question_version add column created_by text not null default '';

-- Which forms and blueprints cite a bank: asked before it is deleted.
-- Together with attempt_by_submit and attempt_open it finds an exam's attempts, whatever their state: asked before the
-- exam is deleted. An exam with attempts is never deleted, so they still need no foreign key to it.
create index attempt_void on attempt (tenant_id, exam_id) where state < 0;
create index form_by_bank on form (tenant_id, bank_id);
create index blueprint_by_bank on blueprint (tenant_id, bank_id);
