//! What is archived is out of the way, what is deleted is as if it were not there and can be brought back, and nothing is
//! deleted that something else needs.

use assessd::{lifecycle::purge, pb};
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use sqlx::{AssertSqlSafe, PgConnection};
use tonic::{Code, Status};

use crate::support::{
    As, Refused, World,
    build::{pick, section, single},
    lists::{self, Ask},
    raw, sit,
};

/// One resource of every kind that can be deleted: its kind, service and name, and the list that it is in.
const KINDS: [(&str, &str, &str, &str, &str); 5] = [
    ("Bank", "QuestionBankService", "banks/crm", "ListBanks", ""),
    ("Question", "QuestionBankService", "banks/crm/questions/s1", "ListQuestions", "banks/crm"),
    ("Blueprint", "AssemblyService", "blueprints/standard", "ListBlueprints", ""),
    ("Form", "AssemblyService", "blueprints/standard/forms/a", "ListForms", "blueprints/standard"),
    ("Exam", "ExamService", "exams/spring", "ListExams", ""),
];

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Calls one of the methods that are alike, such as `turn(a, "Delete", "banks/crm")`.
async fn turn(a: &As, turn: &str, name: &str) -> Result<DynamicMessage, Status> {
    let (kind, service, ..) = *KINDS
        .iter()
        .find(|(_, _, pattern, ..)| {
            let shape = |n: &str| n.split('/').step_by(2).map(str::to_owned).collect::<Vec<_>>();
            shape(pattern) == shape(name)
        })
        .unwrap();
    raw::say(a, &format!("{service}/{turn}{kind}"), &[("name", text(name))]).await
}

async fn get(a: &As, name: &str, show_deleted: bool) -> Result<DynamicMessage, Status> {
    let count = name.split('/').count();
    let (kind, service) = match name.split('/').next().unwrap() {
        "banks" if count == 2 => ("Bank", "QuestionBankService"),
        "banks" => ("Question", "QuestionBankService"),
        "blueprints" if count == 2 => ("Blueprint", "AssemblyService"),
        "blueprints" => ("Form", "AssemblyService"),
        _ => ("Exam", "ExamService"),
    };
    let fields = [("name", text(name)), ("show_deleted", Value::Bool(show_deleted))];
    raw::say(a, &format!("{service}/Get{kind}"), &fields).await
}

/// The names in a list.
async fn listed(a: &As, method: &str, parent: &str, filter: &str, show_deleted: bool) -> Vec<String> {
    let service = KINDS.iter().find(|(_, _, _, list, _)| *list == method).unwrap().1;
    let mut fields = vec![("filter", text(filter)), ("show_deleted", Value::Bool(show_deleted))];
    if !parent.is_empty() {
        fields.push(("parent", text(parent)));
    }
    let answer = raw::say(a, &format!("{service}/{method}"), &fields).await.unwrap();
    let (_, rows) = answer
        .fields()
        .next()
        .map(|(f, v)| (f, v.clone()))
        .unwrap_or_else(|| (answer.descriptor().get_field(1).unwrap(), Value::List(Vec::new())));
    let name =
        |v: &Value| v.as_message().unwrap().get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
    rows.as_list().unwrap().iter().map(name).collect()
}

fn has(message: &DynamicMessage, field: &str) -> bool {
    message.has_field_by_name(field)
}

/// A bank with two questions, a blueprint, a form and an exam, one citing the other; nobody has sat.
async fn chain() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("crm").await;
    for id in ["s1", "s2"] {
        a.publish("banks/crm", id, single(&format!("{id}?"), "A")).await;
    }
    let sections = [section("单选", pb::QuestionKind::SingleChoice, 1, "2")];
    let blueprint = pb::Blueprint {
        display_name: "x".into(),
        bank: "banks/crm".into(),
        sections: vec![pb::BlueprintSection {
            fixed_questions: vec!["banks/crm/questions/s1".into()],
            ..sections[0].clone()
        }],
        ..Default::default()
    };
    let request = pb::CreateBlueprintRequest {
        blueprint_id: "standard".into(),
        blueprint: Some(blueprint),
        ..Default::default()
    };
    a.assembly().create_blueprint(request).await.unwrap();
    a.forms("blueprints/standard", &["a"], 1).await;
    a.exam_of("spring", &["blueprints/standard/forms/a"], |_| {}).await;
    world
}

#[tokio::test]
async fn nothing_is_deleted_while_it_is_cited() {
    let world = chain().await;
    let a = &world.a;
    let cited = async |name: &str, by: &str| {
        let status = turn(a, "Delete", name).await.because(Code::FailedPrecondition, "CITED");
        assert!(status.message().contains(by), "{name}: {status:?}");
    };
    cited("banks/crm", "blueprints/standard, blueprints/standard/forms/a").await;
    cited("banks/crm/questions/s1", "blueprints/standard/forms/a").await;
    cited("blueprints/standard", "blueprints/standard/forms/a").await;
    cited("blueprints/standard/forms/a", "exams/spring").await;
    let attempt = sit::start(a, "exams/spring", "e-1").await.unwrap().name;
    cited("exams/spring", &attempt).await;
    for candidate in 2..14 {
        a.submission("exams/spring", &format!("e-{candidate}"), vec![pick(1, "A")]).await.unwrap();
    }
    let status = turn(a, "Delete", "exams/spring").await.because(Code::FailedPrecondition, "CITED");
    assert_eq!(status.message().matches("/attempts/").count(), 10, "{status:?}");
    assert!(status.message().contains("and more"), "{status:?}");
    // Nothing was changed by the way.
    for (_, _, name, list, parent) in KINDS {
        assert!(listed(a, list, parent, "", false).await.contains(&name.to_owned()), "{name}");
        assert!(!has(&get(a, name, false).await.unwrap(), "delete_time"));
    }
    // What nothing cites can go.
    turn(a, "Delete", "banks/crm/questions/s2").await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_is_not_there_until_it_comes_back() {
    let world = chain().await;
    let a = &world.a;
    // From the one that nothing cites down to the bank.
    for (kind, service, name, list, parent) in KINDS.into_iter().rev().filter(|k| k.0 != "Question") {
        let deleted = turn(a, "Delete", name).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert!(has(&deleted, "delete_time") && has(&deleted, "purge_time"), "{name}");
        let time = |field: &str| {
            let time = deleted.get_field_by_name(field).unwrap();
            time.as_message().unwrap().get_field_by_name("seconds").unwrap().as_i64().unwrap()
        };
        assert_eq!(time("purge_time") - time("delete_time"), 30 * 24 * 3600, "{name}");
        // Twice is once.
        assert_eq!(turn(a, "Delete", name).await.unwrap(), deleted, "{name}");
        get(a, name, false).await.because(Code::NotFound, "NOT_FOUND");
        assert_eq!(get(a, name, true).await.unwrap().get_field_by_name("name").unwrap().as_str(), Some(name));
        if kind != "Form" {
            assert!(!listed(a, list, parent, "", false).await.contains(&name.to_owned()), "{name}");
            assert!(listed(a, list, parent, "", true).await.contains(&name.to_owned()), "{name}");
            assert_eq!(listed(a, list, parent, "delete_time:*", true).await, [name]);
        }
        turn(a, "Archive", name).await.because(Code::NotFound, "NOT_FOUND");
        if kind != "Form" {
            let mut changed = DynamicMessage::new(deleted.descriptor());
            changed.set_field_by_name("name", text(name));
            let (method, field) = (format!("{service}/Update{kind}"), kind.to_lowercase());
            let fields = [(field.as_str(), Value::Message(changed))];
            let update = raw::say(a, &method, &fields);
            update.await.because(Code::NotFound, "NOT_FOUND");
        }
    }
    // Everything below and beside it.
    let question = "banks/crm/questions/s2";
    get(a, question, false).await.because(Code::NotFound, "NOT_FOUND");
    get(a, question, true).await.because(Code::NotFound, "NOT_FOUND");
    turn(a, "Archive", question).await.because(Code::NotFound, "NOT_FOUND");
    let publish = pb::PublishQuestionRequest { name: question.into(), ..Default::default() };
    a.bank().publish_question(publish).await.because(Code::NotFound, "NOT_FOUND");
    for (list, parent) in [
        ("ListQuestions", "banks/crm"),
        ("ListQuestionVersions", question),
        ("ListForms", "blueprints/standard"),
    ] {
        lists::page(a, list, Ask::under(parent)).await.because(Code::NotFound, "NOT_FOUND");
    }
    assert_eq!(lists::all(a, "ListQuestions", &Ask::under("banks/-")).await, [""; 0]);
    let create = pb::CreateQuestionRequest {
        parent: "banks/crm".into(),
        question: Some(single("?", "A")),
        ..Default::default()
    };
    a.bank().create_question(create).await.because(Code::NotFound, "NOT_FOUND");
    a.submission("exams/spring", "e-1", vec![pick(1, "A")]).await.because(Code::NotFound, "NOT_FOUND");
    sit::start(a, "exams/spring", "e-1").await.because(Code::NotFound, "NOT_FOUND");
    let summary = pb::GetExamSummaryRequest { name: "exams/spring".into(), ..Default::default() };
    a.result().get_exam_summary(summary).await.because(Code::NotFound, "NOT_FOUND");
    let assemble = pb::AssembleFormsRequest { parent: "blueprints/standard".into(), ..Default::default() };
    a.assembly().assemble_forms(assemble).await.because(Code::NotFound, "NOT_FOUND");
    // Its id is taken until it is purged.
    let again = pb::CreateBankRequest {
        bank_id: "crm".into(),
        bank: Some(pb::Bank { display_name: "x".into(), ..Default::default() }),
        ..Default::default()
    };
    a.bank().create_bank(again).await.because(Code::AlreadyExists, "ALREADY_EXISTS");

    // Back again, but not before what it stands on.
    for name in ["exams/spring", "blueprints/standard/forms/a", "blueprints/standard"] {
        turn(a, "Undelete", name).await.because(Code::FailedPrecondition, "PARENT_DELETED");
    }
    for (_, _, name, list, parent) in KINDS.into_iter().filter(|k| k.0 != "Question") {
        let back = turn(a, "Undelete", name).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert!(!has(&back, "delete_time") && !has(&back, "purge_time"), "{name}");
        assert_eq!(turn(a, "Undelete", name).await.unwrap(), back, "{name}");
        assert!(listed(a, list, parent, "", false).await.contains(&name.to_owned()), "{name}");
    }
    get(a, question, false).await.unwrap();
    let result = a.submission("exams/spring", "e-1", vec![pick(1, "A")]).await.unwrap();
    assert_eq!(result.score, "2");
}

#[tokio::test]
async fn what_is_archived_is_out_of_the_way_and_nothing_new_is_made_of_it() {
    let world = chain().await;
    let a = &world.a;
    let open = sit::start(a, "exams/spring", "open").await.unwrap().name;
    for (_, _, name, list, parent) in KINDS {
        let archived = turn(a, "Archive", name).await.unwrap();
        assert!(has(&archived, "archive_time"), "{name}");
        assert_eq!(turn(a, "Archive", name).await.unwrap(), archived, "{name}");
        assert!(has(&get(a, name, false).await.unwrap(), "archive_time"));
        assert!(!listed(a, list, parent, "", false).await.contains(&name.to_owned()), "{name}");
        assert_eq!(listed(a, list, parent, "archived = true", false).await, [name]);
        assert!(
            listed(a, list, parent, "archived = (true OR false)", false).await.contains(&name.to_owned())
        );
    }
    // Nothing new of any of them.
    let create = pb::CreateQuestionRequest {
        parent: "banks/crm".into(),
        question: Some(single("?", "A")),
        ..Default::default()
    };
    a.bank().create_question(create).await.because(Code::FailedPrecondition, "ARCHIVED");
    let publish = pb::PublishQuestionRequest { name: "banks/crm/questions/s1".into(), ..Default::default() };
    a.bank().publish_question(publish).await.because(Code::FailedPrecondition, "ARCHIVED");
    let blueprint = pb::Blueprint {
        display_name: "y".into(),
        bank: "banks/crm".into(),
        sections: vec![section("x", pb::QuestionKind::SingleChoice, 1, "1")],
        ..Default::default()
    };
    let create = pb::CreateBlueprintRequest { blueprint: Some(blueprint), ..Default::default() };
    a.assembly().create_blueprint(create).await.because(Code::FailedPrecondition, "ARCHIVED");
    for validate_only in [false, true] {
        let parent = "blueprints/standard".into();
        let assemble = pb::AssembleFormsRequest { parent, validate_only, ..Default::default() };
        a.assembly().assemble_forms(assemble).await.because(Code::FailedPrecondition, "ARCHIVED");
    }
    let exam = pb::Exam {
        display_name: "y".into(),
        forms: vec!["blueprints/standard/forms/a".into()],
        ..Default::default()
    };
    let create = pb::CreateExamRequest { exam: Some(exam), ..Default::default() };
    a.exam().create_exam(create).await.because(Code::FailedPrecondition, "ARCHIVED");
    sit::start(a, "exams/spring", "new").await.because(Code::FailedPrecondition, "ARCHIVED");
    a.submission("exams/spring", "new", vec![]).await.because(Code::FailedPrecondition, "ARCHIVED");
    // What is open goes on.
    assert_eq!(sit::start(a, "exams/spring", "open").await.unwrap().name, open);
    sit::submit(a, &open, vec![pick(1, "A")]).await.unwrap();

    for (_, _, name, list, parent) in KINDS {
        let back = turn(a, "Unarchive", name).await.unwrap();
        assert!(!has(&back, "archive_time"), "{name}");
        assert!(listed(a, list, parent, "", false).await.contains(&name.to_owned()), "{name}");
    }
    a.submission("exams/spring", "new", vec![]).await.unwrap();
    // The pool of a draw leaves out what is archived or deleted.
    a.blueprint("two", "banks/crm", vec![section("x", pb::QuestionKind::SingleChoice, 2, "1")]).await;
    let assemble = |form_count| {
        let parent = "blueprints/two".into();
        pb::AssembleFormsRequest { parent, form_count, validate_only: true, ..Default::default() }
    };
    a.assembly().assemble_forms(assemble(1)).await.unwrap();
    for word in ["Archive", "Delete"] {
        turn(a, word, "banks/crm/questions/s2").await.unwrap();
        a.assembly().assemble_forms(assemble(1)).await.refused(Code::FailedPrecondition);
        let undo = if word == "Archive" { "Unarchive" } else { "Undelete" };
        turn(a, undo, "banks/crm/questions/s2").await.unwrap();
        a.assembly().assemble_forms(assemble(1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_retired_question_comes_back() {
    let world = chain().await;
    let a = &world.a;
    let name = "banks/crm/questions/s2".to_owned();
    let retire = pb::RetireQuestionRequest { name: name.clone(), ..Default::default() };
    let unretire = pb::UnretireQuestionRequest { name: name.clone(), ..Default::default() };
    a.bank().retire_question(retire).await.unwrap();
    let back = a.bank().unretire_question(unretire.clone()).await.unwrap().into_inner();
    assert_eq!((back.state(), back.version), (pb::QuestionState::Published, 1));
    let again = a.bank().unretire_question(unretire).await.unwrap().into_inner();
    assert_eq!(again.etag, back.etag, "twice is once");
    let draft = a.draft("banks/crm", "d", single("?", "A")).await.name;
    let retire = pb::RetireQuestionRequest { name: draft.clone(), ..Default::default() };
    a.bank().retire_question(retire).await.unwrap();
    let unretire = pb::UnretireQuestionRequest { name: draft, ..Default::default() };
    let back = a.bank().unretire_question(unretire).await.unwrap().into_inner();
    assert_eq!(back.state(), pb::QuestionState::Draft);
    let author = a.role(&[pb::Role::Author]).await;
    let unretire = pb::UnretireQuestionRequest { name, ..Default::default() };
    author.bank().unretire_question(unretire).await.refused(Code::PermissionDenied);
}

#[tokio::test]
async fn everything_says_who_wrote_it() {
    let world = chain().await;
    let me = world.a.admin().get_caller(pb::GetCallerRequest {}).await.unwrap().into_inner().api_key;
    for (_, _, name, list, parent) in KINDS {
        let got = get(&world.a, name, false).await.unwrap();
        assert_eq!(got.get_field_by_name("created_by").unwrap().as_str(), Some(me.as_str()), "{name}");
        let filter = format!("created_by = \"{me}\"");
        assert!(listed(&world.a, list, parent, &filter, false).await.contains(&name.to_owned()), "{name}");
        assert_eq!(listed(&world.a, list, parent, "created_by = x", false).await, [""; 0], "{name}");
    }
    // A version, by whoever published it.
    let reviewer = world.a.role(&[pb::Role::Reviewer]).await;
    let draft = world.a.draft("banks/crm", "d", single("?", "A")).await.name;
    let publish = pb::PublishQuestionRequest { name: draft.clone(), ..Default::default() };
    reviewer.bank().publish_question(publish).await.unwrap();
    let reviewer = reviewer.admin().get_caller(pb::GetCallerRequest {}).await.unwrap().into_inner().api_key;
    assert_eq!(world.a.question(&format!("{draft}/versions/1")).await.created_by, reviewer);
    assert_eq!(world.a.question(&draft).await.created_by, me);
}

/// Makes everything that is deleted due.
async fn age(su: &mut PgConnection) {
    for table in ["bank", "question", "blueprint", "form", "exam"] {
        let change = format!(
            "update {table} set purge_time = now() - interval '1 second' where delete_time is not null"
        );
        sqlx::query(AssertSqlSafe(change)).execute(&mut *su).await.unwrap();
    }
    sqlx::query("update tenant set purge_time = now() where purge_time is not null")
        .execute(su)
        .await
        .unwrap();
}

async fn rows(su: &mut PgConnection) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in
        ["bank", "question", "question_version", "blueprint", "form", "form_item", "exam", "accommodation"]
    {
        let count = format!("select count(*) from {table}");
        counts.push(sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *su).await.unwrap());
    }
    counts
}

#[tokio::test]
async fn what_was_deleted_long_ago_is_purged() {
    let world = chain().await;
    let (a, tenant) = (&world.a, world.a.tenant);
    let mut su = world.superuser().await;
    a.accommodate("exams/spring", vec![pb::Accommodation { candidate: "x".into(), ..Default::default() }])
        .await;
    let before = rows(&mut su).await;
    assert_eq!(purge::purge(&world.db, tenant).await.unwrap(), 0);
    for name in ["exams/spring", "blueprints/standard/forms/a", "blueprints/standard", "banks/crm"] {
        turn(a, "Delete", name).await.unwrap();
    }
    // Not before its time.
    purge::purge(&world.db, tenant).await.unwrap();
    assert_eq!(rows(&mut su).await, before);
    // The server's own sweep and this one may meet: what counts is what is left.
    age(&mut su).await;
    for _ in 0..5 {
        purge::round(&world.db, &Default::default()).await.unwrap();
    }
    assert_eq!(rows(&mut su).await, [0; 8]);
    let due: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select purge_time from tenant where tenant_id = $1")
            .bind(tenant)
            .fetch_one(&mut su)
            .await
            .unwrap();
    assert_eq!(due, None, "nothing more is due");
    let purged: Vec<String> =
        sqlx::query_scalar("select resource from event where kind like '%.purged' order by resource")
            .fetch_all(&mut su)
            .await
            .unwrap();
    assert_eq!(purged, ["banks/crm", "blueprints/standard", "blueprints/standard/forms/a", "exams/spring"]);
    for name in ["exams/spring", "banks/crm"] {
        turn(a, "Undelete", name).await.because(Code::NotFound, "NOT_FOUND");
    }
    // A process that has kept the exam in memory refuses all the same.
    a.submission("exams/spring", "e-1", vec![]).await.because(Code::NotFound, "NOT_FOUND");
    // The id is free again.
    a.new_bank("crm").await;
}

#[tokio::test]
async fn what_is_cited_after_all_comes_back_instead_of_being_purged() {
    let world = chain().await;
    let (a, tenant) = (&world.a, world.a.tenant);
    let mut su = world.superuser().await;
    a.submission("exams/spring", "e-1", vec![pick(1, "A")]).await.unwrap();
    // As if a submission had been on its way while the exam was deleted.
    for table in ["exam", "question"] {
        let change =
            format!("update {table} set delete_time = now(), purge_time = now() - interval '1 second'");
        sqlx::query(AssertSqlSafe(change)).execute(&mut su).await.unwrap();
    }
    for _ in 0..3 {
        purge::purge(&world.db, tenant).await.unwrap();
    }
    get(a, "exams/spring", false).await.unwrap();
    get(a, "banks/crm/questions/s1", false).await.unwrap();
    get(a, "banks/crm/questions/s2", true).await.because(Code::NotFound, "NOT_FOUND");
    let results = lists::all(a, "ListResults", &Ask::under("exams/spring")).await;
    assert_eq!(results.len(), 1);
}
