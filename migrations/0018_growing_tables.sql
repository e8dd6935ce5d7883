-- Tables that grow fast from nothing: no look-up may depend on a plan that was made when they were empty.

-- A check of a foreign key keeps its plan for as long as its connection lives. Made while the referenced table was empty,
-- where all indexes cost the same, it could take one that shares only the tenant and the bank with the key, and then read
-- the whole bank for every row that was added (8.3 of the 8.7 s of an import of 4,000 questions). Versions are written by
-- the unit of work that holds their question's lock, gradings by one that holds their attempt's, and neither questions
-- that have versions nor attempts are deleted but with them.
alter table question_version drop constraint question_version_tenant_id_bank_id_question_id_fkey;
alter table grading drop constraint grading_tenant_id_attempt_id_fkey;

-- The same for statements: this index can no longer stand in for the primary key.
drop index question_by_body;
create index question_by_body on question (tenant_id, body_hash, bank_id);

-- Counts the changes of what is published in a bank. Whoever keeps a bank's published questions in memory compares it
-- with the one that they were read at. Moved in the transaction of each change.
alter table bank add column pool_revision bigint not null default 0;
