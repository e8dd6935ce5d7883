//! Import: real text in, drafts and versions and a report out; all of it or nothing.

use assessd::pb::{self, import_questions_request::Message};
use tonic::{Code, Status};

use crate::support::{As, Refused, World, bad_fields, refused};

const SMALL: &str = "客服练习卷\n一、单项选择题(共2题,每题2分,共4分)\n1.客户最看重( B )\nA.广告B.体验C.口号D.包装\n2.回访宜在( A )\nA.约定时间B.深夜C.凌晨D.任意时间\n二、判断题(共2题,每题1分,共2分)\n1.投诉是机会。(√)\n2.沉默的客户都满意。(×)\n";

fn header() -> pb::ImportHeader {
    pb::ImportHeader {
        parent: "banks/crm".to_owned(),
        format: pb::ImportFormat::PaperText as i32,
        file_name: "small.txt".to_owned(),
        publish: true,
        ..Default::default()
    }
}

fn message(message: Message) -> pb::ImportQuestionsRequest {
    pb::ImportQuestionsRequest { message: Some(message) }
}

async fn send(a: &As, messages: Vec<Message>) -> Result<pb::ImportQuestionsResponse, Status> {
    let stream = tokio_stream::iter(messages.into_iter().map(message));
    a.bank().import_questions(stream).await.map(tonic::Response::into_inner)
}

/// Sends a text in pieces of seven bytes, so that pieces end in the midst of characters.
async fn import(a: &As, header: pb::ImportHeader, text: &str) -> Result<pb::ImportQuestionsResponse, Status> {
    let size = if text.len() < 10_000 { 7 } else { 64 * 1024 };
    let pieces = text.as_bytes().chunks(size).map(|c| Message::Chunk(c.to_vec()));
    send(a, [Message::Header(header)].into_iter().chain(pieces).collect()).await
}

async fn crm() -> World {
    let world = World::start().await;
    world.a.new_bank("crm").await;
    world
}

async fn rows(world: &World, table: &str) -> i64 {
    let mut conn = world.superuser().await;
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&mut conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_paper_is_imported_once_however_often_it_is_sent() {
    let world = crm().await;
    let report = import(&world.a, header(), SMALL).await.unwrap();
    assert_eq!(
        (
            report.found_count,
            report.created_count,
            report.published_count,
            report.unchanged_count,
            report.held_count
        ),
        (4, 4, 4, 0, 0),
        "{report:?}"
    );
    assert_eq!(report.documents.len(), 1);
    let doc = &report.documents[0];
    assert_eq!(doc.title, "客服练习卷");
    let heads: Vec<(&str, i32, &str, &str, i32)> = doc
        .sections
        .iter()
        .map(|s| {
            (
                s.kind.as_str(),
                s.declared_count,
                s.points_each.as_str(),
                s.declared_total.as_str(),
                s.found_count,
            )
        })
        .collect();
    assert_eq!(heads, [("single_choice", 2, "2", "4", 2), ("true_false", 2, "1", "2", 2)]);
    assert!(report.questions.iter().all(|q| q.action() == pb::ImportAction::Published));
    let first = world.a.question(&report.questions[0].question).await;
    assert_eq!(first.key.unwrap().choices, ["B"]);
    assert_eq!(
        first.options.iter().map(|o| o.text.as_str()).collect::<Vec<_>>(),
        ["广告", "体验", "口号", "包装"]
    );
    assert!(!first.stem.contains('B'), "the key left the stem: {}", first.stem);
    let source = first.source.unwrap();
    assert_eq!((source.file.as_str(), source.document.as_str(), source.line), ("small.txt", "客服练习卷", 3));

    let events = rows(&world, "event").await;
    let again = import(&world.a, pb::ImportHeader { file_name: "copy.txt".to_owned(), ..header() }, SMALL)
        .await
        .unwrap();
    assert_eq!((again.found_count, again.created_count, again.unchanged_count), (4, 0, 4));
    assert!(again.questions.iter().all(|q| q.action() == pb::ImportAction::Unchanged));
    let names =
        |r: &pb::ImportQuestionsResponse| r.questions.iter().map(|q| q.question.clone()).collect::<Vec<_>>();
    assert_eq!(names(&again), names(&report), "it says which ones the bank had");
    assert_eq!(rows(&world, "question").await, 4);
    assert_eq!(rows(&world, "event").await, events + 1);
}

#[tokio::test]
async fn the_same_file_from_four_callers_at_once_is_imported_once() {
    let world = crm().await;
    let sent = (0..4)
        .map(|i| import(&world.a, pb::ImportHeader { file_name: format!("{i}.txt"), ..header() }, SMALL));
    let reports = futures_util::future::try_join_all(sent).await.unwrap();
    let mut created: Vec<i32> = reports.iter().map(|r| r.created_count).collect();
    created.sort_unstable();
    assert_eq!(created, [0, 0, 0, 4]);
    assert!(reports.iter().all(|r| r.created_count + r.unchanged_count == 4));
    assert_eq!((rows(&world, "question").await, rows(&world, "question_version").await), (4, 4));
}

#[tokio::test]
async fn without_publish_everything_stays_draft_with_topic_and_tags() {
    let world = crm().await;
    let wanted = pb::ImportHeader {
        publish: false,
        topic: "入门".to_owned(),
        tags: vec!["2025".to_owned()],
        request_id: "r".to_owned(),
        ..header()
    };
    let report = import(&world.a, wanted.clone(), SMALL).await.unwrap();
    assert_eq!((report.created_count, report.published_count, report.held_count), (4, 0, 0));
    for q in &report.questions {
        assert_eq!(q.action(), pb::ImportAction::Drafted);
        let stored = world.a.question(&q.question).await;
        assert_eq!((stored.state(), stored.version), (pb::QuestionState::Draft, 0));
        assert_eq!((stored.topic.as_str(), stored.tags.as_slice()), ("入门", ["2025".to_owned()].as_slice()));
    }
    assert_eq!(
        import(&world.a, wanted.clone(), SMALL).await.unwrap(),
        report,
        "a repeat is the first answer"
    );
    import(&world.a, wanted, &SMALL.replace("体验", "经验"))
        .await
        .because(Code::FailedPrecondition, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn what_a_finding_holds_stays_draft() {
    let world = crm().await;
    // The second key names an option that is not there, the third question has no key at all.
    let text = "练习卷\n一、单项选择题(共3题,每题2分,共6分)\n1.甲是( B )\nA.子B.丑C.寅D.卯\n2.乙是( F )\nA.子B.丑C.寅D.卯\n3.丙是( )\nA.子B.丑C.寅D.卯\n";
    let report = import(&world.a, header(), text).await.unwrap();
    let actions: Vec<pb::ImportAction> = report.questions.iter().map(|q| q.action()).collect();
    use pb::ImportAction as A;
    assert_eq!(actions, [A::Published, A::Drafted, A::Drafted], "{report:#?}");
    assert_eq!((report.created_count, report.published_count, report.held_count), (3, 1, 2));
    assert!(report.questions[1..].iter().all(|q| !q.reason.is_empty()));
    let missing = report.findings.iter().find(|f| f.code == "key_names_missing_option").unwrap();
    assert_eq!(
        (missing.severity(), missing.question, missing.line),
        (pb::FindingSeverity::Error, Some(1), 5)
    );
    assert_eq!(world.a.question(&report.questions[1].question).await.key, None, "no key is guessed");
    assert_eq!(world.a.question(&report.questions[2].question).await.key, None);
}

#[tokio::test]
async fn another_key_than_the_banks_is_a_conflict_and_never_published() {
    let world = crm().await;
    let first = import(&world.a, header(), SMALL).await.unwrap();
    let other = SMALL.replace("( B )", "( C )");
    let report = import(&world.a, header(), &other).await.unwrap();
    assert_eq!(
        (report.created_count, report.published_count, report.unchanged_count, report.held_count),
        (1, 0, 3, 1)
    );
    let conflict = report.findings.iter().find(|f| f.code == "key_conflict").expect("a conflict is reported");
    assert_eq!((conflict.severity(), conflict.question), (pb::FindingSeverity::Error, Some(0)));
    assert!(conflict.message.contains(&first.questions[0].question), "{}", conflict.message);
    assert_eq!(world.a.question(&report.questions[0].question).await.state(), pb::QuestionState::Draft);
    let kept = world.a.question(&first.questions[0].question).await;
    assert_eq!(
        (kept.state(), kept.key.unwrap().choices),
        (pb::QuestionState::Published, vec!["B".to_owned()])
    );
}

#[tokio::test]
async fn validate_only_reports_the_same_and_writes_nothing() {
    let world = crm().await;
    let tables = ["question", "question_version", "event", "audit", "request", "blueprint"];
    let mut before = Vec::new();
    for table in tables {
        before.push(rows(&world, table).await);
    }
    let only = pb::ImportHeader {
        validate_only: true,
        request_id: "r".to_owned(),
        blueprint_id: "bp".to_owned(),
        ..header()
    };
    let dry = import(&world.a, only.clone(), SMALL).await.unwrap();
    assert!(dry.validated_only);
    assert_eq!((dry.created_count, dry.published_count), (4, 4));
    assert!(dry.questions.iter().all(|q| q.question.is_empty()));
    for (table, before) in tables.into_iter().zip(before) {
        assert_eq!(rows(&world, table).await, before, "{table}");
    }
    let nowhere = pb::ImportHeader { parent: "banks/none".to_owned(), ..only };
    import(&world.a, nowhere.clone(), SMALL).await.because(Code::NotFound, "NOT_FOUND");
    import(&world.a, pb::ImportHeader { validate_only: false, ..nowhere }, SMALL)
        .await
        .because(Code::NotFound, "NOT_FOUND");
    let wet = import(&world.a, header(), SMALL).await.unwrap();
    assert_eq!((wet.documents, wet.findings), (dry.documents, dry.findings));
}

#[tokio::test]
async fn the_order_of_the_stream_is_checked() {
    let world = crm().await;
    let chunk = || Message::Chunk(SMALL.as_bytes().to_vec());
    let head = || Message::Header(header());
    send(&world.a, vec![]).await.bad(&["header"]);
    send(&world.a, vec![chunk()]).await.bad(&["header"]);
    send(&world.a, vec![chunk(), head()]).await.bad(&["header"]);
    send(&world.a, vec![head(), head()]).await.bad(&["header"]);
    send(&world.a, vec![head(), chunk(), head()]).await.bad(&["header"]);
    let empty = tokio_stream::iter([message(head()), pb::ImportQuestionsRequest { message: None }]);
    world.a.bank().import_questions(empty).await.bad(&["message"]);
    let bad = pb::ImportHeader {
        parent: "crm".to_owned(),
        format: 0,
        file_name: "x".repeat(201),
        topic: "/a".to_owned(),
        tags: vec![String::new()],
        blueprint_id: "Nein".to_owned(),
        request_id: "ä".to_owned(),
        ..header()
    };
    import(&world.a, bad, SMALL).await.bad(&[
        "header.parent",
        "header.format",
        "header.file_name",
        "header.topic",
        "header.tags[0]",
        "header.blueprint_id",
        "header.request_id",
    ]);
    assert_eq!(rows(&world, "question").await, 0);
}

#[tokio::test]
async fn what_is_no_text_is_refused_with_its_place() {
    let world = crm().await;
    let mut broken = SMALL.as_bytes().to_vec();
    broken[20] = 0xff;
    let at = String::from_utf8(broken.clone()).unwrap_err().utf8_error().valid_up_to();
    let status =
        send(&world.a, vec![Message::Header(header()), Message::Chunk(broken)]).await.bad(&["chunk"]);
    assert!(status.message().contains(&format!("byte {at}")), "{status:?}");
    // A file that ends in the midst of a character.
    let cut = SMALL.as_bytes()[..SMALL.find('客').unwrap() + 1].to_vec();
    send(&world.a, vec![Message::Header(header()), Message::Chunk(cut)]).await.bad(&["chunk"]);
    let nul = SMALL.replacen("客户", "客\0户", 1);
    let status = import(&world.a, header(), &nul).await.bad(&["chunk"]);
    assert!(status.message().contains("NUL") && status.message().contains("byte"), "{status:?}");
    assert_eq!(rows(&world, "question").await, 0);
}

#[tokio::test]
async fn fifty_megabytes_are_refused_and_nothing_hangs() {
    let world = crm().await;
    let piece: Vec<u8> = "客".repeat(512 * 1024 / 3).into_bytes();
    let many = (0..100).map(|_| Message::Chunk(piece.clone()));
    let answer = send(&world.a, [Message::Header(header())].into_iter().chain(many).collect()).await;
    let status = refused(answer, Code::InvalidArgument);
    assert_eq!(bad_fields(&status), ["chunk"]);
    // A single message beyond the limit of messages.
    let huge = vec![b'a'; 50 * 1024 * 1024];
    let answer = send(&world.a, vec![Message::Header(header()), Message::Chunk(huge)]).await;
    refused(answer, Code::InvalidArgument);
    assert_eq!(import(&world.a, header(), SMALL).await.unwrap().created_count, 4, "the channel lives on");
}

#[tokio::test]
async fn a_text_without_questions_imports_nothing() {
    let world = crm().await;
    for text in ["", "\u{feff}", "只是一段文章。\n没有题目。\n", "\n\n\n"] {
        let report = import(&world.a, header(), text).await.unwrap();
        assert_eq!((report.found_count, report.created_count), (0, 0), "{text:?}: {report:?}");
    }
    assert_eq!(rows(&world, "question").await, 0);
}

#[tokio::test]
async fn the_roles_of_what_an_import_does_are_needed() {
    let world = crm().await;
    let author = world.a.role(&[pb::Role::Author]).await;
    import(&author, header(), SMALL).await.because(Code::PermissionDenied, "ROLE_MISSING");
    let wanted = pb::ImportHeader { publish: false, blueprint_id: "bp".to_owned(), ..header() };
    import(&author, wanted, SMALL).await.because(Code::PermissionDenied, "ROLE_MISSING");
    assert_eq!(rows(&world, "question").await, 0);
    let drafts = import(&author, pb::ImportHeader { publish: false, ..header() }, SMALL).await.unwrap();
    assert_eq!(drafts.created_count, 4);
}

/// The papers that the demonstration brings.
fn demo_papers() -> Vec<(String, String)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/papers");
    let mut papers: Vec<(String, String)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
        .collect();
    papers.sort();
    papers
}

#[tokio::test]
async fn the_demonstrations_papers_are_imported_and_publish() {
    let world = crm().await;
    for (name, text) in demo_papers() {
        let wanted = pb::ImportHeader { file_name: name.clone(), ..header() };
        let report = import(&world.a, wanted.clone(), &text).await.unwrap();
        assert!(
            report.created_count > 10 && report.created_count == report.found_count,
            "{name}: {report:#?}"
        );
        let told: Vec<_> =
            report.findings.iter().filter(|f| f.severity() == pb::FindingSeverity::Error).collect();
        // Only what a finding of severity error touches may be held.
        assert!(report.held_count as usize <= told.len(), "{name}: {report:#?}");
        assert_eq!(report.published_count + report.held_count, report.created_count, "{name}");
        let stored = rows(&world, "question").await;
        let again = import(&world.a, wanted, &text).await.unwrap();
        assert_eq!((again.created_count, again.unchanged_count), (0, report.found_count), "{name}");
        assert_eq!(rows(&world, "question").await, stored);
    }
}

#[tokio::test]
async fn a_blueprint_comes_from_the_declared_figures() {
    let world = crm().await;
    let wanted = pb::ImportHeader { blueprint_id: "small".to_owned(), ..header() };
    let report = import(&world.a, wanted.clone(), SMALL).await.unwrap();
    assert_eq!(report.blueprint, "blueprints/small");
    let request = pb::GetBlueprintRequest { name: report.blueprint, ..Default::default() };
    let made = world.a.assembly().get_blueprint(request).await.unwrap().into_inner();
    let sections: Vec<(i32, i32, &str)> =
        made.sections.iter().map(|s| (s.kinds[0], s.count, s.points_each.as_str())).collect();
    use pb::QuestionKind as K;
    assert_eq!(sections, [(K::SingleChoice as i32, 2, "2"), (K::TrueFalse as i32, 2, "1")]);
    assert_eq!((made.total_points.as_str(), made.bank.as_str(), made.question_count), ("6", "banks/crm", 4));
    world.a.forms("blueprints/small", &["a"], 1).await;

    // The blueprint is there already: of the other questions nothing is kept either.
    let other = SMALL.replace("客户", "顾客");
    import(&world.a, wanted, &other).await.because(Code::AlreadyExists, "ALREADY_EXISTS");
    assert_eq!(rows(&world, "question").await, 4);

    // Figures that do not suffice make none, and say so by leaving it empty.
    let bare = "练习\n1.甲是( B )\nA.子B.丑C.寅D.卯\n2.乙是( A )\nA.天B.地C.玄D.黄\n";
    let report = import(&world.a, pb::ImportHeader { blueprint_id: "bare".to_owned(), ..header() }, bare)
        .await
        .unwrap();
    assert_eq!((report.blueprint.as_str(), report.created_count), ("", 2), "{report:#?}");
}
