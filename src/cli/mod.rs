//! The command line. Answers go to standard output, everything else to standard error.
//!
//! Exit status: 0, all that was asked for was done; 1, something was not; 2, the command line or an input file is not
//! understood.

mod client;
mod import;
mod keys;
mod parse;
mod serve;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::demo;

pub(crate) use client::{Connection, WithKey, explain};
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

fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("assessd: {error:#}");
    ExitCode::FAILURE
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
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
