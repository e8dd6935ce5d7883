//! The result service: the use cases, read top to bottom. Nothing here writes.

use tonic::{Request, Response, Status};

use crate::{
    attempt::{
        packed::{self, Unpack},
        plans::Plans,
    },
    auth::Caller,
    db::Db,
    door::Fields,
    error::{Error, Result},
    exam::{
        policy::{self, Basis, Counted, Tally},
        standard::{Score, Standards},
    },
    grading::anonymity,
    ids::{AttemptName, ExamName, FormName, ResultName},
    pb::{self, result_service_server::ResultService},
    points::Points,
};

use super::{
    show::{self, Sat},
    sql::{self, Group, Record},
    summary::Scores,
};

/// Bins of a histogram where the caller does not say, and the most.
const BINS: (i32, i32) = (10, 100);

/// The service.
#[derive(Debug)]
pub struct Results {
    pub(super) db: Db,
    pub(super) plans: Plans,
}

impl Results {
    /// Over that database, with the caches that the server shares.
    pub fn new(db: Db, plans: Plans) -> Self {
        Self { db, plans }
    }

    async fn get(&self, caller: &Caller, request: pb::GetResultRequest) -> Result<pb::Result> {
        let mut fields = Fields::default();
        let name: ResultName = fields.take("name", request.name.parse());
        fields.done()?;
        let tenant = caller.tenant.id;
        let attempt = AttemptName { exam: name.exam.clone(), attempt: name.attempt };
        let mut tx = self.db.read(caller).await?;
        anonymity::check(&mut tx, caller, &name.exam).await?;
        let row = sql::result(&mut tx, tenant, &attempt).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let form = self.plans.form(&mut tx, tenant, &facts, row.form as usize).await?;
        tx.commit().await?;
        let marks = packed::unpack_marks(&row.marks, form.plan.slots().len()).map_err(unreadable)?;
        let outcome = form.plan.outcome(&marks);
        let sat = Sat {
            exam: &facts.name,
            attempt: name.attempt,
            candidate: row.candidate,
            number: row.number,
            form: &form,
            standards: &Standards::stored(row.pass_mark, row.pass_percent, row.grade_bands.0),
            flags: row.flags,
            start_time: row.start_time,
            submit_time: row.submit_time,
            update_time: row.update_time,
            revision: row.revision,
        };
        Ok(show::result(sat, &marks, &outcome))
    }

    async fn candidate(
        &self,
        caller: &Caller,
        request: pb::GetCandidateScoreRequest,
    ) -> Result<pb::CandidateScore> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let candidate = fields.person("candidate", &request.candidate);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        anonymity::check(&mut tx, caller, &exam.exam).await?;
        let record = sql::record(&mut tx, caller.tenant.id, &exam.exam, &candidate).await?;
        tx.commit().await?;
        let record = record.ok_or_else(|| Error::NotFound(exam.to_string()))?;
        Ok(show_candidate(&exam, candidate, &record))
    }

    async fn summary(&self, caller: &Caller, request: pb::GetExamSummaryRequest) -> Result<pb::ExamSummary> {
        let mut fields = Fields::default();
        let name: ExamName = fields.take("name", request.name.parse());
        let form = optional_form(&request.form, &mut fields);
        let all_attempts = all_attempts(request.population, &mut fields);
        let bins = match request.bin_count {
            0 => BINS.0,
            n if (1..=BINS.1).contains(&n) => n,
            _ => {
                fields.bad("bin_count", format!("must be 1 to {}, or 0 for {}", BINS.1, BINS.0));
                BINS.0
            }
        };
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let exam = sql::exam_forms(&mut tx, tenant, &name.exam).await?;
        let exam = exam.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let names = exam.forms.iter().map(|form| form.0.as_str());
        let index = form.map(|form| index_of(names, &form, &name)).transpose()?;
        let group = Group {
            tenant,
            exam: &name.exam,
            form: index.map(|index| index as i16),
            all_attempts,
            hurry: self.db.admission().hurry(),
        };
        let mut scores = Scores::new(exam, index);
        sql::scores(&mut tx, &group, |form, score, waits| scores.add(form, score, waits)).await?;
        tx.commit().await?;
        // Sorting a million scores is nothing for a thread that also serves others.
        self.db.aside(caller, move || scores.finish(name.to_string(), bins as usize)).await
    }
}

pub(super) fn unreadable(error: Unpack) -> Error {
    Error::Internal(format!("an attempt cannot be read: {error}").into())
}

pub(super) fn optional_form(text: &str, fields: &mut Fields) -> Option<FormName> {
    (!text.is_empty()).then(|| fields.take("form", text.parse()))
}

/// Where a form stands among those of the exam.
pub(super) fn index_of<'a>(
    mut forms: impl Iterator<Item = &'a str>,
    form: &FormName,
    exam: &ExamName,
) -> Result<usize> {
    let wanted = form.to_string();
    forms
        .position(|form| form == wanted)
        .ok_or_else(|| Error::invalid("form", format!("is none of the forms of {exam}")))
}

/// Whether every attempt counts, or only the first of each candidate.
pub(super) fn all_attempts(population: i32, fields: &mut Fields) -> bool {
    match pb::Population::try_from(population) {
        Ok(pb::Population::AllAttempts) => true,
        Ok(pb::Population::Unspecified | pb::Population::FirstAttempts) => false,
        Err(_) => {
            fields.bad("population", "is no population");
            false
        }
    }
}

/// What counts of a candidate's attempts.
fn show_candidate(exam: &ExamName, candidate: String, record: &Record) -> pb::CandidateScore {
    let mut shown = pb::CandidateScore {
        exam: exam.to_string(),
        candidate,
        attempt_counting: pb::AttemptCounting::from(record.counting) as i32,
        attempts_used: record.used as i32,
        attempts_allowed: record.allowed,
        ..Default::default()
    };
    let tallies: Vec<Tally> = record.submitted.iter().map(|(_, tally)| *tally).collect();
    if let Some(Counted { range, basis, which }) = policy::count(record.counting, record.rounding, &tallies) {
        // Points mean nothing where the score stands for forms of unequal totals.
        let standards = match basis {
            Basis::Points => record.standards.clone(),
            Basis::Percent => record.standards.for_percentages(),
        };
        let decimal = |value| Points::new(value).to_string();
        (shown.score, shown.max_score, shown.awaiting_points) = match basis {
            Basis::Points => {
                (decimal(range.low.of), decimal(range.low.max), decimal(range.high.of - range.low.of))
            }
            Basis::Percent => {
                let percent = |score: Score| score.percent().unwrap_or_default();
                let (low, high) = (percent(range.low), percent(range.high));
                (decimal(low), "100".to_owned(), decimal(high - low))
            }
        };
        shown.basis = pb::ScoreBasis::from(basis) as i32;
        shown.percent = range.low.percent_text();
        shown.grade = standards.grade(range);
        shown.passed = standards.passed(range);
        let name = |i: usize| record.submitted.get(i).map(|(id, _)| format!("{exam}/attempts/{id}/result"));
        shown.results = which.into_iter().filter_map(name).collect();
    }
    shown
}

#[tonic::async_trait]
impl ResultService for Results {
    async fn get_result(&self, r: Request<pb::GetResultRequest>) -> Result<Response<pb::Result>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get(&caller, r.into_inner()).await?))
    }

    async fn explain_marks(
        &self,
        r: Request<pb::ExplainMarksRequest>,
    ) -> Result<Response<pb::ExplainMarksResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.explain(&caller, r.into_inner()).await?))
    }

    async fn get_candidate_score(
        &self,
        r: Request<pb::GetCandidateScoreRequest>,
    ) -> Result<Response<pb::CandidateScore>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.candidate(&caller, r.into_inner()).await?))
    }

    async fn batch_get_results(
        &self,
        r: Request<pb::BatchGetResultsRequest>,
    ) -> Result<Response<pb::BatchGetResultsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.batch(&caller, r.into_inner()).await?))
    }

    async fn list_results(
        &self,
        r: Request<pb::ListResultsRequest>,
    ) -> Result<Response<pb::ListResultsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list(&caller, r.into_inner()).await?))
    }

    async fn get_exam_summary(
        &self,
        r: Request<pb::GetExamSummaryRequest>,
    ) -> Result<Response<pb::ExamSummary>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.summary(&caller, r.into_inner()).await?))
    }

    async fn get_item_analysis(
        &self,
        r: Request<pb::GetItemAnalysisRequest>,
    ) -> Result<Response<pb::ItemAnalysis>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.item_analysis(&caller, r.into_inner()).await?))
    }
}
