//! Starting `initdb` and `postgres` so that they run as the right user, in a process group of their own, and
//! die with us.
//!
//! **How the server learns of our death.** The kernel sends a signal when the parent *thread* ends
//! (`PR_SET_PDEATHSIG`), but only the child can ask for it, between fork and exec, where Rust allows unsafe
//! code only. `setpriv` of util-linux (on every Debian, Ubuntu, RHEL and SUSE) asks for us and execs, so the
//! pid stays the same. The standard library changes the user first and setpriv asks afterwards: in the other
//! order the change of user would clear the request. Without such a setpriv (busybox, macOS) the server runs
//! without it, and the next start ends it (see `leftovers`).
//!
//! **Which signal.** SIGQUIT for the postmaster: immediate shutdown, it ends its children, waits for them and
//! removes its pid file; a crash as far as data goes, which the next start recovers from. SIGKILL would leave
//! the children behind with the shared memory still attached. `initdb` gets SIGKILL: what it made is thrown
//! away.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EmbeddedError;
use super::place::{Place, User, blocked};

/// How programs are started here.
#[derive(Debug)]
pub(super) struct Launcher {
    setpriv: Option<PathBuf>,
    user: Option<User>,
    folder: PathBuf,
}

impl Launcher {
    /// Tries the server program out as the user it shall run as, and names what is in the way.
    pub(super) fn probe(place: &Place, postgres: &Path) -> Result<Self, EmbeddedError> {
        let plain = Self { setpriv: None, user: place.user.clone(), folder: place.root.clone() };
        if let Some(setpriv) = find_setpriv() {
            let with = Self { setpriv: Some(setpriv), user: place.user.clone(), folder: place.root.clone() };
            if let Ok(status) = with.version(postgres)
                && status.success()
            {
                return Ok(with);
            }
        }
        match plain.version(postgres) {
            Ok(_) => {
                if cfg!(target_os = "linux") {
                    tracing::warn!(
                        "no setpriv (util-linux) that knows --pdeathsig: if this service is killed, its postgres runs on until \
                         the next start"
                    );
                }
                Ok(plain)
            }
            Err(source) => Err(plain.why(postgres, source)),
        }
    }

    /// A command that runs `program`; `death` is the signal it gets when the calling thread ends.
    pub(super) fn command(&self, program: &Path, death: &str) -> Command {
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.arg("--pdeathsig").arg(death).arg("--").arg(program);
                command
            }
            None => Command::new(program),
        };
        if let Some(user) = &self.user {
            // The standard library drops root's supplementary groups along with it.
            command.uid(user.uid).gid(user.gid);
        }
        // PGPORT, PGDATA and the like would change what runs; messages are read below, so they shall be in
        // English.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PG") || text.starts_with("LC_") || text == "LANG" || text == "LANGUAGE" {
                command.env_remove(&name);
            }
        }
        command.env("LC_ALL", "C").current_dir(&self.folder).stdin(Stdio::null());
        // Ctrl-C goes to the whole foreground group; the server shall hear of it from us, after the drain.
        command.process_group(0);
        command
    }

    fn version(&self, postgres: &Path) -> io::Result<std::process::ExitStatus> {
        self.command(postgres, "QUIT").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status()
    }

    fn why(&self, postgres: &Path, source: io::Error) -> EmbeddedError {
        if let Some(user) = &self.user {
            for target in [&self.folder, &postgres.to_owned()] {
                if let Some(folder) = blocked(target, user) {
                    let user = user.name.clone();
                    return EmbeddedError::NotTraversable { folder, target: target.clone(), user };
                }
            }
            if source.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) {
                return EmbeddedError::MayNotDropRoot { user: user.name.clone() };
            }
        }
        EmbeddedError::Spawn { what: postgres.display().to_string(), source }
    }
}

fn find_setpriv() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join("setpriv"))
        .find(|file| file.is_absolute() && file.is_file())
}
