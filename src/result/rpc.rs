//! The result service: the use cases, read top to bottom. Nothing here writes.

use tokio::{sync::mpsc, task::JoinHandle};
use tonic::{Request, Response, Status};

use crate::{
    analysis::fold::{Picks, Totals, note_waiting},
    attempt::{
        packed::{self, Unpack},
        plans::Plans,
        sitting::{EXPIRED, LATE},
    },
    auth::Caller,
    db::{Db, Tx},
    door::Fields,
    error::{Error, Result},
    exam::policy::{self, Tally},
    ids::{AttemptName, ExamName, FormName, Parent, ResultName},
    page::{Ask, Page},
    pb::{self, result_service_server::ResultService, timestamp},
    place::Place,
    points::Points,
};

use super::{
    items,
    show::{self, Sat},
    sql::{self, Group, ListRow, Record, Sheet},
    summary::Scores,
};

/// Bins of a histogram where the caller does not say, and the most.
const BINS: (i32, i32) = (10, 100);
/// Waiting attempts that are looked at first: nearly always one shows every position that waits.
const SAMPLE: i64 = 1000;
/// Chunks that may wait for the thread that folds them.
const CHUNKS: usize = 4;

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
            pass_mark: row.pass_mark,
            bands: &row.grade_bands,
            flags: row.flags,
            start_time: row.start_time,
            submit_time: row.submit_time,
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
        let candidate = fields.candidate("candidate", &request.candidate);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let record = sql::record(&mut tx, caller.tenant.id, &exam.exam, &candidate).await?;
        tx.commit().await?;
        let record = record.ok_or_else(|| Error::NotFound(exam.to_string()))?;
        Ok(show_candidate(&exam, candidate, &record))
    }

    async fn list(
        &self,
        caller: &Caller,
        request: pb::ListResultsRequest,
    ) -> Result<pb::ListResultsResponse> {
        let mut fields = Fields::default();
        let parent: Parent<ExamName> = fields.take("parent", Parent::parse(&request.parent, "exams"));
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::RESULTS, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::results(&mut tx, caller.tenant.id, &Place::of(parent), &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |row| sql::result_key(&page, row));
        Ok(pb::ListResultsResponse { results: rows.into_iter().map(show_row).collect(), next_page_token })
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
        let forms = sql::exam_forms(&mut tx, tenant, &name.exam).await?;
        let first = forms.first().ok_or_else(|| Error::NotFound(name.to_string()))?;
        let names = forms.iter().map(|f| f.form.as_str());
        let index = form.map(|form| index_of(names, &form, &name)).transpose()?;
        let points = match index {
            Some(index) => forms.get(index).map(|f| f.total),
            None => forms.iter().map(|f| f.total).max(),
        };
        let group = Group { tenant, exam: &name.exam, form: index.map(|index| index as i16), all_attempts };
        let mut scores = Scores::new(first.pass_mark);
        sql::scores(&mut tx, &group, |score, waits| scores.add(score, waits)).await?;
        tx.commit().await?;
        let points = Points::new(points.unwrap_or_default());
        // Sorting a million scores is nothing for a thread that also serves others.
        aside(move || scores.finish(name.to_string(), points, bins as usize)).await
    }

    async fn item_analysis(
        &self,
        caller: &Caller,
        request: pb::GetItemAnalysisRequest,
    ) -> Result<pb::ItemAnalysis> {
        let mut fields = Fields::default();
        let name: ExamName = fields.take("name", request.name.parse());
        let form = optional_form(&request.form, &mut fields);
        let all_attempts = all_attempts(request.population, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        // The attempts are read twice and must be the same ones.
        let mut tx = self.db.read_snapshot(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let names: Vec<String> = facts.forms.iter().map(ToString::to_string).collect();
        let index = match form {
            Some(form) => index_of(names.iter().map(String::as_str), &form, &name)?,
            None if names.len() == 1 => 0,
            None => {
                let what = format!("is required: the exam has {} forms", names.len());
                return Err(Error::invalid("form", what));
            }
        };
        let form = self.plans.form(&mut tx, tenant, &facts, index).await?;
        let group = Group { tenant, exam: &name.exam, form: Some(index as i16), all_attempts };

        let mut positions = items::positions(&form);
        if items::may_wait(&form, &positions) {
            let sample = sql::waiting_marks(&mut tx, &group, SAMPLE).await?;
            for marks in &sample {
                note_waiting(&mut positions, marks).map_err(unreadable)?;
            }
            if sample.len() as i64 == SAMPLE && items::may_wait(&form, &positions) {
                let note = |positions: &mut Vec<_>, sheet: &Sheet| note_waiting(positions, &sheet.marks);
                positions = fold(&mut tx, &group, false, positions, note).await?;
            }
        }
        let add = |totals: &mut Totals, sheet: &Sheet| totals.add(&sheet.marks);
        let totals = fold(&mut tx, &group, false, Totals::new(positions.clone()), add).await?;
        let whole = aside(move || totals.finish()).await?;
        let add = |picks: &mut Picks, sheet: &Sheet| picks.add(&sheet.responses, &sheet.marks);
        let picks = fold(&mut tx, &group, true, Picks::new(positions.clone(), whole.cuts), add).await?;
        tx.commit().await?;
        Ok(items::show(name.to_string(), &form, &positions, &whole, &picks.finish()))
    }
}

/// Folds the attempts of a group on a thread of its own while they are read.
async fn fold<T: Send + 'static>(
    tx: &mut Tx,
    group: &Group<'_>,
    with_responses: bool,
    mut state: T,
    add: fn(&mut T, &Sheet) -> Result<(), Unpack>,
) -> Result<T> {
    let (send, mut receive) = mpsc::channel::<Vec<Sheet>>(CHUNKS);
    // When this call is given up the sender is dropped, and the thread ends with what it has.
    let folding: JoinHandle<Result<T, Unpack>> = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = receive.blocking_recv() {
            chunk.iter().try_for_each(|sheet| add(&mut state, sheet))?;
        }
        Ok(state)
    });
    sql::sheets(tx, group, with_responses, send).await?;
    folding.await.map_err(broken)?.map_err(unreadable)
}

/// Runs what takes a while on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(broken)
}

fn broken(error: tokio::task::JoinError) -> Error {
    Error::Internal(format!("statistics did not end: {error}").into())
}

pub(super) fn unreadable(error: Unpack) -> Error {
    Error::Internal(format!("an attempt cannot be read: {error}").into())
}

fn optional_form(text: &str, fields: &mut Fields) -> Option<FormName> {
    (!text.is_empty()).then(|| fields.take("form", text.parse()))
}

/// Where a form stands among those of the exam.
fn index_of<'a>(mut forms: impl Iterator<Item = &'a str>, form: &FormName, exam: &ExamName) -> Result<usize> {
    let wanted = form.to_string();
    forms
        .position(|form| form == wanted)
        .ok_or_else(|| Error::invalid("form", format!("is none of the forms of {exam}")))
}

/// Whether every attempt counts, or only the first of each candidate.
fn all_attempts(population: i32, fields: &mut Fields) -> bool {
    match pb::Population::try_from(population) {
        Ok(pb::Population::AllAttempts) => true,
        Ok(pb::Population::Unspecified | pb::Population::FirstAttempts) => false,
        Err(_) => {
            fields.bad("population", "is no population");
            false
        }
    }
}

/// A result in a list: without marks and subscores.
fn show_row(row: ListRow) -> pb::Result {
    let state = match row.state {
        1 => pb::ResultState::Scored,
        _ => pb::ResultState::AwaitingGrading,
    };
    let decimal = |value| Points::new(value).to_string();
    pb::Result {
        name: format!("exams/{}/attempts/{}/result", row.exam_id, row.attempt_id),
        candidate: row.candidate,
        attempt_number: row.number,
        form: row.form,
        state: state as i32,
        score: decimal(row.score),
        max_score: decimal(row.total),
        awaiting_points: decimal(row.awaiting),
        passed: policy::passed(row.pass_mark, row.score, row.awaiting),
        grade: policy::grade(&row.grade_bands, row.score, row.awaiting),
        late: row.flags & LATE != 0,
        expired: row.flags & EXPIRED != 0,
        submit_time: Some(timestamp(row.submit_time)),
        start_time: Some(timestamp(row.start_time)),
        revision: row.revision,
        ..Default::default()
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
    if let Some((tally, which)) = policy::count(record.counting, record.rounding, &tallies) {
        let decimal = |value| Points::new(value).to_string();
        shown.score = decimal(tally.score);
        shown.max_score = decimal(tally.max);
        shown.awaiting_points = decimal(tally.awaiting);
        shown.grade = policy::grade(&record.bands, tally.score, tally.awaiting);
        shown.passed = policy::passed(record.pass_mark, tally.score, tally.awaiting);
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
