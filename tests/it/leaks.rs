//! What no call may tell, and what no call may do, for callers whose roles are not for it: enumerated over the protocol,
//! the roles and the policies, so that a new call, field or role is looked at here.

use std::collections::{BTreeMap, BTreeSet};

use assessd::{
    auth::{BESIDE, Role, allowed},
    pb,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Response, Status};

use crate::support::{
    As, Refused, World,
    build::{pick, single},
    lists::{self, Ask, page},
    protocol,
};

/// Every message of the protocol with its fields: name, and the message that the field holds if it holds one.
fn messages() -> BTreeMap<String, Vec<(String, Option<String>)>> {
    fn add(
        found: &mut BTreeMap<String, Vec<(String, Option<String>)>>,
        path: String,
        message: &prost_types::DescriptorProto,
    ) {
        let name = format!("{path}.{}", message.name());
        message.nested_type.iter().for_each(|nested| add(found, name.clone(), nested));
        let held = |f: &prost_types::FieldDescriptorProto| f.type_name.clone().filter(|t| !t.is_empty());
        found.insert(name, message.field.iter().map(|f| (f.name().to_owned(), held(f))).collect());
    }
    let set = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let mut found = BTreeMap::new();
    for file in &set.file {
        file.message_type.iter().for_each(|m| add(&mut found, format!(".{}", file.package()), m));
    }
    found
}

/// Every method with the messages that it takes and gives.
fn signatures() -> BTreeMap<String, (String, String)> {
    let set = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let known: BTreeSet<String> = protocol::methods().into_iter().map(|m| m.name).collect();
    let services = set.file.iter().flat_map(|f| &f.service);
    let methods =
        services.flat_map(|s| s.method.iter().map(move |m| (format!("{}/{}", s.name(), m.name()), m)));
    methods
        .filter(|(name, _)| known.contains(name))
        .map(|(name, m)| (name, (m.input_type().to_owned(), m.output_type().to_owned())))
        .collect()
}

/// Every field that a message holds, at any depth.
fn fields_of(message: &str, all: &BTreeMap<String, Vec<(String, Option<String>)>>) -> BTreeSet<String> {
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![message.to_owned()]);
    while let Some(message) = open.pop() {
        if !seen.insert(message.clone()) {
            continue;
        }
        for (field, held) in all.get(&message).into_iter().flatten() {
            found.insert(format!("{}.{field}", message.rsplit('.').next().unwrap()));
            open.extend(held.clone());
        }
    }
    found
}

#[test]
fn who_may_not_read_results_is_answered_with_marks_only_by_what_asks_the_release_policy() {
    let all = messages();
    // What tells something of a key.
    let telling = [
        "Result.score",
        "Mark.points",
        "Subscore.score",
        "ReleasedResult.score",
        "CandidateScore.score",
        "MarkRevision.marks",
        "ScoreChange.new_score",
        "GradingTask.reference",
        "ItemStatistics.facility",
        "ExamSummary.mean",
        "MarkTrace.text_en",
    ];
    for known in telling {
        assert!(all.keys().any(|m| fields_of(m, &all).contains(known)), "{known} is no field any more");
    }
    let readers = allowed("ResultService/GetResult");
    let mut seen = BTreeSet::new();
    for (method, (_, answer)) in signatures() {
        let others: Vec<&Role> = allowed(&method).iter().filter(|r| !readers.contains(r)).collect();
        let fields = fields_of(&answer, &all);
        if !others.is_empty() && telling.iter().any(|t| fields.contains(*t)) {
            seen.insert(method.clone());
        }
        // Keys and explanations as fields are for those who write, check or compose them.
        if allowed(&method).contains(&Role::Deliverer) {
            let keys = ["Question.key", "Question.explanation", "QuestionPart.key", "GradingTask.reference"];
            assert!(keys.iter().all(|k| !fields.contains(*k)), "{method} answers deliverers with keys");
        }
    }
    let asked: BTreeSet<String> = ["ScoreSubmission", "BatchScoreSubmissions", "GetReleasedResult"]
        .map(|m| format!("DeliveryService/{m}"))
        .into();
    assert_eq!(seen, asked, "each of these is tested below, or in the tests of sittings, for every policy");
}

/// What an answer to a submission holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Receipt,
    Basic,
    Full,
}

fn extent(result: &pb::Result) -> Extent {
    assert!(result.name.ends_with("/result") && !result.candidate.is_empty(), "{result:?}");
    assert!(result.submit_time.is_some() && result.attempt_number == 1, "{result:?}");
    assert_eq!(result.max_score, "8");
    assert_ne!(result.state(), pb::ResultState::Unspecified);
    let told = [&result.score, &result.awaiting_points, &result.grade, &result.percent];
    if result.marks.is_empty() && told.iter().all(|t| t.is_empty()) && result.passed.is_none() {
        assert!(result.sections.is_empty() && result.topics.is_empty());
        return Extent::Receipt;
    }
    assert!(!result.score.is_empty() && result.passed.is_some() && !result.grade.is_empty(), "{result:?}");
    assert_eq!(result.marks.is_empty(), result.sections.is_empty());
    if result.marks.is_empty() { Extent::Basic } else { Extent::Full }
}

fn submission(exam: &str, candidate: &str, letter: &str) -> pb::ScoreSubmissionRequest {
    pb::ScoreSubmissionRequest {
        parent: exam.to_owned(),
        candidate: candidate.to_owned(),
        responses: (1..=4).map(|i| pick(i, letter)).collect(),
        request_id: candidate.to_owned(),
        view: pb::ResultView::Full as i32,
        ..Default::default()
    }
}

async fn one(a: &As, request: pb::ScoreSubmissionRequest) -> pb::Result {
    a.delivery().score_submission(request).await.unwrap().into_inner()
}

async fn streamed(a: &As, request: pb::ScoreSubmissionRequest) -> pb::Result {
    let stream = tokio_stream::iter([pb::BatchScoreSubmissionsRequest { submission: Some(request) }]);
    let mut answers = a.delivery().batch_score_submissions(stream).await.unwrap().into_inner();
    match answers.message().await.unwrap().unwrap().outcome.unwrap() {
        pb::batch_score_submissions_response::Outcome::Result(result) => result,
        pb::batch_score_submissions_response::Outcome::Error(e) => panic!("{e:?}"),
    }
}

#[tokio::test]
async fn a_submission_tells_its_sender_no_more_than_roles_and_release_allow() {
    use pb::{ReleaseContent as Content, ReleaseTime as When, Role as R};
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    let mut callers = vec![(a.clone(), true)];
    for beside in [R::Author, R::Reviewer, R::Assembler, R::Grader, R::Analyst, R::Operator] {
        let reads = matches!(beside, R::Grader | R::Analyst | R::Operator);
        callers.push((a.role(&[R::Deliverer, beside]).await, reads));
    }
    let deliverer = a.role(&[R::Deliverer]).await;
    callers.push((deliverer.clone(), false));
    let far = |seconds: i64| {
        Some(prost_types::Timestamp { seconds: chrono::Utc::now().timestamp() + seconds, nanos: 0 })
    };
    for content in [Content::ScoreOnly, Content::Marks, Content::Keys] {
        let marks = if content == Content::ScoreOnly { Extent::Basic } else { Extent::Full };
        for (id, when, close, release, shown) in [
            ("hand", When::ByHand, None, false, Extent::Receipt),
            ("released", When::ByHand, None, true, marks),
            ("before", When::AfterClosing, far(3600), false, Extent::Receipt),
            ("after", When::AfterClosing, far(-3600), false, marks),
            ("once", When::AtOnce, None, false, marks),
        ] {
            let id = format!("{id}-{}", content as i32);
            let exam = a
                .exam_of(&id, &["blueprints/choices/forms/x"], |e| {
                    e.close_time = close;
                    e.pass_mark = "8".to_owned();
                    e.grade_bands = vec![pb::GradeBand {
                        label: "有".to_owned(),
                        from_score: "0".to_owned(),
                        ..Default::default()
                    }];
                    e.late_policy =
                        Some(pb::LatePolicy { mode: pb::LateMode::AcceptAndMark as i32, grace: None });
                    e.release = Some(pb::ReleasePolicy { time: when as i32, content: content as i32 });
                })
                .await;
            if release {
                let request = pb::ReleaseResultsRequest { name: exam.clone(), ..Default::default() };
                a.exam().release_results(request).await.unwrap();
            }
            for (i, (caller, reads)) in callers.iter().enumerate() {
                let wanted = if *reads { Extent::Full } else { shown };
                let result = one(caller, submission(&exam, &format!("{id}-o{i}"), "B")).await;
                assert_eq!(extent(&result), wanted, "{id}, caller {i}");
                let result = streamed(caller, submission(&exam, &format!("{id}-s{i}"), "B")).await;
                assert_eq!(extent(&result), wanted, "{id}, caller {i}, streamed");
                // The first answer of a repeat is not another one's answer.
                let repeat = one(a, submission(&exam, &format!("{id}-o{i}"), "B")).await;
                assert_eq!(extent(&repeat), Extent::Full);
                assert_eq!(repeat.score, "8");
            }
            let repeat = submission(&exam, &format!("{id}-o0"), "B");
            assert_eq!(
                extent(&one(&deliverer, repeat.clone()).await),
                shown,
                "{id}: a repeat by another key"
            );
            assert_eq!(extent(&streamed(&deliverer, repeat.clone()).await), shown);
            let basic = pb::ScoreSubmissionRequest { view: pb::ResultView::Basic as i32, ..repeat };
            let wanted = if shown == Extent::Receipt { shown } else { Extent::Basic };
            assert_eq!(extent(&one(&deliverer, basic).await), wanted);
            if shown == Extent::Receipt {
                // All right, all wrong and nothing at all read alike: nothing can be told from any number of them.
                let mut told = Vec::new();
                for (i, letter) in ["B", "C", ""].into_iter().enumerate() {
                    let result = one(&deliverer, submission(&exam, &format!("{id}-t{i}"), letter)).await;
                    let (start_time, submit_time, update_time) = (None, None, None);
                    let (name, candidate) = Default::default();
                    told.push(pb::Result { name, candidate, start_time, submit_time, update_time, ..result });
                }
                assert!(told[0] == told[1] && told[1] == told[2], "{told:?}");
            }
        }
    }
}

const SPRING: &str = "exams/spring";

/// The exam `spring`, graded anonymously: position 9 of each of these candidates waits.
async fn anonymous(candidates: usize) -> World {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    for exam in ["spring", "open"] {
        a.exam_of(exam, &["blueprints/standard/forms/a"], |_| {}).await;
        for i in 0..candidates {
            let response = pb::Response { position: 9, text: format!("答案 {i}"), ..Default::default() };
            a.submission(&format!("exams/{exam}"), &format!("who-{i}"), vec![response]).await.unwrap();
        }
    }
    veil(a, true).await;
    world
}

async fn veil(a: &As, anonymous: bool) {
    let name = format!("{SPRING}/gradingScheme");
    let scheme = pb::GradingScheme { name, anonymous, ..Default::default() };
    let request = pb::UpdateGradingSchemeRequest {
        grading_scheme: Some(scheme),
        update_mask: Some(prost_types::FieldMask { paths: vec!["anonymous".to_owned()] }),
        ..Default::default()
    };
    a.grading().update_grading_scheme(request).await.unwrap();
}

async fn tasks(a: &As, ask: pb::ListGradingTasksRequest) -> pb::ListGradingTasksResponse {
    let ask = pb::ListGradingTasksRequest { parent: SPRING.to_owned(), ..ask };
    a.grading().list_grading_tasks(ask).await.unwrap().into_inner()
}

async fn grade(a: &As, name: &str, points: &str) -> Result<pb::GradingTask, Status> {
    let request = pb::GradeResponseRequest {
        name: name.to_owned(),
        grader: "li".to_owned(),
        points: points.to_owned(),
        ..Default::default()
    };
    a.grading().grade_response(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn no_call_tells_a_grader_who_sat_where_grading_is_anonymous() {
    fn bytes<T: Message>(answer: Result<Response<T>, Status>) -> Result<Vec<u8>, Status> {
        answer.map(|a| a.into_inner().encode_to_vec())
    }
    let world = anonymous(3).await;
    let a = &world.a;
    let grader = a.role(&[pb::Role::Grader, pb::Role::Author]).await;
    let all = pb::ListResultsRequest { parent: SPRING.to_owned(), ..Default::default() };
    let results = a.result().list_results(all).await.unwrap().into_inner().results;
    let result = results[0].name.clone();
    let attempt = result.strip_suffix("/result").unwrap().to_owned();
    let ids: Vec<&str> = results.iter().map(|r| r.name.split('/').nth(3).unwrap()).collect();
    let task = tasks(&grader, Default::default()).await.tasks[0].name.clone();
    let (mut denied, mut seen) = (Vec::new(), 0);
    for method in signatures().into_keys().filter(|m| allowed(m).contains(&Role::Grader)) {
        let parent = SPRING.to_owned();
        let (mut results, mut grading, mut exams) = (grader.result(), grader.grading(), grader.exam());
        let answer = match method.split_once('/').unwrap() {
            // Nothing there is about people who sat.
            ("AdminService" | "QuestionBankService" | "AssemblyService", _) => continue,
            (_, "GetExam") => {
                bytes(exams.get_exam(pb::GetExamRequest { name: parent, ..Default::default() }).await)
            }
            (_, "ListExams") => bytes(exams.list_exams(pb::ListExamsRequest::default()).await),
            (_, "GetResult") => {
                bytes(results.get_result(pb::GetResultRequest { name: result.clone() }).await)
            }
            (_, "ExplainMarks") => {
                let request = pb::ExplainMarksRequest { name: result.clone(), positions: vec![] };
                bytes(results.explain_marks(request).await)
            }
            (_, "ListResults") => {
                let request = pb::ListResultsRequest { parent, ..Default::default() };
                bytes(results.list_results(request).await)
            }
            (_, "BatchGetResults") => {
                // What was asked for is repeated in the errors, so only that there is nothing else is looked at.
                let names = vec![result.clone()];
                let request = pb::BatchGetResultsRequest { names, ..Default::default() };
                let elements = results.batch_get_results(request).await.unwrap().into_inner().elements;
                use pb::batch_get_results_element::Outcome;
                assert!(
                    elements.iter().all(|e| matches!(e.outcome, Some(Outcome::Error(_)))),
                    "{elements:?}"
                );
                Ok(Vec::new())
            }
            (_, "GetCandidateScore") => {
                let request = pb::GetCandidateScoreRequest { parent, candidate: "who-0".to_owned() };
                bytes(results.get_candidate_score(request).await)
            }
            (_, "GetGradingScheme") => {
                let name = format!("{SPRING}/gradingScheme");
                bytes(grading.get_grading_scheme(pb::GetGradingSchemeRequest { name }).await)
            }
            (_, "GetGradingProgress") => {
                bytes(grading.get_grading_progress(pb::GetGradingProgressRequest { name: parent }).await)
            }
            (_, "ListMarkRevisions") => {
                let request = pb::ListMarkRevisionsRequest { parent: attempt.clone(), ..Default::default() };
                bytes(grading.list_mark_revisions(request).await)
            }
            (_, "ListGradingTasks") => {
                // What a token carries must not say it either.
                let answer =
                    tasks(&grader, pb::ListGradingTasksRequest { page_size: 1, ..Default::default() }).await;
                let mut told = URL_SAFE_NO_PAD.decode(&answer.next_page_token).unwrap();
                told.extend(answer.encode_to_vec());
                Ok(told)
            }
            (_, "ClaimGradingTasks") => {
                let grader = "li".to_owned();
                let request = pb::ClaimGradingTasksRequest { parent, grader, ..Default::default() };
                bytes(grading.claim_grading_tasks(request).await)
            }
            (_, "ReleaseGradingTasks") => {
                let grader = "li".to_owned();
                let request = pb::ReleaseGradingTasksRequest { parent, grader, ..Default::default() };
                bytes(grading.release_grading_tasks(request).await)
            }
            (_, "GradeResponse") => grade(&grader, &task, "1").await.map(|t| t.encode_to_vec()),
            other => panic!("{other:?} is open to graders: call it here"),
        };
        seen += 1;
        let told = match answer {
            Ok(told) => told,
            Err(status) => {
                assert_eq!(status.code(), Code::PermissionDenied, "{method}: {status:?}");
                denied.push(method.split('/').nth(1).unwrap().to_owned());
                format!("{status:?}").into_bytes()
            }
        };
        let tells = |text: &str| told.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(!tells("who-"), "{method} tells the candidate");
        assert!(method.ends_with("GetExam") || !ids.iter().any(|id| tells(id)), "{method} tells the attempt");
    }
    assert!(seen >= 12, "{seen}");
    assert_eq!(
        denied,
        ["ListMarkRevisions", "ExplainMarks", "GetCandidateScore", "GetResult", "ListResults"]
    );
    // Of all exams' results those of this one are missing, whatever is asked for; who reads results otherwise sees them.
    let everywhere = |filter: &str| Ask { filter: filter.to_owned(), size: 2, ..Ask::under("exams/-") };
    for filter in ["", "candidate = \"who-0\""] {
        let names = lists::all(&grader, "ListResults", &everywhere(filter)).await;
        assert!(!names.is_empty() && names.iter().all(|n| n.starts_with("exams/open/")), "{names:?}");
        assert_eq!(lists::all(a, "ListResults", &everywhere(filter)).await.len(), 2 * names.len());
    }
    for role in [pb::Role::Analyst, pb::Role::Operator] {
        let reader = a.role(&[role, pb::Role::Grader]).await;
        let request = pb::GetResultRequest { name: result.clone() };
        assert_eq!(reader.result().get_result(request).await.unwrap().into_inner().candidate, "who-0");
    }
    // An exam that is not graded anonymously shows graders its results as before.
    let (names, _) = page(&grader, "ListResults", Ask::under("exams/open")).await.unwrap();
    let request = pb::GetResultRequest { name: names[0].clone() };
    assert_eq!(grader.result().get_result(request).await.unwrap().into_inner().candidate, "who-0");
}

#[tokio::test]
async fn a_veiled_task_is_found_again_and_an_open_name_is_none_for_graders() {
    const MANY: usize = 30;
    let world = anonymous(MANY).await;
    let a = &world.a;
    let grader = a.role(&[pb::Role::Grader]).await;
    let listed =
        tasks(&grader, pb::ListGradingTasksRequest { page_size: 200, ..Default::default() }).await.tasks;
    assert_eq!(listed.len(), MANY);
    let mut paged = Vec::new();
    let mut ask = pb::ListGradingTasksRequest { page_size: 7, ..Default::default() };
    loop {
        let answer = tasks(&grader, ask.clone()).await;
        paged.extend(answer.tasks);
        ask.page_token = answer.next_page_token;
        if ask.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, listed, "the names and their order stay the same");
    // Neither order nor times say who sat when: it would take one chance in 30! to be that of the submissions.
    let order: Vec<usize> =
        listed.iter().map(|t| t.response.strip_prefix("答案 ").unwrap().parse().unwrap()).collect();
    assert!(!order.is_sorted() && !order.iter().rev().is_sorted(), "{order:?}");
    assert!(listed.iter().all(|t| t.submit_time.is_none() && t.candidate.is_empty()));
    let by_time = pb::ListGradingTasksRequest {
        parent: SPRING.to_owned(),
        filter: "submit_time > \"2020-01-01T00:00:00Z\"".to_owned(),
        ..Default::default()
    };
    grader.grading().list_grading_tasks(by_time.clone()).await.bad(&["filter"]);

    let claim = pb::ClaimGradingTasksRequest {
        parent: SPRING.to_owned(),
        grader: "li".to_owned(),
        count: 5,
        ..Default::default()
    };
    let claimed = grader.grading().claim_grading_tasks(claim.clone()).await.unwrap().into_inner().tasks;
    let names = |tasks: &[pb::GradingTask]| tasks.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&claimed), names(&listed[..5]));
    assert_eq!(claimed[0].response, listed[0].response);
    let done = grade(&grader, &claimed[0].name, "5").await.unwrap();
    assert_eq!((done.name, done.points.as_str()), (claimed[0].name.clone(), "5"));
    let again =
        grade(&grader, &claimed[0].name, "5").await.because(Code::FailedPrecondition, "TASK_NOT_WAITING");
    assert!(again.message().contains("gradingTasks/") && !again.message().contains("attempts/"), "{again:?}");

    // The open name of an attempt means nothing to a grader, whether or not there is such an attempt.
    let (results, _) = page(a, "ListResults", Ask::under(SPRING)).await.unwrap();
    let known = results[0].replace("/result", "/responses/9");
    let unknown = format!("{SPRING}/attempts/{}/responses/9", uuid::Uuid::now_v7());
    for name in [&known, &unknown] {
        grade(&grader, name, "1").await.because(Code::FailedPrecondition, "GRADED_ANONYMOUSLY");
        let request = pb::ReleaseGradingTasksRequest {
            parent: SPRING.to_owned(),
            grader: "li".to_owned(),
            names: vec![name.clone()],
            ..Default::default()
        };
        let released = grader.grading().release_grading_tasks(request).await;
        released.because(Code::FailedPrecondition, "GRADED_ANONYMOUSLY");
    }
    for wrong in ["exams/spring/gradingTasks/AAAA", &claimed[1].name.replace("spring", "open")] {
        grade(&grader, wrong, "1").await.refused(Code::NotFound);
    }
    let request = pb::ReleaseGradingTasksRequest {
        parent: SPRING.to_owned(),
        grader: "li".to_owned(),
        names: vec![claimed[1].name.clone(), claimed[2].name.clone()],
        ..Default::default()
    };
    let released = grader.grading().release_grading_tasks(request).await.unwrap().into_inner();
    assert_eq!(released.released_count, 2);

    // When it is anonymous no more, what was claimed before can be marked by the name that it had.
    veil(a, false).await;
    let open = grade(&grader, &claimed[3].name, "2").await.unwrap();
    assert!(open.name.ends_with("/responses/9") && open.candidate.starts_with("who-"), "{open:?}");
    assert!(!grader.grading().list_grading_tasks(by_time).await.unwrap().into_inner().tasks.is_empty());
    veil(a, true).await;
    grade(a, &open.name, "2").await.because(Code::FailedPrecondition, "TASK_NOT_WAITING");
}

fn as_pb(roles: &[Role]) -> Vec<pb::Role> {
    roles.iter().map(|r| pb::Role::from(*r)).collect()
}

/// Asks a method for what a field makes it do beside its own work.
async fn beside(a: &As, method: &str, field: &str, id: &str) -> Result<(), Status> {
    let release = pb::ReleasePolicy { time: pb::ReleaseTime::AtOnce as i32, content: 0 };
    match (method.split('/').nth(1).unwrap(), field) {
        ("CreateQuestion", "publish") => {
            let request = pb::CreateQuestionRequest {
                parent: "banks/crm".to_owned(),
                question_id: id.to_owned(),
                question: Some(single(&format!("{id}?"), "A")),
                publish: true,
                ..Default::default()
            };
            a.bank().create_question(request).await.map(|_| ())
        }
        ("ImportQuestions", "header.publish" | "header.blueprint_id" | "header.create_bank") => {
            let header = pb::ImportHeader {
                parent: if field == "header.create_bank" {
                    format!("banks/{id}")
                } else {
                    "banks/crm".to_owned()
                },
                create_bank: field == "header.create_bank",
                format: pb::ImportFormat::PaperText as i32,
                publish: field == "header.publish",
                blueprint_id: if field == "header.blueprint_id" { id.to_owned() } else { String::new() },
                ..Default::default()
            };
            let text = format!("卷\n一、判断题(共1题,每题1分,共1分)\n1.{id}。(√)\n");
            let messages = [
                pb::import_questions_request::Message::Header(header),
                pb::import_questions_request::Message::Chunk(text.into_bytes()),
            ];
            let stream = messages.map(|m| pb::ImportQuestionsRequest { message: Some(m) });
            a.bank().import_questions(tokio_stream::iter(stream)).await.map(|_| ())
        }
        ("CreateExam", "exam.release") => {
            let exam = pb::Exam {
                display_name: "x".to_owned(),
                forms: vec!["blueprints/choices/forms/x".to_owned()],
                release: Some(release),
                ..Default::default()
            };
            let (exam_id, exam) = (id.to_owned(), Some(exam));
            a.exam()
                .create_exam(pb::CreateExamRequest { exam_id, exam, ..Default::default() })
                .await
                .map(|_| ())
        }
        ("UpdateExam", "exam.release") => {
            let exam =
                pb::Exam { name: "exams/choices".to_owned(), release: Some(release), ..Default::default() };
            let request = pb::UpdateExamRequest {
                exam: Some(exam),
                update_mask: Some(prost_types::FieldMask { paths: vec!["release".to_owned()] }),
                ..Default::default()
            };
            a.exam().update_exam(request).await.map(|_| ())
        }
        // Needs a running one; that the roles are the same ones is seen below.
        ("CancelOperation", "name") => Err(Status::cancelled("not here")),
        other => panic!("{other:?} does more than its own work: ask for it here"),
    }
}

#[tokio::test]
async fn nobody_publishes_or_releases_by_a_side_door() {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    let mut refused = 0;
    for (i, (method, field, needs)) in BESIDE.iter().enumerate() {
        for role in Role::ALL.into_iter().filter(|r| allowed(method).contains(r)) {
            let id = format!("by-{i}-{}", role.as_str());
            let may = allowed(needs).contains(&role);
            let alone = a.role(&as_pb(&[role])).await;
            let answer = beside(&alone, method, field, &id).await;
            if *field == "name" {
                assert!(may, "{method}");
            } else if may {
                answer.unwrap_or_else(|e| panic!("{method} {field}: {e:?}"));
            } else {
                answer.refused(Code::PermissionDenied);
                refused += 1;
                let name = format!("banks/crm/questions/{id}");
                let request = pb::GetQuestionRequest { name, ..Default::default() };
                a.bank().get_question(request).await.refused(Code::NotFound);
                let both = a.role(&as_pb(&[role, allowed(needs)[0]])).await;
                beside(&both, method, field, &id).await.unwrap_or_else(|e| panic!("{method} {field}: {e:?}"));
            }
        }
    }
    assert_eq!(
        refused, 3,
        "an author publishes neither what it writes nor what it imports, and makes no blueprint"
    );
    // The author's own work is what it was.
    let author = a.role(&[pb::Role::Author]).await;
    assert_eq!(author.draft("banks/crm", "mine", single("?", "A")).await.state(), pb::QuestionState::Draft);

    // Every field that asks for publishing or releasing is in the table, so a new one must come there.
    let all = messages();
    for (method, (request, _)) in signatures().into_iter().filter(|(m, _)| protocol::writes(m)) {
        for field in fields_of(&request, &all) {
            let short = field.split('.').nth(1).unwrap();
            if ["publish", "release", "approve"].contains(&short) {
                let known = BESIDE.iter().any(|(m, path, _)| *m == method && path.ends_with(short));
                assert!(known, "{field} of {method} is not in the table");
            }
        }
    }
}
