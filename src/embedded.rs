//! The embedded PostgreSQL: what runs under `assessd` when no `DATABASE_URL` is given.
//!
//! An *installed* server (>= 15) is found, a cluster is made under the data folder and runs as a child of
//! this process. What is promised:
//! - one unix socket in a folder that only the server's user may enter, no TCP; the service connects as
//!   `assessd`, who owns the database and is neither superuser nor exempt from row-level security;
//! - one service per data folder (a lock file); never a server running as root; never another major version's
//!   files;
//! - a postmaster that dies is started again on the same data and the same socket, so a pool reconnects by
//!   itself;
//! - a service that dies, `kill -9` included, takes the postmaster with it, and the next start succeeds;
//! - [`Cluster`] dropped is the server stopped, within seconds.
//!
//! Left to others: migrations, the pool, backups, upgrades from one major version to the next.
//!
//! The parts: `server` finds the binaries, `place` owns the folders, the lock and the user, `launch` starts
//! programs so that they die with us, `leftovers` deals with what an earlier life left running, `keeper` is
//! the thread that supervises.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::watch;

mod keeper;
mod launch;
mod leftovers;
mod place;
mod server;
#[cfg(test)]
mod tests;

use keeper::{Haste, Keeper};

/// The oldest major version of PostgreSQL that the service is written for.
pub const OLDEST_MAJOR: u32 = 15;
/// The role the service connects as: owner of its database, no superuser, subject to row-level security.
pub const ROLE: &str = "assessd";

const SUPERUSER: &str = "postgres";
const PORT: u16 = 5432;

/// What to run, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of everything the service keeps on disk. Below it come to lie `postgres/` (the cluster), `run/`
    /// (the socket), `log/` and `assessd.lock`.
    pub data_dir: PathBuf,
    /// Folder of `postgres` and `initdb` (`ASSESSD_PG_BIN_DIR`). When set, no other place is searched.
    pub bin_dir: Option<PathBuf>,
    /// False only for throw-away clusters of tests: nothing is synced to disk, and the role may create
    /// databases (tests clone them from a template).
    pub durable: bool,
    /// Name of the database the service works in; created on the first start.
    pub database: String,
    /// Further `postgresql.conf` settings; they win over the ones chosen here, and lose to what an operator
    /// wrote below the include line in the cluster's own `postgresql.conf`.
    pub extra: Vec<(String, String)>,
}

impl Settings {
    /// The settings of a real service: durable, database `assessd`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            durable: true,
            database: ROLE.to_owned(),
            extra: Vec::new(),
        }
    }

    /// The settings of a cluster that will be thrown away: fast to make, worthless after a power cut.
    pub fn throw_away(data_dir: impl Into<PathBuf>) -> Self {
        Self { durable: false, ..Self::new(data_dir) }
    }
}

/// Where data goes when nobody said: `./data`, and as root `/var/lib/assessd`.
pub fn default_data_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        PathBuf::from("/var/lib/assessd")
    } else {
        PathBuf::from("./data")
    }
}

/// Why there is no embedded PostgreSQL. The texts are written for the operator who has to act on them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No server is installed where it is searched.
    #[error(
        "no PostgreSQL server (>= {OLDEST_MAJOR}) was found; there are three ways: install the PostgreSQL server package \
         (e.g. `apt install postgresql`), set ASSESSD_PG_BIN_DIR to the folder that holds `postgres` and `initdb`, or set \
         DATABASE_URL to a PostgreSQL that already runs"
    )]
    NoServer,
    /// The folder named by the operator holds no usable server.
    #[error("ASSESSD_PG_BIN_DIR: {} holds no runnable `postgres` and `initdb` ({why})", dir.display())]
    BinDir {
        /// The folder as given.
        dir: PathBuf,
        /// What is missing in it.
        why: String,
    },
    /// Servers were found, all of them too old.
    #[error(
        "PostgreSQL {OLDEST_MAJOR} or newer is needed, found only {found}; install a newer server package, set \
         ASSESSD_PG_BIN_DIR, or set DATABASE_URL"
    )]
    TooOld {
        /// The versions found and their folders.
        found: String,
    },
    /// The cluster on disk was made by a major version that is not installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {data}, but found {found}; install PostgreSQL {data} (or point \
         ASSESSD_PG_BIN_DIR at it), or move the data with pg_upgrade or pg_dump", dir.display()
    )]
    VersionMismatch {
        /// The cluster's folder.
        dir: PathBuf,
        /// Its major version.
        data: u32,
        /// The versions found and their folders.
        found: String,
    },
    /// Another service works on this data folder.
    #[error("the data folder {} is in use by another assessd{holder}; stop that one, or choose another --data-dir", dir.display())]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// ` (pid N)` when the other one wrote its pid.
        holder: String,
    },
    /// The server's user cannot pass through a folder.
    #[error(
        "postgres runs as user {user}, who may not enter {} on the way to {}; allow it with `chmod o+x {}`, or choose \
         another place", folder.display(), target.display(), folder.display()
    )]
    NotTraversable {
        /// The folder that is closed.
        folder: PathBuf,
        /// What lies behind it.
        target: PathBuf,
        /// The user the server would run as.
        user: String,
    },
    /// The cluster belongs to someone else, and this process is not root.
    #[error("the cluster in {} belongs to uid {owner}, this process runs as uid {us}; run as that user or as root", dir.display())]
    WrongOwner {
        /// The cluster's folder.
        dir: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Running as root without an unprivileged user to fall back to.
    #[error(
        "postgres refuses to run as root, and this system has neither a user `postgres` nor `nobody`; start assessd as another user"
    )]
    NoUser,
    /// This process is root in name but may not change its user.
    #[error(
        "postgres must not run as root, and becoming user {user} is not permitted here (container without CAP_SETUID/CAP_SETGID?); start assessd as another user"
    )]
    MayNotDropRoot {
        /// The user tried.
        user: String,
    },
    /// A folder stands where the cluster should, with other things in it.
    #[error("{} is not empty and is no PostgreSQL cluster (no PG_VERSION in it); move it away, or choose another --data-dir", dir.display())]
    NotACluster {
        /// The folder.
        dir: PathBuf,
    },
    /// No folder was found whose path is short enough for a socket.
    #[error("no folder is short enough for a unix socket: {} is too long, and no temporary folder could be used", dir.display())]
    SocketPath {
        /// The folder tried first.
        dir: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster: {output}")]
    Initdb {
        /// What it printed last.
        output: String,
    },
    /// `postgres` ended before it was ready.
    #[error("postgres did not start ({status}); its log {} ends with: {tail}", log.display())]
    DidNotStart {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines this start wrote.
        tail: String,
    },
    /// A setting cannot be written to a configuration file.
    #[error("not a valid PostgreSQL setting or name: {0:?}")]
    Setting(String),
    /// A file or folder of ours resists.
    #[error("cannot {action} {}: {source}", path.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program or thread could not be started.
    #[error("cannot run {what}: {source}")]
    Spawn {
        /// What should have run.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server runs, but role or database could not be prepared.
    #[error("cannot prepare role and database in the embedded PostgreSQL: {0}")]
    Prepare(#[from] sqlx::Error),
    /// Stopped before it was ready.
    #[error("the embedded PostgreSQL was stopped before it was ready")]
    Stopped,
}

/// What the server is doing; see [`Cluster::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The first start, or recovery in it.
    Starting,
    /// Accepting connections.
    Ready {
        /// Process id of the postmaster.
        pid: u32,
    },
    /// It died and is being started again.
    Down,
    /// It was stopped for good.
    Stopped,
}

/// A running PostgreSQL, owned. Dropping it stops the server (blocking, well under a second as a rule,
/// bounded by seconds if the server resists); [`Cluster::stop`] does so without blocking and more gently.
#[derive(Debug)]
pub struct Cluster {
    keeper: Keeper,
    state: watch::Receiver<State>,
    restarts: Arc<AtomicU64>,
    socket_dir: PathBuf,
    database: String,
}

impl Cluster {
    /// Finds a server, makes the cluster if there is none, starts it, and makes sure of role and database.
    ///
    /// Dropping the future stops whatever was begun.
    pub async fn start(settings: &Settings) -> Result<Self, EmbeddedError> {
        // Postgres cuts longer names with a notice, after which no connection finds the database.
        if settings.database.is_empty() || settings.database.len() > 63 || settings.database.contains('\0') {
            return Err(EmbeddedError::Setting(settings.database.clone()));
        }
        let started = keeper::start(settings.clone())?;
        let restarts = Arc::clone(&started.restarts);
        let state = started.state.clone();
        // From here on a dropped future drops the keeper, which stops the server.
        let keeper = started.keeper;
        let socket_dir = started.first.await.map_err(|_| EmbeddedError::Stopped)??;
        let cluster = Self { keeper, state, restarts, socket_dir, database: settings.database.clone() };
        cluster.prepare(settings.durable).await?;
        Ok(cluster)
    }

    /// How the service connects: role `assessd`, its database, over the socket.
    pub fn options(&self) -> PgConnectOptions {
        self.connect(ROLE, &self.database)
    }

    /// The same as a URL that both `psql` and sqlx understand.
    pub fn url(&self) -> String {
        format!(
            "postgres:///{}?host={}&port={PORT}&user={ROLE}&sslmode=disable",
            percent(&self.database),
            percent(&self.socket_dir.to_string_lossy()),
        )
    }

    /// How a test or a tool connects as superuser.
    pub fn superuser_options(&self, database: &str) -> PgConnectOptions {
        self.connect(SUPERUSER, database)
    }

    /// Process id of the postmaster; 0 while there is none.
    pub fn pid(&self) -> u32 {
        match *self.state.borrow() {
            State::Ready { pid } => pid,
            State::Starting | State::Down | State::Stopped => 0,
        }
    }

    /// Folder of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// How often the server had to be started again since [`Cluster::start`].
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// The server's state, to be read or watched.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Resolves when the postmaster that runs now is gone (at once, if none runs), whether or not another
    /// follows it.
    pub async fn exited(&self) {
        let mut state = self.state.clone();
        let now = *state.borrow();
        if matches!(now, State::Ready { .. }) {
            // An error says that the keeper is gone, and the server with it.
            let _ = state.wait_for(|later| *later != now).await;
        }
    }

    /// Stops gently: sessions are ended, a checkpoint is written, so the next start needs no recovery.
    pub async fn stop(self) {
        self.keeper.ask(Haste::Graceful);
        let _ = self.state.clone().wait_for(|state| *state == State::Stopped).await;
    }

    fn connect(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(PORT)
            .username(role)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// Role and database, made on the first start and made sure of on every other: a first start may have
    /// been killed between the two.
    async fn prepare(&self, durable: bool) -> Result<(), EmbeddedError> {
        let mut superuser = PgConnection::connect_with(&self.superuser_options("postgres")).await?;
        let known: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
            .bind(ROLE)
            .fetch_one(&mut superuser)
            .await?;
        let verb = if known { "alter" } else { "create" };
        let createdb = if durable { "nocreatedb" } else { "createdb" };
        let role = format!(
            "{verb} role {ROLE} login inherit nosuperuser nocreaterole noreplication nobypassrls {createdb}"
        );
        sqlx::query(AssertSqlSafe(role)).execute(&mut superuser).await?;
        let known: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&self.database)
            .fetch_one(&mut superuser)
            .await?;
        if !known {
            let quoted = self.database.replace('"', "\"\"");
            // Copying files is quicker than logging pages where the checkpoints it takes cost nothing.
            let strategy = if durable { "wal_log" } else { "file_copy" };
            let create = format!("create database \"{quoted}\" owner {ROLE} strategy {strategy}");
            sqlx::query(AssertSqlSafe(create)).execute(&mut superuser).await?;
        }
        superuser.close().await?;
        Ok(())
    }
}

/// Percent-encodes all but what is plain in every part of a URL.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
