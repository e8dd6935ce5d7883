//! How far the grading of an exam is.

use crate::{
    attempt::{packed, response::Mark},
    auth::Caller,
    door::Fields,
    error::Result,
    ids::ExamName,
    pb,
};

use super::{
    rpc::{Grading, unreadable},
    sql,
};

impl Grading {
    pub(super) async fn progress(
        &self,
        caller: &Caller,
        request: pb::GetGradingProgressRequest,
    ) -> Result<pb::GradingProgress> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("name", request.name.parse());
        fields.done()?;
        let tenant = caller.tenant.id;
        // The figures come from three statements and must be of one moment.
        let mut tx = self.db.read_snapshot(caller).await?;
        let world = self.world(&mut tx, caller, &exam).await?;
        let mut progress = pb::GradingProgress { exam: exam.to_string(), ..Default::default() };
        let sizes: Vec<usize> = world.forms.iter().map(|f| f.plan.slots().len()).collect();
        let mut counts: Vec<Vec<[i64; 3]>> = sizes.iter().map(|n| vec![[0; 3]; *n]).collect();
        let mut broken = None;
        sql::waiting(&mut tx, tenant, &exam.exam, |form, marks| {
            progress.open_result_count += 1;
            let mut note = || {
                for (at, mark) in packed::Marks::open(marks)?.enumerate() {
                    if mark? == Mark::Awaiting
                        && let Some(count) = counts.get_mut(form as usize).and_then(|c| c.get_mut(at))
                    {
                        count[0] += 1;
                    }
                }
                Ok(())
            };
            broken = broken.or(note().err());
        })
        .await?;
        sql::under_way(&mut tx, tenant, &exam.exam, |row| {
            let at = row.position as usize - 1;
            // A regrade may have given the mark in between: then nothing waits there.
            let waits =
                packed::Marks::open(&row.marks).is_ok_and(|mut m| m.nth(at) == Some(Ok(Mark::Awaiting)));
            if !waits {
                return;
            }
            progress.waiting_second_count += i64::from(row.standing == 1);
            progress.waiting_adjudication_count += i64::from(row.standing == 2);
            if let Some(count) = counts.get_mut(row.form as usize).and_then(|c| c.get_mut(at)) {
                count[1] += i64::from(row.claimed);
            }
        })
        .await?;
        for (form, position, graded) in sql::graded(&mut tx, tenant, &exam.exam).await? {
            let at = position as usize - 1;
            if let Some(count) = counts.get_mut(form as usize).and_then(|c| c.get_mut(at)) {
                count[2] += graded;
            }
        }
        tx.commit().await?;
        if let Some(error) = broken {
            return Err(unreadable(error));
        }
        for (form, counts) in world.forms.iter().zip(&counts) {
            let places = form.plan.slots().iter().zip(&form.versions).zip(counts);
            for ((slot, version), [waiting, claimed, graded]) in places {
                if waiting + claimed + graded == 0 {
                    continue;
                }
                progress.waiting_count += waiting;
                progress.claimed_count += claimed;
                progress.graded_count += graded;
                let part = slot.part as i32;
                let known =
                    progress.questions.iter_mut().find(|q| q.question_version == *version && q.part == part);
                match known {
                    Some(known) => {
                        known.waiting_count += waiting;
                        known.claimed_count += claimed;
                        known.graded_count += graded;
                    }
                    None => progress.questions.push(pb::QuestionProgress {
                        question_version: version.clone(),
                        part,
                        waiting_count: *waiting,
                        claimed_count: *claimed,
                        graded_count: *graded,
                    }),
                }
            }
        }
        Ok(progress)
    }
}
