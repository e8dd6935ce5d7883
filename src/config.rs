//! The settings as one struct: defaults, then a TOML file, then the environment, then flags; the later wins.

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::embedded;

/// Everything that can be set. In the environment a setting is `ASSESSD_` and its name in capitals; `DATABASE_URL` and
/// `OTEL_EXPORTER_OTLP_ENDPOINT` are understood as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The database; an embedded one if absent.
    pub database_url: Option<String>,
    /// Where the embedded database lives.
    pub data_dir: PathBuf,
    /// Where the programs of the PostgreSQL server are, for the embedded database; looked for if absent.
    pub pg_bin_dir: Option<PathBuf>,
    /// Connections to the database at most.
    pub max_connections: u32,
    /// The deadline of a call that names none, in seconds, and the longest that a call may name.
    pub deadline_s: u64,
    /// How long calls that are under way may go on after a stop was asked for, in seconds.
    pub drain_s: u64,
    /// What to log, such as `info` or `assessd=debug,info`.
    pub log: String,
    /// How to log.
    pub log_format: LogFormat,
    /// Where to send traces over OTLP/gRPC; nowhere if absent.
    pub otlp_endpoint: Option<String>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            database_url: None,
            data_dir: embedded::default_data_dir(),
            pg_bin_dir: None,
            max_connections: 16,
            deadline_s: 60,
            drain_s: 20,
            log: "info".to_owned(),
            log_format: LogFormat::Human,
            otlp_endpoint: None,
        }
    }
}

/// The flags that set something; those not given leave it as file and environment say.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
pub struct Flags {
    /// Read settings from this TOML file
    #[arg(long, global = true, value_name = "FILE", env = "ASSESSD_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:50051]
    #[arg(long, global = true, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// PostgreSQL to use; without it an embedded one is run
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Folder of the embedded database [default: ./data, as root /var/lib/assessd]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Connections to the database at most [default: 16]
    #[arg(long, global = true, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// What to log, such as "info" or "assessd=debug,info" [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// How to log [default: human]
    #[arg(long, global = true, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// Send traces to this OTLP/gRPC endpoint
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
}

impl Settings {
    /// The settings of this process.
    pub fn load(flags: &Flags) -> Result<Self, Box<figment::Error>> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = &flags.config {
            figment = figment.merge(Toml::file_exact(file));
        }
        figment
            .merge(Env::raw().only(&["DATABASE_URL"]))
            .merge(Env::raw().only(&["OTEL_EXPORTER_OTLP_ENDPOINT"]).map(|_| "otlp_endpoint".into()))
            .merge(Env::prefixed("ASSESSD_").ignore(&["CONFIG", "API_KEY", "SERVER"]))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(Box::new)
    }

    /// How the embedded database is to be run.
    pub fn embedded(&self) -> embedded::Settings {
        embedded::Settings {
            data_dir: self.data_dir.clone(),
            bin_dir: self.pg_bin_dir.clone(),
            durable: true,
            database: "assessd".to_owned(),
            extra: Vec::new(),
        }
    }
}
