//! One Execute: a request message in, its results in the order of its commands out. It shares cutting, queue and
//! workers with the sessions, and differs in that it waits for all and puts the parts in order.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::access::Rate;
use crate::cut::Cutter;
use crate::drain::OpenCall;
use crate::queue::{Abandon, Completion, Failure, Queue};
use crate::session::{End, SessionLimits, accept};

/// Jobs of one call that are queued or run.
const JOBS_IN_FLIGHT_MAX: usize = 64;
/// What clients accept in one message by default.
const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Runs the commands of an encoded `ExecuteRequest`; gives an encoded `ExecuteResponse`.
pub(crate) async fn execute(
    message: Bytes,
    queue: &Queue,
    limits: SessionLimits,
    rate: Option<&Rate>,
    call: &mut OpenCall,
) -> Result<Bytes, End> {
    let commands = accept(&message, limits.commands_per_message_max)?;
    call.accepted(commands);
    if let Some(rate) = rate {
        rate.charge(commands);
    }
    let (reply, mut completions) = mpsc::channel(JOBS_IN_FLIGHT_MAX);
    let abandon = Abandon::of(call.who().trace(), None);
    let mut cutter = Cutter::new(limits.job);
    cutter.push(message);

    let job_commands_max = limits.job.commands_max;
    let submitted = submit(&mut cutter, job_commands_max, queue, reply, &abandon);
    let ((), parts) = tokio::try_join!(submitted, collect(&mut completions, call))?;
    Ok(parts.concat().into())
}

/// Queues all that is in the cutter. `reply` is dropped with the last job, which ends [`collect`].
async fn submit(
    cutter: &mut Cutter,
    job_commands_max: u32,
    queue: &Queue,
    reply: mpsc::Sender<Completion>,
    abandon: &Abandon,
) -> Result<(), End> {
    loop {
        cutter.bound(queue.share(job_commands_max));
        cutter.fill(usize::MAX, true);
        if cutter.open_bytes() == 0 {
            return Ok(());
        }
        let place = reply.clone().reserve_owned().await.map_err(|_| End::Lost)?;
        let slot = queue.clone().reserve(cutter.open_bytes()).await?;
        queue.submit(cutter.seal(), slot, place, abandon);
    }
}

/// The parts of the response, in the order of their jobs.
async fn collect(
    completions: &mut mpsc::Receiver<Completion>,
    call: &mut OpenCall,
) -> Result<Vec<Bytes>, End> {
    let mut parts = Vec::new();
    let mut bytes = 0;
    while let Some(completion) = completions.recv().await {
        let Completion {
            results,
            answered,
            failure,
            sequence,
            results_bytes_max: _,
        } = completion;
        match failure {
            None => {}
            Some(Failure::Malformed(malformed)) => return Err(malformed.into()),
            Some(Failure::Lost) => return Err(End::Lost),
        }
        call.answered(answered);
        bytes += results.len();
        if bytes > RESPONSE_BYTES_MAX {
            return Err(End::AnswerTooLarge {
                max: RESPONSE_BYTES_MAX,
            });
        }
        let place = sequence as usize;
        if parts.len() <= place {
            parts.resize(place + 1, Bytes::new());
        }
        parts[place] = results;
    }
    Ok(parts)
}
