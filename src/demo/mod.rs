//! The demonstration.
use std::process::ExitCode;
/// The demonstration.
#[derive(Debug, clap::Args)]
pub struct Demo {}
impl Demo {
    /// Runs it.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("not yet")
    }
}
