//! A real Envoy in front of replicas, with the configuration that is shipped. It knows nothing of what goes through.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rcgen::generate_simple_self_signed;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::admin;
use crate::site::sited;

/// The file that is shipped.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/envoy/envoy.yaml");
/// An Envoy that does not listen by then, or does not find its replicas healthy by then, is broken.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at whether it has come so far.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// As many threads as a small machine has cores.
const THREADS: &str = "2";

/// An Envoy process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Envoy {
    _child: Child,
    files: TempDir,
    pub(crate) admin: SocketAddr,
    /// In the clear.
    pub(crate) local: SocketAddr,
    /// With TLS, for the name localhost.
    pub(crate) public: SocketAddr,
}

impl Envoy {
    /// Starts one in front of these three, and waits until it takes all of them for healthy.
    pub(crate) async fn start(binary: &Path, replicas: &[SocketAddr]) -> anyhow::Result<Self> {
        let files = tempfile::tempdir().context("cannot make a directory")?;
        let at = |name: &str| files.path().join(name);
        let certified = generate_simple_self_signed(["localhost".to_owned()])?;
        std::fs::write(at("cert.pem"), certified.cert.pem())?;
        std::fs::write(at("key.pem"), certified.signing_key.serialize_pem())?;
        std::fs::write(at("robot.binpb"), robot_api::FILE_DESCRIPTOR_SET)?;
        std::fs::write(at("envoy.yaml"), configuration(&at, replicas)?)?;
        let child = Command::new(binary)
            .args(["--disable-hot-restart", "--concurrency", THREADS])
            .args(["--log-level", "error", "-c"])
            .arg(at("envoy.yaml"))
            .arg("--admin-address-path")
            .arg(at("admin"))
            .stdin(Stdio::null())
            // The access log.
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let admin = admin_address(&at("admin")).await?;
        let listeners = admin::get(admin, "/listeners?format=json").await?;
        let envoy = Self {
            _child: child,
            admin,
            local: listener(&listeners, "local")?,
            public: listener(&listeners, "public")?,
            files,
        };
        envoy.sees_healthy(replicas.len()).await?;
        Ok(envoy)
    }

    /// Where one of its files lies, for as long as it runs: cert.pem, which is its own CA, robot.binpb.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Waits until it takes so many replicas for healthy.
    pub(crate) async fn sees_healthy(&self, count: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let seen = healthy(&admin::get(self.admin, "/clusters?format=json").await?);
            if seen == count {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < READY_TIMEOUT,
                "Envoy takes {seen} replicas for healthy, not {count}, after {READY_TIMEOUT:?}"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// What is shipped, with the addresses and files of this run.
fn configuration(at: &impl Fn(&str) -> PathBuf, replicas: &[SocketAddr]) -> anyhow::Result<String> {
    let shipped = std::fs::read_to_string(SHIPPED).context("cannot read envoy.yaml")?;
    let file = |name: &str| at(name).display().to_string();
    // Port 0: any that is free.
    let mut values = vec![
        ("admin".to_owned(), "0".to_owned()),
        ("local".to_owned(), "0".to_owned()),
        ("public".to_owned(), "0".to_owned()),
        ("public-address".to_owned(), "127.0.0.1".to_owned()),
        ("certificate".to_owned(), file("cert.pem")),
        ("key".to_owned(), file("key.pem")),
        ("descriptor".to_owned(), file("robot.binpb")),
    ];
    for (number, replica) in (1..).zip(replicas) {
        values.push((format!("replica-{number}"), replica.port().to_string()));
        let address = replica.ip().to_string();
        values.push((format!("replica-{number}-address"), address));
    }
    sited(&shipped, &values)
}

/// Envoy writes it once it has one.
async fn admin_address(path: &Path) -> anyhow::Result<SocketAddr> {
    let begun = Instant::now();
    loop {
        let written = std::fs::read_to_string(path).unwrap_or_default();
        if let Ok(address) = written.trim().parse() {
            return Ok(address);
        }
        if begun.elapsed() > READY_TIMEOUT {
            bail!("Envoy has no admin address after {READY_TIMEOUT:?}; what it says is above");
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn listener(listeners: &Value, name: &str) -> anyhow::Result<SocketAddr> {
    let all = listeners["listener_statuses"].as_array();
    let one = all.and_then(|all| all.iter().find(|one| one["name"] == name));
    let address = one.map(|one| &one["local_address"]["socket_address"]);
    let address = address.with_context(|| format!("no listener {name}"))?;
    let ip = address["address"].as_str().context("no address")?;
    let port = address["port_value"].as_u64().context("no port")?;
    Ok(SocketAddr::new(ip.parse()?, u16::try_from(port)?))
}

/// Hosts that no health check and no outlier detection keeps out.
fn healthy(clusters: &Value) -> usize {
    let all = clusters["cluster_statuses"]
        .as_array()
        .into_iter()
        .flatten();
    let replicas = all.filter(|cluster| cluster["name"] == "replicas");
    let hosts = replicas.flat_map(|cluster| cluster["host_statuses"].as_array());
    let kept_out = [
        "failed_active_health_check",
        "failed_outlier_check",
        "pending_active_hc",
    ];
    let is_healthy = |host: &&Value| {
        let health = &host["health_status"];
        kept_out.iter().all(|reason| health[reason] != true)
    };
    hosts.flatten().filter(is_healthy).count()
}
