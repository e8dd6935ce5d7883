//! What a regrade costs where every attempt changes: a dry run read to its end, then the regrade itself, both through the
//! service, over attempts that the database makes.
//!
//! `cargo bench --bench regrade` prints a table and, as its last line, the figures as JSON. `-- --attempts N` sets how many
//! attempts (1,000,000); the memory that is taken should not depend on it.

use std::time::{Duration, Instant};

use assessd::{
    attempt::{
        packed::{pack_marks, pack_responses},
        plans::CompiledForm,
        response::Response,
    },
    pb::{
        self,
        grading_service_client::GradingServiceClient,
        longrunning::{WaitOperationRequest, operations_client::OperationsClient},
        question_bank_service_client::QuestionBankServiceClient,
    },
};
use prost::Message;
use rust_decimal::Decimal;
use service::{Anything, POSITIONS, Service, authorized, channel, wal};
use uuid::Uuid;

#[path = "service/mod.rs"]
mod service;

/// Different answer sheets; every attempt is like one of them.
const SHEETS: usize = 96;

fn main() -> Anything<()> {
    let mut attempts = 1_000_000;
    let args: Vec<String> = std::env::args().collect();
    for pair in args.windows(2) {
        if pair[0] == "--attempts" {
            attempts = pair[1].replace('_', "").parse()?;
        }
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(attempts))
}

async fn run(attempts: i64) -> Anything<()> {
    let service = Service::start().await?;
    let Service { tenant, key, addr, form, admin, .. } = &service;
    let started = Instant::now();
    populate(admin, *tenant, form, attempts).await?;
    eprintln!("{attempts} attempts made in {:.1} s", started.elapsed().as_secs_f64());

    // Nobody was right before who is right now: the key becomes C, and everybody chose B or C.
    let channel = channel(*addr).await?;
    let version = form.versions[0].rsplit_once("/versions/").map(|v| v.0.to_owned()).unwrap_or_default();
    let mut banks = QuestionBankServiceClient::new(channel.clone());
    let get = pb::GetQuestionRequest { name: version.clone(), ..Default::default() };
    let mut question = banks.get_question(authorized(get, key)).await?.into_inner();
    question.key = Some(pb::AnswerKey { choices: vec!["C".into()], ..Default::default() });
    let update = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
    banks.update_question(authorized(update, key)).await?;
    let publish = pb::PublishQuestionRequest { name: version.clone(), ..Default::default() };
    banks.publish_question(authorized(publish, key)).await?;
    let rules = vec![pb::RegradeRule { question: version, part: 0, mode: pb::RegradeMode::NewKey as i32 }];

    let mut grading = GradingServiceClient::new(channel.clone());
    let mut report = Vec::new();
    for _ in 0..2 {
        // The first one also reads what the database has not in memory.
        let (started, before) = (Instant::now(), Memory::now()?);
        let request = pb::PreviewRegradeRequest {
            parent: "exams/bench".into(),
            rules: rules.clone(),
            never_lower: false,
        };
        let mut stream = grading.preview_regrade(authorized(request, key)).await?.into_inner();
        let mut changes = 0_i64;
        while let Some(message) = stream.message().await? {
            match message.found {
                Some(pb::preview_regrade_response::Found::Change(_)) => changes += 1,
                Some(pb::preview_regrade_response::Found::Summary(counts)) => {
                    assert_eq!((counts.examined_count, counts.changed_count), (attempts, changes));
                }
                None => {}
            }
        }
        assert_eq!(changes, attempts, "every attempt changes");
        report.push(Stretch::since("dry run", started, before)?);
    }
    sqlx::query("checkpoint").execute(admin).await?;
    let wal_before = wal(admin).await?;
    let (started, before) = (Instant::now(), Memory::now()?);
    let request = pb::RegradeExamRequest {
        parent: "exams/bench".into(),
        rules,
        reason: "the key was wrong".into(),
        ..Default::default()
    };
    let operation = grading.regrade_exam(authorized(request, key)).await?.into_inner();
    let answered = started.elapsed();
    let mut operations = OperationsClient::new(channel);
    let done = loop {
        let wait = WaitOperationRequest { name: operation.name.clone(), timeout: None };
        let now = operations.wait_operation(authorized(wait, key)).await?.into_inner();
        if now.done {
            break now;
        }
        if let Some(metadata) = now.metadata {
            let progress = pb::RegradeProgress::decode(metadata.value.as_slice())?;
            eprintln!("{} examined", progress.counts.unwrap_or_default().examined_count);
        }
    };
    report.push(Stretch::since("regrade", started, before)?);
    let Some(pb::longrunning::operation::Result::Response(response)) = done.result else {
        return Err(format!("the regrade failed: {done:?}").into());
    };
    let regrade = pb::Regrade::decode(response.value.as_slice())?;
    let revised = regrade.counts.unwrap_or_default().revised_count;
    let wal_after = wal(admin).await?;
    let rows = |table: &'static str| {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar::<_, i64>(query).fetch_one(admin)
    };
    let kept = rows("mark_revision").await?;
    let events = rows("event where kind = 'result.regraded'").await?;
    let audits = rows("audit where outcome = 'result.regraded'").await?;
    assert_eq!([revised, kept, events, audits], [attempts; 4], "one of each for every attempt");
    let untouched = rows("attempt where revision <> 2").await?;
    assert_eq!(untouched, 0, "every attempt is at its second revision");

    println!("{:10} {:>9} {:>12} {:>14} {:>14}", "", "seconds", "attempts/s", "peak RSS MB", "growth MB");
    for s in &report {
        println!(
            "{:10} {:>9.2} {:>12.0} {:>14.1} {:>14.1}",
            s.what,
            s.took.as_secs_f64(),
            s.rate(attempts),
            s.peak,
            s.growth
        );
    }
    println!("RegradeExam answered after {:.0} ms", answered.as_secs_f64() * 1000.0);
    println!("rows: {kept} mark_revision, {events} event, {audits} audit");
    println!("WAL: {:.0} bytes an attempt", (wal_after - wal_before) / attempts as f64);
    println!(
        "{}",
        serde_json::json!({
            "attempts": attempts,
            "preview_s": report[1].took.as_secs_f64(),
            "preview_per_s": report[1].rate(attempts),
            "regrade_s": report[2].took.as_secs_f64(),
            "regrade_per_s": report[2].rate(attempts),
            "preview_growth_mb": report[0].growth.max(report[1].growth),
            "regrade_growth_mb": report[2].growth,
            "mark_revisions": kept,
            "events": events,
            "audits": audits,
            "wal_bytes_per_attempt": (wal_after - wal_before) / attempts as f64,
        })
    );

    service.stop().await
}

/// Attempts with packed responses and marks, a millisecond apart, with ids that grow with time as ours do.
async fn populate(admin: &sqlx::PgPool, tenant: Uuid, form: &CompiledForm, attempts: i64) -> Anything<()> {
    let (mut responses, mut marks, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for sheet in 0..SHEETS {
        let given: Vec<Response> = (0..POSITIONS as usize)
            .map(|at| match at {
                0 => Response::Choice([1 + sheet % 2].into_iter().collect()),
                _ => Response::Choice([(sheet * 7 + at * (1 + sheet % 5)) % 4].into_iter().collect()),
            })
            .collect();
        let marked = form.plan.score(&given);
        scores.push(form.plan.outcome(&marked).total.decimal());
        responses.push(pack_responses(&given));
        marks.push(pack_marks(&marked));
    }
    sqlx::query(
        "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
            answered, score, awaiting, actor, request_hash, responses, marks)
         select $1, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || substr(md5(g::text), 1, 20))::uuid,
            'bench', 'c-' || g, 1, 0, 1, at, at, 50, s.score, 0, $1, '\\x07', s.responses, s.marks
         from (select g, now() - interval '1 day' + g * interval '1 millisecond' as at from generate_series(1, $2) g) as n
         join unnest($3::numeric[], $4::bytea[], $5::bytea[]) with ordinality as s (score, responses, marks, nth)
            on s.nth = g % $6 + 1
         order by g",
    )
    .bind(tenant)
    .bind(attempts)
    .bind(Vec::<Decimal>::from_iter(scores))
    .bind(responses)
    .bind(marks)
    .bind(SHEETS as i64)
    .execute(admin)
    .await?;
    sqlx::query("vacuum analyze attempt").execute(admin).await?;
    Ok(())
}

/// Memory of this process, in MB.
#[derive(Clone, Copy)]
struct Memory {
    now: f64,
    peak: f64,
}

impl Memory {
    fn read() -> Anything<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let of = |name: &str| -> f64 {
            let line = status.lines().find_map(|l| l.strip_prefix(name));
            line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
        };
        Ok(Self { now: of("VmRSS:"), peak: of("VmHWM:") })
    }

    /// As it is now; the peak begins anew.
    fn now() -> Anything<Self> {
        std::fs::write("/proc/self/clear_refs", "5")?;
        Self::read()
    }
}

/// One part of the run.
struct Stretch {
    what: &'static str,
    took: Duration,
    peak: f64,
    growth: f64,
}

impl Stretch {
    fn since(what: &'static str, started: Instant, before: Memory) -> Anything<Self> {
        let after = Memory::read()?;
        Ok(Self { what, took: started.elapsed(), peak: after.peak, growth: after.peak - before.now })
    }

    fn rate(&self, attempts: i64) -> f64 {
        attempts as f64 / self.took.as_secs_f64()
    }
}
