//! How a command reaches a running service: where it is, who we are, and what its refusals mean in one line.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, anyhow, bail};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::embedded::default_data_dir;

use super::serve::ADMIN_KEY;

/// Where the service is and who calls.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The service to talk to
    #[arg(long, value_name = "URL", env = "ASSESSD_SERVER", default_value = "http://127.0.0.1:50051")]
    server: String,
    /// The API key; better in the environment than on the command line, where others can read it. Without it the file
    /// admin.key of the data folder is used
    #[arg(long, value_name = "KEY", env = "ASSESSD_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Data folder of a service on this machine, for its admin.key [env: ASSESSD_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// PEM file of the authority that signed the server's certificate, for an https:// server
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Adds the key to every call.
#[derive(Clone)]
pub(crate) struct WithKey(MetadataValue<Ascii>);

impl WithKey {
    pub(crate) fn new(key: &str) -> anyhow::Result<Self> {
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {key}").parse().context("the API key holds characters that no key has")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for WithKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection that carries the key.
pub(crate) type Connection = InterceptedService<Channel, WithKey>;

impl Target {
    /// Connects.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        let key = WithKey::new(&self.key()?)?;
        let server = if self.server.is_empty() { "http://127.0.0.1:50051" } else { &self.server };
        let url = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let mut endpoint =
            Endpoint::from_shared(url.clone()).with_context(|| format!("{server:?} is no address"))?;
        if url.starts_with("https://") {
            let Some(ca) = &self.ca else { bail!("{url}: an https:// server needs --ca FILE") };
            let pem = fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
            endpoint =
                endpoint.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))?;
        }
        let channel =
            endpoint.connect().await.with_context(|| format!("cannot reach the service at {url}"))?;
        Ok(InterceptedService::new(channel, key))
    }

    fn key(&self) -> anyhow::Result<String> {
        if let Some(key) = self.api_key.as_ref().filter(|key| !key.is_empty()) {
            return Ok(key.trim().to_owned());
        }
        let named = std::env::var_os("ASSESSD_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let folder = self.data_dir.clone().or(named).unwrap_or_else(default_data_dir);
        let file = folder.join(ADMIN_KEY);
        match fs::read_to_string(&file) {
            Ok(key) => Ok(key.trim().to_owned()),
            Err(error) => Err(anyhow!(
                "no API key: set ASSESSD_API_KEY, or give --data-dir of the service ({}: {error})",
                file.display()
            )),
        }
    }
}

/// A refusal as one line, bad fields included.
pub(crate) fn explain(status: &Status) -> anyhow::Error {
    let mut line = format!("{} ({})", status.message(), code_name(status.code()));
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    for violation in bad {
        let said = format!("{}: {}", violation.field, violation.description);
        if !violation.description.is_empty() && !line.contains(&violation.description) {
            line.push_str("; ");
            line.push_str(&said);
        }
    }
    anyhow!(line)
}

/// The name by which a code is known everywhere, such as `NOT_FOUND`.
pub(crate) fn code_name(code: tonic::Code) -> String {
    let mut name = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_refusal_is_one_line() {
        let status = Status::from(Error::invalid("header.topic", "is too long"));
        let line = explain(&status).to_string();
        assert!(line.contains("header.topic") && line.contains("is too long"), "{line}");
        assert!(line.contains("INVALID_ARGUMENT") && !line.contains('\n'), "{line}");
    }
}
