//! The real binary as a child process, to be killed without mercy or run beside another.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// `assessd serve` on a database.
pub struct Process {
    pub addr: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts it and waits until it listens.
    pub async fn serve(url: &str) -> Self {
        Self::serve_at(url, "127.0.0.1:0").await
    }

    /// The same at a given address.
    pub async fn serve_at(url: &str, listen: &str) -> Self {
        Self::serve_with(url, &["--listen", listen], &[]).await
    }

    /// The same with further flags and environment.
    pub async fn serve_with(url: &str, flags: &[&str], env: &[(&str, &str)]) -> Self {
        Self::serve_by(Command::new(env!("CARGO_BIN_EXE_assessd")), url, flags, env).await
    }

    /// The same by a shell that runs `first` before, such as `ulimit -n 100;`.
    pub async fn serve_in_shell(url: &str, first: &str, flags: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{first} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_assessd")]);
        Self::serve_by(shell, url, flags, &[]).await
    }

    async fn serve_by(mut command: Command, url: &str, flags: &[&str], env: &[(&str, &str)]) -> Self {
        command.args(["serve", "--database-url", url]).args(flags);
        if !flags.contains(&"--log") {
            command.args(["--log", "error"]);
        }
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.env_remove("DATABASE_URL").envs(env.iter().copied());
        tokio::task::spawn_blocking(move || {
            let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            // Whatever it says later must not block it.
            std::thread::spawn(move || lines.for_each(drop));
            let Some(addr) = first.strip_prefix("listening on ").and_then(|a| a.trim().parse().ok()) else {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the first line of assessd serve is {first:?}");
            };
            Self { addr, child }
        })
        .await
        .unwrap()
    }

    /// The most memory that it ever had, in bytes; where the system tells.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and waits until it has stopped by itself.
    pub async fn terminate(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap();
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
