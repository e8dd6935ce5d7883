//! Submissions of candidates who sat elsewhere: read, scored and handed to the writers; one by one or in a stream.

use std::{
    future::ready,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use prost::Message;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tonic::Status;
use uuid::Uuid;

use crate::{
    auth::Caller,
    door::Fields,
    error::{Error, Result},
    exam::{policy::ReleaseContent, sql::Facts},
    ids::{ExamName, FormName},
    pb,
    result::show::{self, Sat},
};

use super::{
    ending::{answered, state_of},
    packed::{pack_marks, pack_responses},
    plain::Plain,
    plans::CompiledForm,
    reply::Reply,
    response::Response,
    rpc::{Delivery, form_index, merge},
    submission_sql::{Showing, Submission},
    wire,
};

/// Submissions of one stream that are under way at once: more are read as these are stored.
const WINDOW: usize = 256;
/// Kilobytes of one stream that are under way at once; a larger submission is alone.
const WINDOW_KB: usize = 4 * 1024;

/// A submission as it came in.
#[derive(Debug)]
pub enum Incoming {
    /// Read from its bytes, which are kept for where it turns out not to fit its form.
    Plain(Plain, Bytes),
    /// As a message.
    General(pb::ScoreSubmissionRequest),
    /// With so many entries that it was not read.
    Crowded(usize),
}

impl Incoming {
    fn size(&self) -> usize {
        match self {
            Self::Plain(_, bytes) => bytes.len(),
            Self::General(request) => request.encoded_len(),
            Self::Crowded(_) => 0,
        }
    }

    fn request_id(&self) -> &str {
        match self {
            Self::Plain(plain, _) => &plain.request_id,
            Self::General(request) => &request.request_id,
            Self::Crowded(_) => "",
        }
    }

    /// The responses by position. What does not fit is named.
    fn responses(&self, form: &CompiledForm) -> Result<Vec<Response>> {
        let general = |request: &pb::ScoreSubmissionRequest| {
            let mut fields = Fields::default();
            let given = wire::responses(form, &request.responses, &mut fields);
            fields.done()?;
            Ok(merge(vec![Response::Blank; form.plan.slots().len()], given))
        };
        match self {
            Self::Plain(plain, bytes) => match plain.responses(form) {
                Some(responses) => Ok(responses),
                None => general(&pb::ScoreSubmissionRequest::decode(bytes.clone()).unwrap_or_default()),
            },
            Self::General(request) => general(request),
            Self::Crowded(count) => Err(crowded(*count)),
        }
    }
}

/// What became of one submission of a stream.
#[derive(Debug)]
pub struct Element {
    /// The submission's request id.
    pub request_id: String,
    /// Its place in the stream, from 0.
    pub index: i64,
    /// The result, or why there is none.
    pub outcome: Outcome,
}

impl Element {
    /// As the message that it is, but for a result.
    pub fn parted(self) -> (pb::BatchScoreSubmissionsResponse, Option<Box<Reply>>) {
        use pb::batch_score_submissions_response::Outcome as Shown;
        let (outcome, reply) = match self.outcome {
            Outcome::Result(reply) => (None, Some(reply)),
            Outcome::Error(error) => (Some(Shown::Error(error)), None),
        };
        let answer =
            pb::BatchScoreSubmissionsResponse { request_id: self.request_id, index: self.index, outcome };
        (answer, reply)
    }

    /// As the message that it is.
    pub fn into_message(self) -> pb::BatchScoreSubmissionsResponse {
        use pb::batch_score_submissions_response::Outcome as Shown;
        let (answer, reply) = self.parted();
        let result = reply.map(|reply| Shown::Result(reply.into_result()));
        pb::BatchScoreSubmissionsResponse { outcome: result.or(answer.outcome), ..answer }
    }
}

/// The result, or why there is none.
#[derive(Debug)]
pub enum Outcome {
    /// The result.
    Result(Box<Reply>),
    /// Why there is none.
    Error(pb::ElementError),
}

/// The answers of a stream.
pub type ElementStream = BoxStream<'static, Result<Element, Status>>;

/// What a submission does where too many wait already.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// It is refused.
    Refuse,
    /// It waits, and whoever sends more waits with it.
    Wait,
}

/// Whether the sender of a submission may read its result as soon as it is there: whoever may not would learn the key
/// by submissions of people that are none. Asked once a call or stream.
#[derive(Clone, Copy, Debug)]
pub struct Reader(bool);

impl Reader {
    /// What the roles of a caller say.
    pub fn of(caller: &Caller) -> Self {
        Self(caller.may("ResultService/GetResult"))
    }
}

/// How much of a result the answer to its submission holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Nothing of what it earned.
    Receipt,
    /// No marks and subscores.
    Basic,
    /// No marks.
    Subscores,
    /// All.
    Full,
}

/// What is asked for, as far as the sender may see it. Who may not read results gets what the exam shows candidates now.
fn extent(Reader(reads): Reader, view: pb::ResultView, showing: &Showing) -> Extent {
    if !reads && !showing.release.is_due() {
        return Extent::Receipt;
    }
    if !reads && showing.content == ReleaseContent::ScoreOnly {
        return Extent::Basic;
    }
    match view {
        pb::ResultView::Basic => Extent::Basic,
        pb::ResultView::Subscores => Extent::Subscores,
        pb::ResultView::Unspecified | pb::ResultView::Full => Extent::Full,
    }
}

impl Delivery {
    /// Scores and stores one submission.
    pub(super) async fn score(
        &self,
        caller: &Caller,
        reader: Reader,
        incoming: Incoming,
        patience: Patience,
    ) -> Result<Reply> {
        let (parent, candidate, form, request_id, view) = match &incoming {
            Incoming::Plain(s, _) => (&s.parent, &s.candidate, &s.form, &s.request_id, s.view),
            Incoming::General(s) => (&s.parent, &s.candidate, &s.form, &s.request_id, s.view),
            Incoming::Crowded(count) => return Err(crowded(*count)),
        };
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", parent.parse());
        let candidate = fields.person("candidate", candidate);
        if request_id.is_empty() {
            fields.bad("request_id", "is required: it makes the submission count once");
        }
        fields.request_id(request_id);
        let view = pb::ResultView::try_from(view).unwrap_or_else(|_| {
            fields.bad("view", "is no view of a result");
            pb::ResultView::Basic
        });
        let form: Option<FormName> = match form.as_str() {
            "" => None,
            name => Some(fields.take("form", name.parse())),
        };
        fields.done()?;

        let tenant = caller.tenant.id;
        let (facts, index, compiled) = match self.kept_form_for(tenant, &exam, form.as_ref())? {
            Some(kept) => kept,
            // Boxed, for it is large and seldom: a future is moved about with every call.
            None => Box::pin(self.load_form_for(caller, &exam, form.as_ref())).await?,
        };
        let responses = incoming.responses(&compiled)?;
        let marks = compiled.plan.score(&responses);
        let outcome = compiled.plan.outcome(&marks);
        let packed = pack_responses(&responses);
        let submission = Submission {
            attempt: submission_id(tenant, request_id),
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
        drop(incoming);
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
            standards: &stored.standards,
            flags: stored.flags,
            start_time: stored.submit_time,
            submit_time: stored.submit_time,
            update_time: stored.submit_time,
            revision: 1,
        };
        // Decided here and not stored, so that a repeat by another key is answered by the roles of that key.
        Ok(match extent(reader, view, &stored.showing) {
            Extent::Receipt => Reply::without_marks(show::receipt(sat, &outcome)),
            Extent::Basic => Reply::without_marks(show::basic(sat, &outcome)),
            Extent::Subscores => Reply::without_marks(show::without_marks(sat, &outcome)),
            Extent::Full => Reply::new(show::without_marks(sat, &outcome), &compiled, &marks),
        })
    }

    /// Scores and stores a stream of submissions, each with an answer of its own.
    pub(super) fn score_stream(
        &self,
        caller: Caller,
        submissions: impl Stream<Item = Result<Incoming, Status>> + Send + 'static,
    ) -> ElementStream {
        let delivery = self.clone();
        let reader = Reader::of(&caller);
        let room = Arc::new(Semaphore::new(WINDOW_KB));
        // A message that cannot be read ends the stream: nobody can say where the next one begins. What came before it is
        // answered first.
        let failed = Arc::new(OnceLock::new());
        let failure = Arc::clone(&failed);
        let whole = submissions.scan((), move |(), message| {
            ready(message.map_err(|s| failure.set(crate::edge::restate_status(&s).unwrap_or(s))).ok())
        });
        let sized = whole.then(move |message| {
            let room = Arc::clone(&room);
            async move {
                let kilobytes = u32::try_from((message.size() / 1024 + 1).min(WINDOW_KB)).unwrap_or(1);
                // The semaphore is never closed, so there is always an answer.
                (message, room.acquire_many_owned(kilobytes).await.ok())
            }
        });
        let answers = sized
            .enumerate()
            .map(move |(index, (incoming, room))| {
                let delivery = delivery.clone();
                // Each element has the time of a whole call: a stream may last longer than one.
                let caller = caller.renewed();
                async move {
                    let request_id = incoming.request_id().to_owned();
                    let scored = delivery.score(&caller, reader, incoming, Patience::Wait).await;
                    drop(room);
                    let outcome = scored
                        .map_or_else(|e| Outcome::Error(e.into()), |reply| Outcome::Result(Box::new(reply)));
                    Ok(Element { request_id, index: index as i64, outcome })
                }
            })
            .buffer_unordered(WINDOW);
        let last = stream::once(async move { failed.get().cloned() });
        Box::pin(answers.chain(last.filter_map(|failure| ready(failure.map(Err)))))
    }

    /// The form that a submission names, or the exam's only one, where it is kept: no round trip.
    fn kept_form_for(
        &self,
        tenant: Uuid,
        exam: &ExamName,
        form: Option<&FormName>,
    ) -> Result<Option<FoundForm>> {
        let Some(facts) = self.plans.kept_exam(tenant, &exam.exam) else { return Ok(None) };
        let index = pick_form(&facts, form)?;
        Ok(self.plans.kept_form(tenant, &facts, index).map(|compiled| (facts, index, compiled)))
    }

    /// The same, from the database.
    async fn load_form_for(
        &self,
        caller: &Caller,
        exam: &ExamName,
        form: Option<&FormName>,
    ) -> Result<FoundForm> {
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let index = pick_form(&facts, form)?;
        let compiled = self.plans.form(&mut tx, tenant, &facts, index).await?;
        tx.commit().await?;
        Ok((facts, index, compiled))
    }
}

fn crowded(count: usize) -> Error {
    Error::invalid("responses", format!("have {count} entries or more; no form has that many"))
}

/// The facts of an exam, and one of its forms with its index.
type FoundForm = (Arc<Facts>, usize, Arc<CompiledForm>);

fn pick_form(facts: &Facts, form: Option<&FormName>) -> Result<usize> {
    match form {
        Some(form) => form_index(facts, form),
        None if facts.forms.len() == 1 => Ok(0),
        None => Err(Error::invalid("form", format!("is required: the exam has {} forms", facts.forms.len()))),
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::exam::policy::{Release, ReleaseWhen};

    #[test]
    fn nobody_learns_more_than_results_or_candidates_may_be_told() {
        use pb::ResultView as View;
        let showing = |when, released: bool, content| Showing {
            release: Release {
                when,
                now: DateTime::UNIX_EPOCH,
                close_time: None,
                grace_s: 0,
                release_time: released.then_some(DateTime::UNIX_EPOCH),
                somebody_sits: false,
            },
            content,
        };
        for content in ReleaseContent::ALL {
            let marks = if *content == ReleaseContent::ScoreOnly { Extent::Basic } else { Extent::Full };
            for (when, released, due) in [
                (ReleaseWhen::ByHand, false, false),
                (ReleaseWhen::ByHand, true, true),
                (ReleaseWhen::AfterClosing, true, false),
                (ReleaseWhen::AtOnce, false, true),
            ] {
                let showing = showing(when, released, *content);
                let of = |reads, view| extent(Reader(reads), view, &showing);
                for full in [View::Full, View::Unspecified] {
                    assert_eq!(of(true, full), Extent::Full);
                    assert_eq!(of(false, full), if due { marks } else { Extent::Receipt });
                }
                assert_eq!(of(true, View::Subscores), Extent::Subscores);
                let some = if marks == Extent::Full { Extent::Subscores } else { marks };
                assert_eq!(of(false, View::Subscores), if due { some } else { Extent::Receipt });
                assert_eq!(of(true, View::Basic), Extent::Basic);
                assert_eq!(of(false, View::Basic), if due { Extent::Basic } else { Extent::Receipt });
            }
        }
    }
}
