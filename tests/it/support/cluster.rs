//! One PostgreSQL for the run, one database for each test.
//!
//! The cluster is started by the first test that asks, and migrated once; every test clones that database, which copies
//! files and takes milliseconds. Statics are never dropped, so the end of the run is seen from outside: a shell waits at
//! a pipe that this process holds open, and when the process ends, however it ends, the shell removes the folder (the
//! postmaster dies with the process by itself). What a power cut leaves behind, the next run sweeps.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use assessd::{
    db::Db,
    embedded::{Cluster, Settings},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_it";
const PREFIX: &str = "assessd-it-";

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static FOLDER: Mutex<Option<Folder>> = Mutex::new(None);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A folder that goes when this process goes.
pub struct Folder {
    pub path: PathBuf,
    _pipe: ChildStdin,
    _shell: Child,
}

impl Folder {
    /// Below the system's temporary folder, named after this process.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{PREFIX}{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // The postmaster may still be writing when the pipe breaks, so one attempt is not enough.
        let mut shell = Command::new("sh")
            .args(["-c", "cat; i=0; until rm -rf \"$0\" && sleep 0.2 && test ! -e \"$0\"; do i=$((i+1)); test $i -lt 50 || break; done"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            // Ctrl-C ends the run, not the one who cleans up after it.
            .process_group(0)
            .spawn()
            .unwrap();
        let pipe = shell.stdin.take().unwrap();
        Self { path, _pipe: pipe, _shell: shell }
    }
}

/// Removes the folders of runs whose process is gone.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| {
            Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists()
        }) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The cluster of this run.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            sweep();
            let folder = Folder::new("pg");
            let settings = Settings {
                database: TEMPLATE.to_owned(),
                extra: vec![("max_connections".to_owned(), "300".to_owned())],
                ..Settings::throw_away(&folder.path)
            };
            *FOLDER.lock().unwrap() = Some(folder);
            let cluster = Cluster::start(&settings).await.unwrap();
            let db = Db::open(cluster.options(), 1);
            db.migrate().await.unwrap();
            db.pool().close().await;
            cluster
        })
        .await
}

/// A migrated database of its own; its name.
pub async fn database() -> String {
    cluster().await;
    let name = format!("it_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut superuser = superuser("postgres").await;
    let create = format!("create database {name} template {TEMPLATE} owner assessd strategy file_copy");
    sqlx::query(AssertSqlSafe(create)).execute(&mut superuser).await.unwrap();
    superuser.close().await.unwrap();
    name
}

/// A database without a schema; its name.
pub async fn empty() -> String {
    cluster().await;
    let name = format!("it_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut superuser = superuser("postgres").await;
    let create = format!("create database {name} template template0 owner assessd strategy file_copy");
    sqlx::query(AssertSqlSafe(create)).execute(&mut superuser).await.unwrap();
    superuser.close().await.unwrap();
    name
}

/// A connection that row-level security does not bind.
pub async fn superuser(database: &str) -> PgConnection {
    PgConnection::connect_with(&cluster().await.superuser_options(database)).await.unwrap()
}

/// How the service connects to a database of the cluster.
pub async fn options(database: &str) -> PgConnectOptions {
    cluster().await.options().database(database)
}

/// The same as a URL.
pub async fn url(database: &str) -> String {
    url_of(cluster().await, database)
}

/// The URL of a database of some cluster.
pub fn url_of(cluster: &Cluster, database: &str) -> String {
    let socket = cluster.socket_dir().to_string_lossy().replace('/', "%2F");
    format!("postgres:///{database}?host={socket}&port=5432&user=assessd&sslmode=disable")
}
