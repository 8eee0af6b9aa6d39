//! An upgrade that changes what commands mean, halfway: gateways and workers of two versions at one broker. Each gateway
//! says which it is, and its commands are run by workers of that version only, also while there are none.

use std::collections::BTreeMap;
use std::path::Path;

use robot_api::v1;
use tokio::try_join;

use super::system::{System, WORKERS};
use crate::raw::{connect, snapshot};
use crate::scale::{Scale, outlasting, through};
use crate::sessions::{Uris, described};
use crate::table::Row;
use crate::through::{come_through, judge_carried, strike_through};
use crate::work;

/// A version, and the number of the first of its workers.
const VERSIONS: [(u32, u32); 2] = [
    (robot::SEMANTICS_VERSION, 101),
    (robot::SEMANTICS_VERSION + 1, 201),
];

/// Both gateways have a load; all workers of the later version are killed under it, and come back.
pub(crate) async fn versions(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = start(nats).await?;
    let commands = scale.nats_versions_commands;
    let row = Row::new(
        "2 versions at 1 broker, all workers of one killed (-9)",
        format!("on each gateway {}", described(commands)),
    );
    let (earlier, later) = (system.uris(), later_uris(&system));
    let victims = &mut system.workers[WORKERS..];
    let kill_all = async |_time| {
        for victim in &mut *victims {
            victim.start_kill()?;
        }
        for victim in &mut *victims {
            victim.ended().await?;
            victim.restart().await?;
        }
        Ok(())
    };
    let no_strike = async |_time| Ok(());
    let once = outlasting(commands, 1);
    let (mut row, (carried, tried)) = try_join!(
        come_through(
            row,
            scale,
            through(commands, 0),
            earlier,
            work::answer,
            no_strike
        ),
        strike_through(&later, once, work::answer, kill_all)
    )?;
    judge_carried(&mut row, &carried);
    row.note(format!(
        "the longest wait of the version without workers {} ms",
        carried.longest_wait.as_millis()
    ));
    row.tried = tried;
    row.judge_tried(once.times);
    for (index, (version, first)) in VERSIONS.into_iter().enumerate() {
        let uri = system.gateways[index].server.uri();
        judge_version(&mut row, &uri, version, first, commands).await?;
    }
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}

/// A gateway of each version, and then the workers of each.
async fn start(nats: &Path) -> anyhow::Result<System> {
    let mut system = System::bare(nats).await?;
    for (version, _first) in VERSIONS {
        let version = version.to_string();
        let flags = ["--semantics-version", &version];
        system.add_gateway(&flags).await?;
    }
    for (version, first) in VERSIONS {
        for number in (first..).take(WORKERS) {
            let (version, number) = (version.to_string(), number.to_string());
            let flags = ["--semantics-version", &version];
            let flags = [&flags[..], &["--first-worker-number", &number]].concat();
            system.add_worker(&flags).await?;
        }
    }
    Ok(system)
}

fn later_uris(system: &System) -> Uris {
    let uri = system.gateways[1].server.uri();
    Uris {
        healthy: uri.clone(),
        sessions: uri,
        ..system.uris()
    }
}

/// Whether that gateway says its version, and had its commands run by those workers, and by no others.
async fn judge_version(
    row: &mut Row,
    uri: &str,
    version: u32,
    first: u32,
    commands: u64,
) -> anyhow::Result<()> {
    let mut service = connect(uri, None).await?;
    let info = service.get_server_info(v1::GetServerInfoRequest::default());
    let said = info.await?.into_inner().semantics_version;
    let workers = snapshot(&service).await?.workers;
    let ran: BTreeMap<_, _> = workers
        .iter()
        .map(|run| (run.worker, run.commands))
        .collect();
    row.note(format!(
        "the gateway of version {said} had its commands run by workers {ran:?}"
    ));
    let own = first..first + WORKERS as u32;
    if said != version || !ran.keys().all(|worker| own.contains(worker)) {
        row.problem(format!(
            "the gateway of version {version} says {said}; its workers are {own:?}"
        ));
    }
    if ran.values().sum::<u64>() < commands {
        row.problem(format!("they ran less than {commands} commands"));
    }
    Ok(())
}
