-- Marks to reach as a share of the form's points, and when a result changed.

-- pass_percent: the pass mark as a percentage of the points of the form that was sat. An exam has one of the two or none.
-- An element of grade_bands has "percent" instead of "from" where its bar is a percentage.
alter table exam
    add column pass_percent numeric check (pass_percent between 0 and 100),
    add constraint exam_pass_check check (pass_mark is null or pass_percent is null);

-- change_time: when a result changed after its submission: a mark by a person, a regrade, a void. Null until then, so that a submission writes neither the column nor its index; a result
-- was updated at coalesce(change_time, submit_time). Lists by that time join two ordered pieces: the unchanged ones from
-- attempt_by_submit, the changed ones from here.
alter table attempt add column change_time timestamptz;
create index attempt_changed on attempt (tenant_id, exam_id, change_time, attempt_id) where change_time is not null;
