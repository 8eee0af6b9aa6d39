//! Three replicas behind Envoy for other programs to try: says on stdout, as one line of JSON, where everything is, and
//! stays until its stdin is closed.

use std::path::Path;

use anyhow::Context;
use serde_json::json;
use tokio::io::{AsyncReadExt, stdin};

use crate::fleet::{Fleet, Way};
use crate::server::Server;

pub(crate) async fn stage(envoy: &Path) -> anyhow::Result<()> {
    let fleet = Fleet::start(Way::Envoy(envoy), &[]).await?;
    let envoy = fleet.envoy.as_ref().context("it was asked for")?;
    let replicas: Vec<_> = fleet.servers.iter().map(Server::address).collect();
    let stage = json!({
        "public": format!("localhost:{}", envoy.public.port()),
        "local": envoy.local,
        "admin": envoy.admin,
        "certificate": envoy.file("cert.pem"),
        "descriptor": envoy.file("robot.binpb"),
        "replicas": replicas,
    });
    println!("{stage}");
    let _end = stdin().read(&mut [0]).await?;
    Ok(())
}
