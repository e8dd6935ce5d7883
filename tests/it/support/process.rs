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
        let mut command = Command::new(env!("CARGO_BIN_EXE_assessd"));
        command.args(["serve", "--database-url", url, "--log", "error"]).args(flags);
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
