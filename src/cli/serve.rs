//! `assessd serve` and `assessd migrate`: the database, embedded or not, and the service on it.

use std::{
    fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, process::ExitCode, time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    admin::tenants,
    config::{Flags, Settings},
    db::Db,
    embedded::Cluster,
    server, telemetry,
};

use super::say_line;

/// The file in the data folder with the first administrator's key.
pub(crate) const ADMIN_KEY: &str = "admin.key";

/// Runs the service until SIGTERM or Ctrl-C.
///
/// Without --database-url an installed PostgreSQL is run under the data folder. The first start then makes a tenant
/// and writes the key of its administrator to admin.key in the data folder. The first line on standard output says
/// where the service listens: "listening on 127.0.0.1:50051".
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  assessd serve
  assessd serve --listen 127.0.0.1:0         a free port; the first line tells it
  DATABASE_URL=postgres://assessd@db/assessd assessd serve --listen 0.0.0.0:50051")]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Address to listen on; port 0 takes a free one [env: ASSESSD_LISTEN] [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

impl Serve {
    pub(super) fn flags(&self) -> &Flags {
        &self.flags
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(&Flags { listen: self.listen, ..self.flags })?;
        let telemetry = telemetry::init(&settings)?;
        let mut stop = Box::pin(asked_to_stop()?);
        // The port first: that it is taken should show before a database is started.
        let listener = TcpListener::bind(&settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;

        let opened = tokio::select! {
            opened = Database::open(&settings) => opened?,
            () = &mut stop => return Ok(ExitCode::SUCCESS),
        };
        if let Some(cluster) = &opened.cluster {
            opened.db.migrate().await.context("the embedded database could not be migrated")?;
            first_tenant(cluster, &opened.db, &settings).await?;
        } else {
            opened.db.check().await.map_err(|why| anyhow!(why))?;
            if tenants::list(&opened.db).await.map_err(|e| anyhow!(e))?.is_empty() {
                tracing::warn!(
                    "there is no tenant yet, so nobody can call; make one: assessd tenant create NAME"
                );
            }
        }

        let address = listener.local_addr()?;
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening on {address}");
        say_line(&format!("listening on {address}"))?;
        let options = server::Options {
            deadline: Duration::from_secs(settings.deadline_s),
            drain: Duration::from_secs(settings.drain_s),
            client_connections: settings.client_connections,
            client_connections_per_address: settings.client_connections_per_address,
            bytes_under_way: settings.request_megabytes.saturating_mul(1024 * 1024),
            ..server::Options::default()
        };
        server::serve(opened.db.clone(), listener, options, stop).await?;
        opened.close().await;
        tracing::info!("stopped");
        drop(telemetry);
        Ok(ExitCode::SUCCESS)
    }
}

/// Brings the schema of the database up to this build, then exits.
///
/// Several may run at once. `serve` does it by itself for an embedded database only: on a database of your own,
/// run this before new builds start.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  DATABASE_URL=postgres://assessd@db/assessd assessd migrate
  assessd migrate --data-dir ./data")]
pub(super) struct Migrate {
    #[command(flatten)]
    flags: Flags,
}

impl Migrate {
    pub(super) fn flags(&self) -> &Flags {
        &self.flags
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(&self.flags)?;
        let telemetry = telemetry::init(&settings)?;
        let opened = Database::open(&settings).await?;
        let before = opened.db.schema().await;
        opened.db.migrate().await.context("the database could not be migrated")?;
        opened.db.check().await.map_err(|why| anyhow!(why))?;
        let after = opened.db.schema().await;
        opened.close().await;
        let version = after.last().copied().unwrap_or_default();
        say_line(&match after.len() - before.len() {
            0 => format!("nothing to do: the schema is at version {version}, that of this build"),
            1 => format!("applied 1 migration; the schema is at version {version}"),
            n => format!("applied {n} migrations; the schema is at version {version}"),
        })?;
        drop(telemetry);
        Ok(ExitCode::SUCCESS)
    }
}

/// A database, and what runs it where that is us.
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) cluster: Option<Cluster>,
}

impl Database {
    /// The database that the settings name, or the embedded one, started.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (options, cluster) = match &settings.database_url {
            Some(url) => {
                let options =
                    url.parse::<PgConnectOptions>().context("the database URL is not understood")?;
                reach(&options).await?;
                (options, None)
            }
            None => {
                tracing::info!(data_dir = %settings.data_dir.display(), "starting the embedded PostgreSQL");
                let cluster = Cluster::start(&settings.embedded()).await?;
                (cluster.options(), Some(cluster))
            }
        };
        Ok(Self { db: Db::open(options, settings.max_connections), cluster })
    }

    /// Closes the pool, then stops the embedded server.
    pub(crate) async fn close(self) {
        self.db.pool().close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// How long a database may take to answer a first time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fails at once, and says where and why, when the database cannot be reached: the pool would try again and again and
/// then tell only that its time was over.
async fn reach(options: &PgConnectOptions) -> anyhow::Result<()> {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    let whom = format!("PostgreSQL at {place} (database {database:?}, user {user:?})");
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await {
        // That it is closed in good order matters to nobody.
        Ok(Ok(connection)) => connection.close().await.or(Ok(())),
        Ok(Err(error)) => {
            let why = match &error {
                sqlx::Error::Io(error) => error.to_string(),
                sqlx::Error::Database(error) => error.message().to_owned(),
                other => other.to_string(),
            };
            bail!("cannot connect to {whom}: {why}")
        }
        Err(_) => bail!("{whom} does not answer within {} s", PATIENCE.as_secs()),
    }
}

/// On the first start of an embedded database: a tenant, and its administrator's key in a file for its owner only.
async fn first_tenant(cluster: &Cluster, db: &Db, settings: &Settings) -> anyhow::Result<()> {
    // Row-level security hides every tenant from the service's own role until one is named.
    let mut superuser = PgConnection::connect_with(&cluster.superuser_options("assessd")).await?;
    let known: bool =
        sqlx::query_scalar("select exists (select from tenant)").fetch_one(&mut superuser).await?;
    superuser.close().await?;
    let file = settings.data_dir.join(ADMIN_KEY);
    if known {
        if !file.exists() {
            tracing::debug!(
                "there is a tenant and no {}; for another one: assessd tenant create",
                file.display()
            );
        }
        return Ok(());
    }
    let (tenant, key) =
        db.create_tenant("default").await.map_err(|e| anyhow!("no tenant could be made: {e:?}"))?;
    write_secret(&file, &key).with_context(|| format!("cannot write {}", file.display()))?;
    tracing::info!(tenant.id = %tenant, "made tenant \"default\"; its administrator's key is in {}", file.display());
    Ok(())
}

/// Writes a file that only its owner may read; an old one of that name is replaced, not written into.
pub(crate) fn write_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    out.write_all(secret.as_bytes())?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    fs::rename(&new, file)
}

/// Resolves when this process is asked to stop.
pub(crate) fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
