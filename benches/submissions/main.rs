//! How fast submissions are taken, beside pgbench on the same table, cluster and durability, interleaved in one run:
//! this machine's noise then meets all of them alike, and the ratios say more than the rates.
//!
//! `cargo bench --bench submissions` (about four minutes) prints a table and, as its last line, the figures as JSON.
//! `-- --seconds N` and `-- --rounds N` set how long; `-- --only WORD` measures what has that word in its name.

mod load;
mod pgbench;
#[path = "../service/mod.rs"]
mod service;

use std::time::Duration;

use assessd::{attempt::writer::Writer, pb::ResultView};

use load::RequestIds;
use pgbench::Ids;
use service::{Anything, Service};

/// What one stretch of load came to.
#[derive(Clone, Copy, Default)]
struct Stretch {
    rate: f64,
    wal_bytes: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// What is measured, in the order of a round.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Subject {
    Pgbench,
    WriterAlone,
    Unary,
    Stream,
    UnaryBasic,
    UnaryGenerated,
    PgbenchRandom,
    UnaryRandom,
    ByRow,
}

use Subject::*;

const SUBJECTS: [(Subject, &str, &str); 9] = [
    (Pgbench, "pgbench", "pgbench, packed, one a transaction"),
    (WriterAlone, "writer", "writer alone"),
    (Unary, "grpc", "ScoreSubmission"),
    (Stream, "grpc_stream", "BatchScoreSubmissions"),
    (UnaryBasic, "grpc_basic", "ScoreSubmission, view BASIC"),
    (UnaryGenerated, "grpc_generated", "ScoreSubmission, generated client"),
    (PgbenchRandom, "pgbench_random", "pgbench, packed, ids by chance"),
    (UnaryRandom, "grpc_random", "ScoreSubmission, ids by chance"),
    (ByRow, "by_row", "pgbench, row per response"),
];

fn main() -> Anything<()> {
    let (mut seconds, mut rounds, mut only) = (4, 5, String::new());
    let args: Vec<String> = std::env::args().collect();
    for pair in args.windows(2) {
        match pair[0].as_str() {
            "--seconds" => seconds = pair[1].parse()?,
            "--rounds" => rounds = pair[1].parse()?,
            "--only" => only.clone_from(&pair[1]),
            _ => {}
        }
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(seconds, rounds, &only))
}

async fn run(seconds: u64, rounds: usize, only: &str) -> Anything<()> {
    let service = Service::start().await?;
    let Service { dir, cluster, db, tenant, key, addr, form, admin, .. } = &service;
    let (tenant, addr) = (*tenant, *addr);
    let micros = load::decode_score_pack(form);

    sqlx::query(
        "create table bench_response (tenant_id uuid, attempt_id uuid, position int, question text, choice int,
            mark numeric, primary key (tenant_id, attempt_id, position))",
    )
    .execute(admin)
    .await?;
    sqlx::query("grant all on bench_response to assessd").execute(admin).await?;

    let script = |name: &str, text: String| -> Anything<std::path::PathBuf> {
        let file = dir.join(format!("{name}.sql"));
        std::fs::write(&file, text)?;
        Ok(file)
    };
    let ordered = script("ordered", pgbench::packed(tenant, form, Ids::Ordered))?;
    let random = script("random", pgbench::packed(tenant, form, Ids::Random))?;
    let by_row = script("by-row", pgbench::by_row(tenant))?;
    let writer = Writer::start(db);
    let time = Duration::from_secs(seconds);
    let subjects: Vec<_> = SUBJECTS.into_iter().filter(|(_, name, _)| name.contains(only)).collect();
    let mut all: Vec<Vec<Stretch>> = vec![Vec::new(); subjects.len()];
    for round in 0..rounds {
        for ((subject, name, _), stretches) in subjects.iter().zip(&mut all) {
            // The log is cut anew before each stretch, so that each pays for its own full pages.
            sqlx::query("checkpoint").execute(admin).await?;
            let stretch = match subject {
                Pgbench => pgbench::run(cluster, admin, tenant, &ordered, seconds).await?,
                PgbenchRandom => pgbench::run(cluster, admin, tenant, &random, seconds).await?,
                ByRow => pgbench::run(cluster, admin, tenant, &by_row, seconds).await?,
                WriterAlone => load::writer_alone(admin, &writer, tenant, form, time).await?,
                Unary => {
                    load::unary(admin, addr, key, time, RequestIds::Ordered, ResultView::Unspecified).await?
                }
                UnaryBasic => {
                    load::unary(admin, addr, key, time, RequestIds::Ordered, ResultView::Basic).await?
                }
                UnaryRandom => {
                    load::unary(admin, addr, key, time, RequestIds::Random, ResultView::Unspecified).await?
                }
                UnaryGenerated => load::generated(admin, addr, key, time).await?,
                Stream => load::stream(admin, addr, key, time, ResultView::Unspecified).await?,
            };
            eprintln!("round {} of {rounds}: {name} {:.0}/s", round + 1, stretch.rate);
            stretches.push(stretch);
        }
    }
    report(&subjects, &all, micros);

    drop(writer);
    service.stop().await
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(subjects: &[(Subject, &str, &str)], all: &[Vec<Stretch>], (plain, general): (f64, f64)) {
    println!(
        "{:36} {:>12} {:>12} {:>9} {:>9} {:>12}",
        "median of the rounds", "per second", "min", "p50 ms", "p99 ms", "WAL bytes"
    );
    let mut figures = serde_json::Map::new();
    for ((_, key, name), stretches) in subjects.iter().zip(all) {
        let of = |f: fn(&Stretch) -> f64| median(stretches.iter().map(f).collect());
        let least = stretches.iter().map(|s| s.rate).fold(f64::MAX, f64::min);
        println!(
            "{name:36} {:>12.0} {least:>12.0} {:>9.2} {:>9.2} {:>12.0}",
            of(|s| s.rate),
            of(|s| s.p50_ms),
            of(|s| s.p99_ms),
            of(|s| s.wal_bytes),
        );
        figures.insert(format!("{key}_per_s"), of(|s| s.rate).round().into());
        figures.insert(format!("{key}_p99_ms"), of(|s| s.p99_ms).into());
    }
    // Ratios within a round, then their median: neighbours in time share the noise.
    let ratio = |a: Subject, b: Subject, f: fn(&Stretch) -> f64| {
        let of = |wanted| subjects.iter().position(|(s, ..)| *s == wanted).and_then(|at| all.get(at));
        of(a).zip(of(b)).map(|(a, b)| median(a.iter().zip(b).map(|(x, y)| f(x) / f(y)).collect()))
    };
    let rate = |s: &Stretch| s.rate;
    let ratios = [
        ("writer_over_pgbench", "writer / pgbench", ratio(WriterAlone, Pgbench, rate), "goal 5"),
        (
            "grpc_over_pgbench",
            "ScoreSubmission / pgbench",
            ratio(Unary, Pgbench, rate),
            "goal 1.5, stretch 2",
        ),
        (
            "grpc_generated_over_pgbench",
            "generated client / pgbench",
            ratio(UnaryGenerated, Pgbench, rate),
            "",
        ),
        ("grpc_basic_over_pgbench", "view BASIC / pgbench", ratio(UnaryBasic, Pgbench, rate), ""),
        (
            "stream_over_pgbench",
            "BatchScoreSubmissions / pgbench",
            ratio(Stream, Pgbench, rate),
            "goal 1.5, stretch 2",
        ),
        (
            "grpc_random_over_pgbench_random",
            "the same by chance: ScoreSubmission / pgbench",
            ratio(UnaryRandom, PgbenchRandom, rate),
            "goal 1.5, stretch 2",
        ),
        (
            "grpc_over_row_per_response",
            "ScoreSubmission / row per response",
            ratio(Unary, ByRow, rate),
            "goal 10",
        ),
        (
            "stream_over_row_per_response",
            "BatchScoreSubmissions / row per response",
            ratio(Stream, ByRow, rate),
            "goal 10",
        ),
        (
            "wal_row_per_response_over_ours",
            "WAL of row per response / ours",
            ratio(ByRow, Unary, |s| s.wal_bytes),
            "goal 7",
        ),
    ];
    for (key, name, ratio, goal) in ratios {
        let Some(ratio) = ratio else { continue };
        println!("{name:48} {ratio:>8.2}   {goal}");
        figures.insert(key.to_owned(), ((ratio * 100.0).round() / 100.0).into());
    }
    println!("{:48} {plain:>8.2}   goal 3", "decode + score + pack, µs");
    println!("{:48} {general:>8.2}", "the same where it is not plain, µs");
    figures.insert("decode_score_pack_us".to_owned(), ((plain * 100.0).round() / 100.0).into());
    figures.insert("decode_score_pack_general_us".to_owned(), ((general * 100.0).round() / 100.0).into());
    println!("{}", serde_json::Value::Object(figures));
}
