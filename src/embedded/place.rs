//! The data folder: who may use it, who owns what in it, where the socket goes.
//!
//! A [`Place`] holds the lock of its folder for as long as it lives, so whoever has one may change the
//! cluster. As root everything directly in the data folder stays root's, save the cluster and the socket
//! folder, which are the server's; files written for the server inside its own folder are made anew
//! (`O_EXCL`), never written through a link.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::server::leading_number;
use super::{EmbeddedError, PORT, Settings};

/// Longest path a socket can be bound to (`sun_path` less its NUL).
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const LOG_MAX_BYTES: u64 = 16 << 20;

/// The user a server runs as when we are root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// A data folder, locked.
#[derive(Debug)]
pub(super) struct Place {
    /// The data folder, absolute and without links.
    pub(super) root: PathBuf,
    /// The cluster.
    pub(super) cluster: PathBuf,
    /// Where a cluster is made before it is given its name.
    pub(super) staging: PathBuf,
    pub(super) log: PathBuf,
    /// `None`: not root, the server runs as we do.
    pub(super) user: Option<User>,
    durable: bool,
    _lock: File,
}

impl Place {
    /// Makes the folder if need be, locks it, and sees to it that the server's user owns the server's part.
    pub(super) fn claim(settings: &Settings) -> Result<Self, EmbeddedError> {
        let given = &settings.data_dir;
        make_folders(given).map_err(failed("create", given))?;
        let root = fs::canonicalize(given).map_err(failed("enter", given))?;
        let cluster = root.join("postgres");
        let ours = holds_only_ours(&root)?;
        let lock = lock(&root)?;
        let user = server_user(&cluster)?;
        if ours {
            close(&root, user.as_ref())?;
        }
        let logs = root.join("log");
        DirBuilder::new().recursive(true).mode(0o750).create(&logs).map_err(failed("create", &logs))?;
        let place = Self {
            staging: root.join("postgres.new"),
            log: logs.join("postgres.log"),
            root,
            cluster,
            user,
            durable: settings.durable,
            _lock: lock,
        };
        place.own_cluster()?;
        Ok(place)
    }

    /// Major version of the cluster that exists; `None` if it is still to be made.
    pub(super) fn cluster_major(&self) -> Result<Option<u32>, EmbeddedError> {
        let file = self.cluster.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(text) => match leading_number(text.trim()) {
                Some(major) => Ok(Some(major)),
                None => Err(EmbeddedError::NotACluster { dir: self.cluster.clone() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.cluster.exists() && !is_empty(&self.cluster)? {
                    return Err(EmbeddedError::NotACluster { dir: self.cluster.clone() });
                }
                Ok(None)
            }
            Err(error) => Err(failed("read", &file)(error)),
        }
    }

    /// An empty staging folder, whatever a start that was killed left there.
    pub(super) fn clear_staging(&self) -> Result<(), EmbeddedError> {
        // An orphan of that start may still be writing for a moment, which makes the removal fail.
        let give_up = Instant::now() + Duration::from_secs(3);
        loop {
            match fs::remove_dir_all(&self.staging) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(_) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(failed("remove", &self.staging)(error)),
            }
        }
        DirBuilder::new().mode(0o700).create(&self.staging).map_err(failed("create", &self.staging))?;
        self.give(&self.staging)
    }

    /// Gives the finished cluster its name. Before this line there is no cluster, after it a whole one.
    pub(super) fn publish_staging(&self) -> Result<(), EmbeddedError> {
        if self.durable {
            sync_folder(&self.staging)?;
        }
        fs::rename(&self.staging, &self.cluster).map_err(failed("move the new cluster to", &self.cluster))?;
        if self.durable {
            sync_folder(&self.root)?;
        }
        Ok(())
    }

    /// Writes a file of the server's: whole or not at all, owned by the server's user.
    pub(super) fn write(&self, file: &Path, text: &str) -> Result<(), EmbeddedError> {
        let new = file.with_extension("assessd-new");
        remove_if_there(&new)?;
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(failed("create", &new))?;
        out.write_all(text.as_bytes()).map_err(failed("write", &new))?;
        if let Some(user) = &self.user {
            std::os::unix::fs::fchown(&out, Some(user.uid), Some(user.gid)).map_err(failed("chown", &new))?;
        }
        if self.durable {
            out.sync_all().map_err(failed("sync", &new))?;
        }
        fs::rename(&new, file).map_err(failed("write", file))
    }

    /// A name no other cluster on this machine has: it stands in the title of every process of this one.
    pub(super) fn cluster_name(&self) -> Result<String, EmbeddedError> {
        let file = self.cluster.join("assessd.id");
        let id = match fs::read_to_string(&file) {
            Ok(id) => id,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = uuid::Uuid::now_v7().simple().to_string();
                self.write(&file, &id)?;
                id
            }
            Err(error) => return Err(failed("read", &file)(error)),
        };
        // The path too: a copied data folder is another cluster.
        Ok(format!("assessd-{}", tag(&[id.trim().as_bytes(), self.cluster.as_os_str().as_bytes()])))
    }

    /// The folder of the socket: `run/` in the data folder, or a short one under the temporary folder.
    pub(super) fn sockets(&self) -> Result<PathBuf, EmbeddedError> {
        let beside = self.root.join("run");
        if socket_fits(&beside) {
            self.make_socket_dir(&beside).map_err(failed("create", &beside))?;
            return Ok(beside);
        }
        // Others may write under the temporary folder: take only a folder that is surely ours, else the next
        // name.
        let tag = tag(&[self.root.as_os_str().as_bytes()]);
        let temp = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| PathBuf::from("/tmp"));
        for base in [temp, PathBuf::from("/tmp")] {
            if self.user.as_ref().is_some_and(|user| blocked(&base, user).is_some()) {
                continue;
            }
            for nth in 0..8 {
                let short = base.join(format!(
                    "assessd-{tag}{}",
                    if nth == 0 { String::new() } else { format!("-{nth}") }
                ));
                if socket_fits(&short) && self.make_socket_dir(&short).is_ok() {
                    return Ok(short);
                }
            }
        }
        Err(EmbeddedError::SocketPath { dir: beside })
    }

    /// Makes a folder that only the server's user may enter; takes over an old one if it was ours.
    fn make_socket_dir(&self, dir: &Path) -> io::Result<()> {
        if let Err(error) = DirBuilder::new().mode(0o700).create(dir) {
            let there = fs::symlink_metadata(dir)?;
            let us = rustix::process::geteuid().as_raw();
            let ours = there.uid() == us || self.user.as_ref().is_some_and(|user| user.uid == there.uid());
            if !there.is_dir() || !ours {
                return Err(error);
            }
        }
        if let Some(user) = &self.user {
            std::os::unix::fs::lchown(dir, Some(user.uid), Some(user.gid))?;
        }
        fs::set_permissions(dir, Permissions::from_mode(0o700))
    }

    /// Removes the socket folder if it lies outside the data folder; nothing else would.
    pub(super) fn remove_sockets(&self, dir: &Path) {
        if !dir.starts_with(&self.root) {
            clear_socket_lock(dir);
            let _ = fs::remove_file(dir.join(format!(".s.PGSQL.{PORT}")));
            let _ = fs::remove_dir(dir);
        }
    }

    /// The server's log, for appending, so that it can be cut while the server writes.
    pub(super) fn open_log(&self) -> Result<File, EmbeddedError> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .open(&self.log)
            .map_err(failed("open", &self.log))
    }

    /// Keeps the log bounded: one file of at most about 16 MiB, and the one before it.
    pub(super) fn trim_log(&self) {
        let long = fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_MAX_BYTES);
        if long
            && let Err(error) = fs::copy(&self.log, self.log.with_extension("log.1"))
                .and_then(|_| OpenOptions::new().write(true).open(&self.log)?.set_len(0))
        {
            tracing::warn!(%error, log = %self.log.display(), "cannot cut the log of postgres");
        }
    }

    /// What the server wrote since `from` (at most its last 2 KB), on one line.
    pub(super) fn log_since(&self, from: u64) -> String {
        tail(&self.log, from)
    }

    fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        match &self.user {
            Some(user) => {
                std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid)).map_err(failed("chown", path))
            }
            None => Ok(()),
        }
    }

    /// Postgres refuses a folder of another owner.
    fn own_cluster(&self) -> Result<(), EmbeddedError> {
        let Ok(there) = fs::symlink_metadata(&self.cluster) else { return Ok(()) };
        match &self.user {
            Some(user) if there.uid() != user.uid => give_all(&self.cluster, user),
            Some(_) => Ok(()),
            None => {
                let us = rustix::process::geteuid().as_raw();
                if there.uid() == us {
                    return Ok(());
                }
                Err(EmbeddedError::WrongOwner { dir: self.cluster.clone(), owner: there.uid(), us })
            }
        }
    }
}

/// The lock of a socket of an earlier life, whose pid may by now be another program's. The socket itself
/// stays until postgres replaces it: a refused connection makes sqlx wait and try again, a missing file makes
/// it give up. Only for the holder of the data folder's lock, with no server running.
pub(super) fn clear_socket_lock(dir: &Path) {
    let _ = fs::remove_file(dir.join(format!(".s.PGSQL.{PORT}.lock")));
}

/// The end of a file from `from` on (at most 2 KB), its lines joined.
pub(super) fn tail(file: &Path, from: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(file) {
        let end = file.metadata().map_or(0, |file| file.len());
        let from = if from > end { 0 } else { from };
        let _ = file.seek(io::SeekFrom::Start(from.max(end.saturating_sub(2048))));
        let _ = file.take(4096).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}

/// The first folder on the way to `path` (and `path` itself, if a folder) that the user may not enter, by
/// mode bits.
pub(super) fn blocked(path: &Path, user: &User) -> Option<PathBuf> {
    let mut ways: Vec<&Path> = path.ancestors().collect();
    ways.reverse();
    ways.into_iter()
        .find(|way| fs::metadata(way).is_ok_and(|there| there.is_dir() && !may_enter(&there, user)))
        .map(Path::to_owned)
}

fn may_enter(folder: &fs::Metadata, user: &User) -> bool {
    let shift = match () {
        () if folder.uid() == user.uid => 6,
        () if folder.gid() == user.gid => 3,
        () => 0,
    };
    (folder.mode() >> shift) & 1 == 1
}

/// What lies in a data folder.
const OURS: [&str; 8] = [
    "postgres",
    "postgres.new",
    "run",
    "log",
    "assessd.lock",
    "admin.key",
    "admin.new",
    // A file system of its own.
    "lost+found",
];

/// Whether nothing but ours lies in a folder, or nothing at all.
fn holds_only_ours(root: &Path) -> Result<bool, EmbeddedError> {
    for entry in fs::read_dir(root).map_err(failed("list", root))? {
        let name = entry.map_err(failed("list", root))?.file_name();
        if !OURS.iter().any(|ours| name == *ours) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Closes the data folder to everybody but the one who runs the server (and root). Only where it is ours to close, in
/// which nothing of anybody else's lies; someone's closed folder stays as it is, and `launch::Launcher::probe` will name
/// it.
fn close(root: &Path, user: Option<&User>) -> Result<(), EmbeddedError> {
    let there = fs::metadata(root).map_err(failed("enter", root))?;
    let us = rustix::process::geteuid().as_raw();
    if there.uid() != us && user.is_none_or(|user| user.uid != there.uid()) {
        return Ok(());
    }
    if let Some(user) = user {
        std::os::unix::fs::chown(root, Some(user.uid), Some(user.gid)).map_err(failed("chown", root))?;
    }
    fs::set_permissions(root, Permissions::from_mode(0o700)).map_err(failed("chmod", root))
}

/// Makes a folder and those above it; as root the server's user must pass through them, whatever the umask.
fn make_folders(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|way| !way.as_os_str().is_empty() && !way.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    if rustix::process::geteuid().is_root() {
        for way in missing {
            fs::set_permissions(way, Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn lock(root: &Path) -> Result<File, EmbeddedError> {
    let path = root.join("assessd.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(&path)
        .map_err(failed("open", &path))?;
    // A service that was killed a moment ago holds its locks until the kernel is done with it.
    let give_up = Instant::now() + Duration::from_millis(700);
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                let holder = leading_number(&text).map_or(String::new(), |pid| format!(" (pid {pid})"));
                return Err(EmbeddedError::Locked { dir: root.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(failed("write", &path))?;
    Ok(file)
}

/// Who the server runs as: as root the owner of an existing cluster, else `postgres`, else `nobody`.
fn server_user(cluster: &Path) -> Result<Option<User>, EmbeddedError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = users();
    if let Ok(there) = fs::symlink_metadata(cluster)
        && there.uid() != 0
    {
        let (uid, gid) = (there.uid(), there.gid());
        let known = users.iter().find(|user| user.uid == uid);
        let name = known.map_or_else(|| format!("uid {uid}"), |user| user.name.clone());
        // Never group root: the folder's group may be whatever it was copied with.
        let gid = match known {
            Some(user) => user.gid,
            None if gid == 0 => uid,
            None => gid,
        };
        return Ok(Some(User { name, uid, gid }));
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| users.iter().find(|user| user.name == *name && user.uid != 0))
        .map(|user| Some(user.clone()))
        .ok_or(EmbeddedError::NoUser)
}

fn users() -> Vec<User> {
    let text = fs::read("/etc/passwd").unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(user_of).collect()
}

/// A line of `/etc/passwd`; macOS writes `nobody` as -2.
fn user_of(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let number =
        |field: &str| field.parse::<u32>().ok().or_else(|| Some(field.parse::<i32>().ok()?.cast_unsigned()));
    match fields.as_slice() {
        [name, _, uid, gid, ..] => {
            Some(User { name: (*name).to_owned(), uid: number(uid)?, gid: number(gid)? })
        }
        _ => None,
    }
}

fn give_all(path: &Path, user: &User) -> Result<(), EmbeddedError> {
    let there = fs::symlink_metadata(path).map_err(failed("read", path))?;
    if there.is_dir() {
        for entry in fs::read_dir(path).map_err(failed("list", path))? {
            give_all(&entry.map_err(failed("list", path))?.path(), user)?;
        }
    }
    // The folder last: whoever owns it could exchange its entries while we walk.
    std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid)).map_err(failed("chown", path))
}

fn socket_fits(dir: &Path) -> bool {
    dir.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len() <= SOCKET_PATH_MAX
}

fn is_empty(dir: &Path) -> Result<bool, EmbeddedError> {
    Ok(fs::read_dir(dir).map_err(failed("list", dir))?.next().is_none())
}

fn remove_if_there(file: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", file)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder(dir: &Path) -> Result<(), EmbeddedError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
}

fn tag(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Folder { action, path: path.to_owned(), source }
}
