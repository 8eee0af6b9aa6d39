//! `replay`: the commands of a recording again, on a server or here, and every result compared with the recorded one.

mod difference;
mod pairs;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use robot_api::wire;
use robot_client::{CommandSender, ResultReceiver, SessionConfig};

use super::message::Message;
use super::recording::{Damage, Header, Record, Recording};
use super::server::{Place, Server};
use super::words::{counted, write_out};
use super::{Outcome, RunError};
use pairs::Pairs;

const EXAMPLES: &str = "\
Examples:
  robot-client replay run.rec
  robot-client replay run.rec --local
  robot-client replay run.rec --server https://robots.example:443 --ca ca.pem";

/// Replay a recording, and compare every result bit by bit
///
/// States, events, and the reason and place of errors have to be the same; who ran a command and how long that took is
/// left out. A recording that was cut off is replayed as far as it is whole; one that holds something else than what was written
/// is too, and is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Recording, as `record` writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    pub(super) server: Place,

    /// Compute the results here, with the pure library, instead of sending anything
    #[arg(long, conflicts_with_all = ["server", "workers"])]
    local: bool,

    /// Compare although the recording's server computed by another version of the semantics
    #[arg(long)]
    anyway: bool,

    /// Differences to show; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    differences_max: usize,

    /// Commands that may be unanswered
    #[arg(long, value_name = "COMMANDS", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    window: u32,
}

/// True if all that can be compared is the same.
pub(super) async fn run(args: &Args) -> Outcome {
    let mut recording = Recording::open(&args.file)?;
    let mut pairs = Pairs::new(args.differences_max);
    match args.local {
        true => locally(args, &mut recording, &mut pairs)?,
        false => {
            let interrupted = tokio::signal::ctrl_c();
            tokio::select! {
                replayed = on_a_server(args, &mut recording, &mut pairs) => replayed?,
                signal = interrupted => {
                    signal?;
                    eprintln!("interrupted: this is what was compared so far");
                }
            }
        }
    }
    if let Some(damage) = &recording.damage {
        let why = match damage {
            Damage::Torn => "the one after them is torn: whoever wrote it was cut off",
            Damage::Corrupt => "what follows them is not what was written",
        };
        let whole = counted(recording.whole, "record");
        eprintln!("{}: {whole} whole; {why}", args.file.display());
    }
    let Header {
        server_version,
        address,
        started_at,
        ..
    } = &recording.header;
    let recorded = format!("recorded {started_at} from robot-server {server_version} at {address}");
    let report = pairs.finish();
    write_out(&format!("{recorded}\n{report}"))?;
    Ok(report.is_good() && recording.damage != Some(Damage::Corrupt))
}

fn locally(args: &Args, recording: &mut Recording, pairs: &mut Pairs) -> Result<(), RunError> {
    check_semantics(args, &recording.header, robot::SEMANTICS_VERSION)?;
    let actions_max = recording.header.actions_per_command_max as usize;
    while let Some(record) = recording.next()? {
        match record {
            Record::Command(mut command) => {
                command.id = pairs.command(command.id)?;
                let read = wire::command_from(&command, actions_max);
                let outcome = read.and_then(|command| robot::apply(&command));
                pairs.replayed(wire::result_to(&command, outcome));
            }
            Record::Result(result) => pairs.recorded(result),
            Record::Header(_) => {}
        }
    }
    Ok(())
}

async fn on_a_server(
    args: &Args,
    recording: &mut Recording,
    pairs: &mut Pairs,
) -> Result<(), RunError> {
    Server::with(&args.server, async |server| {
        against(server, args, recording, pairs).await
    })
    .await
}

async fn against(
    server: &Server,
    args: &Args,
    recording: &mut Recording,
    pairs: &mut Pairs,
) -> Result<(), RunError> {
    let client = server.connect().await?;
    let info = client.server_info().await?;
    check_semantics(args, &recording.header, info.semantics_version)?;
    let window = NonZeroUsize::new(args.window as usize).expect("the flag's range begins at 1");
    let session = client.session(SessionConfig::new(window)).await?;
    let (sender, receiver) = session.split();
    let message = Message::new(info.limits.unwrap_or_default());
    let pairs = RefCell::new(pairs);
    let (sent, received) = tokio::join!(
        send_all(recording, message, sender, &pairs),
        receive_all(receiver, &pairs)
    );
    // Why a session has ended early is known to the receiver only.
    received.and(sent)
}

async fn send_all(
    recording: &mut Recording,
    mut message: Message,
    mut sender: CommandSender,
    pairs: &RefCell<&mut Pairs>,
) -> Result<(), RunError> {
    while let Some(record) = recording.next()? {
        match record {
            Record::Command(mut command) => {
                command.id = pairs.borrow_mut().command(command.id)?;
                if let Some(before) = message.push(command) {
                    sender.send(before).await?;
                }
            }
            Record::Result(result) => pairs.borrow_mut().recorded(result),
            Record::Header(_) => {}
        }
    }
    Ok(sender.send(message.take()).await?)
}

async fn receive_all(
    mut receiver: ResultReceiver,
    pairs: &RefCell<&mut Pairs>,
) -> Result<(), RunError> {
    while let Some(results) = receiver.next().await? {
        for result in results {
            pairs.borrow_mut().replayed(result);
        }
    }
    Ok(())
}

fn check_semantics(args: &Args, header: &Header, version: u32) -> Result<(), RunError> {
    let recorded = header.semantics_version;
    match recorded == version || args.anyway {
        true => Ok(()),
        false => Err(RunError::OtherRecording {
            recorded,
            replayed: version,
        }),
    }
}

impl std::fmt::Display for pairs::Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for difference in &self.shown {
            writeln!(f, "{difference}")?;
        }
        let hidden = self.differing - self.shown.len() as u64;
        if hidden > 0 {
            writeln!(f, "and {hidden} more that differ")?;
        }
        let word = if self.is_good() { "ok" } else { "failed" };
        writeln!(
            f,
            "{word}: {} replayed, {} compared, {} differ, {} without a recorded result, {} results of no command",
            counted(self.commands, "command"),
            self.compared,
            self.differing,
            self.unrecorded,
            self.unasked
        )
    }
}
