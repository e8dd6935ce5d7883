//! Against a real installed PostgreSQL, with real deaths. As root the servers run as `postgres` or `nobody`.

use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::*;

/// A folder that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("assessd-test-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn pool(cluster: &Cluster) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect_with(cluster.options()).await.unwrap()
}

async fn text(pool: &PgPool, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

/// A zombie, which waits only for its parent, does not count.
fn alive(pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        return state
            .rsplit(')')
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn a_durable_cluster_keeps_its_promises_and_its_data() {
    let scratch = Scratch::new();
    let settings = Settings::new(scratch.0.join("data"));
    let cluster = Cluster::start(&settings).await.unwrap();
    let mode = || fs::metadata(&settings.data_dir).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o700);
    let db = pool(&cluster).await;
    let role = "select concat_ws(' ', rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication) \
                from pg_roles where rolname = current_user";
    assert_eq!(text(&db, role).await, "assessd f f f f f");
    let owner = "select pg_get_userbyid(datdba)::text from pg_database where datname = current_database()";
    assert_eq!(text(&db, owner).await, "assessd");
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("unix_socket_permissions", "0700"),
    ] {
        let shown: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&db).await.unwrap();
        assert_eq!(shown, value, "{setting}");
    }
    assert_eq!(
        text(&db, "select string_agg(c, '' order by c) from unnest(array['b','B','a','é','题']) c").await,
        "Babé题"
    );
    let mode = fs::metadata(cluster.socket_dir()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    sqlx::query("create table kept (n int)").execute(&db).await.unwrap();
    sqlx::query("insert into kept values (41)").execute(&db).await.unwrap();
    db.close().await;
    let pid = cluster.pid();
    assert!(alive(pid));
    cluster.stop().await;
    assert!(!alive(pid));

    let cluster = Cluster::start(&settings).await.unwrap();
    let by_url = PgPool::connect_with(PgConnectOptions::from_str(&cluster.url()).unwrap()).await.unwrap();
    assert_eq!(text(&by_url, "select concat_ws(' ', current_user, n) from kept").await, "assessd 41");
    let pid = cluster.pid();
    drop(cluster);
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_throw_away_cluster_lets_the_role_clone_databases() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&Settings::throw_away(&scratch.0)).await.unwrap();
    let db = pool(&cluster).await;
    assert_eq!(text(&db, "select current_setting('fsync')").await, "off");
    db.close().await;
    let admin = PgPool::connect_with(cluster.options().database("postgres")).await.unwrap();
    sqlx::query("create database clone template assessd strategy file_copy").execute(&admin).await.unwrap();
}

#[tokio::test]
async fn a_killed_postmaster_comes_back_and_the_pool_with_it() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&Settings::throw_away(&scratch.0)).await.unwrap();
    let db = pool(&cluster).await;
    for death in 1..=3 {
        let pid = cluster.pid();
        // A busy session does not notice that its postmaster is gone, and keeps the shared memory in use.
        let busy = tokio::spawn({
            let db = db.clone();
            async move { sqlx::query("select count(*) from generate_series(1, 100000000000)").execute(&db).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        leftovers::send(pid, rustix::process::Signal::KILL);
        tokio::time::timeout(Duration::from_secs(5), cluster.exited()).await.unwrap();
        let begun = Instant::now();
        let mut state = cluster.state();
        state.wait_for(|state| matches!(state, State::Ready { .. })).await.unwrap();
        assert_eq!(text(&db, "select 'here'").await, "here");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_ne!(cluster.pid(), pid);
        assert_eq!(cluster.restarts(), death);
        assert!(busy.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn a_second_service_on_the_same_folder_is_refused() {
    let scratch = Scratch::new();
    let settings = Settings::throw_away(&scratch.0);
    let cluster = Cluster::start(&settings).await.unwrap();
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&format!("(pid {})", std::process::id())), "{error}");
    drop(cluster);
    Cluster::start(&settings).await.unwrap();
}

#[tokio::test]
async fn folders_that_are_no_fit_are_named() {
    let scratch = Scratch::new();
    let mut settings = Settings::throw_away(scratch.0.join("data"));
    settings.bin_dir = Some(scratch.0.clone());
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(&error, EmbeddedError::BinDir { dir, .. } if *dir == scratch.0), "{error}");
    settings.bin_dir = None;

    let cluster = scratch.0.join("data/postgres");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("diary"), "").unwrap();
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::NotACluster { .. }), "{error}");

    fs::write(cluster.join("PG_VERSION"), "14\n").unwrap();
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::TooOld { .. } | EmbeddedError::VersionMismatch { .. }), "{error}");
    fs::write(cluster.join("PG_VERSION"), "99\n").unwrap();
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::VersionMismatch { data: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_half_made_cluster_is_made_anew() {
    let scratch = Scratch::new();
    let half = scratch.0.join("postgres.new/base");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("1"), "half").unwrap();
    let cluster = Cluster::start(&Settings::throw_away(&scratch.0)).await.unwrap();
    assert!(cluster.pid() > 0);
    assert!(!scratch.0.join("postgres.new").exists());
}

#[tokio::test]
async fn a_closed_parent_folder_is_named() {
    let scratch = Scratch::new();
    let closed = scratch.0.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let started = Cluster::start(&Settings::throw_away(closed.join("data"))).await;
    // Only root runs the server as somebody else, so only root can be in the way of it.
    if root() {
        let error = started.unwrap_err();
        let folder = fs::canonicalize(&closed).unwrap();
        assert!(
            matches!(&error, EmbeddedError::NotTraversable { folder: named, .. } if *named == folder),
            "{error}"
        );
    } else {
        started.unwrap();
    }
}

/// What earlier builds left open is closed; where other things lie beside it, that is their owner's matter.
#[tokio::test]
async fn only_a_folder_of_our_own_is_closed() {
    let scratch = Scratch::new();
    let data = scratch.0.join("data");
    let settings = Settings::throw_away(&data);
    drop(Cluster::start(&settings).await.unwrap());
    let mode = || fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    let open = || fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    open();
    drop(Cluster::start(&settings).await.unwrap());
    assert_eq!(mode(), 0o700);
    open();
    fs::write(data.join("notes.txt"), "mine").unwrap();
    drop(Cluster::start(&settings).await.unwrap());
    assert_eq!(mode(), 0o755);
}

#[tokio::test]
async fn an_empty_closed_folder_of_ours_is_taken() {
    let scratch = Scratch::new();
    let data = scratch.0.join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    Cluster::start(&Settings::throw_away(&data)).await.unwrap();
}

#[tokio::test]
async fn a_long_path_puts_the_socket_elsewhere() {
    let scratch = Scratch::new();
    let data = scratch.0.join("a/'long' path, with \"quotes\" and spaces ".repeat(5)).join("data");
    let settings = Settings { database: "it's \"a\" name".to_owned(), ..Settings::throw_away(data) };
    let cluster = Cluster::start(&settings).await.unwrap();
    let sockets = cluster.socket_dir().to_owned();
    assert!(!sockets.starts_with(&scratch.0), "{}", sockets.display());
    let by_url = PgPool::connect_with(PgConnectOptions::from_str(&cluster.url()).unwrap()).await.unwrap();
    assert_eq!(text(&by_url, "select current_database()::text").await, settings.database);
    drop(cluster);
    assert!(!sockets.exists());
    Cluster::start(&settings).await.unwrap();
}

#[tokio::test]
async fn a_bad_setting_fails_at_once_with_the_log() {
    let scratch = Scratch::new();
    let mut settings = Settings::throw_away(&scratch.0);
    settings.extra.push(("shared_bufers".to_owned(), "1GB".to_owned()));
    let error = Cluster::start(&settings).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::DidNotStart { .. }), "{error}");
    assert!(error.to_string().contains("shared_bufers"), "{error}");
    // Timed without the making of the cluster, which a busy machine drags out.
    let begun = Instant::now();
    Cluster::start(&settings).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "tried again in vain");
    settings.extra = vec![("work_mem".to_owned(), "7MB".to_owned())];
    let cluster = Cluster::start(&settings).await.unwrap();
    assert_eq!(text(&pool(&cluster).await, "select current_setting('work_mem')").await, "7MB");
}

#[tokio::test]
async fn a_start_given_up_leaves_nothing_running() {
    let scratch = Scratch::new();
    let settings = Settings::throw_away(&scratch.0);
    for limit in [1, 50, 150, 300, 450] {
        let _ = tokio::time::timeout(Duration::from_millis(limit), Cluster::start(&settings)).await;
    }
    let cluster = Cluster::start(&settings).await.unwrap();
    assert!(cluster.pid() > 0);
}

/// The service that other tests start and kill.
#[tokio::test]
#[ignore = "not a test: the process that a_killed_service_loses_no_commit starts and kills"]
async fn service_process() {
    let dir = std::env::var_os("ASSESSD_TEST_SERVICE").expect("started by another test");
    let cluster = Cluster::start(&Settings::new(PathBuf::from(dir))).await.unwrap();
    let db = pool(&cluster).await;
    println!("\npid {}", cluster.pid());
    sqlx::query("create table if not exists written (n bigserial)").execute(&db).await.unwrap();
    loop {
        let n: i64 = sqlx::query_scalar("insert into written default values returning n")
            .fetch_one(&db)
            .await
            .unwrap();
        println!("\ncommitted {n}");
    }
}

/// Starts this very test binary as a service; answers with it and the postmaster's pid.
fn service(dir: &Path) -> (Child, BufReader<std::process::ChildStdout>, u32) {
    let (_, path) = module_path!().split_once("::").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", &format!("{path}::service_process")])
        .env("ASSESSD_TEST_SERVICE", dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let pid = number(&mut out, "pid ").expect("the service starts");
    (child, out, u32::try_from(pid).unwrap())
}

/// The number in the next line that begins so; `None` at the end of the output.
fn number(out: &mut impl std::io::BufRead, start: &str) -> Option<i64> {
    let mut line = String::new();
    while out.read_line(&mut line).ok()? > 0 {
        if let Some(n) = line.trim_end().strip_prefix(start).filter(|_| line.ends_with('\n')) {
            return n.parse().ok();
        }
        line.clear();
    }
    None
}

#[tokio::test]
async fn a_killed_service_loses_no_commit() {
    let scratch = Scratch::new();
    let mut committed = 0;
    for _ in 0..3 {
        let (mut service, mut out, postmaster) = service(&scratch.0);
        for _ in 0..20 {
            committed = number(&mut out, "committed ").expect("the service writes");
        }
        service.kill().unwrap();
        while let Some(n) = number(&mut out, "committed ") {
            committed = n;
        }
        service.wait().unwrap();
        if cfg!(target_os = "linux") {
            let begun = Instant::now();
            while alive(postmaster) {
                assert!(begun.elapsed() < Duration::from_secs(8), "the postmaster outlives its service");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    let cluster = Cluster::start(&Settings::new(&scratch.0)).await.unwrap();
    let there = sqlx::query_scalar::<_, i64>("select count(*) from written where n <= $1 and n > $1 - 20")
        .bind(committed)
        .fetch_one(&pool(&cluster).await)
        .await
        .unwrap();
    assert_eq!(there, 20);
}
