//! Long work as generic clients see it: `google.longrunning.Operations`.

use std::time::{Duration, Instant};

use assessd::pb::{
    self,
    longrunning::{
        CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
        WaitOperationRequest, operation::Result as Outcome,
    },
};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::support::{
    As, Refused, World,
    build::pick,
    long::{progress, response},
};

/// The exam `choices` with one attempt, and a regrade of it.
fn ask() -> pb::RegradeExamRequest {
    pb::RegradeExamRequest {
        parent: "exams/choices".to_owned(),
        rules: vec![pb::RegradeRule {
            question: "banks/crm/questions/s2".to_owned(),
            part: 0,
            mode: pb::RegradeMode::FullMarks as i32,
        }],
        reason: "x".to_owned(),
        ..Default::default()
    }
}

async fn choices() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    a.submission("exams/choices", "e-1", vec![pick(1, "A")]).await.unwrap();
    world
}

async fn list(a: &As, filter: &str) -> Vec<String> {
    let request = ListOperationsRequest { filter: filter.to_owned(), ..Default::default() };
    let answer = a.operations().list_operations(request).await.unwrap().into_inner();
    answer.operations.into_iter().map(|o| o.name).collect()
}

fn wait(name: &str, millis: Option<i32>) -> WaitOperationRequest {
    let timeout = millis.map(|m| prost_types::Duration { seconds: 0, nanos: m * 1_000_000 });
    WaitOperationRequest { name: name.to_owned(), timeout }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_is_told_waited_for_stopped_and_put_away() {
    let world = choices().await;
    let a = &world.a;
    let first = a.grading().regrade_exam(ask()).await.unwrap().into_inner();
    let done = a.finished(&first.name).await;
    assert_eq!(response(&done).operation, first.name);
    assert_eq!(progress(&done).counts.unwrap().changed_count, 1);

    // One that cannot come forward: somebody holds the attempt.
    let mut su = world.superuser().await;
    sqlx::raw_sql("begin; select from attempt for update").execute(&mut su).await.unwrap();
    let second = a.grading().regrade_exam(ask()).await.unwrap().into_inner();
    let get = |name: &str| {
        let (mut client, name) = (a.operations(), name.to_owned());
        async move { client.get_operation(GetOperationRequest { name }).await }
    };
    assert_eq!(get(&second.name).await.unwrap().into_inner(), second);
    assert_eq!(get(&first.name).await.unwrap().into_inner(), done);

    // Lists.
    assert_eq!(list(a, "").await, [second.name.clone(), first.name.clone()]);
    assert_eq!(list(a, "done = false AND kind = regrade").await, [second.name.as_str()]);
    assert_eq!(list(a, "state = done").await, [first.name.as_str()]);
    let target = progress(&second).regrade;
    assert_eq!(list(a, &format!("target = \"{target}\"")).await, [second.name.as_str()]);
    assert_eq!(list(a, "create_time < 2000-01-01T00:00:00Z").await, [""; 0]);
    let bad = ListOperationsRequest {
        name: "exams/choices".to_owned(),
        filter: "actor = x".to_owned(),
        page_size: -1,
        page_token: "x".to_owned(),
    };
    a.operations().list_operations(bad).await.bad(&["name", "filter", "page_size", "page_token"]);
    let named = ListOperationsRequest { name: "operations".to_owned(), ..Default::default() };
    assert_eq!(a.operations().list_operations(named).await.unwrap().into_inner().operations.len(), 2);

    // Waits: as long as was said, not beyond the call's own time, and not for what is done.
    let started = Instant::now();
    let still = a.operations().wait_operation(wait(&second.name, Some(300))).await.unwrap().into_inner();
    assert_eq!((still, started.elapsed().as_millis() / 300), (second.clone(), 1));
    let mut short = Request::new(wait(&second.name, None));
    short.set_timeout(Duration::from_millis(700));
    let started = Instant::now();
    let still = a.operations().wait_operation(short).await.unwrap().into_inner();
    assert!(!still.done && started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
    let started = Instant::now();
    a.operations().wait_operation(wait(&second.name, Some(0))).await.unwrap();
    assert_eq!(a.operations().wait_operation(wait(&first.name, None)).await.unwrap().into_inner(), done);
    assert!(started.elapsed() < Duration::from_secs(2));
    a.operations().wait_operation(wait(&second.name, Some(-1))).await.bad(&["timeout"]);

    // What runs cannot be put away; who waits hears of its end.
    let delete = |name: &str| {
        let (mut client, name) = (a.operations(), name.to_owned());
        async move { client.delete_operation(DeleteOperationRequest { name }).await }
    };
    delete(&second.name).await.because(Code::FailedPrecondition, "OPERATION_NOT_DONE");
    let waiting = tokio::spawn({
        let (a, name) = (a.clone(), second.name.clone());
        async move { a.finished(&name).await }
    });
    let stopping = tokio::spawn({
        let (a, name) = (a.clone(), second.name.clone());
        async move { a.operations().cancel_operation(CancelOperationRequest { name }).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    sqlx::raw_sql("rollback").execute(&mut su).await.unwrap();
    stopping.await.unwrap().unwrap();
    let ended = waiting.await.unwrap();
    // Either the step under way was the last one, or the stop came before the next.
    match ended.result.as_ref().unwrap() {
        Outcome::Error(error) => {
            assert_eq!(error.code, Code::Cancelled as i32);
            let whole: tonic_types::Status = error.clone();
            assert_eq!(whole.details[0].type_url, "type.googleapis.com/google.rpc.ErrorInfo");
        }
        Outcome::Response(_) => assert_eq!(response(&ended).state(), pb::RegradeState::Done),
    }
    // Of what is done a stop changes nothing.
    for name in [&first.name, &second.name] {
        a.operations().cancel_operation(CancelOperationRequest { name: name.clone() }).await.unwrap();
    }
    assert_eq!(get(&first.name).await.unwrap().into_inner(), done);
    assert_eq!(get(&second.name).await.unwrap().into_inner(), ended);

    delete(&first.name).await.unwrap();
    for answer in [get(&first.name).await.map(drop), delete(&first.name).await.map(drop)] {
        answer.because(Code::NotFound, "NOT_FOUND");
    }
    assert_eq!(list(a, "").await, [second.name.as_str()]);
    let regrade = response(&done);
    let request = pb::GetRegradeRequest { name: regrade.name.clone() };
    assert_eq!(a.grading().get_regrade(request).await.unwrap().into_inner(), regrade, "what it did stays");
    let cancel = pb::CancelRegradeRequest { name: regrade.name };
    a.grading().cancel_regrade(cancel).await.because(Code::FailedPrecondition, "REGRADE_NOT_RUNNING");
}

#[tokio::test]
async fn names_of_operations_are_checked() {
    let world = World::start().await;
    for bad in ["", "operations/", "operations/x", "exams/x", "operations/1/2"] {
        let a = &world.a;
        let name = bad.to_owned();
        a.operations().get_operation(GetOperationRequest { name: name.clone() }).await.bad(&["name"]);
        a.operations().wait_operation(wait(bad, None)).await.bad(&["name"]);
        a.operations().cancel_operation(CancelOperationRequest { name: name.clone() }).await.bad(&["name"]);
        a.operations().delete_operation(DeleteOperationRequest { name }).await.bad(&["name"]);
    }
    let name = format!("operations/{}", uuid::Uuid::nil());
    let status = world
        .a
        .operations()
        .get_operation(GetOperationRequest { name: name.clone() })
        .await
        .refused(Code::NotFound);
    let details = status.get_error_details();
    let resource = details.resource_info().unwrap();
    assert_eq!(
        (resource.resource_type.as_str(), resource.resource_name.as_str()),
        ("operations", name.as_str())
    );
}

#[tokio::test]
async fn more_operations_than_places_all_come_to_their_end() {
    let world = choices().await;
    let a = &world.a;
    for i in 0..7 {
        let exam = format!("n-{i}");
        a.exam_of(&exam, &["blueprints/choices/forms/x"], |_| {}).await;
        a.submission(&format!("exams/{exam}"), "e-1", vec![]).await.unwrap();
    }
    // While nothing can come forward, the first ones take every place there is.
    let mut su = world.superuser().await;
    sqlx::raw_sql("begin; select from attempt for update").execute(&mut su).await.unwrap();
    let mut begun = Vec::new();
    for i in 0..7 {
        let request = pb::RegradeExamRequest { parent: format!("exams/n-{i}"), ..ask() };
        begun.push(a.grading().regrade_exam(request).await.unwrap().into_inner().name);
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from operation where lease_until <= create_time")
        .fetch_one(&mut su)
        .await
        .unwrap();
    assert_eq!(waiting, 3);
    sqlx::raw_sql("rollback").execute(&mut su).await.unwrap();
    for name in begun {
        assert_eq!(response(&a.finished(&name).await).counts.unwrap().changed_count, 1);
    }
}
