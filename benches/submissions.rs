//! How fast submissions are taken, beside pgbench on the same table, cluster and durability, interleaved in one run:
//! this machine's noise then meets all of them alike, and the ratios say more than the rates.
//!
//! `cargo bench --bench submissions` (about two minutes) prints a table and, as its last line, the figures as JSON.
//! `-- --seconds N` and `-- --rounds N` set how long.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use assessd::{
    attempt::{
        packed::{pack_marks, pack_responses},
        plans::{CompiledForm, Plans},
        response::Response,
        sql::Submission,
        wire,
        writer::Writer,
    },
    db::Db,
    door::Fields,
    embedded::{Cluster, Settings},
    ids::ExamId,
    pb::{self, delivery_service_client::DeliveryServiceClient},
    server,
};
use prost::Message;
use support::{Anything, POSITIONS, authorized, channel, prepare};
use uuid::Uuid;

mod support;

const PGBENCH_CLIENTS: usize = 16;
/// Callers of the writer at once, in this process.
const WRITER_CALLERS: usize = 128;
/// gRPC connections, and calls under way at once on each.
const CONNECTIONS: usize = 4;
const CALLS_EACH: usize = 24;

/// What one stretch of load came to.
#[derive(Clone, Copy, Default)]
struct Stretch {
    rate: f64,
    wal_bytes: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() -> Anything<()> {
    let mut seconds = 4;
    let mut rounds = 5;
    let args: Vec<String> = std::env::args().collect();
    for pair in args.windows(2) {
        match pair[0].as_str() {
            "--seconds" => seconds = pair[1].parse()?,
            "--rounds" => rounds = pair[1].parse()?,
            _ => {}
        }
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(seconds, rounds))
}

async fn run(seconds: u64, rounds: usize) -> Anything<()> {
    let dir = std::env::temp_dir().join(format!("assessd-bench-{}", std::process::id()));
    let settings = Settings::new(dir.clone());
    let cluster = Cluster::start(&settings).await?;
    let db = Db::open(cluster.options(), 16);
    db.migrate().await?;
    let (tenant, key) = db.create_tenant("bench").await?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(server::serve(db.clone(), listener, server::Options::default(), async {
        let _ = stopped.await;
    }));
    prepare(addr, &key).await?;

    let plans = Plans::new();
    let exam: ExamId = "bench".parse()?;
    let form = {
        let mut tx = db.submit(tenant, tokio::time::Instant::now() + Duration::from_secs(10)).await?;
        let facts = plans.exam(&mut tx, tenant, &exam).await.map_err(|e| format!("{e:?}"))?;
        plans.form(&mut tx, tenant, &facts, 0).await.map_err(|e| format!("{e:?}"))?
    };
    let micros = decode_score_pack(&form);

    let mut admin = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_with(cluster.superuser_options("assessd"))
        .await?;
    sqlx::query(
        "create table bench_response (tenant_id uuid, attempt_id uuid, position int, question text, choice int,
            mark numeric, primary key (tenant_id, attempt_id, position))",
    )
    .execute(&admin)
    .await?;
    sqlx::query("grant all on bench_response to assessd").execute(&admin).await?;

    let packed = pgbench_packed(tenant, &form);
    let by_row = pgbench_by_row(tenant);
    let writer = Writer::start(&db);
    let mut all: [Vec<Stretch>; 4] = Default::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        // The log is cut anew before each stretch, so that each pays for its own full pages.
        let time = Duration::from_secs(seconds);
        checkpoint(&mut admin).await?;
        all[0].push(pgbench(&cluster, &admin, tenant, &dir, "packed", &packed, seconds).await?);
        checkpoint(&mut admin).await?;
        all[1].push(writer_alone(&admin, &writer, tenant, &form, time).await?);
        checkpoint(&mut admin).await?;
        all[2].push(over_grpc(&admin, addr, &key, time).await?);
        checkpoint(&mut admin).await?;
        all[3].push(pgbench(&cluster, &admin, tenant, &dir, "by-row", &by_row, seconds).await?);
    }
    report(&all, micros);

    drop(writer);
    let _ = stop.send(());
    served.await??;
    admin.close().await;
    cluster.stop().await;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn submission_request(n: u64) -> pb::ScoreSubmissionRequest {
    let responses = (1..=POSITIONS).map(|position| pb::Response {
        position,
        choices: vec![["A", "B", "C", "D"][((n + position as u64 * 7) % 4) as usize].to_owned()],
        ..Default::default()
    });
    let id = Uuid::now_v7();
    pb::ScoreSubmissionRequest {
        parent: "exams/bench".into(),
        candidate: id.to_string(),
        responses: responses.collect(),
        request_id: id.to_string(),
        ..Default::default()
    }
}

/// Microseconds to decode a request of 50 responses, read it, score it and pack it, on one core.
fn decode_score_pack(form: &CompiledForm) -> f64 {
    let bytes = submission_request(1).encode_to_vec();
    let mut best = f64::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        for _ in 0..2_000 {
            let request = pb::ScoreSubmissionRequest::decode(bytes.as_slice()).unwrap_or_default();
            let mut fields = Fields::default();
            let mut responses = vec![Response::Blank; POSITIONS as usize];
            for (index, response) in wire::responses(form, &request.responses, &mut fields) {
                responses[index] = response;
            }
            let marks = form.plan.score(&responses);
            std::hint::black_box((pack_responses(&responses), pack_marks(&marks)));
        }
        best = best.min(started.elapsed().as_secs_f64() * 1e6 / 2_000.0);
    }
    best
}

fn submission(form: &CompiledForm, actor: Uuid) -> Submission {
    let responses: Vec<Response> =
        (0..POSITIONS as usize).map(|i| Response::Choice([i % 4].into_iter().collect())).collect();
    let marks = form.plan.score(&responses);
    let id = Uuid::now_v7();
    Submission {
        attempt: id,
        exam: ExamId::stored("bench".to_owned()),
        candidate: id.to_string(),
        form: 0,
        state: 1,
        answered: POSITIONS,
        score: form.plan.outcome(&marks).total.decimal(),
        awaiting: rust_decimal::Decimal::ZERO,
        actor,
        request_hash: vec![7; 16],
        responses: pack_responses(&responses),
        marks: pack_marks(&marks),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One packed attempt a transaction, as lean as SQL can say it: no tenant to set, no exam to look up, and ids that grow
/// with time as ours do.
fn pgbench_packed(tenant: Uuid, form: &CompiledForm) -> String {
    let s = submission(form, Uuid::now_v7());
    format!(
        "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
            answered, score, awaiting, actor, request_hash, responses, marks)
         select '{tenant}', id, 'bench', id::text, 1, 0, 1, now(), now(), 50, {}, 0,
            '{}', '\\x{}', '\\x{}', '\\x{}'
         from (select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
            || substr(md5(random()::text), 1, 20))::uuid as id) as made;\n",
        s.score,
        s.actor,
        hex(&s.request_hash),
        hex(&s.responses),
        hex(&s.marks),
    )
}

/// One INSERT for each of 50 responses, one transaction an attempt.
fn pgbench_by_row(tenant: Uuid) -> String {
    let mut script = String::from("select gen_random_uuid() as attempt \\gset\nbegin;\n");
    for position in 1..=POSITIONS {
        let _ = writeln!(
            script,
            "insert into bench_response values ('{tenant}', :attempt, {position}, \
             'banks/bench/questions/0198c5d8-6a3f-7000-8000-{position:012}/versions/1', {}, 2);",
            position % 4
        );
    }
    script + "commit;\n"
}

async fn wal(admin: &sqlx::PgPool) -> Anything<f64> {
    Ok(sqlx::query_scalar::<_, f64>("select (pg_current_wal_insert_lsn() - '0/0')::float8")
        .fetch_one(admin)
        .await?)
}

async fn checkpoint(admin: &mut sqlx::PgPool) -> Anything<()> {
    sqlx::query("checkpoint").execute(&*admin).await?;
    Ok(())
}

async fn pgbench(
    cluster: &Cluster,
    admin: &sqlx::PgPool,
    tenant: Uuid,
    dir: &std::path::Path,
    name: &str,
    script: &str,
    seconds: u64,
) -> Anything<Stretch> {
    let file = dir.join(format!("{name}.sql"));
    std::fs::write(&file, script)?;
    let before = wal(admin).await?;
    let program = find_pgbench();
    let output = tokio::task::block_in_place(|| {
        Command::new(program)
            .args(["-n", "-M", "prepared", "-j", "2", "-h"])
            .arg(cluster.socket_dir())
            .args(["-U", "assessd", "-c", &PGBENCH_CLIENTS.to_string(), "-T", &seconds.to_string(), "-f"])
            .arg(&file)
            .arg("assessd")
            .env("PGOPTIONS", format!("-c assessd.tenant={tenant}"))
            .output()
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |head: &str| -> Option<f64> {
        text.lines().find_map(|l| l.trim().strip_prefix(head))?.split_whitespace().next()?.parse().ok()
    };
    let rate = figure("tps = ").ok_or_else(|| {
        format!("pgbench said nothing of its rate: {text}{}", String::from_utf8_lossy(&output.stderr))
    })?;
    let count = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("number of transactions actually processed: "))
        .and_then(|n| n.split('/').next()?.trim().parse::<f64>().ok())
        .unwrap_or(rate * seconds as f64);
    let latency = figure("latency average = ").unwrap_or_default();
    Ok(Stretch { rate, wal_bytes: (wal(admin).await? - before) / count, p50_ms: latency, p99_ms: f64::NAN })
}

fn find_pgbench() -> std::path::PathBuf {
    let bin = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .ok()
        .and_then(|o| String::from_utf8(o.stdout).ok());
    let beside = bin.map(|b| std::path::Path::new(b.trim()).join("pgbench")).filter(|p| p.exists());
    let debian = || {
        let mut found: Vec<_> =
            std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
        found.sort();
        found.into_iter().rev().map(|p| p.join("bin/pgbench")).find(|p| p.exists())
    };
    beside.or_else(debian).unwrap_or_else(|| "pgbench".into())
}

/// Runs `callers` tasks until the time is over and counts what they did.
async fn load<F, Fut>(callers: usize, time: Duration, call: F) -> (u64, Vec<f64>)
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let call = Arc::new(call);
    let end = Instant::now() + time;
    let count = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (call, count) = (Arc::clone(&call), Arc::clone(&count));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let started = Instant::now();
                call(caller).await;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
                count.fetch_add(1, Ordering::Relaxed);
            }
            times
        });
    }
    let mut times: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    (count.load(Ordering::Relaxed), times)
}

fn stretch(count: u64, times: &[f64], took: Duration, wal: f64) -> Stretch {
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Stretch {
        rate: count as f64 / took.as_secs_f64(),
        wal_bytes: wal / count as f64,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    }
}

async fn writer_alone(
    admin: &sqlx::PgPool,
    writer: &Writer,
    tenant: Uuid,
    form: &Arc<CompiledForm>,
    time: Duration,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let (writer, form, actor) = (writer.clone(), Arc::clone(form), Uuid::now_v7());
    let started = Instant::now();
    let (count, times) = load(WRITER_CALLERS, time, move |_| {
        let (writer, submission) = (writer.clone(), submission(&form, actor));
        async move {
            if let Err(error) = writer.store(tenant, submission).await {
                panic!("a submission was refused: {error:?}");
            }
        }
    })
    .await;
    Ok(stretch(count, &times, started.elapsed(), wal(admin).await? - before))
}

async fn over_grpc(admin: &sqlx::PgPool, addr: SocketAddr, key: &str, time: Duration) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(DeliveryServiceClient::new(channel(addr).await?));
    }
    let key = key.to_owned();
    let started = Instant::now();
    let (count, times) = load(CONNECTIONS * CALLS_EACH, time, move |caller| {
        let mut client = clients[caller % CONNECTIONS].clone();
        let request = authorized(submission_request(caller as u64), &key);
        async move {
            if let Err(status) = client.score_submission(request).await {
                panic!("a submission was refused: {status}");
            }
        }
    })
    .await;
    Ok(stretch(count, &times, started.elapsed(), wal(admin).await? - before))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(all: &[Vec<Stretch>; 4], micros: f64) {
    let names = [
        "pgbench, packed, one a transaction",
        "writer alone",
        "ScoreSubmission over gRPC",
        "pgbench, row per response",
    ];
    let of = |i: usize, f: fn(&Stretch) -> f64| median(all[i].iter().map(f).collect());
    // Ratios within a round, then their median: neighbours in time share the noise.
    let ratio =
        |a: usize, b: usize| median(all[a].iter().zip(&all[b]).map(|(x, y)| x.rate / y.rate).collect());
    println!(
        "{:36} {:>12} {:>12} {:>9} {:>9} {:>12}",
        "median of the rounds", "per second", "min", "p50 ms", "p99 ms", "WAL bytes"
    );
    for (i, name) in names.iter().enumerate() {
        let least = all[i].iter().map(|s| s.rate).fold(f64::MAX, f64::min);
        println!(
            "{name:36} {:>12.0} {least:>12.0} {:>9.2} {:>9.2} {:>12.0}",
            of(i, |s| s.rate),
            of(i, |s| s.p50_ms),
            of(i, |s| s.p99_ms),
            of(i, |s| s.wal_bytes),
        );
    }
    let wal_share = of(3, |s| s.wal_bytes) / of(2, |s| s.wal_bytes);
    println!("writer / pgbench packed        {:>8.2}   (goal 5)", ratio(1, 0));
    println!("gRPC / pgbench packed          {:>8.2}   (goal 1.5, stretch 2)", ratio(2, 0));
    println!("gRPC / row per response        {:>8.2}   (goal 10)", ratio(2, 3));
    println!("WAL row per response / ours    {wal_share:>8.2}   (goal 7)");
    println!("decode + score + pack          {micros:>8.2} µs (goal 3)");
    println!(
        "{}",
        serde_json::json!({
            "writer_over_pgbench": ratio(1, 0),
            "grpc_over_pgbench": ratio(2, 0),
            "grpc_over_row_per_response": ratio(2, 3),
            "wal_row_per_response_over_ours": wal_share,
            "decode_score_pack_us": micros,
            "grpc_p99_ms": of(2, |s| s.p99_ms),
            "rates": { "pgbench_packed": of(0, |s| s.rate), "writer": of(1, |s| s.rate), "grpc": of(2, |s| s.rate), "row_per_response": of(3, |s| s.rate) },
        })
    );
}
