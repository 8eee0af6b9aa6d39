//! The broker as its driver sees it: a nats-server that keeps its address however often it is killed and started again,
//! and nothing else. It knows nothing of jobs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::task::JoinHandle;

use super::network::{Host, leashed};
use crate::ports::free_address;

/// A broker that is not ready by then is broken.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const PORT_OF_ITS_OWN: u16 = 4222;
const READY: &str = "Server is ready";

/// A nats-server process. It is killed when this is dropped, or when the driver goes.
#[derive(Debug)]
pub(crate) struct Broker {
    binary: PathBuf,
    /// Of the host that it is on, if it is on one of its own.
    namespace: Option<String>,
    files: TempDir,
    address: SocketAddr,
    child: Child,
    log: JoinHandle<()>,
}

impl Broker {
    pub(crate) async fn start(binary: &Path) -> anyhow::Result<Self> {
        Self::start_at(free_address().await?, None, binary).await
    }

    /// On a host where nobody else listens.
    pub(crate) async fn start_on(host: &Host, binary: &Path) -> anyhow::Result<Self> {
        let address = (host.address, PORT_OF_ITS_OWN).into();
        Self::start_at(address, Some(host.namespace()), binary).await
    }

    async fn start_at(
        address: SocketAddr,
        namespace: Option<&str>,
        binary: &Path,
    ) -> anyhow::Result<Self> {
        let files = tempfile::tempdir().context("cannot make a directory")?;
        std::fs::write(config_in(&files), config(address, &files))?;
        let (child, log) = launch(binary, namespace, &files).await?;
        Ok(Self {
            binary: binary.to_owned(),
            namespace: namespace.map(str::to_owned),
            files,
            address,
            child,
            log,
        })
    }

    /// What `--queue` takes.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends the process, with SIGKILL, and with it all that it held.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill the broker")?;
        (&mut self.log).await?;
        Ok(())
    }

    /// Starts it again on the same port, with nothing in it.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        let launched = launch(&self.binary, self.namespace.as_deref(), &self.files);
        (self.child, self.log) = launched.await?;
        Ok(())
    }
}

fn config_in(files: &TempDir) -> PathBuf {
    files.path().join("nats.conf")
}

/// Anybody who can reach it may do anything.
fn config(address: SocketAddr, files: &TempDir) -> String {
    let store = files.path().display();
    format!("listen: \"{address}\"\njetstream {{ store_dir: \"{store}\" }}\nmax_payload: 8388608\n")
}

async fn launch(
    binary: &Path,
    namespace: Option<&str>,
    files: &TempDir,
) -> anyhow::Result<(Child, JoinHandle<()>)> {
    let mut child = leashed(namespace)?
        .arg(binary)
        .arg("-c")
        .arg(config_in(files))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start a broker")?;
    let stderr = child.stderr.take().context("stderr is no pipe")?;
    let ready = tokio::time::timeout(START_TIMEOUT, until_ready(stderr)).await;
    let rest = ready.context("the broker is not ready in time")??;
    // So that it never waits for us.
    let log = tokio::spawn(async move {
        let (mut rest, mut bytes) = (rest, [0; 4096]);
        while rest.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    });
    Ok((child, log))
}

/// Gives the rest of the log.
async fn until_ready(stderr: ChildStderr) -> anyhow::Result<BufReader<ChildStderr>> {
    let mut lines = BufReader::new(stderr).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.contains(READY) {
            return Ok(lines.into_inner());
        }
        said += &line;
        said.push('\n');
    }
    bail!("the broker ended before it was ready:\n{said}");
}
