//! Streams that are open and silent: what each costs the server in memory, and all of them in CPU time.

use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::load::{Interval, Load, Measured, block_on};
use crate::meter::Meter;

/// What was done to open the streams is over after this long.
const REST: Duration = Duration::from_millis(500);

/// Opens so many streams, spread over so many connections, and leaves them alone.
pub(crate) fn run(load: &Load, streams: usize, connections: usize) -> anyhow::Result<Measured> {
    let mut meter = Meter::new(load.server_pid);
    block_on(async {
        let mut open = Vec::with_capacity(streams);
        for index in 0..connections {
            let mut connection = Connection::open(load.address).await?;
            let share = streams / connections + usize::from(index < streams % connections);
            for _ in 0..share {
                // Headers have come, so the server's side is there too.
                open.push(connection.stream().await?);
            }
        }
        let begin = Instant::now() + REST;
        let interval = Interval {
            begin,
            end: begin + load.measure,
        };
        let watched = tokio::task::spawn_blocking(move || meter.watch(interval));
        let (server, client) = watched.await?;
        Ok(Measured {
            seconds: load.measure.as_secs_f64(),
            server,
            client,
            ..Measured::default()
        })
    })
}
