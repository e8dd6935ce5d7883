//! Which installed PostgreSQL to run.
//!
//! Searched in this order: the folder the operator named (then no other), `pg_config --bindir`, PATH with
//! links resolved, the folders packages install to (newest first). A cluster that exists decides the major
//! version.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{EmbeddedError, OLDEST_MAJOR};

/// An installed server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) postgres: PathBuf,
    pub(super) initdb: PathBuf,
    pub(super) major: u32,
    /// As the program says it: `15.18 (Debian …)`.
    pub(super) version: String,
}

/// The server to run: `cluster` is the folder and major version of an existing cluster.
pub(super) fn find(bin_dir: Option<&Path>, cluster: Option<(&Path, u32)>) -> Result<Server, EmbeddedError> {
    let mut found: Vec<Server> = Vec::new();
    let fits = |server: &Server| match cluster {
        Some((_, major)) => server.major == major && major >= OLDEST_MAJOR,
        None => server.major >= OLDEST_MAJOR,
    };
    if let Some(dir) = bin_dir {
        let server = inspect(dir).map_err(|why| EmbeddedError::BinDir { dir: dir.to_owned(), why })?;
        if fits(&server) {
            return Ok(server);
        }
        found.push(server);
    } else {
        for dir in candidates() {
            let Ok(server) = inspect(&dir) else { continue };
            if found.iter().any(|known| known.postgres == server.postgres) {
                continue;
            }
            if fits(&server) {
                return Ok(server);
            }
            found.push(server);
        }
    }
    if found.is_empty() {
        return Err(EmbeddedError::NoServer);
    }
    let list: Vec<String> =
        found.iter().map(|server| format!("{} ({})", server.major, server.postgres.display())).collect();
    let found = list.join(", ");
    Err(match cluster {
        Some((dir, data)) if data >= OLDEST_MAJOR => {
            EmbeddedError::VersionMismatch { dir: dir.to_owned(), data, found }
        }
        Some(_) | None => EmbeddedError::TooOld { found },
    })
}

/// Looks for both programs in a folder and asks the server for its version.
fn inspect(dir: &Path) -> Result<Server, String> {
    // PATH often holds links (`/usr/local/bin/postgres -> …/15/bin/postgres`), and the neighbours of the link
    // need not be of the same version; the neighbours of its target are.
    let postgres = fs::canonicalize(dir.join("postgres")).map_err(|error| format!("postgres: {error}"))?;
    let initdb = match postgres.with_file_name("initdb") {
        beside if beside.is_file() => beside,
        _ => fs::canonicalize(dir.join("initdb")).map_err(|error| format!("initdb: {error}"))?,
    };
    let said = Command::new(&postgres)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", postgres.display()))?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let version = said.strip_prefix("postgres (PostgreSQL) ").unwrap_or(&said).to_owned();
    let major =
        leading_number(&version).ok_or_else(|| format!("{} --version says {said:?}", postgres.display()))?;
    Ok(Server { postgres, initdb, major, version })
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    let told = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).stderr(Stdio::null()).output();
    if let Ok(told) = told
        && told.status.success()
    {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    }
    if let Some(path) = std::env::var_os("PATH") {
        dirs.extend(std::env::split_paths(&path).filter(|dir| dir.is_absolute()));
    }
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
        ("/usr", "pgsql-", "bin"),                   // the PostgreSQL project's RPMs
        ("/usr/lib", "postgresql", "bin"),           // SUSE
        ("/usr/libexec", "postgresql", ""),          // Alpine
        ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on ARM
        ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
        ("/usr/local", "pgsql-", "bin"),             // built by hand
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        dirs.extend(numbered(Path::new(parent), prefix).into_iter().map(|dir| dir.join(rest)));
    }
    dirs.extend(
        ["/usr/local/pgsql/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/opt/local/bin"]
            .map(PathBuf::from),
    );
    dirs
}

/// Folders `parent/{prefix}N`, highest N first.
fn numbered(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let number = |name: &OsStr| -> Option<u32> { name.to_str()?.strip_prefix(prefix)?.parse().ok() };
    let mut dirs: Vec<(u32, PathBuf)> =
        entries.flatten().filter_map(|entry| Some((number(&entry.file_name())?, entry.path()))).collect();
    dirs.sort_by(|a, b| b.cmp(a));
    dirs.into_iter().map(|(_, dir)| dir).collect()
}

/// `15.18 (Debian)` → 15, `18beta1` → 18.
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).map_or(text, |end| &text[..end]);
    digits.parse().ok()
}
