//! The steps of a sitting.

use assessd::pb;
use tonic::{Response, Status};

use super::As;

/// Starts an attempt, or finds the open one.
pub async fn start(a: &As, exam: &str, candidate: &str) -> Result<pb::Attempt, Status> {
    let request = pb::StartAttemptRequest {
        parent: exam.to_owned(),
        candidate: candidate.to_owned(),
        ..Default::default()
    };
    a.delivery().start_attempt(request).await.map(Response::into_inner)
}

/// Saves responses under a sequence number.
pub async fn save(
    a: &As,
    name: &str,
    sequence: i64,
    responses: Vec<pb::Response>,
) -> Result<pb::SaveResponsesResponse, Status> {
    let request = pb::SaveResponsesRequest { name: name.to_owned(), responses, sequence };
    a.delivery().save_responses(request).await.map(Response::into_inner)
}

/// Submits, with last responses.
pub async fn submit(
    a: &As,
    name: &str,
    responses: Vec<pb::Response>,
) -> Result<pb::SubmitAttemptResponse, Status> {
    let request = pb::SubmitAttemptRequest { name: name.to_owned(), responses, ..Default::default() };
    a.delivery().submit_attempt(request).await.map(Response::into_inner)
}

/// The attempt as it stands.
pub async fn attempt(a: &As, name: &str) -> pb::Attempt {
    a.delivery().get_attempt(pb::GetAttemptRequest { name: name.to_owned() }).await.unwrap().into_inner()
}
