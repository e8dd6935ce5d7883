//! `assessd demo`: the whole way from two papers to an item analysis, on a database of its own, through the real API.
//!
//! It starts an embedded PostgreSQL in a folder that is gone afterwards and the service on a free loopback port; what
//! it does from there, any client could do: the story below knows nothing but the protocol. It ends by itself.

mod figures;
mod people;
mod show;
mod story;

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, anyhow};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    cli::{self, Output},
    config::{Flags, LogFormat, Settings},
    db::Db,
    embedded::{self, Cluster},
    server, telemetry,
};

use show::Voice;

/// Imports two papers, assembles forms, has 200 simulated people sit them, and shows results and item analysis.
///
/// Everything goes through the gRPC API of a service that is started for it on an embedded database. DATABASE_URL is
/// not used, and nothing is left behind unless --data-dir says where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  assessd demo
  assessd demo --output json
  assessd demo --keep --listen 127.0.0.1:50051     then try the grpcurl lines")]
pub struct Demo {
    /// Go on serving when the story is told, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Tables for people, or the figures for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// Keep the database in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What to log
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

impl Demo {
    /// Tells the story.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let flags = Flags {
            log: Some(self.log.clone()),
            log_format: Some(LogFormat::Human),
            listen: Some(self.listen.clone()),
            ..Flags::default()
        };
        let settings = Settings::load(&flags)?;
        let _telemetry = telemetry::init(&settings)?;
        let stop = cli::asked_to_stop()?;
        let folder = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => temporary_folder()?,
        };
        let told = tokio::select! {
            told = self.tell(&settings, folder.clone()) => told,
            () = stop => Ok(()),
        };
        if self.data_dir.is_none() {
            // The server has been stopped with the future above, so nobody writes there any more.
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::warn!(%error, folder = %folder.display(), "the temporary folder could not be removed");
            }
        }
        told.map(|()| ExitCode::SUCCESS)
    }

    async fn tell(&self, settings: &Settings, folder: PathBuf) -> anyhow::Result<()> {
        let started = std::time::Instant::now();
        let listener = TcpListener::bind(&self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        let cluster = Cluster::start(&embedded::Settings {
            data_dir: folder.clone(),
            durable: self.data_dir.is_some(),
            ..settings.embedded()
        })
        .await?;
        let db = Db::open(cluster.options(), settings.max_connections);
        db.migrate().await.context("the embedded database could not be migrated")?;
        let (_, key) =
            db.create_tenant("demo").await.map_err(|e| anyhow!("no tenant could be made: {e:?}"))?;
        let key_file = folder.join("demo.key");
        cli::write_secret(&key_file, &key).with_context(|| format!("cannot write {}", key_file.display()))?;

        let (finish, finished) = oneshot::channel::<()>();
        let serving = tokio::spawn(server::serve(db, listener, server::Options::default(), async move {
            // An error says that the story broke off, which ends the service as well.
            let _ = finished.await;
        }));

        let mut voice = Voice::new(self.output == Output::Text, address.to_string());
        voice.block(&format!(
            "assessd {} serves on {address}, on an embedded PostgreSQL in {}.\n\
             Every step goes through the gRPC API; with --keep the lines that begin with $ can be tried.\n\n\
             $ export ASSESSD_SERVER={address} ASSESSD_API_KEY=$(cat {})\n\
             $ AUTH=\"authorization: Bearer $ASSESSD_API_KEY\"\n",
            env!("CARGO_PKG_VERSION"),
            folder.display(),
            key_file.display(),
        ))?;
        let mut figures = story::tell(&mut voice, &address.to_string(), &key).await?;
        figures.seconds = (started.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        if self.output == Output::Json {
            cli::say_line(&serde_json::to_string_pretty(&figures)?)?;
        }
        voice.block(&format!("\nDone in {:.1} s.", figures.seconds))?;
        if self.keep {
            voice.block(&format!(" Still serving on {address}; Ctrl-C ends it.\n"))?;
            std::future::pending::<()>().await;
        }
        voice.block(" Next: assessd serve\n")?;
        let _ = finish.send(());
        serving.await??;
        cluster.stop().await;
        Ok(())
    }
}

/// A new folder for this run alone.
fn temporary_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("assessd-demo-{}", uuid::Uuid::now_v7().simple()));
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
