//! A docker daemon of the tests' own, where none can be reached.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use host::{Background, Invocation, Scratch};

use crate::workspace::Workspace;

/// A daemon that does not listen by then will not.
const PATIENCE: Duration = Duration::from_secs(60);
/// One that listens answers by then.
const ANSWER: Duration = Duration::from_secs(15);

/// A daemon that ends with the lane, and its files with it; or none, where one is reached already,
/// there is no `dockerd`, or it takes root to start it.
pub(super) struct Daemon {
    // Dropped in this order: the process, then its files.
    process: Option<Background>,
    files: Scratch,
    why_not: Option<String>,
}

impl Daemon {
    /// Starts one if there is none.
    ///
    /// # Errors
    /// There is no room for its files.
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let place = workspace.target.join("docker");
        let files = Scratch::new(&place, "daemon")
            .with_context(|| format!("cannot make {}", place.display()))?;
        let mut daemon = Self { process: None, files, why_not: None };
        let asked = Invocation::new("docker").arg("version").timeout(ANSWER).output();
        let may_start = workspace.host.user_id == Some(0)
            && workspace.host.program("dockerd").is_some()
            && !asked.is_ok_and(|output| output.success());
        if may_start {
            let file = |name: &str| daemon.files.path().join(name);
            // It must not touch the network of this machine, nor what another daemon has. How it
            // keeps images it chooses itself, since overlays cannot be mounted everywhere.
            // What it mounts it leaves mounted, and its files could not be removed: in mounts of its
            // own that ends with it.
            let command = Invocation::new("unshare")
                .args(["--mount", "--propagation", "slave", "dockerd"])
                .args(["--iptables=false", "--bridge=none"])
                .args(["--data-root".into(), file("data"), "--exec-root".into(), file("run")])
                .args(["--pidfile".into(), file("pid"), "--host".into(), daemon.address()]);
            match command.background(&file("log")) {
                Ok(process) => daemon.process = Some(process),
                Err(error) => daemon.why_not = Some(error.to_string()),
            }
            daemon.wait(workspace);
        }
        Ok(daemon)
    }

    /// Why one that should have started did not.
    pub(super) fn why_not(&self) -> Option<&str> {
        self.why_not.as_deref()
    }

    /// A socket's path must be short, and a target directory's may be long.
    fn address(&self) -> PathBuf {
        PathBuf::from(format!("unix:///tmp/truewheel-docker-{}.sock", std::process::id()))
    }

    fn wait(&mut self, workspace: &Workspace) {
        let (begun, address) = (Instant::now(), self.address());
        while let Some(process) = &mut self.process {
            let asked = Invocation::new("docker").arg("version").timeout(ANSWER);
            let asked = asked.env("DOCKER_HOST", &address);
            if asked.output().is_ok_and(|output| output.success()) {
                return;
            }
            if !process.is_running() || begun.elapsed() > PATIENCE {
                // The tests say that docker does not work; this says why.
                let log = self.files.path().join("log");
                let log = workspace.host.read_text(&log, 16 << 20).unwrap_or_default();
                let last = log.lines().last().unwrap_or("it says nothing").trim();
                let what = if process.is_running() { "does not answer" } else { "does not start" };
                self.why_not = Some(format!("dockerd {what}: {last}"));
                self.process = None;
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The command, with this daemon where there is one.
    pub(super) fn reached_by(&self, command: Invocation) -> Invocation {
        match self.process {
            Some(_) => command.env("DOCKER_HOST", self.address()),
            None => command,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.process.take().is_some() {
            let address = self.address();
            let socket = address.to_str().and_then(|text| text.strip_prefix("unix://"));
            let _ = socket.map(|socket| host::remove_tree(socket.as_ref()));
        }
    }
}
