//! The baseline: pgbench on the same table, cluster and durability.

use std::{fmt::Write as _, path::Path, process::Command};

use assessd::{attempt::plans::CompiledForm, embedded::Cluster};
use uuid::Uuid;

use crate::{
    Stretch,
    load::submission,
    service::{Anything, POSITIONS, wal},
};

/// Clients of pgbench.
const CLIENTS: usize = 16;

/// What kind of ids the rows of the baseline have.
#[derive(Clone, Copy)]
pub enum Ids {
    /// They grow with time, as those of submissions whose request ids are UUIDv7.
    Ordered,
    /// By chance, as those of all other submissions.
    Random,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One packed attempt a transaction, as lean as SQL can say it: no tenant to set, no exam to look up.
pub fn packed(tenant: Uuid, form: &CompiledForm, ids: Ids) -> String {
    let s = submission(form, Uuid::now_v7());
    let id = match ids {
        Ids::Random => "gen_random_uuid()",
        Ids::Ordered => {
            "(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
                || substr(md5(random()::text), 1, 20))::uuid"
        }
    };
    format!(
        "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
            answered, score, awaiting, actor, request_hash, responses, marks)
         select '{tenant}', id, 'bench', id::text, 1, 0, 1, now(), now(), 50, {}, 0,
            '{}', '\\x{}', '\\x{}', '\\x{}'
         from (select {id} as id) as made;\n",
        s.score,
        s.actor,
        hex(&s.request_hash),
        hex(&s.responses),
        hex(&s.marks),
    )
}

/// One INSERT for each of 50 responses, one transaction an attempt.
pub fn by_row(tenant: Uuid) -> String {
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

/// Runs a script for some seconds.
pub async fn run(
    cluster: &Cluster,
    admin: &sqlx::PgPool,
    tenant: Uuid,
    script: &Path,
    seconds: u64,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let program = find_pgbench();
    let output = tokio::task::block_in_place(|| {
        Command::new(program)
            .args(["-n", "-M", "prepared", "-j", "2", "-h"])
            .arg(cluster.socket_dir())
            .args(["-U", "assessd", "-c", &CLIENTS.to_string(), "-T", &seconds.to_string(), "-f"])
            .arg(script)
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
    let beside = bin.map(|b| Path::new(b.trim()).join("pgbench")).filter(|p| p.exists());
    let debian = || {
        let mut found: Vec<_> =
            std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
        found.sort();
        found.into_iter().rev().map(|p| p.join("bin/pgbench")).find(|p| p.exists())
    };
    beside.or_else(debian).unwrap_or_else(|| "pgbench".into())
}
