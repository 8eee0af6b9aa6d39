//! A gateway as its driver sees it: a server that says how the broker's jobs fare.

use std::net::SocketAddr;

use super::broker::Broker;
use crate::admin;
use crate::ports::free_address;
use crate::server::Server;
use crate::table::Row;

/// A gateway process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) server: Server,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts one with these flags of `robot-server`, and waits until it reaches the broker.
    pub(crate) async fn start(broker: &Broker, flags: &[&str]) -> anyhow::Result<Self> {
        let admin = free_address().await?;
        let (queue, port) = (broker.url(), admin.to_string());
        let flags = [&["--queue", &queue, "--admin", &port], flags].concat();
        Ok(Self {
            server: Server::start_gateway(&flags).await?,
            admin,
        })
    }

    /// Whether it has a broker to work with, as far as it knows.
    pub(crate) async fn is_ready(&self) -> anyhow::Result<bool> {
        Ok(admin::metric(self.admin, "robot_nats_ready").await? == 1)
    }

    /// One of its counts since it was started, such as `robot_nats_jobs_resent`.
    pub(crate) async fn count(&self, name: &str) -> anyhow::Result<u64> {
        admin::metric(self.admin, &format!("{name}_total")).await
    }

    /// Says how often it had to help itself.
    pub(crate) async fn note_resent(&self, row: &mut Row) -> anyhow::Result<()> {
        let resent = self.count("robot_nats_jobs_resent").await?;
        let lost = self.count("robot_nats_jobs_lost").await?;
        row.note(format!(
            "the gateway sent {resent} jobs again, and gave {lost} up"
        ));
        Ok(())
    }
}
