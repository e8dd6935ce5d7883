//! The settings as one struct: defaults, then a TOML file, then the environment, then flags; the later wins.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::Value,
};
use serde::{Deserialize, Serialize};

use crate::embedded;

/// The most connections that can be asked for: PostgreSQL itself seldom allows more.
pub const MAX_CONNECTIONS: u32 = 1000;

/// The most connections of callers that can be asked for.
const MAX_CLIENT_CONNECTIONS: u64 = 1_000_000;

/// The longest deadline and the longest drain: an hour.
const MAX_SECONDS: u64 = 3600;

/// Everything that can be set. In the environment a setting is `ASSESSD_` and its name in capitals; `DATABASE_URL` and
/// `OTEL_EXPORTER_OTLP_ENDPOINT` are understood as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen, `host:port`; port 0 takes a free one, and the name of a host is looked up.
    pub listen: String,
    /// The database; an embedded one if absent.
    pub database_url: Option<String>,
    /// Where the embedded database lives.
    pub data_dir: PathBuf,
    /// Where the programs of the PostgreSQL server are, for the embedded database; looked for if absent.
    pub pg_bin_dir: Option<PathBuf>,
    /// Connections to the database at most, 1 to [`MAX_CONNECTIONS`].
    pub max_connections: u32,
    /// The deadline of a call that names none, in seconds, and the longest that a call may name.
    pub deadline_s: u64,
    /// How long calls that are under way may go on after a stop was asked for, in seconds.
    pub drain_s: u64,
    /// Connections of callers at a time, as far as the files of the process allow.
    pub client_connections: usize,
    /// Connections of callers from one address at a time.
    pub client_connections_per_address: usize,
    /// Megabytes of requests that are under way at a time, half of them of one tenant; what is beyond is refused.
    pub request_megabytes: usize,
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
            listen: "127.0.0.1:50051".to_owned(),
            database_url: None,
            data_dir: embedded::default_data_dir(),
            pg_bin_dir: None,
            max_connections: 16,
            deadline_s: 60,
            drain_s: 20,
            client_connections: 4096,
            client_connections_per_address: 1024,
            request_megabytes: 256,
            log: "info".to_owned(),
            log_format: LogFormat::Human,
            otlp_endpoint: None,
        }
    }
}

/// The flags that set something; those not given leave it as file and environment say.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
pub struct Flags {
    /// Read settings from this TOML file [env: ASSESSD_CONFIG]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where to listen; a flag of the commands that do.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// PostgreSQL to use; without it an embedded one is run [env: DATABASE_URL]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Folder of the embedded database [env: ASSESSD_DATA_DIR] [default: ./data, as root /var/lib/assessd]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Connections to the database at most [env: ASSESSD_MAX_CONNECTIONS] [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS as i64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// What to log, such as "info" or "assessd=debug,info" [env: ASSESSD_LOG] [default: info]
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// How to log [env: ASSESSD_LOG_FORMAT] [default: human]
    #[arg(long, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// Send traces to this OTLP/gRPC endpoint [env: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
}

impl Flags {
    /// How these flags or the environment want logs written, as far as that can be told before all settings are read:
    /// what is wrong with them has to be said somehow.
    pub fn log_format_of(flags: Option<&Self>) -> LogFormat {
        let named = std::env::var("ASSESSD_LOG_FORMAT").unwrap_or_default();
        let by_environment =
            if named.eq_ignore_ascii_case("json") { LogFormat::Json } else { LogFormat::Human };
        match flags {
            Some(flags) => flags.log_format.unwrap_or(by_environment),
            None => LogFormat::Human,
        }
    }
}

/// The settings and whether each is a number.
const NAMES: [(&str, bool); 13] = [
    ("listen", false),
    ("database_url", false),
    ("data_dir", false),
    ("pg_bin_dir", false),
    ("max_connections", true),
    ("deadline_s", true),
    ("drain_s", true),
    ("client_connections", true),
    ("client_connections_per_address", true),
    ("request_megabytes", true),
    ("log", false),
    ("log_format", false),
    ("otlp_endpoint", false),
];

impl Settings {
    /// The settings of this process.
    pub fn load(flags: &Flags) -> Result<Self, Box<figment::Error>> {
        Self::layered(flags, |name| std::env::var(name).ok())
    }

    fn layered(flags: &Flags, env: impl Fn(&str) -> Option<String>) -> Result<Self, Box<figment::Error>> {
        // An empty variable is one that is not set: compose files and unit files leave such behind.
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = flags.config.clone().or_else(|| env("ASSESSD_CONFIG").map(PathBuf::from)) {
            figment = figment.merge(Toml::file_exact(file));
        }
        let mut settings: Self = figment
            .merge(Serialized::defaults(environment(env)?))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(Box::new)?;
        settings.database_url = settings.database_url.filter(|url| !url.is_empty());
        settings.otlp_endpoint = settings.otlp_endpoint.filter(|url| !url.is_empty());
        let bad = settings.bad();
        if bad.is_empty() { Ok(settings) } else { Err(Box::new(figment::Error::from(bad.join("; ")))) }
    }

    /// What is wrong with the values, wherever they came from; every one of them is named.
    fn bad(&self) -> Vec<String> {
        let mut bad = Vec::new();
        if !is_address(&self.listen) {
            bad.push(format!(
                "listen: {:?} is no address; write host:port, such as 127.0.0.1:50051 or [::1]:50051",
                self.listen
            ));
        }
        let mut range = |name: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                bad.push(format!("{name}: {value} is not from {least} to {most}"));
            }
        };
        range("max_connections", self.max_connections.into(), 1, MAX_CONNECTIONS.into());
        range("deadline_s", self.deadline_s, 1, MAX_SECONDS);
        range("drain_s", self.drain_s, 0, MAX_SECONDS);
        range("client_connections", self.client_connections as u64, 1, MAX_CLIENT_CONNECTIONS);
        let of_one = self.client_connections_per_address as u64;
        range("client_connections_per_address", of_one, 1, MAX_CLIENT_CONNECTIONS);
        // The largest message must fit into the half that is for one tenant.
        range("request_megabytes", self.request_megabytes as u64, 64, 1_000_000);
        bad
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

/// Whether a text is `host:port`: an address, or a name that can be looked up.
pub fn is_address(text: &str) -> bool {
    if text.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok())
}

/// What the environment sets. Only known names are read: Kubernetes puts variables such as `ASSESSD_PORT` into every
/// pod beside a service called assessd, and those are no settings.
fn environment(
    env: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<&'static str, Value>, Box<figment::Error>> {
    let mut found = BTreeMap::new();
    for (name, variable) in
        [("database_url", "DATABASE_URL"), ("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT")]
    {
        if let Some(value) = env(variable) {
            found.insert(name, Value::from(value));
        }
    }
    for (name, is_number) in NAMES {
        let variable = format!("ASSESSD_{}", name.to_uppercase());
        let Some(value) = env(&variable) else { continue };
        let value = if is_number {
            let number = value.trim().parse::<u64>();
            Value::from(
                number
                    .map_err(|_| figment::Error::from(format!("{variable}: {value:?} is no whole number")))?,
            )
        } else {
            Value::from(value)
        };
        found.insert(name, value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &Flags, env: &[(&str, &str)]) -> Result<Settings, Box<figment::Error>> {
        Settings::layered(flags, |name| {
            env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("assessd-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn the_later_layer_wins() {
        let path =
            file("layers", "listen = \"127.0.0.1:1\"\nlog = \"debug\"\nlog_format = \"json\"\ndrain_s = 5");
        let flags = Flags { config: Some(path.clone()), ..Flags::default() };
        let settings = load(&flags, &[]).unwrap();
        assert_eq!(
            (settings.listen.as_str(), settings.log.as_str(), settings.drain_s),
            ("127.0.0.1:1", "debug", 5)
        );
        assert_eq!(settings.log_format, LogFormat::Json);
        assert_eq!(settings.max_connections, 16);

        let env = [
            ("ASSESSD_LISTEN", "[::1]:2"),
            ("DATABASE_URL", "postgres://a/b"),
            ("ASSESSD_MAX_CONNECTIONS", "4"),
        ];
        let settings = load(&flags, &env).unwrap();
        assert_eq!(
            (settings.listen.as_str(), settings.log.as_str(), settings.max_connections),
            ("[::1]:2", "debug", 4)
        );
        assert_eq!(settings.database_url.as_deref(), Some("postgres://a/b"));

        let flags = Flags {
            listen: Some("127.0.0.1:3".into()),
            database_url: Some("postgres://c/d".into()),
            ..flags
        };
        let settings = load(&flags, &env).unwrap();
        assert_eq!(settings.listen, "127.0.0.1:3");
        assert_eq!(settings.database_url.as_deref(), Some("postgres://c/d"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_empty_variable_sets_nothing() {
        let empty: Vec<(String, String)> = NAMES
            .iter()
            .map(|(name, _)| format!("ASSESSD_{}", name.to_uppercase()))
            .chain(["DATABASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "ASSESSD_CONFIG"].map(str::to_owned))
            .map(|name| (name, String::new()))
            .collect();
        let env: Vec<(&str, &str)> = empty.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(load(&Flags::default(), &env).unwrap(), Settings::default());
    }

    #[test]
    fn text_stays_text_and_what_is_no_setting_is_passed_over() {
        let env = [
            ("ASSESSD_DATA_DIR", "2024"),
            ("ASSESSD_PORT", "tcp://10.0.0.1:50051"),
            ("ASSESSD_API_KEY", "x"),
        ];
        assert_eq!(load(&Flags::default(), &env).unwrap().data_dir, PathBuf::from("2024"));
    }

    #[test]
    fn mistakes_are_named() {
        let path = file("typo", "lisen = \"127.0.0.1:1\"");
        let flags = Flags { config: Some(path.clone()), ..Flags::default() };
        let error = load(&flags, &[]).unwrap_err().to_string();
        assert!(error.contains("lisen") && error.contains("listen"), "{error}");
        std::fs::remove_file(path).unwrap();
        let error = load(&flags, &[]).unwrap_err().to_string();
        assert!(error.contains("typo.toml"), "{error}");
        let error = load(&Flags::default(), &[("ASSESSD_DRAIN_S", "soon")]).unwrap_err().to_string();
        assert!(error.contains("ASSESSD_DRAIN_S"), "{error}");
    }

    #[test]
    fn values_are_checked_wherever_they_come_from() {
        let path = file("range", "max_connections = 0\ndeadline_s = 0\nlisten = \"localhost\"");
        let flags = Flags { config: Some(path.clone()), ..Flags::default() };
        let error = load(&flags, &[]).unwrap_err().to_string();
        std::fs::remove_file(path).unwrap();
        for name in ["max_connections: 0", "deadline_s: 0", "listen: \"localhost\"", "host:port"] {
            assert!(error.contains(name), "{error}");
        }
        let error = load(&Flags::default(), &[("ASSESSD_MAX_CONNECTIONS", "0")]).unwrap_err().to_string();
        assert!(error.contains("max_connections: 0"), "{error}");
    }

    #[test]
    fn a_host_may_have_a_name() {
        for good in ["localhost:50051", "127.0.0.1:0", "[::1]:1", "db-1.internal:65535"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["localhost", ":50051", "::1:50051", "a b:1", "localhost:65536", "http://localhost:1", ""]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn every_setting_can_stand_in_the_environment() {
        let all = serde_json::to_value(Settings::default()).unwrap();
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        assert_eq!(all.as_object().unwrap().len(), names.len());
        assert!(all.as_object().unwrap().keys().all(|k| names.contains(&k.as_str())), "{all}");
    }
}
