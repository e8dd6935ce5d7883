//! Submissions of candidates who sat elsewhere: read, scored and handed to the writers; one by one or in a stream.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt};
use prost::Message;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::{
    auth::Caller,
    door::Fields,
    error::{Error, Result},
    exam::sql::Facts,
    ids::{ExamName, FormName},
    pb,
    result::show::{self, Sat},
};

use super::{
    ending::{answered, state_of},
    packed::{pack_marks, pack_responses},
    plans::CompiledForm,
    response::Response,
    rpc::{Delivery, form_index, merge},
    submission_sql::Submission,
    wire,
};

/// Submissions of one stream that are under way at once: more are read as these are stored.
const WINDOW: usize = 256;
/// Kilobytes of one stream that are under way at once; a larger submission is alone.
const WINDOW_KB: usize = 4 * 1024;

/// The answers of a stream.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<pb::BatchScoreSubmissionsResponse, Status>> + Send>>;

/// What a submission does where too many wait already.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// It is refused.
    Refuse,
    /// It waits, and whoever sends more waits with it.
    Wait,
}

impl Delivery {
    /// Scores and stores one submission.
    pub(super) async fn score(
        &self,
        caller: &Caller,
        request: pb::ScoreSubmissionRequest,
        patience: Patience,
    ) -> Result<pb::Result> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let candidate = fields.candidate("candidate", &request.candidate);
        if request.request_id.is_empty() {
            fields.bad("request_id", "is required: it makes the submission count once");
        }
        fields.request_id(&request.request_id);
        let view = pb::ResultView::try_from(request.view);
        if view.is_err() {
            fields.bad("view", "is no view of a result");
        }
        let form: Option<FormName> = match request.form.as_str() {
            "" => None,
            name => Some(fields.take("form", name.parse())),
        };
        fields.done()?;

        let tenant = caller.tenant.id;
        let (facts, index, compiled) = self.form_for(caller, &exam, form.as_ref()).await?;
        let mut fields = Fields::default();
        let given = wire::responses(&compiled, &request.responses, &mut fields);
        fields.done()?;
        let responses = merge(vec![Response::Blank; compiled.plan.slots().len()], given);
        let marks = compiled.plan.score(&responses);
        let outcome = compiled.plan.outcome(&marks);
        let packed = pack_responses(&responses);
        let submission = Submission {
            attempt: submission_id(tenant, &request.request_id),
            request_hash: meaning(&exam, &candidate, index, &packed),
            exam: exam.exam,
            candidate: candidate.clone(),
            form: index as i16,
            state: state_of(&outcome).code(),
            answered: answered(&responses),
            score: outcome.total.decimal(),
            awaiting: outcome.awaiting.decimal(),
            actor: caller.key,
            responses: packed,
            marks: pack_marks(&marks),
        };
        let stored = match patience {
            Patience::Refuse => self.writer.store(tenant, submission).await?,
            Patience::Wait => self.writer.store_in_turn(tenant, submission).await?,
        };
        let sat = Sat {
            exam: &facts.name,
            attempt: stored.attempt,
            candidate,
            number: stored.number,
            form: &compiled,
            pass_mark: stored.standards.pass_mark,
            bands: &stored.standards.grade_bands,
            flags: stored.flags,
            start_time: stored.submit_time,
            submit_time: stored.submit_time,
            revision: 1,
        };
        Ok(match view {
            Ok(pb::ResultView::Basic) => show::basic(sat, &outcome),
            _ => show::result(sat, &marks, &outcome),
        })
    }

    /// Scores and stores a stream of submissions, each with an answer of its own.
    pub(super) fn score_stream(
        &self,
        caller: Caller,
        submissions: Streaming<pb::BatchScoreSubmissionsRequest>,
    ) -> BatchStream {
        use pb::batch_score_submissions_response::Outcome;
        let delivery = self.clone();
        let room = Arc::new(Semaphore::new(WINDOW_KB));
        let sized = submissions.then(move |message| {
            let room = Arc::clone(&room);
            async move {
                let size = message.as_ref().map_or(0, Message::encoded_len);
                let kilobytes = u32::try_from((size / 1024 + 1).min(WINDOW_KB)).unwrap_or(1);
                // The semaphore is never closed, so there is always an answer.
                (message, room.acquire_many_owned(kilobytes).await.ok())
            }
        });
        let answers = sized
            .enumerate()
            .map(move |(index, (message, room))| {
                let delivery = delivery.clone();
                // Each element has the time of a whole call: a stream may last longer than one.
                let caller = caller.renewed();
                async move {
                    // A message that cannot be read ends the stream: nobody can say where the next one begins.
                    let message = message.map_err(|s| crate::edge::restate_status(&s).unwrap_or(s))?;
                    let submission = message.submission.unwrap_or_default();
                    let request_id = submission.request_id.clone();
                    let scored = delivery.score(&caller, submission, Patience::Wait).await;
                    drop(room);
                    let outcome = scored.map_or_else(|e| Outcome::Error(e.into()), Outcome::Result);
                    Ok(pb::BatchScoreSubmissionsResponse {
                        request_id,
                        index: index as i64,
                        outcome: Some(outcome),
                    })
                }
            })
            .buffer_unordered(WINDOW);
        Box::pin(answers)
    }

    /// The form that a submission names, or the exam's only one; without a round trip where it is kept.
    async fn form_for(
        &self,
        caller: &Caller,
        exam: &ExamName,
        form: Option<&FormName>,
    ) -> Result<(Arc<Facts>, usize, Arc<CompiledForm>)> {
        let tenant = caller.tenant.id;
        let pick = |facts: &Facts| match form {
            Some(form) => form_index(facts, form),
            None if facts.forms.len() == 1 => Ok(0),
            None => {
                Err(Error::invalid("form", format!("is required: the exam has {} forms", facts.forms.len())))
            }
        };
        if let Some(facts) = self.plans.kept_exam(tenant, &exam.exam) {
            let index = pick(&facts)?;
            if let Some(compiled) = self.plans.kept_form(tenant, &facts, index) {
                return Ok((facts, index, compiled));
            }
        }
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let index = pick(&facts)?;
        let compiled = self.plans.form(&mut tx, tenant, &facts, index).await?;
        tx.commit().await?;
        Ok((facts, index, compiled))
    }
}

/// The id of a submission follows from tenant and request id, so that the primary key makes it count once.
fn submission_id(tenant: Uuid, request_id: &str) -> Uuid {
    let hash =
        Sha256::new().chain_update("submission").chain_update(tenant).chain_update(request_id).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Request ids that carry their time (UUIDv7) keep it: neighbours in time are then neighbours in the index, which
    // spares the log most of its full pages.
    if let Ok(given) = Uuid::try_parse(request_id)
        && given.get_version_num() == 7
    {
        bytes[..6].copy_from_slice(&given.as_bytes()[..6]);
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What tells one submission from another under the same request id: what it means, not how it was written down, so
/// that a repeat with its responses in another order is a repeat.
fn meaning(exam: &ExamName, candidate: &str, form: usize, responses: &[u8]) -> [u8; 16] {
    let hash = Sha256::new()
        .chain_update(exam.exam.as_str())
        .chain_update([0])
        .chain_update(candidate)
        .chain_update([0])
        .chain_update(form.to_le_bytes())
        .chain_update(responses)
        .finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}
