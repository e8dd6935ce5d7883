//! What an earlier life left running: an orphaned postmaster, or server processes whose postmaster was
//! killed.
//!
//! Whoever calls this holds the data folder's lock, so nothing that still works on the cluster is anybody's.
//! A process counts as the cluster's only by what it says of itself, never by a pid alone: the postmaster by
//! the cluster's path among its arguments and its pid in `postmaster.pid`, the others by the cluster's name
//! in their titles (command lines are readable where `/proc/PID/cwd` of another user is not, as for root in a
//! plain container).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process that still works on the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Survivor {
    pid: u32,
    postmaster: bool,
}

/// Waits for survivors to go, presses them if they do not, and removes a pid file that belongs to nobody.
/// `pause` sleeps, or fails because the wait is to be given up.
pub(super) fn clear<E>(
    cluster: &Path,
    name: &str,
    pause: impl Fn(Duration) -> Result<(), E>,
) -> Result<(), E> {
    let since = Instant::now();
    let mut told: Option<(bool, Signal)> = None;
    loop {
        let left = survivors(cluster, name);
        let Some(first) = left.first() else { break };
        let signal = press(first.postmaster, since.elapsed());
        if let Some(signal) = signal
            && told != Some((first.postmaster, signal))
        {
            tracing::warn!(processes = left.len(), ?signal, "ending what an earlier postgres left running");
            for one in left.iter().filter(|one| one.postmaster == first.postmaster) {
                send(one.pid, signal);
            }
            told = Some((first.postmaster, signal));
        }
        if since.elapsed() > Duration::from_secs(15) {
            tracing::error!(processes = ?left, "processes of an earlier postgres do not end");
            return Ok(());
        }
        pause(Duration::from_millis(20))?;
    }
    // Its pid may by now be a zombie's or another program's, which postgres takes for a running server.
    let file = cluster.join("postmaster.pid");
    if can_see() && file.exists() {
        let _ = fs::remove_file(file);
    }
    Ok(())
}

/// Most orphans are on their way out by themselves; so a while passes before each step.
fn press(postmaster: bool, waited: Duration) -> Option<Signal> {
    let steps: &[(u64, Signal)] = if postmaster {
        &[(1_000, Signal::INT), (5_000, Signal::QUIT), (9_000, Signal::KILL)]
    } else {
        &[(100, Signal::QUIT), (3_000, Signal::KILL)]
    };
    steps.iter().rev().find(|(after, _)| waited >= Duration::from_millis(*after)).map(|(_, signal)| *signal)
}

/// Sends a signal; that there is nobody left to get it is no failure.
pub(super) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// The pid in `postmaster.pid`, and whether its status line says ready.
pub(super) fn postmaster_file(cluster: &Path) -> Option<(u32, bool)> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    // Line 8 is the status; lines 2 to 7 stand between.
    Some((pid, lines.nth(6).is_some_and(|status| status.trim() == "ready")))
}

/// The cluster's live processes; the postmaster, if it lives, first.
fn survivors(cluster: &Path, name: &str) -> Vec<Survivor> {
    let recorded = postmaster_file(cluster).map(|(pid, _)| pid);
    let path = cluster.to_string_lossy();
    let title = format!("postgres: {name}");
    let mut found = Vec::new();
    for (pid, args) in processes() {
        if recorded == Some(pid) && is_postmaster(&args, &path) {
            found.insert(0, Survivor { pid, postmaster: true });
        } else if args.first().is_some_and(|arg| arg.starts_with(&title)) {
            found.push(Survivor { pid, postmaster: false });
        }
    }
    found
}

fn is_postmaster(args: &[String], cluster: &str) -> bool {
    let program = args.first().is_some_and(|program| {
        Path::new(program).file_name().is_some_and(|file| file == "postgres" || file == "postmaster")
    });
    program && args.iter().any(|arg| arg == cluster)
}

/// Whether every process can be listed, so that not finding one says something.
fn can_see() -> bool {
    fs::read("/proc/self/cmdline").is_ok()
}

/// Every process with its arguments; a zombie has none.
#[cfg(target_os = "linux")]
fn processes() -> Vec<(u32, Vec<String>)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let text = String::from_utf8_lossy(&line);
            Some((pid, text.split('\0').filter(|arg| !arg.is_empty()).map(str::to_owned).collect()))
        })
        .collect()
}

/// Elsewhere `ps` tells the same, with the arguments split at spaces: a path with a space in it is not
/// recognised, and postgres itself then decides about its pid file.
#[cfg(not(target_os = "linux"))]
fn processes() -> Vec<(u32, Vec<String>)> {
    let Ok(told) = std::process::Command::new("ps").args(["-axww", "-o", "pid=,args="]).output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&told.stdout)
        .lines()
        .filter_map(|line| {
            let (pid, args) = line.trim().split_once(' ')?;
            let args = args.trim();
            let args = match args.starts_with("postgres: ") {
                true => vec![args.to_owned()],
                false => args.split(' ').map(str::to_owned).collect(),
            };
            Some((pid.parse().ok()?, args))
        })
        .collect()
}
