//! Updates change what they say and nothing else, on every Update method of the protocol; and every list, summary and
//! the like whose parent is not there says so.

use std::collections::BTreeSet;

use assessd::{
    mask::Updatable,
    pb::{self, moment},
    server::SERVICES,
};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use prost_types::{Duration, FieldMask, Timestamp};
use tonic::Status;

use crate::support::{
    As, Refused, World,
    build::{key, matching, options, section, single, truth},
    raw,
};

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|p| (*p).to_owned()).collect() })
}

/// An update method: what it is called by, and the resource that it changes.
struct Update {
    method: String,
    request: MessageDescriptor,
    /// The field of the request that holds the resource.
    field: String,
    resource: MessageDescriptor,
}

fn updates() -> Vec<Update> {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let mut found = Vec::new();
    for service in pool.services().filter(|s| SERVICES.contains(&s.full_name())) {
        for method in service.methods().filter(|m| m.name().starts_with("Update")) {
            let (request, resource) = (method.input(), method.output());
            let field = request
                .fields()
                .find(|f| f.kind().as_message() == Some(&resource))
                .unwrap_or_else(|| panic!("{} takes no resource", method.full_name()));
            let path = format!("{}/{}", service.name(), method.name());
            assert!(request.get_field_by_name("update_mask").is_some(), "{path} takes no mask");
            found.push(Update { method: path, field: field.name().to_owned(), request, resource });
        }
    }
    found
}

/// One change: of which resource, which field, to what. What else may change with it stands in `besides`.
struct Sample {
    name: &'static str,
    field: &'static str,
    value: DynamicMessage,
    besides: &'static [&'static str],
}

/// Samples of a resource, one for each field that can be changed; the fields that cannot.
fn samples(resource: &MessageDescriptor) -> (Vec<Sample>, &'static [&'static str], &'static [&'static str]) {
    fn make<T: Updatable>(
        of: &MessageDescriptor,
        samples: Vec<(&'static str, &'static str, T)>,
        besides: &'static [&'static str],
    ) -> (Vec<Sample>, &'static [&'static str], &'static [&'static str]) {
        let sample = |(name, field, value): (_, _, T)| {
            let value = DynamicMessage::decode(of.clone(), value.encode_to_vec().as_slice()).unwrap();
            Sample { name, field, value, besides }
        };
        (samples.into_iter().map(sample).collect(), T::GIVEN, T::FIXED)
    }
    let text = || "改".to_owned();
    match resource.name() {
        "Bank" => {
            let bank = pb::Bank::default;
            let of = "banks/crm";
            make(
                resource,
                vec![
                    (of, "display_name", pb::Bank { display_name: text(), ..bank() }),
                    (of, "description", pb::Bank { description: text(), ..bank() }),
                ],
                &[],
            )
        }
        "Question" => {
            let q = pb::Question::default;
            let of = "banks/crm/questions/s3";
            let rule = pb::ScoringRule::AllOrNothing as i32;
            let policy = pb::ScoringPolicy { rule, ..Default::default() };
            let parts = vec![crate::support::build::part(truth("对?", true))];
            let prompts = vec![text(), "二".to_owned(), "三".to_owned()];
            make(
                resource,
                vec![
                    (of, "stem", pb::Question { stem: text(), ..q() }),
                    (of, "options", pb::Question { options: options(&["1", "2", "3"]), ..q() }),
                    (of, "key", pb::Question { key: key("C"), ..q() }),
                    (of, "policy", pb::Question { policy: Some(policy), ..q() }),
                    (of, "explanation", pb::Question { explanation: text(), ..q() }),
                    (of, "knowledge_point", pb::Question { knowledge_point: text(), ..q() }),
                    (of, "common_mistake", pb::Question { common_mistake: text(), ..q() }),
                    (of, "topic", pb::Question { topic: text(), ..q() }),
                    (of, "tags", pb::Question { tags: vec![text()], ..q() }),
                    (of, "difficulty", pb::Question { difficulty: Some(0.0), ..q() }),
                    ("banks/crm/questions/c1", "parts", pb::Question { parts, ..q() }),
                    ("banks/crm/questions/pairs", "prompts", pb::Question { prompts, ..q() }),
                ],
                &["unpublished_changes"],
            )
        }
        "Blueprint" => {
            let b = pb::Blueprint::default;
            let of = "blueprints/choices";
            let sections = vec![section("判断", pb::QuestionKind::TrueFalse, 1, "5")];
            make(
                resource,
                vec![
                    (of, "display_name", pb::Blueprint { display_name: text(), ..b() }),
                    (of, "sections", pb::Blueprint { sections, ..b() }),
                    (of, "duration", pb::Blueprint { duration: seconds(90), ..b() }),
                    ("blueprints/spare", "total_points", pb::Blueprint { total_points: "1".into(), ..b() }),
                ],
                &["total_points", "question_count"],
            )
        }
        "Exam" => {
            let e = pb::Exam::default;
            let of = "exams/rich";
            let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
            let late = pb::LatePolicy { grace: seconds(7), ..Default::default() };
            let band = pb::GradeBand { label: text(), from_score: "1".into(), ..Default::default() };
            let release =
                pb::ReleasePolicy { content: pb::ReleaseContent::Keys as i32, ..Default::default() };
            let best = pb::AttemptCounting::Best as i32;
            let seat = pb::FormAllotment::Seat as i32;
            make(
                resource,
                vec![
                    (of, "display_name", pb::Exam { display_name: text(), ..e() }),
                    (of, "open_time", pb::Exam { open_time: at(1_700_000_000), ..e() }),
                    (of, "close_time", pb::Exam { close_time: at(4_100_000_000), ..e() }),
                    (of, "time_limit", pb::Exam { time_limit: seconds(61), ..e() }),
                    (of, "max_attempts", pb::Exam { max_attempts: 9, ..e() }),
                    (of, "pass_mark", pb::Exam { pass_mark: "5".into(), ..e() }),
                    (of, "pass_percent", pb::Exam { pass_percent: "50".into(), ..e() }),
                    (of, "late_policy", pb::Exam { late_policy: Some(late), ..e() }),
                    (of, "attempt_counting", pb::Exam { attempt_counting: best, ..e() }),
                    (of, "grade_bands", pb::Exam { grade_bands: vec![band], ..e() }),
                    (of, "release", pb::Exam { release: Some(release), ..e() }),
                    (of, "form_allotment", pb::Exam { form_allotment: seat, ..e() }),
                ],
                &[],
            )
        }
        "GradingScheme" => {
            let s = pb::GradingScheme::default;
            let of = "exams/rich/gradingScheme";
            let question =
                pb::QuestionScheme { question: "banks/crm/questions/a1".into(), ..Default::default() };
            make(
                resource,
                vec![
                    (of, "marker_count", pb::GradingScheme { marker_count: 2, ..s() }),
                    (of, "tolerance", pb::GradingScheme { tolerance: "0.5".into(), ..s() }),
                    (of, "anonymous", pb::GradingScheme { anonymous: true, ..s() }),
                    (of, "questions", pb::GradingScheme { questions: vec![question], ..s() }),
                ],
                &[],
            )
        }
        other => panic!("{other} can be updated: add samples of its fields here"),
    }
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

/// Sends an update of the named resource.
async fn send(
    a: &As,
    update: &Update,
    name: &str,
    value: Option<&DynamicMessage>,
    paths: &[&str],
) -> Result<DynamicMessage, Status> {
    let mut resource = value.cloned().unwrap_or_else(|| DynamicMessage::new(update.resource.clone()));
    resource.set_field_by_name("name", Value::String(name.to_owned()));
    let mut request = DynamicMessage::new(update.request.clone());
    request.set_field_by_name(&update.field, Value::Message(resource));
    if !paths.is_empty() {
        let field = update.request.get_field_by_name("update_mask").unwrap();
        let mut mask = DynamicMessage::new(field.kind().as_message().unwrap().clone());
        let paths = paths.iter().map(|p| Value::String((*p).to_owned())).collect();
        mask.set_field_by_name("paths", Value::List(paths));
        request.set_field(&field, Value::Message(mask));
    }
    let answer = raw::call(a, &update.method, &request.encode_to_vec()).await?;
    Ok(DynamicMessage::decode(update.resource.clone(), answer).unwrap())
}

async fn rich() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    a.publish("banks/crm", "pairs", matching("配对?", "ABC")).await;
    a.exam_of("rich", &["blueprints/choices/forms/x"], |e| {
        e.pass_mark = "4".into();
        e.max_attempts = 3;
        e.open_time = Some(Timestamp { seconds: 1_600_000_000, nanos: 0 });
        e.close_time = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 });
        e.time_limit = seconds(60);
        let band = pb::GradeBand { label: "A".into(), from_score: "6".into(), ..Default::default() };
        e.grade_bands = vec![band];
        e.late_policy = Some(pb::LatePolicy { mode: pb::LateMode::AcceptAndMark as i32, grace: seconds(30) });
        e.release = Some(pb::ReleasePolicy {
            time: pb::ReleaseTime::AfterClosing as i32,
            content: pb::ReleaseContent::Marks as i32,
        });
    })
    .await;
    world
}

#[tokio::test]
async fn without_a_mask_only_what_is_populated_changes() {
    let world = rich().await;
    let a = &world.a;
    let all = updates();
    assert!(all.len() >= 5);
    for update in &all {
        let (samples, given, fixed) = samples(&update.resource);
        let covered: BTreeSet<&str> = samples.iter().map(|s| s.field).collect();
        for field in update.resource.fields() {
            let name = field.name();
            let is_open = !given.contains(&name) && !fixed.contains(&name);
            assert_eq!(is_open, covered.contains(name), "{}: {name} can be changed?", update.resource.name());
        }
        for Sample { name, field, value, besides } in &samples {
            let before = send(a, update, name, None, &[]).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
            let after = send(a, update, name, Some(value), &[])
                .await
                .unwrap_or_else(|e| panic!("{name} {field}: {e:?}"));
            for other in update.resource.fields() {
                let (was, is) = (before.get_field(&other), after.get_field(&other));
                match other.name() {
                    "etag" => assert_ne!(was, is, "{name} {field}"),
                    "update_time" => {}
                    same if same == *field => {}
                    same if besides.contains(&same) => {}
                    same => assert_eq!(was, is, "{name}: {field} was sent and {same} changed"),
                }
            }
            let (was, is) = (before.get_field_by_name(field), after.get_field_by_name(field));
            if *field != "total_points" {
                assert_ne!(was, is, "{name}: {field} was sent");
            }
            // Named and not sent: its default, or a refusal that says that it is needed.
            match send(a, update, name, None, &[field]).await {
                Ok(cleared) => {
                    let value = |of: &DynamicMessage| {
                        of.has_field_by_name(field)
                            .then(|| of.get_field_by_name(field).map(|v| v.into_owned()))
                    };
                    // A total that is not stated is shown as the sum.
                    if *field != "total_points" {
                        assert_ne!(value(&cleared), value(&after), "{name}: {field} was named");
                    }
                }
                Err(status) => {
                    let bad = crate::support::bad_fields(&status);
                    assert!(bad.iter().any(|b| b.contains('.')), "{name} {field}: {status:?}");
                }
            }
        }
        let name = samples[0].name;
        for field in given.iter().chain(fixed) {
            send(a, update, name, None, &[field]).await.bad(&["update_mask"]);
        }
        let status = send(a, update, name, None, &["colour", samples[0].field]).await.bad(&["update_mask"]);
        assert!(format!("{:?}", status.message()).contains("colour"), "{status:?}");
    }
}

#[tokio::test]
async fn what_is_not_named_stays() {
    let world = rich().await;
    let a = &world.a;
    let exam = |exam: pb::Exam, paths: &[&str]| {
        let (a, mask) = (a.clone(), (!paths.is_empty()).then(|| mask(paths).unwrap()));
        let exam = pb::Exam { name: "exams/rich".into(), ..exam };
        async move {
            let request = pb::UpdateExamRequest { exam: Some(exam), update_mask: mask, ..Default::default() };
            a.exam().update_exam(request).await.map(|r| r.into_inner())
        }
    };
    let before = exam(pb::Exam::default(), &[]).await.unwrap();
    let renamed = exam(pb::Exam { display_name: "新".into(), ..Default::default() }, &[]).await.unwrap();
    let wanted = pb::Exam {
        display_name: "新".into(),
        etag: renamed.etag.clone(),
        update_time: renamed.update_time,
        ..before.clone()
    };
    assert_eq!(renamed, wanted);
    assert!(moment(&renamed.update_time.unwrap()) > moment(&before.update_time.unwrap()));

    // Paths lead into messages.
    let late = pb::LatePolicy { mode: pb::LateMode::Refuse as i32, grace: seconds(5) };
    let by_hand = pb::ReleasePolicy { time: pb::ReleaseTime::ByHand as i32, ..Default::default() };
    let change = pb::Exam { late_policy: Some(late), release: Some(by_hand), ..Default::default() };
    let changed = exam(change, &["late_policy.grace", "release.time"]).await.unwrap();
    let (late, release) = (changed.late_policy.unwrap(), changed.release.unwrap());
    assert_eq!((late.mode(), late.grace), (pb::LateMode::AcceptAndMark, seconds(5)));
    assert_eq!((release.time(), release.content()), (pb::ReleaseTime::ByHand, pb::ReleaseContent::Marks));
    exam(pb::Exam::default(), &["late_policy.nonsense"]).await.bad(&["update_mask"]);
    exam(pb::Exam::default(), &["open_time.seconds"]).await.bad(&["update_mask"]);

    // An answer sent back as it came changes nothing; another value of what is fixed is refused.
    let same = exam(changed.clone(), &[]).await.unwrap();
    assert_eq!(pb::Exam { etag: changed.etag.clone(), update_time: changed.update_time, ..same }, changed);
    let other = pb::Exam { forms: vec!["blueprints/standard/forms/a".into()], ..Default::default() };
    exam(other.clone(), &[]).await.bad(&["exam.forms"]);
    exam(other, &["forms"]).await.bad(&["exam.forms"]);

    // Everything at once.
    let whole = pb::Exam { display_name: "整".into(), ..Default::default() };
    let whole = exam(whole, &["*"]).await.unwrap();
    assert_eq!((whole.pass_mark.as_str(), whole.max_attempts, whole.grade_bands.len()), ("", 1, 0));
    assert_eq!((whole.close_time, &whole.forms), (None, &before.forms));

    // A question keeps its key.
    let change = pb::Question {
        name: "banks/crm/questions/s2".into(),
        key: Some(pb::AnswerKey { choices: vec!["D".into()], truth: Some(true), ..Default::default() }),
        ..single("不改", "A")
    };
    let request = pb::UpdateQuestionRequest {
        question: Some(change),
        update_mask: mask(&["key.choices"]),
        ..Default::default()
    };
    let changed = a.bank().update_question(request).await.unwrap().into_inner();
    assert_eq!((changed.stem.as_str(), changed.key, changed.options.len()), ("单选第2题?", key("D"), 4));
    let change =
        pb::Question { name: "banks/crm/questions/s2".into(), stem: "改了?".into(), ..Default::default() };
    let request = pb::UpdateQuestionRequest { question: Some(change), ..Default::default() };
    let changed = a.bank().update_question(request).await.unwrap().into_inner();
    assert_eq!((changed.stem.as_str(), changed.key), ("改了?", key("D")));

    // What the event of the change tells.
    let mut su = world.superuser().await;
    let told: serde_json::Value = sqlx::query_scalar(
        "select data from event where kind = 'question.updated' order by event_id desc limit 1",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!(told["fields"], serde_json::json!(["stem"]));
}

#[tokio::test]
async fn a_bank_is_renamed() {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("crm").await;
    a.publish("banks/crm", "q", single("?", "A")).await;
    let bank = |bank: pb::Bank| pb::UpdateBankRequest { bank: Some(bank), ..Default::default() };
    let renamed =
        bank(pb::Bank { name: "banks/crm".into(), display_name: "题库".into(), ..Default::default() });
    let renamed = a.bank().update_bank(renamed).await.unwrap().into_inner();
    assert_eq!((renamed.display_name.as_str(), renamed.published_count), ("题库", 1));
    let get = pb::GetBankRequest { name: "banks/crm".into(), ..Default::default() };
    assert_eq!(a.bank().get_bank(get).await.unwrap().into_inner(), renamed);
    let stale = pb::Bank { etag: "0".into(), ..renamed.clone() };
    a.bank().update_bank(bank(stale)).await.because(tonic::Code::Aborted, "ETAG_STALE");
    let none = pb::Bank { name: "banks/none".into(), ..Default::default() };
    a.bank().update_bank(bank(none)).await.refused(tonic::Code::NotFound);
    let empty = pb::UpdateBankRequest {
        bank: Some(pb::Bank { name: "banks/crm".into(), ..Default::default() }),
        update_mask: mask(&["display_name"]),
        ..Default::default()
    };
    a.bank().update_bank(empty).await.bad(&["bank.display_name"]);
    let grader = a.role(&[pb::Role::Grader]).await;
    grader.bank().update_bank(bank(renamed)).await.refused(tonic::Code::PermissionDenied);
}
