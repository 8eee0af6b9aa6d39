//! Streams that are kept full, and the light client beside them. One task owns a stream, sending and receiving: results
//! make room in the window, and what fits into it is sent at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use tokio::task::JoinSet;

use crate::connection::{Connection, Requests, ended_ok};
use crate::frames::Deframer;
use crate::load::{Counted, Flood, Interval, Load, block_on};
use crate::program::{FIRST_ID, Program, Stamp, command};
use crate::tally::Tally;

/// Messages are sent in pieces of about so many bytes.
const PIECE_BYTES_ENOUGH: usize = 32 * 1024;
/// The light client sends so often.
const LIGHT_PAUSE: Duration = Duration::from_millis(1);
const LIGHT: Flood = Flood {
    streams: 1,
    share_connection: false,
    batch: 1,
    window: 1,
    program: Program::TurnAndMove,
    sample_every: 7,
};

/// Keeps so many streams full.
pub(crate) fn run(
    load: &Load,
    flood: Flood,
    streams: usize,
    interval: Interval,
) -> anyhow::Result<Counted> {
    block_on(async {
        let mut tasks = JoinSet::new();
        let mut connection = Connection::open(load.address).await?;
        for index in 0..streams {
            if index > 0 && !flood.share_connection {
                connection = Connection::open(load.address).await?;
            }
            let connection = connection.clone();
            tasks.spawn(fill(connection, *load, flood, None, interval));
        }
        let mut all = Counted::default();
        while let Some(counted) = tasks.join_next().await {
            all.add(&counted.context("a task does not panic")??);
        }
        Ok(all)
    })
}

/// One command at a time, with a pause in between. Its times are what counts, and none of its commands.
pub(crate) fn run_light(load: &Load, interval: Interval) -> anyhow::Result<Counted> {
    block_on(async {
        let connection = Connection::open(load.address).await?;
        let mut counted = fill(connection, *load, LIGHT, Some(LIGHT_PAUSE), interval).await?;
        counted.commands = 0;
        Ok(counted)
    })
}

async fn fill(
    mut connection: Connection,
    load: Load,
    flood: Flood,
    pause: Option<Duration>,
    interval: Interval,
) -> anyhow::Result<Counted> {
    let command = command(flood.program);
    let (requests, responses) = connection.stream().await?;
    let mut stream = Stream {
        stamp: Stamp::new(&command, flood.batch),
        window: flood.window,
        requests: Some(requests),
        sent: 0,
        tally: Tally::new(load.expected(&command), flood.sample_every),
        counted: Counted::default(),
        // With several messages under way there is no telling which one a time would be of; and events, which no
        // echo sends, are expected of the server only.
        timed: flood.window <= flood.batch as u64,
        pause,
        interval,
    };
    stream.run_to_end(responses).await?;
    stream.tally.check(stream.sent)?;
    Ok(stream.counted)
}

type NextFrame = Option<Result<Frame<Bytes>, hyper::Error>>;

/// The next frame, if it is there already.
async fn ready_frame(responses: &mut Incoming) -> Option<NextFrame> {
    poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *responses).poll_frame(cx) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        })
    })
    .await
}

struct Stream {
    stamp: Stamp,
    window: u64,
    /// Until it is half-closed.
    requests: Option<Requests>,
    sent: u64,
    tally: Tally,
    counted: Counted,
    timed: bool,
    pause: Option<Duration>,
    interval: Interval,
}

impl Stream {
    async fn run_to_end(&mut self, mut responses: Incoming) -> anyhow::Result<()> {
        let mut deframer = Deframer::default();
        let mut sent_at = Instant::now();
        self.send()?;
        loop {
            // All that has come is counted before more is sent, so that many small answers do not make many small
            // requests.
            let mut next = Some(responses.frame().await);
            while let Some(frame) = next {
                let frame = frame.context("there are no trailers")??;
                match frame.into_data() {
                    Ok(piece) => self.take(&mut deframer, piece, sent_at)?,
                    Err(frame) => return ended_ok(frame.trailers_ref()),
                }
                next = ready_frame(&mut responses).await;
            }
            if self.timed && self.tally.answered < self.sent {
                continue;
            }
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            sent_at = Instant::now();
            match sent_at < self.interval.end {
                true => self.send()?,
                false => self.requests = None,
            }
        }
    }

    fn take(
        &mut self,
        deframer: &mut Deframer,
        piece: Bytes,
        sent_at: Instant,
    ) -> anyhow::Result<()> {
        let (answered, compared) = (self.tally.answered, self.tally.compared);
        let (run_nanos, job_commands) = (self.tally.run_nanos, self.tally.job_commands);
        deframer.push(piece, |message| self.tally.take(message))?;
        let now = Instant::now();
        let Interval { begin, end } = self.interval;
        if now < begin || now >= end {
            return Ok(());
        }
        let counted = &mut self.counted;
        counted.commands += self.tally.answered - answered;
        counted.compared += self.tally.compared - compared;
        counted.run_nanos += self.tally.run_nanos - run_nanos;
        counted.job_commands += self.tally.job_commands - job_commands;
        if self.timed && self.tally.answered == self.sent && sent_at >= begin {
            counted.record(now.duration_since(sent_at));
        }
        Ok(())
    }

    /// Sends as many messages as the window has room for.
    fn send(&mut self) -> anyhow::Result<()> {
        let Some(requests) = &self.requests else {
            return Ok(());
        };
        let room = self.window - (self.sent - self.tally.answered);
        let mut messages = room / self.stamp.commands();
        while messages > 0 {
            // If there is no place, what is on its way is answered first, and this is tried again.
            let Ok(place) = requests.try_reserve() else {
                return Ok(());
            };
            let in_piece = (PIECE_BYTES_ENOUGH / self.stamp.len()).max(1) as u64;
            let in_piece = in_piece.min(messages);
            let mut piece = BytesMut::with_capacity(in_piece as usize * self.stamp.len());
            for _ in 0..in_piece {
                self.stamp.put(&mut piece, FIRST_ID + self.sent);
                self.sent += self.stamp.commands();
            }
            place.send(piece.freeze());
            messages -= in_piece;
        }
        Ok(())
    }
}
