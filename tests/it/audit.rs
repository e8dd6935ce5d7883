//! Every change leaves its audit row and its event in its own transaction, and what fails leaves none. The methods come
//! from the protocol, so that a new one must be placed here.

use assessd::pb;
use prost_types::FieldMask;
use sqlx::PgConnection;
use tonic::Status;

use crate::support::{
    As, World,
    build::{pick, section, single, truth},
    protocol, raw,
};

/// What a call is to do: its work, or something that must fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    Good,
    Bad,
}

fn mask(path: &str) -> Option<FieldMask> {
    Some(FieldMask { paths: vec![path.to_owned()] })
}

/// Calls a write on a populated tenant; the names of the resources that it changed.
async fn write(a: &As, method: &str, how: Try, open: &str) -> Result<Vec<String>, Status> {
    let good = how == Try::Good;
    let pick_name = |right: &str, wrong: &str| (if good { right } else { wrong }).to_owned();
    if let Some((turn, kind)) = protocol::turn(method.split('/').nth(1).unwrap()) {
        // The methods come in the order of the alphabet: one is archived and unarchived, the other deleted and undeleted.
        let kept = turn.ends_with("rchive");
        let name = match (kind, kept) {
            ("Bank", true) => "banks/kept",
            ("Bank", false) => "banks/gone",
            ("Question", true) => "banks/kept/questions/kept",
            ("Question", false) => "banks/kept/questions/gone",
            ("Blueprint", true) => "blueprints/spare",
            ("Blueprint", false) => "blueprints/gone",
            ("Form", true) => "blueprints/standard/forms/a",
            ("Form", false) => "blueprints/standard/forms/c",
            (_, true) => "exams/summer",
            (_, false) => "exams/gone",
        };
        let name = if good { name.to_owned() } else { format!("{name}-none") };
        raw::say(a, method, &[("name", prost_reflect::Value::String(name.clone()))]).await?;
        return Ok(vec![name]);
    }
    Ok(match method.split('/').nth(1).unwrap() {
        "CreateBank" => {
            let request = pb::CreateBankRequest {
                bank_id: pick_name("new", "crm"),
                bank: Some(pb::Bank { display_name: "x".to_owned(), ..Default::default() }),
                ..Default::default()
            };
            vec![a.bank().create_bank(request).await?.into_inner().name]
        }
        "UpdateBank" => {
            let bank = pb::Bank {
                name: "banks/crm".to_owned(),
                etag: pick_name("", "999"),
                description: "x".to_owned(),
                ..Default::default()
            };
            let request = pb::UpdateBankRequest { bank: Some(bank), ..Default::default() };
            vec![a.bank().update_bank(request).await?.into_inner().name]
        }
        "CreateQuestion" => {
            // Created and published: two changes of one call.
            let request = pb::CreateQuestionRequest {
                parent: "banks/crm".to_owned(),
                question_id: pick_name("new", "s1"),
                question: Some(single("新?", "A")),
                publish: true,
                ..Default::default()
            };
            let name = a.bank().create_question(request).await?.into_inner().name;
            vec![name.clone(), name]
        }
        "UpdateQuestion" => {
            let question = pb::Question {
                name: "banks/crm/questions/t1".to_owned(),
                etag: pick_name("", "999"),
                stem: "改?".to_owned(),
                ..Default::default()
            };
            let request = pb::UpdateQuestionRequest {
                question: Some(question),
                update_mask: mask("stem"),
                ..Default::default()
            };
            vec![a.bank().update_question(request).await?.into_inner().name]
        }
        "PublishQuestion" => {
            let name = pick_name("banks/crm/questions/d1", "banks/crm/questions/none");
            let request = pb::PublishQuestionRequest { name, ..Default::default() };
            vec![a.bank().publish_question(request).await?.into_inner().name]
        }
        "BatchPublishQuestions" => {
            // Two that have changes, one that has none, one that does not exist.
            for id in ["p1", "p2"] {
                if good {
                    a.draft("banks/crm", id, truth("?", true)).await;
                }
            }
            let names = ["p1", "p2", "s2", "none"].map(|id| format!("banks/crm/questions/{id}"));
            let names = if good { names.to_vec() } else { vec![] };
            let request = pb::BatchPublishQuestionsRequest {
                parent: "banks/crm".to_owned(),
                names: names.clone(),
                ..Default::default()
            };
            a.bank().batch_publish_questions(request).await?;
            names[..2].to_vec()
        }
        "RetireQuestion" => {
            let name = pick_name("banks/crm/questions/i1", "banks/crm/questions/none");
            let request = pb::RetireQuestionRequest { name, ..Default::default() };
            vec![a.bank().retire_question(request).await?.into_inner().name]
        }
        // Retired just before.
        "UnretireQuestion" => {
            let name = pick_name("banks/crm/questions/i1", "banks/crm/questions/none");
            let request = pb::UnretireQuestionRequest { name, ..Default::default() };
            vec![a.bank().unretire_question(request).await?.into_inner().name]
        }
        "ImportQuestions" => {
            let header = pb::ImportHeader {
                parent: "banks/crm".to_owned(),
                format: pb::ImportFormat::PaperText as i32,
                // The blueprint is there already: the questions must go with it.
                blueprint_id: pick_name("imported", "standard"),
                ..Default::default()
            };
            let text = "卷\n一、判断题(共1题,每题1分,共1分)\n1.水往低处流。(√)\n";
            let messages = [
                pb::import_questions_request::Message::Header(header),
                pb::import_questions_request::Message::Chunk(text.as_bytes().to_vec()),
            ];
            let stream = messages.map(|m| pb::ImportQuestionsRequest { message: Some(m) });
            let report = a.bank().import_questions(tokio_stream::iter(stream)).await?.into_inner();
            assert_eq!(report.created_count, 1);
            // One change for the file, however many questions it holds, and one for the blueprint.
            vec!["banks/crm".to_owned(), report.blueprint]
        }
        "CreateApiKey" => {
            let roles = if good { vec![pb::Role::Author as i32] } else { vec![] };
            let api_key = pb::ApiKey { display_name: "x".to_owned(), roles, ..Default::default() };
            let made = a.admin().create_api_key(pb::CreateApiKeyRequest { api_key: Some(api_key) }).await?;
            vec![made.into_inner().api_key.unwrap().name]
        }
        "RevokeApiKey" => {
            let keys =
                a.admin().list_api_keys(pb::ListApiKeysRequest::default()).await?.into_inner().api_keys;
            let last = keys.last().unwrap().name.clone();
            let name = if good { last } else { format!("apiKeys/{}", uuid::Uuid::nil()) };
            vec![a.admin().revoke_api_key(pb::RevokeApiKeyRequest { name }).await?.into_inner().name]
        }
        "CreateBlueprint" => {
            let blueprint = pb::Blueprint {
                display_name: "x".to_owned(),
                bank: pick_name("banks/crm", "banks/none"),
                sections: vec![section("x", pb::QuestionKind::SingleChoice, 1, "1")],
                ..Default::default()
            };
            let request = pb::CreateBlueprintRequest { blueprint: Some(blueprint), ..Default::default() };
            vec![a.assembly().create_blueprint(request).await?.into_inner().name]
        }
        "UpdateBlueprint" => {
            let blueprint = pb::Blueprint {
                name: "blueprints/spare".to_owned(),
                etag: pick_name("", "999"),
                display_name: "y".to_owned(),
                ..Default::default()
            };
            let request = pb::UpdateBlueprintRequest {
                blueprint: Some(blueprint),
                update_mask: mask("display_name"),
                ..Default::default()
            };
            vec![a.assembly().update_blueprint(request).await?.into_inner().name]
        }
        "AssembleForms" => {
            let request = pb::AssembleFormsRequest {
                parent: "blueprints/choices".to_owned(),
                form_count: 2,
                allow_shared_questions: good,
                ..Default::default()
            };
            a.assembly()
                .assemble_forms(request)
                .await?
                .into_inner()
                .forms
                .into_iter()
                .map(|f| f.name)
                .collect()
        }
        "CreateExam" => {
            let exam = pb::Exam {
                display_name: "x".to_owned(),
                forms: vec![pick_name("blueprints/choices/forms/x", "blueprints/choices/forms/none")],
                ..Default::default()
            };
            let request = pb::CreateExamRequest { exam: Some(exam), ..Default::default() };
            vec![a.exam().create_exam(request).await?.into_inner().name]
        }
        "UpdateExam" => {
            let exam = pb::Exam {
                name: "exams/spring".to_owned(),
                etag: pick_name("", "999"),
                display_name: "y".to_owned(),
                ..Default::default()
            };
            let request = pb::UpdateExamRequest {
                exam: Some(exam),
                update_mask: mask("display_name"),
                ..Default::default()
            };
            vec![a.exam().update_exam(request).await?.into_inner().name]
        }
        "StartAttempt" => {
            // At `choices` every candidate has one attempt.
            let request = pb::StartAttemptRequest {
                parent: "exams/choices".to_owned(),
                candidate: pick_name("new", "e-1"),
                ..Default::default()
            };
            vec![a.delivery().start_attempt(request).await?.into_inner().name]
        }
        "ReleaseResults" => {
            let name = pick_name("exams/spring", "exams/none");
            let request = pb::ReleaseResultsRequest { name, ..Default::default() };
            vec![a.exam().release_results(request).await?.into_inner().name]
        }
        "BatchSetAccommodations" => {
            // One change for each person; a bad one is none.
            let people = if good { ["n-1", "", "n-2"].as_slice() } else { &[] };
            let accommodations = people.iter().map(|candidate| pb::Accommodation {
                candidate: (*candidate).to_owned(),
                ..Default::default()
            });
            let request = pb::BatchSetAccommodationsRequest {
                parent: "exams/spring".to_owned(),
                accommodations: accommodations.collect(),
                ..Default::default()
            };
            a.exam().batch_set_accommodations(request).await?;
            vec!["exams/spring".to_owned(); 2]
        }
        "VoidAttempt" => {
            let reason = pick_name("x", "");
            let request = pb::VoidAttemptRequest { name: open.to_owned(), reason, ..Default::default() };
            vec![a.delivery().void_attempt(request).await?.into_inner().name]
        }
        "ReopenAttempt" => {
            // Another one of the candidate, which is submitted.
            let parent = "exams/spring".to_owned();
            let candidate = "again".to_owned();
            let start = pb::StartAttemptRequest { parent, candidate, ..Default::default() };
            let name = a.delivery().start_attempt(start).await?.into_inner().name;
            let submit = pb::SubmitAttemptRequest { name: name.clone(), ..Default::default() };
            a.delivery().submit_attempt(submit).await?;
            let reason = pick_name("x", "");
            let request = pb::ReopenAttemptRequest { name, reason, ..Default::default() };
            vec![a.delivery().reopen_attempt(request).await?.into_inner().name]
        }
        // The attempt row is the record of these.
        "ReportSittingEvents" => {
            let kind = if good { pb::SittingEventKind::FocusLost } else { pb::SittingEventKind::Voided };
            let event = pb::SittingEvent { kind: kind as i32, ..Default::default() };
            let request = pb::ReportSittingEventsRequest { name: open.to_owned(), events: vec![event] };
            a.delivery().report_sitting_events(request).await?;
            vec![]
        }
        "SaveResponses" => {
            let responses = if good { vec![pick(1, "B")] } else { vec![pick(99, "B")] };
            let request = pb::SaveResponsesRequest { name: open.to_owned(), responses, sequence: 1 };
            a.delivery().save_responses(request).await?;
            vec![]
        }
        "SubmitAttempt" => {
            let responses = if good { vec![] } else { vec![pick(99, "B")] };
            let request = pb::SubmitAttemptRequest { name: open.to_owned(), responses, ..Default::default() };
            a.delivery().submit_attempt(request).await?;
            vec![]
        }
        "ScoreSubmission" => {
            let exam = pick_name("exams/spring", "exams/none");
            a.submission(&exam, "new", vec![]).await?;
            vec![]
        }
        "BatchScoreSubmissions" => {
            let submission = pb::ScoreSubmissionRequest {
                parent: "exams/spring".to_owned(),
                candidate: "batch".to_owned(),
                request_id: pick_name("batch", ""),
                ..Default::default()
            };
            let stream =
                tokio_stream::iter([pb::BatchScoreSubmissionsRequest { submission: Some(submission) }]);
            let mut answers = a.delivery().batch_score_submissions(stream).await?.into_inner();
            match answers.message().await?.unwrap().outcome.unwrap() {
                pb::batch_score_submissions_response::Outcome::Result(_) => vec![],
                pb::batch_score_submissions_response::Outcome::Error(e) => {
                    return Err(Status::invalid_argument(e.message));
                }
            }
        }
        "UpdateGradingScheme" => {
            let scheme = pb::GradingScheme {
                name: "exams/written/gradingScheme".to_owned(),
                etag: pick_name("", "999"),
                ..Default::default()
            };
            let request =
                pb::UpdateGradingSchemeRequest { grading_scheme: Some(scheme), ..Default::default() };
            vec![a.grading().update_grading_scheme(request).await?.into_inner().name]
        }
        "ClaimGradingTasks" => {
            claim(a, &pick_name("exams/written", "exams/none"), 1).await?;
            vec!["exams/written".to_owned()]
        }
        "ReleaseGradingTasks" => {
            let request = pb::ReleaseGradingTasksRequest {
                parent: pick_name("exams/written", "exams/none"),
                grader: "li".to_owned(),
                ..Default::default()
            };
            if good {
                claim(a, "exams/written", 1).await?;
            }
            a.grading().release_grading_tasks(request).await?;
            vec!["exams/written".to_owned()]
        }
        "GradeResponse" => {
            let ask = pb::ListGradingTasksRequest {
                parent: "exams/written".to_owned(),
                filter: "state = waiting".to_owned(),
                ..Default::default()
            };
            let tasks = a.grading().list_grading_tasks(ask).await?.into_inner().tasks;
            let name = tasks[0].name.clone();
            let request = pb::GradeResponseRequest {
                name: name.clone(),
                grader: "li".to_owned(),
                points: pick_name("1", "99"),
                ..Default::default()
            };
            a.grading().grade_response(request).await?;
            let (attempt, _) = name.split_once("/responses/").unwrap();
            vec![format!("{attempt}/result"), name]
        }
        // What the regrade then does stands in events of its own, which the tests of grading look at.
        "RegradeExam" | "CancelRegrade" | "ResumeRegrade" | "CancelOperation" => {
            return Err(Status::cancelled("not here"));
        }
        "DeleteOperation" => {
            let ask = pb::longrunning::ListOperationsRequest::default();
            let operations = a.operations().list_operations(ask).await?.into_inner().operations;
            let name = if good { operations[0].name.clone() } else { "operations/none".to_owned() };
            let request = pb::longrunning::DeleteOperationRequest { name: name.clone() };
            a.operations().delete_operation(request).await?;
            vec![name]
        }
        other => panic!("{other} is a new write: add it here"),
    })
}

async fn claim(a: &As, exam: &str, count: i32) -> Result<(), Status> {
    let request = pb::ClaimGradingTasksRequest {
        parent: exam.to_owned(),
        grader: "li".to_owned(),
        count,
        ..Default::default()
    };
    a.grading().claim_grading_tasks(request).await.map(|_| ())
}

#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    resource: String,
    kind: String,
    method: String,
    actor: String,
    together: bool,
}

/// What was recorded beyond the first `skip` changes: audit rows with the event of the same id and transaction.
async fn recorded(su: &mut PgConnection, skip: i64) -> Vec<Row> {
    sqlx::query_as(
        "select a.resource, a.outcome as kind, a.method, a.actor,
                coalesce(e.xmin = a.xmin and e.resource = a.resource and e.kind = a.outcome and e.data = a.detail
                         and e.xact::text::bigint % 4294967296 = a.xmin::text::bigint, false) as together
         from audit a full join event e on e.tenant_id = a.tenant_id and e.event_id = a.audit_id
         order by coalesce(a.audit_id, e.event_id) offset $1",
    )
    .bind(skip)
    .fetch_all(su)
    .await
    .unwrap()
}

async fn count(su: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from audit full join event on event_id = audit_id")
        .fetch_one(su)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_write_records_each_change_once_and_a_failure_none() {
    let world = World::start().await;
    let a = &world.a;
    a.populate().await;
    for bank in ["kept", "gone"] {
        a.new_bank(bank).await;
        a.draft("banks/kept", bank, truth("?", true)).await;
    }
    a.blueprint("gone", "banks/crm", vec![section("x", pb::QuestionKind::SingleChoice, 1, "1")]).await;
    a.exam_of("gone", &["blueprints/standard/forms/b"], |_| {}).await;
    let mut su = world.superuser().await;
    let open: uuid::Uuid = sqlx::query_scalar("select attempt_id from attempt where state = 0")
        .fetch_one(&mut su)
        .await
        .unwrap();
    let open = format!("exams/spring/attempts/{open}");
    let me = a.admin().get_caller(pb::GetCallerRequest {}).await.unwrap().into_inner().api_key;
    for method in protocol::methods().into_iter().map(|m| m.name).filter(|m| protocol::writes(m)) {
        let regrades = ["/CancelRegrade", "/ResumeRegrade", "/RegradeExam", "/CancelOperation"];
        if regrades.iter().any(|r| method.ends_with(r)) {
            continue;
        }
        let mut before = count(&mut su).await;
        let status = write(a, &method, Try::Bad, &open).await;
        assert!(status.is_err(), "{method} should have failed");
        // What is reopened was started for it.
        before += i64::from(method.ends_with("/ReopenAttempt"));
        assert_eq!(count(&mut su).await, before, "{method} failed and left a record");

        // The batch needs drafts, which are recorded themselves.
        // Releasing needs a claim.
        let drafts = match method.split('/').nth(1).unwrap() {
            "BatchPublishQuestions" => 2,
            "ReleaseGradingTasks" => 1,
            // Starting is a change of its own.
            "ReopenAttempt" => 1,
            _ => 0,
        };
        let changed = write(a, &method, Try::Good, &open).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
        let rows = recorded(&mut su, before + drafts).await;
        let mut resources: Vec<&str> = rows.iter().map(|r| r.resource.as_str()).collect();
        let mut changed: Vec<&str> = changed.iter().map(String::as_str).collect();
        resources.sort_unstable();
        changed.sort_unstable();
        assert_eq!(resources, changed, "{method}");
        for row in rows {
            assert!(row.together, "{method}: audit row and event are one: {row:?}");
            assert_eq!((row.method.as_str(), row.actor.as_str()), (method.as_str(), me.as_str()));
            assert!(row.kind.contains('.'), "{row:?}");
        }
    }
}

#[tokio::test]
async fn what_changes_nothing_records_nothing() {
    let world = World::start().await;
    let a = &world.a;
    a.populate().await;
    let mut su = world.superuser().await;
    let before = count(&mut su).await;
    // Reads.
    for method in crate::support::lists::methods() {
        let (parent, ..) = crate::support::lists::offer(&method);
        crate::support::lists::all(a, &method, &crate::support::lists::Ask::under(parent)).await;
    }
    // Publishing what is published, and a repeated request.
    let request =
        pb::PublishQuestionRequest { name: "banks/crm/questions/s2".to_owned(), ..Default::default() };
    a.bank().publish_question(request).await.unwrap();
    let start = pb::StartAttemptRequest {
        parent: "exams/spring".to_owned(),
        candidate: "open".to_owned(),
        ..Default::default()
    };
    a.delivery().start_attempt(start).await.unwrap();
    assert_eq!(count(&mut su).await, before);
    let bank = pb::CreateBankRequest {
        bank: Some(pb::Bank { display_name: "x".to_owned(), ..Default::default() }),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    for _ in 0..3 {
        a.bank().create_bank(bank.clone()).await.unwrap();
    }
    assert_eq!(count(&mut su).await, before + 1);
    // Nothing of a key's secret or of a question's content stands in the records.
    let told: i64 = sqlx::query_scalar(
        "select (select count(*) from audit where detail::text like '%SECRET%') + (select count(*) from event where data::text like '%SECRET%')",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!(told, 0);
}
