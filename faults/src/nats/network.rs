//! Hosts of their own on this machine: network namespaces, each with one link to a switch, and the links can be cut. It
//! knows nothing of what runs there. Needs root, iproute2 and util-linux.
//!
//! No namespace has a name. Each lives as long as some process is in it, and all that are are on the driver's leash, so
//! that nothing is left of a network whatever ends the driver.

use std::fs::File;
use std::future::Future;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

/// A private network that is seen by nobody but its hosts.
const NETWORK: [u8; 3] = [10, 91, 7];
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// Holds a namespace until its stdin is closed.
const HOLD: &str = "ip link set lo up && echo held && exec cat";

/// A switch and its hosts. Links and namespaces go when this is dropped.
#[derive(Debug)]
pub(crate) struct Network {
    switch: Namespace,
    pub(crate) hosts: Vec<Host>,
}

/// One host of the network.
#[derive(Debug)]
pub(crate) struct Host {
    namespace: Namespace,
    pub(crate) address: Ipv4Addr,
    /// What its link is called in the switch, and on the host.
    port: String,
}

/// A network namespace, and the process that holds it.
#[derive(Debug)]
struct Namespace {
    path: String,
    _holder: Child,
    /// The holder ends when this is closed.
    _alive: ChildStdin,
}

impl Network {
    /// Some hosts that see each other, and nobody else.
    pub(crate) async fn lay(hosts: u8) -> anyhow::Result<Self> {
        let switch = Namespace::make().await?;
        switch.ip("link add switch type bridge").await?;
        switch.ip("link set switch up").await?;
        let mut network = Self {
            switch,
            hosts: Vec::new(),
        };
        for number in 1..=hosts {
            let host = network.connect(number).await?;
            network.hosts.push(host);
        }
        Ok(network)
    }

    async fn connect(&self, number: u8) -> anyhow::Result<Host> {
        let namespace = Namespace::make().await?;
        let [a, b, c] = NETWORK;
        let address = Ipv4Addr::new(a, b, c, number);
        let port = format!("port{number}");
        let there = namespace.path.trim_start_matches("/proc/");
        let there = there.split('/').next().unwrap_or_default();
        let switch = &self.switch;
        let veth = format!("link add {port} type veth peer name {port} netns {there}");
        switch.ip(&veth).await?;
        switch.ip(&format!("link set {port} master switch")).await?;
        switch.ip(&format!("link set {port} up")).await?;
        namespace
            .ip(&format!("address add {address}/24 dev {port}"))
            .await?;
        namespace.ip(&format!("link set {port} up")).await?;
        Ok(Host {
            namespace,
            address,
            port,
        })
    }

    /// From now on nothing comes to that host, and nothing from it.
    pub(crate) async fn cut(&self, host: usize) -> anyhow::Result<()> {
        self.set(host, "down").await
    }

    /// Its link is there again.
    pub(crate) async fn mend(&self, host: usize) -> anyhow::Result<()> {
        self.set(host, "up").await
    }

    async fn set(&self, host: usize, state: &str) -> anyhow::Result<()> {
        let port = &self.hosts[host].port;
        self.switch.ip(&format!("link set {port} {state}")).await
    }
}

impl Host {
    /// Where processes find the host's network.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace.path
    }
}

impl Namespace {
    async fn make() -> anyhow::Result<Self> {
        let mut holder = leashed(None)?
            .args(["unshare", "--net", "sh", "-c", HOLD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start what holds a network namespace")?;
        let alive = holder.stdin.take().context("stdin is no pipe")?;
        let said = holder.stdout.take().context("stdout is no pipe")?;
        let mut said = BufReader::new(said).lines();
        let held = tokio::time::timeout(STEP_TIMEOUT, said.next_line()).await;
        let held = held.context("no network namespace in time")??;
        held.context("no network namespace can be made here: it needs root, and ip")?;
        let pid = holder.id().context("what holds the namespace has ended")?;
        Ok(Self {
            path: format!("/proc/{pid}/ns/net"),
            _holder: holder,
            _alive: alive,
        })
    }

    /// What `ip` does with these words, in this namespace.
    async fn ip(&self, words: &str) -> anyhow::Result<()> {
        let ran = Command::new("nsenter")
            .arg(format!("--net={}", self.path))
            .arg("ip")
            .args(words.split(' '))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ran = tokio::time::timeout(STEP_TIMEOUT, ran).await;
        let ran = ran.with_context(|| format!("ip {words}: not done in time"))??;
        if !ran.status.success() {
            bail!(
                "ip {words}: {}",
                String::from_utf8_lossy(&ran.stderr).trim()
            );
        }
        Ok(())
    }
}

/// The beginning of a command that ends with the driver, perhaps in that namespace; what is to run is added.
pub(crate) fn leashed(namespace: Option<&str>) -> anyhow::Result<Command> {
    let itself = std::env::current_exe().context("cannot find this binary")?;
    let mut command = Command::new(itself);
    command.arg("leash");
    if let Some(namespace) = namespace {
        command.args(["--network", namespace]);
    }
    command.arg("--");
    Ok(command)
}

/// Does something as on the host with this namespace: on a thread that is there, with a runtime of its own, whose threads
/// and processes are there as well.
pub(crate) async fn within<T, R>(
    namespace: &str,
    doing: impl FnOnce() -> R + Send + 'static,
) -> anyhow::Result<T>
where
    T: Send + 'static,
    R: Future<Output = anyhow::Result<T>>,
{
    let namespace = File::open(namespace).context("the namespace is gone")?;
    let (mut result, done) = oneshot::channel();
    // It is joined through `done`, the last that it does; it ends early if nobody waits for that any more.
    std::thread::spawn(move || {
        let did = enter(&namespace).and_then(|()| {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(async {
                tokio::select! {
                    did = doing() => did,
                    () = result.closed() => bail!("nobody waits for it"),
                }
            })
        });
        let _nobody_asks = result.send(did);
    });
    done.await.context("the thread on the host is gone")?
}

/// Takes this thread, and what it starts, to that namespace.
#[cfg(target_os = "linux")]
pub(crate) fn enter(namespace: &File) -> anyhow::Result<()> {
    use std::os::fd::AsFd;

    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .context("cannot go to a network namespace")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn enter(_namespace: &File) -> anyhow::Result<()> {
    bail!("there are no network namespaces here")
}
