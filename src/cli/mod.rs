//! The command line. Answers go to standard output, everything else to standard error.
//!
//! Exit status: 0, all that was asked for was done; 1, something was not; 2, the command line or an input file is not
//! understood.

mod client;
mod colour;
mod import;
mod keys;
mod parse;
mod serve;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{config::Flags, demo, telemetry};

pub(crate) use client::{Connection, WithKey, explain};
pub(crate) use colour::Paint;
pub(crate) use import::{finding_line, pieces};
pub(crate) use parse::Output;
pub(crate) use serve::{asked_to_stop, write_secret};

/// Question banks, exams from blueprints, scored submissions, results and item analysis over gRPC.
#[derive(Debug, Parser)]
#[command(name = "assessd", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  assessd demo                                     see everything at work, nothing is left behind
  assessd serve                                    run it with an embedded PostgreSQL
  DATABASE_URL=postgres://… assessd migrate        bring the schema of a database up to date
  assessd parse paper.txt                          what the reader finds in a paper
  assessd import --bank banks/crm --create-bank --publish paper.txt

Every setting can stand in a TOML file (--config), in the environment
(ASSESSD_…, DATABASE_URL) or in a flag; the later wins.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Serve),
    /// Bring the database schema up to this build, then exit
    Migrate(serve::Migrate),
    /// See everything at work on an embedded database
    Demo(demo::Demo),
    /// Read papers and print what was found; needs no server
    Parse(parse::Parse),
    /// Send papers to a running service
    Import(import::Import),
    /// Keep tenants; works on the database itself
    #[command(subcommand)]
    Tenant(keys::Tenant),
    /// Keep API keys of a running service
    #[command(subcommand)]
    Key(keys::Key),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::say_fatal_as_json(Flags::log_format_of(cli.command.flags()));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Parse(parse) => parse.run(),
            Command::Import(import) => import.run().await,
            Command::Tenant(tenant) => tenant.run().await,
            Command::Key(key) => key.run().await,
        }
    });
    // A read of standard input that nobody waits for any more must not hold up the exit.
    runtime.shutdown_background();
    done.unwrap_or_else(|error| complain(&error))
}

impl Command {
    /// The settings that the command line gives, of the commands that take any.
    fn flags(&self) -> Option<&Flags> {
        match self {
            Self::Serve(serve) => Some(serve.flags()),
            Self::Migrate(migrate) => Some(migrate.flags()),
            Self::Tenant(tenant) => Some(tenant.flags()),
            Self::Demo(_) | Self::Parse(_) | Self::Import(_) | Self::Key(_) => None,
        }
    }
}

/// Says why the command failed: as a log line where logs are read by programs, else for people.
fn complain(error: &anyhow::Error) -> ExitCode {
    telemetry::fatal(&told(error));
    ExitCode::FAILURE
}

/// An error with its causes, each said once: many errors already name their cause in their own words.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if parts.iter().any(|part| part.contains(&text)) {
            continue;
        }
        parts.retain(|part| !text.contains(part.as_str()));
        parts.push(text);
    }
    parts.join(": ")
}

/// Writes to standard output. A reader that went away, as `| head` does, wants no more: that is no failure.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written,
    }
}

/// The same with the end of a line.
pub(crate) fn say_line(text: &str) -> io::Result<()> {
    say(&format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn each_cause_is_said_once() {
        let refused = || std::io::Error::other("connection refused");
        let told_of = |error: anyhow::Error| told(&error);
        assert_eq!(
            told_of(anyhow::Error::new(refused()).context("cannot reach the service")),
            "cannot reach the service: connection refused"
        );
        assert_eq!(
            told_of(anyhow::Error::new(refused()).context("cannot reach it: connection refused")),
            "cannot reach it: connection refused"
        );
        assert_eq!(
            told_of(anyhow::anyhow!("bad file: line 3: no number").context("bad file")),
            "bad file: line 3: no number"
        );
    }

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
