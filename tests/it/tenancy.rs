//! Tenants: two that have the same ids of everything see and change nothing of each other's, neither through the
//! service nor, should the service ever forget to name the tenant, through the database.

use assessd::pb;
use prost::Message;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::{
    As, Refused, World,
    build::{pick, single},
    cluster,
    lists::{self, Ask, offer, page},
    protocol, raw,
};

const MARK: &str = "OF-THE-OTHER";

/// The names that exist for one tenant only, as its attempt's.
struct Names {
    attempt: String,
    api_key: String,
    regrade: String,
    operation: String,
}

/// Two tenants that have everything with the same ids; what the second one has says so, and it has a bank, a question,
/// a blueprint, a form and an exam `other` that the first one has not.
async fn two() -> (World, As, Names) {
    let world = World::start().await;
    world.a.populate().await;
    let b = world.tenant(MARK).await;
    b.populate().await;
    let bank = b.new_bank("other").await;
    b.publish("banks/crm", "other", single("?", "A")).await;
    b.publish(&bank, "other", single("?", "A")).await;
    b.blueprint(
        "other",
        "banks/crm",
        vec![crate::support::build::section("x", pb::QuestionKind::SingleChoice, 1, "1")],
    )
    .await;
    b.forms("blueprints/standard", &["other"], 1).await;
    b.exam_of("other", &["blueprints/standard/forms/other"], |_| {}).await;
    let mut su = world.superuser().await;
    for change in [
        "update tenant set display_name = '%' where tenant_id = $1",
        "update api_key set display_name = '%' where tenant_id = $1",
        "update bank set display_name = '%' where tenant_id = $1",
        "update question set content = jsonb_set(content, '{stem}', '\"%\"') where tenant_id = $1",
        "update question_version set content = jsonb_set(content, '{stem}', '\"%\"') where tenant_id = $1",
        "update blueprint set display_name = '%' where tenant_id = $1",
        "update form set title = '%' where tenant_id = $1",
        "update exam set display_name = '%' where tenant_id = $1",
        "update attempt set candidate = '%' || candidate where tenant_id = $1",
    ] {
        let change = change.replace('%', MARK);
        let done = sqlx::query(AssertSqlSafe(change.clone())).bind(b.tenant).execute(&mut su).await.unwrap();
        assert!(done.rows_affected() > 0, "{change}");
    }
    let attempt: Uuid =
        sqlx::query_scalar("select attempt_id from attempt where tenant_id = $1 and state = 0")
            .bind(b.tenant)
            .fetch_one(&mut su)
            .await
            .unwrap();
    let api_key: Uuid = sqlx::query_scalar("select api_key_id from api_key where tenant_id = $1 limit 1")
        .bind(b.tenant)
        .fetch_one(&mut su)
        .await
        .unwrap();
    let (regrade, operation): (Uuid, Uuid) =
        sqlx::query_as("select regrade_id, operation_id from regrade where tenant_id = $1 limit 1")
            .bind(b.tenant)
            .fetch_one(&mut su)
            .await
            .unwrap();
    let names = Names {
        attempt: format!("exams/spring/attempts/{attempt}"),
        api_key: format!("apiKeys/{api_key}"),
        regrade: format!("exams/choices/regrades/{regrade}"),
        operation: format!("operations/{operation}"),
    };
    (world, b, names)
}

/// Any read by its name, over things that both tenants have, or (`other`) over things that only the second one has.
async fn read(a: &As, method: &str, other: bool, names: &Names) -> Result<Vec<u8>, Status> {
    fn bytes<T: Message>(answer: tonic::Response<T>) -> Vec<u8> {
        answer.into_inner().encode_to_vec()
    }
    let pick = |shared: &str, only: &str| (if other { only } else { shared }).to_owned();
    let bank = pick("banks/crm", "banks/other");
    let question = pick("banks/crm/questions/s1", "banks/crm/questions/other");
    let blueprint = pick("blueprints/standard", "blueprints/other");
    let form = pick("blueprints/standard/forms/a", "blueprints/standard/forms/other");
    let exam = pick("exams/choices", "exams/other");
    let attempt = names.attempt.clone();
    let method = method.split('/').nth(1).unwrap();
    Ok(match method {
        "GetCaller" => bytes(a.admin().get_caller(pb::GetCallerRequest {}).await?),
        "GetBank" => bytes(a.bank().get_bank(pb::GetBankRequest { name: bank, show_deleted: false }).await?),
        "GetQuestion" => bytes(
            a.bank().get_question(pb::GetQuestionRequest { name: question, show_deleted: false }).await?,
        ),
        "BatchGetQuestions" => {
            let names = vec![format!("{question}/versions/1"), question];
            bytes(a.bank().batch_get_questions(pb::BatchGetQuestionsRequest { names }).await?)
        }
        "GetBlueprint" => bytes(
            a.assembly()
                .get_blueprint(pb::GetBlueprintRequest { name: blueprint, show_deleted: false })
                .await?,
        ),
        "CheckBlueprint" => {
            let subject = Some(pb::check_blueprint_request::Subject::Name(blueprint));
            bytes(
                a.assembly()
                    .check_blueprint(pb::CheckBlueprintRequest { subject, ..Default::default() })
                    .await?,
            )
        }
        "GetForm" => {
            let request =
                pb::GetFormRequest { name: form, view: pb::FormView::Full as i32, show_deleted: false };
            bytes(a.assembly().get_form(request).await?)
        }
        "GetExam" => bytes(a.exam().get_exam(pb::GetExamRequest { name: exam, show_deleted: false }).await?),
        "GetAttempt" => bytes(a.delivery().get_attempt(pb::GetAttemptRequest { name: attempt }).await?),
        "GetResult" => {
            let name = format!("{attempt}/result");
            bytes(a.result().get_result(pb::GetResultRequest { name }).await?)
        }
        "BatchGetResults" => {
            let names = vec![format!("{attempt}/result")];
            bytes(a.result().batch_get_results(pb::BatchGetResultsRequest { names, view: 0 }).await?)
        }
        "ExplainMarks" => {
            let name = format!("{attempt}/result");
            bytes(a.result().explain_marks(pb::ExplainMarksRequest { name, positions: vec![] }).await?)
        }
        "GetExamSummary" => bytes(
            a.result()
                .get_exam_summary(pb::GetExamSummaryRequest { name: exam, ..Default::default() })
                .await?,
        ),
        "GetItemAnalysis" => bytes(
            a.result()
                .get_item_analysis(pb::GetItemAnalysisRequest { name: exam, ..Default::default() })
                .await?,
        ),
        "ListSittingEvents" => {
            let request = pb::ListSittingEventsRequest { parent: attempt };
            bytes(a.delivery().list_sitting_events(request).await?)
        }
        "GetReleasedResult" => {
            let request = pb::GetReleasedResultRequest { name: attempt };
            bytes(a.delivery().get_released_result(request).await?)
        }
        "GetCandidateScore" => {
            let request = pb::GetCandidateScoreRequest { parent: exam, candidate: "e-1".to_owned() };
            bytes(a.result().get_candidate_score(request).await?)
        }
        "GetGradingScheme" => {
            let name = format!("{exam}/gradingScheme");
            bytes(a.grading().get_grading_scheme(pb::GetGradingSchemeRequest { name }).await?)
        }
        "GetGradingProgress" => {
            bytes(a.grading().get_grading_progress(pb::GetGradingProgressRequest { name: exam }).await?)
        }
        "ListMarkRevisions" => {
            let request = pb::ListMarkRevisionsRequest { parent: attempt, ..Default::default() };
            bytes(a.grading().list_mark_revisions(request).await?)
        }
        "PreviewRegrade" => {
            let rules = vec![pb::RegradeRule {
                question: "banks/crm/questions/s1".to_owned(),
                part: 0,
                mode: pb::RegradeMode::FullMarks as i32,
            }];
            let request = pb::PreviewRegradeRequest { parent: exam, rules, never_lower: false };
            let mut stream = a.grading().preview_regrade(request).await?.into_inner();
            let mut all = Vec::new();
            while let Some(message) = stream.message().await? {
                all.extend(message.encode_to_vec());
            }
            all
        }
        "GetRegrade" => {
            let name = names.regrade.clone();
            bytes(a.grading().get_regrade(pb::GetRegradeRequest { name }).await?)
        }
        "GetOperation" => {
            let request = pb::longrunning::GetOperationRequest { name: names.operation.clone() };
            bytes(a.operations().get_operation(request).await?)
        }
        "WaitOperation" => {
            let name = names.operation.clone();
            let request = pb::longrunning::WaitOperationRequest { name, timeout: None };
            bytes(a.operations().wait_operation(request).await?)
        }
        list if list.starts_with("List") => {
            let (parent, ..) = offer(list);
            let parent = match (other, list) {
                (false, _) => parent,
                (true, "ListQuestions") => "banks/other",
                (true, "ListQuestionVersions") => "banks/crm/questions/other",
                (true, "ListForms") => "blueprints/other",
                (
                    true,
                    "ListResults" | "ListAttempts" | "ListRegrades" | "ListAccommodations"
                    | "ListGradingTasks",
                ) => "exams/other",
                (true, _) => parent,
            };
            let (names, _) = page(a, list, Ask::under(parent)).await?;
            names.join(" ").into_bytes()
        }
        other => panic!("{other} is a new read: add it here"),
    })
}

#[tokio::test]
async fn no_read_shows_anything_of_another_tenants() {
    let (world, b, names) = two().await;
    let reads: Vec<String> =
        protocol::methods().into_iter().map(|m| m.name).filter(|m| !protocol::writes(m)).collect();
    for method in &reads {
        // The same names: everybody sees its own.
        let of_attempt = [
            "GetAttempt",
            "GetResult",
            "BatchGetResults",
            "ExplainMarks",
            "GetReleasedResult",
            "ListSittingEvents",
            "ListMarkRevisions",
            "GetRegrade",
            "GetOperation",
            "WaitOperation",
        ];
        if !of_attempt.contains(&method.split('/').nth(1).unwrap()) {
            let own =
                read(&world.a, method, false, &names).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
            assert!(!contains(&own, MARK), "{method}");
        }
        if matches!(
            method.split('/').nth(1).unwrap(),
            "GetBank" | "GetQuestion" | "GetBlueprint" | "GetForm" | "GetExam" | "GetAttempt" | "GetCaller"
        ) {
            let theirs = read(&b, method, false, &names).await.unwrap();
            assert!(contains(&theirs, MARK), "{method}: the mark works");
        }
        // Names that only the other one has: as if they were not there.
        let short = method.split('/').nth(1).unwrap();
        match read(&world.a, method, true, &names).await {
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{method}: {status:?}");
                assert!(!format!("{status:?}").contains(MARK), "{method}");
            }
            Ok(answer) => {
                assert!(
                    short.starts_with("List")
                        || matches!(short, "BatchGetQuestions" | "BatchGetResults" | "GetCaller"),
                    "{method} answered"
                );
                assert!(!contains(&answer, MARK), "{method}");
                if short == "BatchGetQuestions" {
                    let answer = pb::BatchGetQuestionsResponse::decode(answer.as_slice()).unwrap();
                    for element in answer.elements {
                        let Some(pb::batch_get_questions_element::Outcome::Error(e)) = element.outcome else {
                            panic!("found")
                        };
                        assert_eq!(e.code, Code::NotFound as i32);
                    }
                } else if short == "BatchGetResults" {
                    let answer = pb::BatchGetResultsResponse::decode(answer.as_slice()).unwrap();
                    let outcome = answer.elements.into_iter().next().and_then(|e| e.outcome);
                    let Some(pb::batch_get_results_element::Outcome::Error(e)) = outcome else {
                        panic!("found")
                    };
                    assert_eq!(e.code, Code::NotFound as i32);
                } else if short.starts_with("List") {
                    assert!(offer(short).0.is_empty(), "{method} answered");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_filter_and_no_collection_reaches_another_tenants() {
    let (world, b, _) = two().await;
    let filters = [
        ("ListQuestions", "banks/-", format!("stem : \"{MARK}\"")),
        ("ListQuestions", "banks/crm", format!("stem = \"{MARK}\"")),
        ("ListBlueprints", "", format!("display_name : \"{MARK}\"")),
        ("ListExams", "", format!("display_name : \"{MARK}\"")),
        ("ListResults", "exams/-", format!("candidate = \"{MARK}e-1\"")),
    ];
    for (method, parent, filter) in filters {
        let ask = Ask { filter, ..Ask::under(parent) };
        assert_eq!(lists::all(&world.a, method, &ask).await, [""; 0], "{method}");
        assert!(!lists::all(&b, method, &ask).await.is_empty(), "{method}: the filter works");
    }
    for method in lists::methods() {
        let (parent, ..) = offer(&method);
        let dash = match parent.split('/').next() {
            Some(head @ ("banks" | "blueprints" | "exams"))
                if ![
                    "ListQuestionVersions",
                    "ListAttempts",
                    "ListAccommodations",
                    "ListGradingTasks",
                    "ListRegrades",
                ]
                .contains(&method.as_str()) =>
            {
                format!("{head}/-")
            }
            _ => parent.to_owned(),
        };
        let names = lists::all(&world.a, &method, &Ask { size: 2, ..Ask::under(&dash) }).await;
        assert!(!names.is_empty() && !names.iter().any(|n| n.contains("other")), "{method}: {names:?}");
    }
}

/// A digest of every row of a tenant.
async fn rows_of(su: &mut PgConnection, tenant: Uuid) -> Vec<(String, i64, Option<String>)> {
    let mut all = Vec::new();
    for table in tables(su).await {
        let query = format!(
            "select count(*), md5(string_agg(t::text, ',' order by t::text)) from {table} t where tenant_id = $1"
        );
        let row = sqlx::query(AssertSqlSafe(query)).bind(tenant).fetch_one(&mut *su).await.unwrap();
        all.push((table, row.get(0), row.get(1)));
    }
    all
}

/// Every table of the service.
async fn tables(su: &mut PgConnection) -> Vec<String> {
    let query = "select table_name::text from information_schema.columns
                 where table_schema = 'public' and column_name = 'tenant_id' order by 1";
    let tables: Vec<String> = sqlx::query_scalar(query).fetch_all(su).await.unwrap();
    assert!(tables.len() >= 13, "{tables:?}");
    tables
}

#[tokio::test]
async fn no_write_reaches_another_tenants() {
    let (world, b, names) = two().await;
    let mut su = world.superuser().await;
    let before = rows_of(&mut su, b.tenant).await;
    let a = &world.a;
    for method in protocol::methods().into_iter().map(|m| m.name).filter(|m| protocol::writes(m)) {
        let question = "banks/crm/questions/other".to_owned();
        if let Some((_, kind)) = protocol::turn(method.split('/').nth(1).unwrap()) {
            let name = match kind {
                "Bank" => "banks/other",
                "Question" => "banks/crm/questions/other",
                "Blueprint" => "blueprints/other",
                "Form" => "blueprints/standard/forms/other",
                _ => "exams/other",
            };
            let name = [("name", prost_reflect::Value::String(name.to_owned()))];
            raw::say(a, &method, &name).await.refused(Code::NotFound);
            continue;
        }
        let answer: Result<Code, Status> = match method.split('/').nth(1).unwrap() {
            // These name nothing that could be another tenant's.
            "CreateBank" | "CreateApiKey" => continue,
            "UpdateBank" => {
                let bank = pb::Bank {
                    name: "banks/other".to_owned(),
                    display_name: "x".to_owned(),
                    ..Default::default()
                };
                let request = pb::UpdateBankRequest { bank: Some(bank), ..Default::default() };
                a.bank().update_bank(request).await.map(|_| Code::Ok)
            }
            "CreateQuestion" => {
                let question = Some(single("?", "A"));
                let request = pb::CreateQuestionRequest {
                    parent: "banks/other".to_owned(),
                    question,
                    ..Default::default()
                };
                a.bank().create_question(request).await.map(|_| Code::Ok)
            }
            "UpdateQuestion" => {
                let question = Some(pb::Question { name: question, ..single("!", "B") });
                let request = pb::UpdateQuestionRequest { question, ..Default::default() };
                a.bank().update_question(request).await.map(|_| Code::Ok)
            }
            "PublishQuestion" => {
                let request = pb::PublishQuestionRequest { name: question, ..Default::default() };
                a.bank().publish_question(request).await.map(|_| Code::Ok)
            }
            "RetireQuestion" => {
                let request = pb::RetireQuestionRequest { name: question, ..Default::default() };
                a.bank().retire_question(request).await.map(|_| Code::Ok)
            }
            "UnretireQuestion" => {
                let request = pb::UnretireQuestionRequest { name: question, ..Default::default() };
                a.bank().unretire_question(request).await.map(|_| Code::Ok)
            }
            "BatchPublishQuestions" => {
                let parent = "banks/crm".to_owned();
                let request =
                    pb::BatchPublishQuestionsRequest { parent, names: vec![question], ..Default::default() };
                let answer = a.bank().batch_publish_questions(request).await.unwrap().into_inner();
                let Some(pb::batch_publish_questions_element::Outcome::Error(e)) =
                    answer.elements[0].outcome.clone()
                else {
                    panic!("published")
                };
                Err(Status::new(Code::from_i32(e.code), e.message))
            }
            "ImportQuestions" => {
                let header = pb::ImportHeader {
                    parent: "banks/other".to_owned(),
                    format: pb::ImportFormat::PaperText as i32,
                    ..Default::default()
                };
                let message = Some(pb::import_questions_request::Message::Header(header));
                let stream = tokio_stream::iter([pb::ImportQuestionsRequest { message }]);
                a.bank().import_questions(stream).await.map(|_| Code::Ok)
            }
            "RevokeApiKey" => {
                let request = pb::RevokeApiKeyRequest { name: names.api_key.clone() };
                a.admin().revoke_api_key(request).await.map(|_| Code::Ok)
            }
            "CreateBlueprint" => {
                let blueprint = pb::Blueprint {
                    display_name: "x".to_owned(),
                    bank: "banks/other".to_owned(),
                    sections: vec![crate::support::build::section(
                        "x",
                        pb::QuestionKind::SingleChoice,
                        1,
                        "1",
                    )],
                    ..Default::default()
                };
                let request = pb::CreateBlueprintRequest { blueprint: Some(blueprint), ..Default::default() };
                a.assembly().create_blueprint(request).await.map(|_| Code::Ok)
            }
            "UpdateBlueprint" => {
                let blueprint = pb::Blueprint {
                    name: "blueprints/other".to_owned(),
                    display_name: "x".to_owned(),
                    ..Default::default()
                };
                let request = pb::UpdateBlueprintRequest {
                    blueprint: Some(blueprint),
                    update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".to_owned()] }),
                    ..Default::default()
                };
                a.assembly().update_blueprint(request).await.map(|_| Code::Ok)
            }
            "AssembleForms" => {
                let request =
                    pb::AssembleFormsRequest { parent: "blueprints/other".to_owned(), ..Default::default() };
                a.assembly().assemble_forms(request).await.map(|_| Code::Ok)
            }
            "CreateExam" => {
                let exam = pb::Exam {
                    display_name: "x".to_owned(),
                    forms: vec!["blueprints/standard/forms/other".to_owned()],
                    ..Default::default()
                };
                let request = pb::CreateExamRequest { exam: Some(exam), ..Default::default() };
                a.exam().create_exam(request).await.map(|_| Code::Ok)
            }
            "UpdateExam" => {
                let exam = pb::Exam {
                    name: "exams/other".to_owned(),
                    display_name: "x".to_owned(),
                    ..Default::default()
                };
                let request = pb::UpdateExamRequest {
                    exam: Some(exam),
                    update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".to_owned()] }),
                    ..Default::default()
                };
                a.exam().update_exam(request).await.map(|_| Code::Ok)
            }
            "StartAttempt" => {
                let request = pb::StartAttemptRequest {
                    parent: "exams/other".to_owned(),
                    candidate: "x".to_owned(),
                    ..Default::default()
                };
                a.delivery().start_attempt(request).await.map(|_| Code::Ok)
            }
            "ReleaseResults" => {
                let request =
                    pb::ReleaseResultsRequest { name: "exams/other".to_owned(), ..Default::default() };
                a.exam().release_results(request).await.map(|_| Code::Ok)
            }
            "BatchSetAccommodations" => {
                let one = pb::Accommodation { candidate: "x".to_owned(), ..Default::default() };
                let request = pb::BatchSetAccommodationsRequest {
                    parent: "exams/other".to_owned(),
                    accommodations: vec![one],
                    ..Default::default()
                };
                a.exam().batch_set_accommodations(request).await.map(|_| Code::Ok)
            }
            "ReportSittingEvents" => {
                let kind = pb::SittingEventKind::Note as i32;
                let events = vec![pb::SittingEvent { kind, ..Default::default() }];
                let request = pb::ReportSittingEventsRequest { name: names.attempt.clone(), events };
                a.delivery().report_sitting_events(request).await.map(|_| Code::Ok)
            }
            "VoidAttempt" => {
                let request = pb::VoidAttemptRequest {
                    name: names.attempt.clone(),
                    reason: "x".to_owned(),
                    ..Default::default()
                };
                a.delivery().void_attempt(request).await.map(|_| Code::Ok)
            }
            "ReopenAttempt" => {
                let request = pb::ReopenAttemptRequest {
                    name: names.attempt.clone(),
                    reason: "x".to_owned(),
                    ..Default::default()
                };
                a.delivery().reopen_attempt(request).await.map(|_| Code::Ok)
            }
            "SaveResponses" => {
                let request = pb::SaveResponsesRequest {
                    name: names.attempt.clone(),
                    responses: vec![pick(1, "A")],
                    sequence: 9,
                };
                a.delivery().save_responses(request).await.map(|_| Code::Ok)
            }
            "SubmitAttempt" => {
                let request = pb::SubmitAttemptRequest { name: names.attempt.clone(), ..Default::default() };
                a.delivery().submit_attempt(request).await.map(|_| Code::Ok)
            }
            "ScoreSubmission" => a.submission("exams/other", "x", vec![]).await.map(|_| Code::Ok),
            "BatchScoreSubmissions" => {
                let submission = pb::ScoreSubmissionRequest {
                    parent: "exams/other".to_owned(),
                    candidate: "x".to_owned(),
                    request_id: "x".to_owned(),
                    ..Default::default()
                };
                let stream =
                    tokio_stream::iter([pb::BatchScoreSubmissionsRequest { submission: Some(submission) }]);
                let mut answers = a.delivery().batch_score_submissions(stream).await.unwrap().into_inner();
                let answer = answers.message().await.unwrap().unwrap();
                let Some(pb::batch_score_submissions_response::Outcome::Error(e)) = answer.outcome else {
                    panic!("scored")
                };
                Err(Status::new(Code::from_i32(e.code), e.message))
            }
            "UpdateGradingScheme" => {
                let scheme =
                    pb::GradingScheme { name: "exams/other/gradingScheme".to_owned(), ..Default::default() };
                let request =
                    pb::UpdateGradingSchemeRequest { grading_scheme: Some(scheme), ..Default::default() };
                a.grading().update_grading_scheme(request).await.map(|_| Code::Ok)
            }
            "ClaimGradingTasks" => {
                let request = pb::ClaimGradingTasksRequest {
                    parent: "exams/other".to_owned(),
                    grader: "x".to_owned(),
                    ..Default::default()
                };
                a.grading().claim_grading_tasks(request).await.map(|_| Code::Ok)
            }
            "ReleaseGradingTasks" => {
                let request = pb::ReleaseGradingTasksRequest {
                    parent: "exams/other".to_owned(),
                    grader: "li".to_owned(),
                    ..Default::default()
                };
                a.grading().release_grading_tasks(request).await.map(|_| Code::Ok)
            }
            "GradeResponse" => {
                let request = pb::GradeResponseRequest {
                    name: format!("{}/responses/9", names.attempt),
                    grader: "x".to_owned(),
                    points: "1".to_owned(),
                    ..Default::default()
                };
                a.grading().grade_response(request).await.map(|_| Code::Ok)
            }
            "RegradeExam" => {
                let request = pb::RegradeExamRequest {
                    parent: "exams/other".to_owned(),
                    rules: vec![pb::RegradeRule {
                        question: "banks/crm/questions/s1".to_owned(),
                        part: 0,
                        mode: pb::RegradeMode::FullMarks as i32,
                    }],
                    reason: "x".to_owned(),
                    ..Default::default()
                };
                a.grading().regrade_exam(request).await.map(|_| Code::Ok)
            }
            "CancelRegrade" => {
                let request = pb::CancelRegradeRequest { name: names.regrade.clone() };
                a.grading().cancel_regrade(request).await.map(|_| Code::Ok)
            }
            "ResumeRegrade" => {
                let request = pb::ResumeRegradeRequest { name: names.regrade.clone(), ..Default::default() };
                a.grading().resume_regrade(request).await.map(|_| Code::Ok)
            }
            "CancelOperation" => {
                let request = pb::longrunning::CancelOperationRequest { name: names.operation.clone() };
                a.operations().cancel_operation(request).await.map(|_| Code::Ok)
            }
            "DeleteOperation" => {
                let request = pb::longrunning::DeleteOperationRequest { name: names.operation.clone() };
                a.operations().delete_operation(request).await.map(|_| Code::Ok)
            }
            other => panic!("{other} is a new write: add it here"),
        };
        let code = answer.map_err(|s| s.code()).unwrap_err();
        // An exam names its forms in a field of its body.
        let wanted = if method.ends_with("/CreateExam") {
            vec![Code::NotFound, Code::InvalidArgument]
        } else {
            vec![Code::NotFound]
        };
        assert!(wanted.contains(&code), "{method}: {code:?}");
    }
    assert_eq!(rows_of(&mut su, b.tenant).await, before);

    // The same request id is everybody's own.
    let request = |id: &str| pb::CreateBankRequest {
        bank_id: id.to_owned(),
        bank: Some(pb::Bank { display_name: id.to_owned(), ..Default::default() }),
        request_id: "same".to_owned(),
    };
    world.a.bank().create_bank(request("one")).await.unwrap();
    b.bank().create_bank(request("two")).await.unwrap();
    a.bank().create_bank(request("two")).await.because(Code::FailedPrecondition, "REQUEST_ID_REUSED");
}

/// A session of the service's own role with this tenant set.
async fn session(world: &World, tenant: Option<&str>) -> PgConnection {
    let mut conn = PgConnection::connect_with(&cluster::options(&world.database).await).await.unwrap();
    if let Some(tenant) = tenant {
        sqlx::query(AssertSqlSafe(format!("set assessd.tenant = '{tenant}'")))
            .execute(&mut conn)
            .await
            .unwrap();
    }
    conn
}

async fn run(conn: &mut PgConnection, statement: String) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(AssertSqlSafe(statement)).execute(conn).await?.rows_affected())
}

#[tokio::test]
async fn the_database_alone_keeps_tenants_apart() {
    let (world, b, _) = two().await;
    let mut su = world.superuser().await;
    let tables = tables(&mut su).await;
    let before = rows_of(&mut su, b.tenant).await;
    for (table, rows, _) in &before {
        assert!(*rows > 0 || table == "request", "{table} has rows to protect");
    }
    let of_a: Vec<i64> =
        rows_of(&mut su, world.a.tenant).await.into_iter().map(|(_, rows, _)| rows).collect();

    // Without a tenant nothing is there, whatever a statement asks for.
    for tenant in [None, Some("")] {
        let mut conn = session(&world, tenant).await;
        for table in &tables {
            let seen: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
                .fetch_one(&mut conn)
                .await
                .unwrap();
            assert_eq!(seen, 0, "{table}");
            assert_eq!(
                run(&mut conn, format!("update {table} set tenant_id = tenant_id")).await.unwrap(),
                0,
                "{table}"
            );
            assert_eq!(run(&mut conn, format!("delete from {table}")).await.unwrap(), 0, "{table}");
        }
    }

    // As A, statements that forget the tenant see and touch A's rows only.
    let mut conn = session(&world, Some(&world.a.tenant.to_string())).await;
    for (table, own) in tables.iter().zip(&of_a) {
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(seen, *own, "{table}");
        let theirs = format!("select count(*) from {table} where tenant_id = '{}'", b.tenant);
        let theirs: i64 = sqlx::query_scalar(AssertSqlSafe(theirs)).fetch_one(&mut conn).await.unwrap();
        assert_eq!(theirs, 0, "{table}");
        assert_eq!(
            run(&mut conn, format!("update {table} set tenant_id = tenant_id")).await.unwrap(),
            *own as u64,
            "{table}"
        );
        // No row can be pushed over to B, nor planted there.
        if *own > 0 {
            let push =
                run(&mut conn, format!("update {table} set tenant_id = '{}'", b.tenant)).await.unwrap_err();
            let code = push.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
            assert_eq!(code, "42501", "{table}: {push}");
        }
    }
    let plant = format!(
        "insert into bank (tenant_id, bank_id, display_name) values ('{}', 'planted', 'x')",
        b.tenant
    );
    assert!(run(&mut conn, plant).await.unwrap_err().to_string().contains("row-level security"));

    // Delete everything that can be reached: children first, so in rounds.
    let mut left = tables.clone();
    while !left.is_empty() {
        let mut still = Vec::new();
        for table in &left {
            match run(&mut conn, format!("delete from {table}")).await {
                Ok(_) => {}
                Err(error) => {
                    let db = error.as_database_error().unwrap();
                    assert!(db.is_foreign_key_violation(), "{table}: {error}");
                    still.push(table.clone());
                }
            }
        }
        assert!(still.len() < left.len(), "{still:?}");
        left = still;
    }
    let of_a = rows_of(&mut su, world.a.tenant).await;
    assert!(of_a.iter().all(|(_, rows, _)| *rows == 0), "{of_a:?}");
    assert_eq!(rows_of(&mut su, b.tenant).await, before);
}

#[tokio::test]
async fn every_table_is_guarded_and_distributable() {
    let database = cluster::database().await;
    let mut su = cluster::superuser(&database).await;
    let unguarded: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
           and (not c.relrowsecurity or not c.relforcerowsecurity
                or not exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*')
                or not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = 1 and a.attnotnull))",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    assert_eq!(
        unguarded, [""; 0],
        "row-level security is enabled and forced on every table, and tenant_id comes first"
    );
    let keys: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
         join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
         left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
         where n.nspname = 'public' and t.relname <> '_sqlx_migrations' and i.indisunique
           and a.attname is distinct from 'tenant_id'",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    assert_eq!(keys, [""; 0], "every unique key begins with tenant_id");
    let foreign: Vec<String> = sqlx::query_scalar(
        "select k.conname::text from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
         where k.contype = 'f' and a.attname <> 'tenant_id'",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    assert_eq!(foreign, [""; 0], "every foreign key begins with tenant_id");
    let others: i64 = sqlx::query_scalar(
        "select (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname = 'public' and c.relkind = 'S')
              + (select count(*) from pg_trigger where not tgisinternal)",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!(others, 0, "no sequences and no triggers");
    let role: (bool, bool) =
        sqlx::query_as("select rolsuper, rolbypassrls from pg_roles where rolname = 'assessd'")
            .fetch_one(&mut su)
            .await
            .unwrap();
    assert_eq!(role, (false, false));
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}
