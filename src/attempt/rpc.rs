//! The delivery service: sittings, and submissions of candidates who sat elsewhere.

use std::sync::Arc;

use futures_util::{StreamExt, stream::BoxStream};
use serde_json::json;
use sqlx::PgConnection;
use tonic::{Request, Response as Reply, Status, Streaming};
use uuid::Uuid;

use crate::{
    auth::Caller,
    db::{Db, Unit, digest},
    door::Fields,
    error::{Error, Result},
    exam::{policy::Allotment, sql::Facts},
    ids::{AttemptName, ExamName, FormName},
    pb::{self, delivery_service_server::DeliveryService, timestamp},
};

use super::{
    ending::{self, By, answered, open_log, unpack},
    log::{Happening, Log},
    packed::pack_responses,
    plans::{CompiledForm, Plans},
    response::Response,
    sitting::{self, EXPIRED, LATE, State, Timing},
    sql::{self, AttemptRow, Saved},
    submission::{Element, Incoming, Patience, Reader},
    wire,
    writer::Writer,
};

type BatchStream = BoxStream<'static, Result<pb::BatchScoreSubmissionsResponse, Status>>;

/// The service.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(super) db: Db,
    pub(super) plans: Plans,
    pub(super) writer: Writer,
}

impl Delivery {
    /// Over that database, with caches that are shared with the results. Starts the submission writers.
    pub fn new(db: Db, plans: Plans) -> Self {
        let writer = Writer::start(&db);
        Self { db, plans, writer }
    }

    async fn start(&self, caller: &Caller, request: pb::StartAttemptRequest) -> Result<pb::Attempt> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let candidate = fields.person("candidate", &request.candidate);
        let request_id = fields.request_id(&request.request_id);
        let form: Option<FormName> = match request.form.as_str() {
            "" => None,
            name => Some(fields.take("form", name.parse())),
        };
        if request.seat < 0 {
            fields.bad("seat", "must not be negative");
        }
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let facts = self.plans.exam(unit.conn(), tenant, &exam.exam).await?;
            let mut standing = sql::standing(unit.conn(), tenant, &exam.exam, &candidate)
                .await?
                .ok_or_else(|| Error::NotFound(exam.to_string()))?;

            // The open attempt may end, and another call may open the next one, while this call waits for the lock: then it
            // looks again. Each round waits for a change that was made, so a few are enough.
            let mut rounds = 0;
            while let Some(open) = standing.open {
                let name = AttemptName { exam: exam.exam.clone(), attempt: open };
                if let Some(row) = sql::lock(unit.conn(), tenant, &name).await?
                    && State::of(row.state) == State::Open
                {
                    let sat = self.plans.form(unit.conn(), tenant, &facts, row.form as usize).await?;
                    if !row.clock().expires(row.due(), row.now) {
                        return show_attempt(&name, &row, &sat);
                    }
                    // One whose time is over is ended first: it must not block the next one.
                    let ended = ending::end(&row, &sat, &unpack(&row, &sat)?, By::Time)?;
                    sql::end(unit.conn(), tenant, &[ended]).await?;
                    unit.changed("attempt.expired", &name, json!({}));
                    break;
                }
                rounds += 1;
                if rounds > 5 {
                    return Err(Error::Collision);
                }
                let again = sql::standing(unit.conn(), tenant, &exam.exam, &candidate).await?;
                standing = again.ok_or(Error::Collision)?;
            }

            let chosen = match (&form, standing.allotment) {
                (Some(form), _) => form_index(&facts, form)?,
                (None, Allotment::Hash) => sitting::allot(exam.exam.as_str(), &candidate, facts.forms.len()),
                (None, Allotment::Seat) if request.seat > 0 => {
                    sitting::allot_seat(request.seat, facts.forms.len())
                }
                (None, Allotment::Seat) => {
                    return Err(Error::invalid("seat", "is required: the exam allots forms by seat"));
                }
                (None, Allotment::Given) => {
                    return Err(Error::invalid(
                        "form",
                        "is required: the exam does not choose forms by itself",
                    ));
                }
            };
            let compiled = self.plans.form(unit.conn(), tenant, &facts, chosen).await?;
            standing.rules.may_start(&exam.to_string(), standing.now, standing.made)?;
            let name = AttemptName { exam: exam.exam.clone(), attempt: Uuid::now_v7() };
            let number = standing.last + 1;
            let due = standing.rules.due(standing.now, compiled.form.duration_s);
            let log = Log::new(standing.now).noting(Happening::Started, standing.now, "");
            let opened = sql::insert_open(
                unit.conn(),
                tenant,
                &name,
                &candidate,
                number,
                chosen as i16,
                standing.now,
                due,
                caller.key,
                &pack_responses(&[]),
                &log.pack(),
            )
            .await?;
            if !opened {
                // Another call opened one at this moment; it is the candidate's open attempt.
                let now = sql::standing(unit.conn(), tenant, &exam.exam, &candidate).await?;
                let open = now.and_then(|s| s.open).ok_or(Error::Collision)?;
                let name = AttemptName { exam: exam.exam.clone(), attempt: open };
                let row = sql::attempt(unit.conn(), tenant, &name).await?.ok_or(Error::Collision)?;
                let sat = self.plans.form(unit.conn(), tenant, &facts, row.form as usize).await?;
                return show_attempt(&name, &row, &sat);
            }
            unit.changed("attempt.started", &name, json!({ "form": facts.forms[chosen].to_string() }));
            Ok(pb::Attempt {
                name: name.to_string(),
                candidate,
                number,
                form: facts.forms[chosen].to_string(),
                state: pb::AttemptState::Open as i32,
                paper: Some(wire::paper(&compiled)),
                responses: Vec::new(),
                sequence: 0,
                start_time: Some(timestamp(standing.now)),
                due_time: standing.rules.clock.due(due).map(timestamp),
                submit_time: None,
            })
        })
        .await
    }

    async fn get(&self, caller: &Caller, request: pb::GetAttemptRequest) -> Result<pb::Attempt> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let row = sql::attempt(&mut tx, tenant, &name).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let (_, form) = self.form_of(&mut tx, tenant, &name, &row).await?;
        tx.commit().await?;
        show_attempt(&name, &row, &form)
    }

    async fn save(
        &self,
        caller: &Caller,
        request: pb::SaveResponsesRequest,
    ) -> Result<pb::SaveResponsesResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        if request.sequence < 1 {
            fields.bad("sequence", "must be 1 or more");
        }
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.submit(tenant, caller.deadline).await?;
        let row = sql::lock(&mut tx, tenant, &name).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let (_, form) = self.form_of(&mut tx, tenant, &name, &row).await?;
        let mut fields = Fields::default();
        let given = wire::responses(&form, &request.responses, &mut fields);
        fields.done()?;
        check_open(&name, &row)?;
        let mut answer = pb::SaveResponsesResponse {
            accepted: false,
            sequence: row.sequence,
            answered_count: row.answered,
            due_time: row.due().map(timestamp),
        };
        // Tabs and retries overtake each other; what was saved later must stand.
        if request.sequence <= row.sequence {
            return Ok(answer);
        }
        let flag = match row.clock().timing(row.due(), row.now) {
            Timing::InTime => 0,
            Timing::Late => LATE,
            Timing::Over => return Err(overdue(&name, &row)),
        };
        let responses = merge(unpack(&row, &form)?, given);
        let saved = Saved {
            attempt: row.attempt_id,
            answered: answered(&responses),
            responses: pack_responses(&responses),
            sequence: request.sequence,
            flags: row.flags | flag,
            log: open_log(&row)?.noting(Happening::Saved, row.now, "").pack(),
        };
        sql::save(&mut tx, tenant, &saved).await?;
        tx.commit().await?;
        answer.accepted = true;
        answer.sequence = saved.sequence;
        answer.answered_count = saved.answered;
        Ok(answer)
    }

    async fn submit(
        &self,
        caller: &Caller,
        request: pb::SubmitAttemptRequest,
    ) -> Result<pb::SubmitAttemptResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        fields.request_id(&request.request_id);
        fields.done()?;
        let tenant = caller.tenant.id;
        let hash = short_hash(&digest(&request));
        let mut tx = self.db.submit(tenant, caller.deadline).await?;
        let row = sql::lock(&mut tx, tenant, &name).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let (_, form) = self.form_of(&mut tx, tenant, &name, &row).await?;
        let mut fields = Fields::default();
        let given = wire::responses(&form, &request.responses, &mut fields);
        fields.done()?;
        let answer = |submit_time, answered| pb::SubmitAttemptResponse {
            name: name.to_string(),
            submit_time: Some(timestamp(submit_time)),
            answered_count: answered,
            position_count: form.plan.slots().len() as i32,
            result: format!("{name}/result"),
        };
        if State::of(row.state) == State::Void {
            return Err(voided(&name));
        }
        if let Some(submit_time) = row.submit_time {
            // A repeat, or a call that asks for nothing new, gets the first answer; new responses come too late.
            let repeat = row.request_hash.as_deref() == Some(hash.as_slice());
            let saved = unpack(&row, &form)?;
            let nothing_new = given.iter().all(|(index, response)| saved.get(*index) == Some(response));
            return if repeat || nothing_new {
                Ok(answer(submit_time, row.answered))
            } else {
                check_open(&name, &row).and(Err(already_submitted(&name)))
            };
        }
        if row.clock().timing(row.due(), row.now) == Timing::Over && !given.is_empty() {
            return Err(overdue(&name, &row));
        }
        let responses = merge(unpack(&row, &form)?, given);
        let ended = ending::end(&row, &form, &responses, By::Candidate(caller.key, hash.to_vec()))?;
        let count = ended.answered;
        sql::end(&mut tx, tenant, &[ended]).await?;
        tx.commit().await?;
        Ok(answer(row.now, count))
    }

    /// The exam and the form of an attempt.
    pub(super) async fn form_of(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        name: &AttemptName,
        row: &AttemptRow,
    ) -> Result<(Arc<Facts>, Arc<CompiledForm>)> {
        let facts = self.plans.exam(conn, tenant, &name.exam).await?;
        let form = self.plans.form(conn, tenant, &facts, row.form as usize).await?;
        Ok((facts, form))
    }
}

pub(super) fn form_index(facts: &Facts, form: &FormName) -> Result<usize> {
    facts
        .forms
        .iter()
        .position(|f| f == form)
        .ok_or_else(|| Error::invalid("form", format!("{form} is no form of {}", facts.name)))
}

pub(super) fn merge(mut saved: Vec<Response>, given: Vec<(usize, Response)>) -> Vec<Response> {
    for (index, response) in given {
        saved[index] = response;
    }
    saved
}

/// Fails unless the attempt is open, and says how it ended.
fn check_open(name: &AttemptName, row: &AttemptRow) -> Result<()> {
    match State::of(row.state) {
        State::Open => Ok(()),
        State::Void => Err(voided(name)),
        State::Scored | State::Awaiting if row.flags & EXPIRED != 0 => Err(overdue(name, row)),
        State::Scored | State::Awaiting => Err(already_submitted(name)),
    }
}

/// The attempt was voided.
pub(super) fn voided(name: &AttemptName) -> Error {
    let message = format!("{name} was voided; start another attempt");
    Error::refused("ATTEMPT_VOID", name.to_string(), message)
}

fn already_submitted(name: &AttemptName) -> Error {
    Error::refused(
        "ATTEMPT_SUBMITTED",
        name.to_string(),
        format!("{name} was submitted before; nothing was changed"),
    )
}

fn overdue(name: &AttemptName, row: &AttemptRow) -> Error {
    let due = row.due().map(|t| t.to_rfc3339()).unwrap_or_default();
    let message =
        format!("the time of {name} was over at {due}; what was saved before counts, nothing was changed");
    Error::refused("ATTEMPT_OVERDUE", name.to_string(), message)
}

fn short_hash(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

/// Where an attempt with that state and these flags stands, on the wire.
pub(super) fn shown_state(state: i16, flags: i16) -> pb::AttemptState {
    match State::of(state) {
        State::Void => pb::AttemptState::Void,
        State::Open => pb::AttemptState::Open,
        State::Scored | State::Awaiting if flags & EXPIRED != 0 => pb::AttemptState::Expired,
        State::Scored | State::Awaiting => pb::AttemptState::Submitted,
    }
}

/// An attempt as its candidate may see it.
pub(super) fn show_attempt(name: &AttemptName, row: &AttemptRow, form: &CompiledForm) -> Result<pb::Attempt> {
    let responses = unpack(row, form)?;
    Ok(pb::Attempt {
        name: name.to_string(),
        candidate: row.candidate.clone(),
        number: row.number,
        form: form.form.name.to_string(),
        state: shown_state(row.state, row.flags) as i32,
        paper: Some(wire::paper(form)),
        responses: wire::show_responses(form, &responses),
        sequence: row.sequence,
        start_time: Some(timestamp(row.start_time)),
        due_time: row.due().map(timestamp),
        submit_time: row.submit_time.map(timestamp),
    })
}

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn start_attempt(&self, r: Request<pb::StartAttemptRequest>) -> Result<Reply<pb::Attempt>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.start(&caller, r.into_inner()).await?))
    }

    async fn get_attempt(&self, r: Request<pb::GetAttemptRequest>) -> Result<Reply<pb::Attempt>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.get(&caller, r.into_inner()).await?))
    }

    async fn save_responses(
        &self,
        r: Request<pb::SaveResponsesRequest>,
    ) -> Result<Reply<pb::SaveResponsesResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.save(&caller, r.into_inner()).await?))
    }

    async fn submit_attempt(
        &self,
        r: Request<pb::SubmitAttemptRequest>,
    ) -> Result<Reply<pb::SubmitAttemptResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.submit(&caller, r.into_inner()).await?))
    }

    async fn score_submission(
        &self,
        r: Request<pb::ScoreSubmissionRequest>,
    ) -> Result<Reply<pb::Result>, Status> {
        let caller = Caller::of(&r)?;
        let incoming = Incoming::General(r.into_inner());
        let scored = self.score(&caller, Reader::of(&caller), incoming, Patience::Refuse).await?;
        Ok(Reply::new(scored.into_result()))
    }

    async fn report_sitting_events(
        &self,
        r: Request<pb::ReportSittingEventsRequest>,
    ) -> Result<Reply<pb::ReportSittingEventsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.report(&caller, r.into_inner()).await?))
    }

    async fn list_sitting_events(
        &self,
        r: Request<pb::ListSittingEventsRequest>,
    ) -> Result<Reply<pb::ListSittingEventsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.events(&caller, r.into_inner()).await?))
    }

    async fn void_attempt(&self, r: Request<pb::VoidAttemptRequest>) -> Result<Reply<pb::Attempt>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.void(&caller, r.into_inner()).await?))
    }

    async fn reopen_attempt(
        &self,
        r: Request<pb::ReopenAttemptRequest>,
    ) -> Result<Reply<pb::Attempt>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.reopen(&caller, r.into_inner()).await?))
    }

    async fn list_attempts(
        &self,
        r: Request<pb::ListAttemptsRequest>,
    ) -> Result<Reply<pb::ListAttemptsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.list(&caller, r.into_inner()).await?))
    }

    async fn get_released_result(
        &self,
        r: Request<pb::GetReleasedResultRequest>,
    ) -> Result<Reply<pb::ReleasedResult>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Reply::new(self.released(&caller, r.into_inner()).await?))
    }

    type BatchScoreSubmissionsStream = BatchStream;

    async fn batch_score_submissions(
        &self,
        r: Request<Streaming<pb::BatchScoreSubmissionsRequest>>,
    ) -> Result<Reply<BatchStream>, Status> {
        let caller = Caller::of(&r)?;
        let incoming = r
            .into_inner()
            .map(|message| message.map(|element| Incoming::General(element.submission.unwrap_or_default())));
        let answers = self.score_stream(caller, incoming).map(|answer| answer.map(Element::into_message));
        Ok(Reply::new(Box::pin(answers)))
    }
}
