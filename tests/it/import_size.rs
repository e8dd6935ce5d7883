//! Import at size: the answer stays small, work and memory grow with the file and no faster, and what is drawn from a
//! large bank is not read anew each time.

use std::{fmt::Write as _, time::Duration};

use assessd::pb::{self, import_questions_request::Message};
use prost::Message as _;
use sqlx::PgConnection;
use tonic::Code;

use crate::support::{As, Refused, World, build::section, cluster, process::Process};

/// A paper of so many questions, each with a stem of its own; every `unkeyed`th has no key.
fn paper(questions: usize, unkeyed: usize) -> String {
    let mut text = "客户服务题库\n一、单项选择题\n".to_owned();
    for i in 1..=questions {
        let _ = write!(
            text,
            "{i}.客户在第{i}次来电中提出的要求应当首先( )。\nA.记录要求{i}\nB.请对方等待\nC.转给同事\nD.不作回应\n"
        );
        if i % unkeyed != 0 {
            let _ = writeln!(text, "答案:{}", ["A", "B", "C", "D"][i % 4]);
        }
    }
    text
}

fn header(bank: &str) -> pb::ImportHeader {
    pb::ImportHeader {
        parent: bank.to_owned(),
        format: pb::ImportFormat::PaperText as i32,
        file_name: "large.txt".to_owned(),
        publish: true,
        create_bank: true,
        ..Default::default()
    }
}

async fn import(
    a: &As,
    header: pb::ImportHeader,
    text: &str,
) -> Result<pb::ImportQuestionsResponse, tonic::Status> {
    let messages: Vec<pb::ImportQuestionsRequest> = [Message::Header(header)]
        .into_iter()
        .chain(text.as_bytes().chunks(64 * 1024).map(|piece| Message::Chunk(piece.to_vec())))
        .map(|message| pb::ImportQuestionsRequest { message: Some(message) })
        .collect();
    a.bank().import_questions(tokio_stream::iter(messages)).await.map(tonic::Response::into_inner)
}

/// How many index entries PostgreSQL has read of a table so far.
async fn entries_read(superuser: &mut PgConnection, table: &str) -> i64 {
    // The process of a connection tells what it did when it is idle, at most once a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    sqlx::query_scalar(
        "select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes where relname = $1",
    )
    .bind(table)
    .fetch_one(superuser)
    .await
    .unwrap()
}

#[tokio::test]
async fn the_answer_to_a_large_file_is_small_and_counts_everything() {
    let world = World::start().await;
    let report = import(&world.a, header("banks/large"), &paper(3000, 2)).await.unwrap();
    assert_eq!((report.found_count, report.item_count, report.document_count), (3000, 3000, 1));
    assert_eq!((report.created_count, report.published_count, report.held_count), (3000, 1500, 1500));
    assert!(report.encoded_len() < 1024 * 1024, "{} bytes", report.encoded_len());
    assert_eq!(report.questions.len(), 1000, "those that were held back come first, up to a bound");
    assert_eq!(report.omitted_question_count, 2000);
    assert!(report.questions.iter().all(|q| !q.reason.is_empty()));

    let shown = |code: &str| report.findings.iter().filter(|f| f.code == code).count() as i32;
    assert!(report.finding_counts.iter().any(|c| c.count >= 1499), "{:?}", report.finding_counts);
    for count in &report.finding_counts {
        assert_eq!(count.shown_count, shown(&count.code), "{count:?}");
        assert!(count.shown_count <= 100 && count.shown_count <= count.count, "{count:?}");
    }
    let told: i32 = report.finding_counts.iter().map(|c| c.shown_count).sum();
    assert_eq!(told as usize, report.findings.len());
    for finding in report.findings.iter().filter(|f| f.question.is_some()) {
        let question = &report.questions[finding.question() as usize];
        assert!(question.line <= finding.line, "{finding:?} is about {question:?}");
    }

    // Sent again: nothing is odd, so nothing has to be told one by one.
    let again = import(&world.a, header("banks/large"), &paper(3000, 2)).await.unwrap();
    assert_eq!((again.created_count, again.unchanged_count), (0, 3000));
    assert_eq!((again.questions.len(), again.omitted_question_count), (0, 3000));
}

#[tokio::test]
async fn a_bank_is_made_with_the_import_or_not_at_all() {
    let world = World::start().await;
    let text = paper(3, 100);
    let dry = pb::ImportHeader { validate_only: true, ..header("banks/new") };
    let report = import(&world.a, dry, &text).await.unwrap();
    assert_eq!((report.found_count, report.created_count), (3, 3));
    let get = || pb::GetBankRequest { name: "banks/new".to_owned(), ..Default::default() };
    world.a.bank().get_bank(get()).await.because(Code::NotFound, "NOT_FOUND");

    // What fails makes no bank: the blueprint's id is taken.
    world.a.new_bank("other").await;
    let one = [section("一", pb::QuestionKind::SingleChoice, 1, "2")].to_vec();
    world.a.blueprint("taken", "banks/other", one).await;
    let heads = text.replace("一、单项选择题", "一、单项选择题(共3题,每题2分,共6分)");
    let broken = pb::ImportHeader { blueprint_id: "taken".to_owned(), ..header("banks/new") };
    import(&world.a, broken, &heads).await.because(Code::AlreadyExists, "ALREADY_EXISTS");
    world.a.bank().get_bank(get()).await.because(Code::NotFound, "NOT_FOUND");

    let report = import(&world.a, header("banks/new"), &text).await.unwrap();
    assert_eq!(report.created_count, 3);
    let bank = world.a.bank().get_bank(get()).await.unwrap().into_inner();
    assert_eq!(bank.display_name, "new");
    // A bank that is there is taken as it is.
    assert_eq!(import(&world.a, header("banks/new"), &text).await.unwrap().unchanged_count, 3);

    let reviewer = world.a.role(&[pb::Role::Reviewer]).await;
    import(&reviewer, header("banks/theirs"), &text).await.because(Code::PermissionDenied, "ROLE_MISSING");
}

/// A fresh database whose tables nobody has analysed, and one connection, whose plans are as old as can be.
#[tokio::test]
async fn the_work_of_a_question_does_not_grow_with_its_bank() {
    let database = cluster::database().await;
    let connect = cluster::options(&database).await;
    let world = World::on(database, connect, 2, assessd::server::Options::default()).await;
    let mut superuser = world.superuser().await;
    let off = "alter table question set (autovacuum_enabled = off);
        alter table question_version set (autovacuum_enabled = off)";
    sqlx::raw_sql(off).execute(&mut superuser).await.unwrap();
    // Statements and checks are planned while the tables are empty.
    for i in 0..7 {
        let text = paper(2, 100).replace("客户在", &format!("第{i}位客户在"));
        import(&world.a, header("banks/warm"), &text).await.unwrap();
    }
    let mut before = entries_read(&mut superuser, "question").await;
    for (round, questions) in [400_usize, 1200, 3600].into_iter().enumerate() {
        let text = paper(questions, 100_000).replace("客户在", &format!("第{round}批客户在"));
        let report = import(&world.a, header("banks/warm"), &text).await.unwrap();
        assert_eq!(report.published_count as usize, questions);
        let after = entries_read(&mut superuser, "question").await;
        let each = (after - before) as f64 / questions as f64;
        assert!(each < 12.0, "{each:.1} index entries were read for each of {questions} questions");
        before = after;
    }
}

#[tokio::test]
async fn what_is_drawn_from_follows_the_bank_at_once_in_every_process() {
    let world = World::start().await;
    let twin = world.twin().await;
    import(&world.a, header("banks/pool"), &paper(3, 100)).await.unwrap();
    let wants = |count| vec![section("一", pb::QuestionKind::SingleChoice, count, "1")];
    for count in 3..=5 {
        world.a.blueprint(&format!("of-{count}"), "banks/pool", wants(count)).await;
    }
    let can = async |of: &As, count: i32| {
        let name = format!("blueprints/of-{count}");
        let request = pb::CheckBlueprintRequest {
            subject: Some(pb::check_blueprint_request::Subject::Name(name)),
            ..Default::default()
        };
        of.assembly().check_blueprint(request).await.unwrap().into_inner().shortages.is_empty()
    };
    // Asked twice, so that the second answer comes from what is kept.
    for of in [&world.a, &twin.a, &world.a, &twin.a] {
        assert!(can(of, 3).await && !can(of, 4).await);
    }
    let fourth = crate::support::build::single("第四题应当先做什么?", "A");
    let published = world.a.publish("banks/pool", "fourth", fourth).await;
    for of in [&world.a, &twin.a] {
        assert!(can(of, 4).await, "a published question can be drawn at once");
    }
    let drafted = crate::support::build::single("第五题应当先做什么?", "A");
    world.a.draft("banks/pool", "fifth", drafted).await;
    for of in [&world.a, &twin.a] {
        assert!(!can(of, 5).await, "a draft cannot");
    }
    let retire = pb::RetireQuestionRequest { name: published.name, ..Default::default() };
    twin.a.bank().retire_question(retire).await.unwrap();
    for of in [&world.a, &twin.a] {
        assert!(!can(of, 4).await && can(of, 3).await, "a retired one no longer");
    }
    twin.stop().await;
}

/// With `ASSESSD_LONG` a hundred thousand questions, else two thousand; through the binary, whose memory is its own.
#[tokio::test]
async fn memory_is_bounded_by_the_file() {
    let questions = if std::env::var_os("ASSESSD_LONG").is_some() { 100_000 } else { 2_000 };
    let world = World::start().await;
    let server = Process::serve(&cluster::url(&world.database).await).await;
    let a = world.a.at(server.addr);
    import(&a, header("banks/warm"), &paper(5, 100)).await.unwrap();
    let idle = server.peak_memory().unwrap_or_default();
    let text = paper(questions, 10);
    let begun = std::time::Instant::now();
    let report = import(&a, header("banks/large"), &text).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(report.found_count as usize, questions);
    let grown = server.peak_memory().unwrap_or_default().saturating_sub(idle);
    println!(
        "{questions} questions, {:.1} MB: {took:.1?}, memory +{:.0} MB ({:.0} × the file), answer {} bytes",
        text.len() as f64 / 1e6,
        grown as f64 / 1e6,
        grown as f64 / text.len() as f64,
        report.encoded_len(),
    );
    assert!(report.encoded_len() < 1024 * 1024);
    // A small file costs a little more than its share.
    assert!(grown < 30_000_000 + 40 * text.len() as u64, "memory grew by {grown} bytes");
}
