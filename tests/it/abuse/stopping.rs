//! A stop waits for work and for nothing else; and a disk that is full is said to be.

use std::time::{Duration, Instant};

use assessd::pb::{self, longrunning::WaitOperationRequest};
use sqlx::AssertSqlSafe;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};
use tonic_types::StatusExt;

use crate::support::{Refused, World, build::pick, reason};

#[tokio::test]
async fn streams_that_are_quiet_end_when_the_service_stops() {
    use pb::batch_score_submissions_response::Outcome;
    let world = World::start().await;
    let a = world.a.clone();
    a.populate_forms().await;
    a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    // An operation that somebody else is at.
    let operation = uuid::Uuid::now_v7();
    let insert = format!(
        "insert into operation (tenant_id, operation_id, kind, target, actor, method, holder, lease_until)
         values ('{}', '{operation}', 'regrade', 'exams/choices', 'apiKeys/x', 'x', '{operation}', now() + interval '1 day')",
        a.tenant
    );
    sqlx::query(AssertSqlSafe(insert)).execute(&mut world.superuser().await).await.unwrap();

    let (send, messages) = tokio::sync::mpsc::channel(4);
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut answers = a.delivery().batch_score_submissions(messages).await.unwrap().into_inner();
    let submission = |n: usize| pb::BatchScoreSubmissionsRequest {
        submission: Some(pb::ScoreSubmissionRequest {
            parent: "exams/choices".to_owned(),
            candidate: format!("c-{n}"),
            responses: vec![pick(1, "B")],
            request_id: format!("r-{n}"),
            ..Default::default()
        }),
    };
    send.send(submission(1)).await.unwrap();
    let first = answers.message().await.unwrap().unwrap();
    assert!(matches!(first.outcome, Some(Outcome::Result(_))), "{first:?}");

    let mut watch =
        HealthClient::new(a.channel.clone()).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let (ask, asked) = tokio::sync::mpsc::channel(4);
    let question = MessageRequest::ListServices(String::new());
    ask.send(ServerReflectionRequest { host: String::new(), message_request: Some(question) }).await.unwrap();
    let asked = tokio_stream::wrappers::ReceiverStream::new(asked);
    let mut told = ServerReflectionClient::new(a.channel.clone())
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    told.message().await.unwrap().unwrap();
    let waits = tokio::spawn({
        let mut operations = a.operations();
        let wait = WaitOperationRequest { name: format!("operations/{operation}"), timeout: None };
        async move { operations.wait_operation(Request::new(wait)).await }
    });
    let (_uploading, chunks) = tokio::sync::mpsc::channel(4);
    let uploads = tokio::spawn({
        let mut bank = a.bank();
        let chunks = tokio_stream::wrappers::ReceiverStream::new(chunks);
        async move { bank.import_questions(chunks).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;

    let started = Instant::now();
    let stopping = tokio::spawn(world.stop());
    let status = answers.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STOPPING"));
    waits.await.unwrap().because(Code::Unavailable, "STOPPING");
    uploads.await.unwrap().because(Code::Unavailable, "STOPPING");
    stopping.await.unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(6), "the stop took {took:?}");
    // Told that it is not ready, or at once that it is over.
    while let Ok(Some(_)) = watch.message().await {}
    drop((send, ask));
}

#[tokio::test]
async fn a_full_disk_is_told_apart() {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    a.submission("exams/choices", "before", vec![pick(1, "B")]).await.unwrap();
    let mut su = world.superuser().await;
    for (state, why) in
        [("53100", "STORAGE_FULL"), ("53200", "DATABASE_OUT_OF_MEMORY"), ("58030", "STORAGE_FAILING")]
    {
        let sql = format!(
            "create or replace function full_disk() returns trigger language plpgsql as $$ begin
                raise exception 'could not extend file \"base/16384/16385\"' using errcode = '{state}';
             end $$;
             create or replace trigger full_disk before insert on bank for each row execute function full_disk();
             create or replace trigger full_disk before insert on attempt for each row execute function full_disk();"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut su).await.unwrap();
        let create = pb::CreateBankRequest {
            bank_id: "full".to_owned(),
            bank: Some(pb::Bank { display_name: "full".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let status = a.bank().create_bank(create).await.because(Code::Unavailable, why);
        assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
        let many = (0..20).map(|n| {
            let (a, who) = (a.clone(), format!("c-{state}-{n}"));
            async move { a.submission("exams/choices", &who, vec![pick(1, "B")]).await }
        });
        for answer in futures_util::future::join_all(many).await {
            answer.because(Code::Unavailable, why);
        }
    }
    sqlx::raw_sql("drop trigger full_disk on bank; drop trigger full_disk on attempt")
        .execute(&mut su)
        .await
        .unwrap();
    a.submission("exams/choices", "after", vec![pick(1, "B")]).await.unwrap();
}
