-- Fewer and better placed indexes on the hot table: each one is written by every submission. The unique index that gives
-- an attempt its number now begins with the candidate, so that it serves the history of a candidate as well and the index
-- that did so before can go.
drop index attempt_of_candidate;
drop index attempt_number;
create unique index attempt_number on attempt (tenant_id, candidate, exam_id, number);
