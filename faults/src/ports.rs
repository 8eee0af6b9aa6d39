//! Ports for processes that are killed and come back to where they were.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::bail;
use tokio::net::TcpListener;

/// Below the ports that the system gives to clients: else a client that finds nobody on its server's port could be
/// connected to itself, and keep the server from coming back.
const PORT_FIRST: u16 = 20_000;
const PORTS: u16 = 10_000;

/// A port that nobody uses and that was not given before, from which a server can be started again and again.
pub(crate) async fn free_address() -> anyhow::Result<SocketAddr> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS {
        let start = std::process::id() % u32::from(PORTS);
        let step = GIVEN.fetch_add(1, Ordering::Relaxed) % u32::from(PORTS);
        let port = PORT_FIRST + ((start + step) % u32::from(PORTS)) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).await.is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free from {PORT_FIRST} on")
}
