//! Our server with its metrics on, and somebody who asks for them every second, more often than is usual.

use std::time::Duration;

use anyhow::ensure;
use robot_server::{Beside, Config, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const INTERVAL: Duration = Duration::from_secs(1);
const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, config: Config) -> anyhow::Result<()> {
    let admin = TcpListener::bind("127.0.0.1:0").await?;
    let address = admin.local_addr()?;
    let beside = Beside {
        admin: Some(admin),
        ..Beside::default()
    };
    let asking = async {
        let mut answer = Vec::new();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(REQUEST).await?;
            answer.clear();
            stream.read_to_end(&mut answer).await?;
            let end = answer.ends_with(b"# EOF\n");
            ensure!(end, "these are no metrics: {}", answer.escape_ascii());
        }
    };
    tokio::select! {
        served = robot_server::run_with(listener, config, beside, Shutdown::default()) => {
            served?;
            Ok(())
        }
        failed = asking => failed,
    }
}
