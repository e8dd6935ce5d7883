//! The thread that makes the cluster, starts the server, starts it again when it dies, and stops it.
//!
//! One thread of its own for the whole life: the server dies with the *thread* that started it (see
//! `launch`), and no thread of tokio's is promised to live. It sleeps in one channel, where requests to stop
//! and the death of the server both arrive; it alone reaps and signals the server, so no signal can reach a
//! stranger who inherited the pid.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::{oneshot, watch};

use super::launch::Launcher;
use super::place::{Place, clear_socket_lock, failed, tail};
use super::server::{self, Server};
use super::{EmbeddedError, PORT, SUPERUSER, Settings, State, leftovers};

/// An early exit is tried again for so long: a process of the server before it may still hold its memory.
const EARLY_EXITS: Duration = Duration::from_secs(10);
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];
/// Having run for so long, the next death counts as the first.
const STEADY: Duration = Duration::from_secs(10);

/// How much time the server gets to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// Fast shutdown with its checkpoint.
    Graceful,
    /// The same, within seconds.
    Fast,
    /// Immediate shutdown: for clusters that are thrown away.
    Immediate,
}

enum Event {
    Stop(Haste),
    /// The child with this pid ended and waits to be reaped.
    Ended(u32),
}

/// The handle of the thread. Dropping it stops the server and waits for that.
#[derive(Debug)]
pub(super) struct Keeper {
    events: Sender<Event>,
    thread: Option<JoinHandle<()>>,
    on_drop: Haste,
}

impl Keeper {
    /// Asks for a stop without waiting; the state tells when it is done.
    pub(super) fn ask(&self, haste: Haste) {
        let _ = self.events.send(Event::Stop(haste));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.ask(self.on_drop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What [`start`] hands out: the first start's outcome (the socket folder) arrives in `first`.
pub(super) struct Started {
    pub(super) keeper: Keeper,
    pub(super) state: watch::Receiver<State>,
    pub(super) restarts: Arc<AtomicU64>,
    pub(super) first: oneshot::Receiver<Result<PathBuf, EmbeddedError>>,
}

/// Starts the thread.
pub(super) fn start(settings: Settings) -> Result<Started, EmbeddedError> {
    let (events, inbox) = channel();
    let (state, watched) = watch::channel(State::Starting);
    let (tell, first) = oneshot::channel();
    let restarts = Arc::new(AtomicU64::new(0));
    let on_drop = if settings.durable { Haste::Fast } else { Haste::Immediate };
    let own = Own { events: events.clone(), inbox, state, restarts: Arc::clone(&restarts) };
    let thread = thread::Builder::new()
        .name("postgres-keeper".to_owned())
        .spawn(move || own.keep(&settings, tell))
        .map_err(|source| EmbeddedError::Spawn { what: "the keeper thread".to_owned(), source })?;
    Ok(Started { keeper: Keeper { events, thread: Some(thread), on_drop }, state: watched, restarts, first })
}

/// Why a wait ended before its time.
enum Halt {
    /// A stop was asked for; children are still to be ended.
    Asked(Haste),
    Failed(EmbeddedError),
}

impl From<EmbeddedError> for Halt {
    fn from(error: EmbeddedError) -> Self {
        Self::Failed(error)
    }
}

/// The thread's end of the channels.
struct Own {
    events: Sender<Event>,
    inbox: Receiver<Event>,
    state: watch::Sender<State>,
    restarts: Arc<AtomicU64>,
}

/// What a start needs to know, found once.
struct Ready {
    place: Place,
    server: Server,
    launcher: Launcher,
    sockets: PathBuf,
    name: String,
}

impl Own {
    fn keep(self, settings: &Settings, tell: oneshot::Sender<Result<PathBuf, EmbeddedError>>) {
        let begun = Instant::now();
        let outcome = self.open(settings).and_then(|ready| match self.boot(&ready) {
            Ok(child) => Ok((ready, child)),
            Err(halt) => {
                ready.place.remove_sockets(&ready.sockets);
                Err(halt)
            }
        });
        match outcome {
            Ok((ready, child)) => {
                tracing::info!(
                    postgres.pid = child.id(),
                    postgres.version = %ready.server.version,
                    data_dir = %ready.place.root.display(),
                    duration_ms = millis(begun),
                    "embedded PostgreSQL is ready"
                );
                self.state.send_replace(State::Ready { pid: child.id() });
                // Nobody there to be told: the start was given up, and the keeper's drop asks for a stop.
                let _ = tell.send(Ok(ready.sockets.clone()));
                self.watch(&ready, child);
                ready.place.remove_sockets(&ready.sockets);
            }
            Err(halt) => {
                let _ = tell.send(Err(match halt {
                    Halt::Asked(_) => EmbeddedError::Stopped,
                    Halt::Failed(error) => error,
                }));
            }
        }
        // The place, and with it the lock, is gone: another service may begin.
        self.state.send_replace(State::Stopped);
    }

    /// Claims the folder, finds the server, makes the cluster if there is none.
    fn open(&self, settings: &Settings) -> Result<Ready, Halt> {
        let place = Place::claim(settings)?;
        let major = place.cluster_major()?;
        let cluster = major.map(|major| (place.cluster.as_path(), major));
        let server = server::find(settings.bin_dir.as_deref(), cluster)?;
        let launcher = Launcher::probe(&place, &server.postgres)?;
        let lines = configuration(settings)?;
        if major.is_none() {
            let begun = Instant::now();
            self.make_cluster(settings, &place, &server, &launcher)?;
            tracing::info!(duration_ms = millis(begun), cluster = %place.cluster.display(), "made a PostgreSQL cluster");
        }
        place.write(&place.cluster.join("assessd.conf"), &lines)?;
        let sockets = place.sockets()?;
        let name = place.cluster_name()?;
        Ok(Ready { place, server, launcher, sockets, name })
    }

    fn make_cluster(
        &self,
        settings: &Settings,
        place: &Place,
        server: &Server,
        launcher: &Launcher,
    ) -> Result<(), Halt> {
        let log = place.log.with_file_name("initdb.log");
        // C.UTF-8 orders by code point and knows letters beyond ASCII; where it is missing, C orders the
        // same.
        let mut locales = ["C.UTF-8", "C"].into_iter();
        while let Some(locale) = locales.next() {
            place.clear_staging()?;
            let out = std::fs::File::create(&log).map_err(failed("create", &log))?;
            let err = out.try_clone().map_err(failed("open", &log))?;
            let mut command = launcher.command(&server.initdb, "KILL");
            command
                .arg("--pgdata")
                .arg(&place.staging)
                .args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", locale])
                .args(["--auth-local", "trust", "--auth-host", "reject"])
                .args(["--data-checksums", "--no-instructions"])
                .stdout(out)
                .stderr(err);
            if !settings.durable {
                command.arg("--no-sync");
            }
            let mut child = self.spawn(&mut command, &server.initdb)?;
            let status = self.until_ended(&mut child)?;
            if status.success() {
                break;
            }
            let output = tail(&log, 0);
            if !(output.contains("locale") && locales.len() > 0) {
                let output = format!("{output} ({status})");
                return Err(EmbeddedError::Initdb { output }.into());
            }
        }
        // Who may enter the socket folder is root or the server's own user: there is no one left to ask for a
        // password.
        place.write(&place.staging.join("pg_hba.conf"), "local all all trust\n")?;
        let conf = place.staging.join("postgresql.conf");
        let initial = std::fs::read_to_string(&conf).map_err(failed("read", &conf))?;
        place.write(
            &conf,
            &format!(
                "{initial}\n\
                 # assessd.conf is written anew at every start of assessd. Settings below the next line win over it.\n\
                 include = 'assessd.conf'\n"
            ),
        )?;
        // There before the rename, since postgresql.conf names it.
        place.write(&place.staging.join("assessd.conf"), "")?;
        place.publish_staging()?;
        Ok(())
    }

    /// Starts the server and waits until it accepts connections; early exits are tried again for a while.
    fn boot(&self, ready: &Ready) -> Result<Child, Halt> {
        let give_up = Instant::now() + EARLY_EXITS;
        loop {
            leftovers::clear(&ready.place.cluster, &ready.name, |wait| self.pause(wait))?;
            clear_socket_lock(&ready.sockets);
            ready.place.trim_log();
            let log = ready.place.open_log()?;
            let from = log.metadata().map_or(0, |log| log.len());
            let mut child = self.spawn_postgres(ready, log)?;
            let Some(status) = self.until_ready(ready, &mut child)? else { return Ok(child) };
            let tail = ready.place.log_since(from);
            if is_hopeless(&tail) || Instant::now() > give_up {
                let (status, log) = (status.to_string(), ready.place.log.clone());
                return Err(EmbeddedError::DidNotStart { status, log, tail }.into());
            }
            tracing::warn!(%status, log = %tail, "postgres ended before it was ready; trying again");
            self.pause(Duration::from_millis(250))?;
        }
    }

    fn spawn_postgres(&self, ready: &Ready, log: std::fs::File) -> Result<Child, Halt> {
        let out = log.try_clone().map_err(failed("open", &ready.place.log))?;
        let mut command = ready.launcher.command(&ready.server.postgres, "QUIT");
        command.arg("-D").arg(&ready.place.cluster).stdout(out).stderr(log);
        // What the promises rest on goes by command line, which no configuration file and no ALTER SYSTEM
        // outdoes.
        let sockets = format!("\"{}\"", ready.sockets.to_string_lossy().replace('"', "\"\""));
        for (name, value) in [
            ("listen_addresses", ""),
            ("port", &PORT.to_string()),
            ("unix_socket_directories", &sockets),
            ("unix_socket_permissions", "0700"),
            ("cluster_name", &ready.name),
            ("logging_collector", "off"),
            ("log_destination", "stderr"),
        ] {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        self.spawn(&mut command, &ready.server.postgres)
    }

    /// Starts a child, and a thread that tells the inbox of its end.
    fn spawn(&self, command: &mut std::process::Command, program: &Path) -> Result<Child, Halt> {
        let spawned = |source| EmbeddedError::Spawn { what: program.display().to_string(), source };
        let mut child = command.stdin(Stdio::null()).spawn().map_err(spawned)?;
        let id = child.id();
        let events = self.events.clone();
        let watcher = thread::Builder::new().name("postgres-wait".to_owned()).spawn(move || {
            if let Some(pid) = pid_of(id) {
                // NOWAIT leaves the zombie, and with it the pid, to the keeper.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
            }
            let _ = events.send(Event::Ended(id));
        });
        if let Err(source) = watcher {
            let _ = child.kill();
            let _ = child.wait();
            return Err(spawned(source).into());
        }
        Ok(child)
    }

    /// `None`: it is ready. `Some`: it ended first.
    fn until_ready(&self, ready: &Ready, child: &mut Child) -> Result<Option<ExitStatus>, Halt> {
        let begun = Instant::now();
        let mut say = begun + Duration::from_secs(10);
        loop {
            if leftovers::postmaster_file(&ready.place.cluster) == Some((child.id(), true)) {
                return Ok(None);
            }
            match self.inbox.recv_timeout(Duration::from_millis(10)) {
                Ok(Event::Ended(pid)) if pid == child.id() => return Ok(Some(reap(child))),
                Ok(Event::Stop(haste)) => {
                    self.shut_down(child, haste, ready);
                    return Err(Halt::Asked(haste));
                }
                Ok(Event::Ended(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            // Recovery after a crash takes as long as it takes; killing it would only begin it anew.
            if Instant::now() > say {
                tracing::warn!(waited_s = begun.elapsed().as_secs(), log = %ready.place.log.display(), "postgres is not ready yet");
                say += Duration::from_secs(10);
            }
        }
    }

    /// Waits for a program that ends by itself; a request to stop ends it and all it started.
    fn until_ended(&self, child: &mut Child) -> Result<ExitStatus, Halt> {
        loop {
            match self.inbox.recv() {
                Ok(Event::Ended(pid)) if pid == child.id() => return Ok(reap(child)),
                Ok(Event::Ended(_)) => {}
                Ok(Event::Stop(haste)) => {
                    // Not yet reaped, so the pid still names this group.
                    if let Some(group) = pid_of(child.id()) {
                        let _ = kill_process_group(group, Signal::KILL);
                    }
                    reap(child);
                    return Err(Halt::Asked(haste));
                }
                Err(_) => return Ok(reap(child)),
            }
        }
    }

    /// Sleeps, unless asked to stop.
    fn pause(&self, wait: Duration) -> Result<(), Halt> {
        let until = Instant::now() + wait;
        loop {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop(haste)) => return Err(Halt::Asked(haste)),
                Ok(Event::Ended(_)) => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Lives beside the server until a stop is asked for.
    fn watch(&self, ready: &Ready, mut child: Child) {
        let mut up = Instant::now();
        let mut backoff = BACKOFF[0];
        loop {
            match self.inbox.recv_timeout(Duration::from_secs(60)) {
                Ok(Event::Stop(haste)) => return self.shut_down(&mut child, haste, ready),
                Ok(Event::Ended(pid)) if pid == child.id() => {
                    let status = reap(&mut child);
                    self.state.send_replace(State::Down);
                    if up.elapsed() > STEADY {
                        backoff = BACKOFF[0];
                    }
                    tracing::error!(
                        postgres.pid = pid,
                        %status,
                        log = %ready.place.log.display(),
                        retry_ms = backoff.as_millis() as u64,
                        "postgres died; starting it again"
                    );
                    child = match self.again(ready, &mut backoff) {
                        Ok(child) => child,
                        Err(_asked) => return,
                    };
                    up = Instant::now();
                    let restarts = self.restarts.fetch_add(1, Ordering::Relaxed) + 1;
                    self.state.send_replace(State::Ready { pid: child.id() });
                    tracing::warn!(postgres.pid = child.id(), restarts, "postgres is back");
                }
                Ok(Event::Ended(_)) => {}
                Err(RecvTimeoutError::Timeout) => ready.place.trim_log(),
                // Cannot happen, this end holds a sender too; if it did, nobody could ask for a stop any
                // more.
                Err(RecvTimeoutError::Disconnected) => return self.shut_down(&mut child, Haste::Fast, ready),
            }
        }
    }

    /// Starts the server until it runs; only a request to stop ends the attempts.
    fn again(&self, ready: &Ready, backoff: &mut Duration) -> Result<Child, Haste> {
        loop {
            let started = match self.pause(*backoff) {
                Ok(()) => self.boot(ready),
                Err(halt) => Err(halt),
            };
            *backoff = (*backoff * 2).min(BACKOFF[1]);
            match started {
                Ok(child) => return Ok(child),
                Err(Halt::Asked(haste)) => return Err(haste),
                Err(Halt::Failed(error)) => {
                    tracing::error!(%error, retry_ms = backoff.as_millis() as u64, "postgres could not be started again");
                }
            }
        }
    }

    /// Ends the server: asks first, insists later, always within a known time.
    fn shut_down(&self, child: &mut Child, haste: Haste, ready: &Ready) {
        let begun = Instant::now();
        let steps: &[(Signal, u64)] = match haste {
            Haste::Graceful => &[(Signal::INT, 15), (Signal::QUIT, 6), (Signal::KILL, 5)],
            Haste::Fast => &[(Signal::INT, 5), (Signal::QUIT, 6), (Signal::KILL, 5)],
            Haste::Immediate => &[(Signal::QUIT, 6), (Signal::KILL, 5)],
        };
        for &(signal, seconds) in steps {
            leftovers::send(child.id(), signal);
            let mut until = Instant::now() + Duration::from_secs(seconds);
            loop {
                match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(Event::Ended(pid)) if pid == child.id() => {
                        let status = reap(child);
                        if signal == steps[0].0 {
                            tracing::info!(duration_ms = millis(begun), "postgres stopped");
                            return;
                        }
                        tracing::warn!(%status, ?signal, duration_ms = millis(begun), "postgres had to be ended hard");
                        // It could not end its children; there is nobody to give this wait up for.
                        let _ = leftovers::clear(&ready.place.cluster, &ready.name, |wait| {
                            thread::sleep(wait);
                            Ok::<(), Halt>(())
                        });
                        return;
                    }
                    Ok(Event::Ended(_)) => {}
                    // Someone lost patience (a graceful stop was dropped): no longer than a fast one from
                    // here.
                    Ok(Event::Stop(_)) => until = until.min(Instant::now() + Duration::from_secs(5)),
                    Err(_) => break,
                }
            }
        }
        tracing::error!(postgres.pid = child.id(), "postgres does not end");
    }
}

/// Only after the inbox told of its end, so this does not block.
fn reap(child: &mut Child) -> ExitStatus {
    child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0xff00))
}

fn pid_of(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Endings that no waiting mends. Unknown ones are tried again.
fn is_hopeless(log: &str) -> bool {
    [
        "configuration file",
        "unrecognized configuration parameter",
        "invalid value for parameter",
        "invalid line in",
        "requires a value",
        "is outside the valid range",
        "database files are incompatible",
        "is not a valid data directory",
        "has wrong ownership",
        "has invalid permissions",
        "could not load library",
        "could not access file",
        "could not locate a valid checkpoint record",
        "No space left on device",
    ]
    .iter()
    .any(|sign| log.contains(sign))
}

/// The text of `assessd.conf`.
fn configuration(settings: &Settings) -> Result<String, EmbeddedError> {
    let durable = if settings.durable { "on" } else { "off" };
    let chosen = [
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("log_line_prefix", "%m [%p] %q%u@%d "),
        ("lc_messages", "C"),
        // DETAIL quotes the row that broke a constraint, and parameters are answers and names: neither
        // belongs in a log.
        ("log_error_verbosity", "terse"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("wal_compression", "off"),
        ("fsync", durable),
        ("synchronous_commit", durable),
        ("full_page_writes", durable),
    ];
    let chosen = chosen.iter().map(|(name, value)| (*name, *value));
    let extra = settings.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut text =
        String::from("# Written by assessd at every start; your own settings belong in postgresql.conf.\n");
    for (name, value) in chosen.chain(extra) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(plain) || value.contains(['\n', '\r', '\0']) {
            return Err(EmbeddedError::Setting(format!("{name} = {value}")));
        }
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        text.push_str(&format!("{name} = '{value}'\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_quoted_and_bad_names_refused() {
        let mut settings = Settings::throw_away("/nowhere");
        settings.extra.push(("application_name".to_owned(), r"it's a \ test".to_owned()));
        let text = configuration(&settings).unwrap_or_default();
        assert!(text.contains("fsync = 'off'\n"), "{text}");
        assert!(text.ends_with("application_name = 'it''s a \\\\ test'\n"), "{text}");
        settings.extra.push(("work_mem = 1\nfsync".to_owned(), "off".to_owned()));
        assert!(matches!(configuration(&settings), Err(EmbeddedError::Setting(_))));
    }
}
