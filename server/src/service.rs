//! The edge: the gRPC service. It opens sessions, feeds them, and makes a gRPC status of the way they end; no other
//! module of ours makes a status. It knows nothing of how commands are run.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status, Streaming};

use robot_api::v1;
use robot_api::v1::robot_service_server::RobotService;

use crate::access::Caller;
use crate::config::Config;
use crate::drain::Drain;
use crate::http::CallDeadline;
use crate::pool::Pool;
use crate::session::{End, Session, SessionLimits};
use crate::unary;
use crate::watch::Activity;

/// Milliseconds between snapshots if the caller does not say.
const WATCH_INTERVAL_MS: u32 = 1000;
const WATCH_INTERVAL_MS_MIN: u32 = 100;
const WATCH_INTERVAL_MS_MAX: u32 = 60_000;
/// What gRPC puts before each message: a flag and a length.
const MESSAGE_PREFIX_BYTES: u64 = 5;

/// The implementation of `robot.v1.RobotService`.
#[derive(Debug)]
pub(crate) struct Service {
    pool: Arc<Pool>,
    limits: SessionLimits,
    info: v1::GetServerInfoResponse,
    drain: Drain,
}

impl Service {
    pub(crate) fn new(pool: Arc<Pool>, config: &Config, drain: Drain) -> Self {
        Self {
            limits: config.session_limits(),
            info: config.server_info(pool.workers()),
            pool,
            drain,
        }
    }

    fn refuse_when_stopping(&self) -> Result<(), Status> {
        match self.drain.stopping().is_cancelled() {
            true => Err(status_of(&End::ShuttingDown)),
            false => Ok(()),
        }
    }
}

#[tonic::async_trait]
impl RobotService for Service {
    type ExecuteStreamStream = Responses;
    type WatchWorkersStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchWorkersResponse, Status>> + Send>>;

    /// Returns before a command is read: many clients wait for the headers before they send.
    async fn execute_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Responses>, Status> {
        self.refuse_when_stopping()?;
        let extensions = request.extensions();
        let deadline = extensions.get::<CallDeadline>().map(|deadline| deadline.0);
        let caller = extensions.get::<Caller>().cloned();
        let drain = extensions.get::<Drain>().unwrap_or(&self.drain).clone();
        let activity = extensions.get::<Arc<Activity>>().cloned();
        let activity = activity.expect("http.rs puts one with every request");
        let requests = Requests {
            messages: request.into_inner(),
            bytes: 0,
            activity: Arc::clone(&activity),
        };
        let queue = self.pool.queue().clone();
        let session = Session::new(requests, queue, self.limits, deadline, &drain, activity);
        Ok(Response::new(Responses {
            session: session.of(caller),
        }))
    }

    async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        self.refuse_when_stopping()?;
        let caller = request.extensions().get::<Caller>().cloned();
        let rate = caller.as_ref().and_then(Caller::rate);
        if let Some(rate) = rate {
            let ready = self.drain.stopping().run_until_cancelled(rate.ready());
            ready.await.ok_or_else(|| status_of(&End::ShuttingDown))?;
        }
        let mut call = self.drain.open_call();
        let executed = unary::execute(
            request.into_inner(),
            self.pool.queue(),
            self.limits,
            rate,
            &mut call,
        )
        .await;
        call.ended(executed.as_ref().err().unwrap_or(&End::Answered));
        executed.map(Response::new).map_err(|end| status_of(&end))
    }

    async fn get_server_info(
        &self,
        _request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        Ok(Response::new(self.info.clone()))
    }

    async fn watch_workers(
        &self,
        request: Request<v1::WatchWorkersRequest>,
    ) -> Result<Response<Self::WatchWorkersStream>, Status> {
        let v1::WatchWorkersRequest { interval_ms } = request.into_inner();
        let interval = watch_interval(interval_ms)?;
        let pool = Arc::clone(&self.pool);
        let drain = self.drain.clone();
        let ticks = IntervalStream::new(tokio::time::interval(interval));
        let snapshots = ticks.map(move |_| Ok(pool.snapshot(drain.open_calls())));
        Ok(Response::new(Box::pin(snapshots)))
    }
}

fn watch_interval(interval_ms: u32) -> Result<Duration, Status> {
    match interval_ms {
        0 => Ok(Duration::from_millis(WATCH_INTERVAL_MS.into())),
        WATCH_INTERVAL_MS_MIN..=WATCH_INTERVAL_MS_MAX => {
            Ok(Duration::from_millis(interval_ms.into()))
        }
        _ => Err(Status::invalid_argument(format!(
            "interval_ms is {interval_ms}; it must be 0 for the default, or \
             {WATCH_INTERVAL_MS_MIN} to {WATCH_INTERVAL_MS_MAX}"
        ))),
    }
}

/// The one map from the way a call ends to its gRPC status.
fn status_of(end: &End) -> Status {
    let code = match end {
        End::Answered => Code::Ok,
        End::Malformed(_) | End::BrokenFraming(_) => Code::InvalidArgument,
        End::TooManyCommands { .. } | End::MessageTooLarge(_) | End::AnswerTooLarge { .. } => {
            Code::ResourceExhausted
        }
        End::Cancelled => Code::Cancelled,
        End::DeadlineExceeded => Code::DeadlineExceeded,
        End::ShuttingDown | End::ConnectionAged | End::Idle => Code::Unavailable,
        End::Withdrawn => Code::Unauthenticated,
        End::Lost => Code::Aborted,
    };
    Status::new(code, end.to_string())
}

/// What tonic says of a request stream that it cannot go on with.
fn end_of(status: &Status) -> End {
    let message = status.message().to_owned();
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => End::MessageTooLarge(message),
        Code::Cancelled => End::Cancelled,
        _ => End::BrokenFraming(message),
    }
}

/// The request messages of one stream. tonic ends it alike when the client half-closes and when it resets the
/// stream, be it in the middle of a message, and when nothing follows the prefix of a message: only the
/// [`Activity`] tells them apart.
struct Requests {
    messages: Streaming<Bytes>,
    /// Bytes of the body that were messages. None is compressed, so that is what they took.
    bytes: u64,
    activity: Arc<Activity>,
}

impl Stream for Requests {
    type Item = Result<Bytes, End>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(Pin::new(&mut self.messages).poll_next(cx));
        Poll::Ready(match message {
            Some(Ok(message)) => {
                self.bytes += MESSAGE_PREFIX_BYTES + message.len() as u64;
                Some(Ok(message))
            }
            Some(Err(status)) => Some(Err(end_of(&status))),
            None if !self.activity.has_request_ended() => Some(Err(End::Cancelled)),
            None if self.bytes < self.activity.request_bytes() => {
                let reason = "it ends in the middle of a message".to_owned();
                Some(Err(End::BrokenFraming(reason)))
            }
            None => None,
        })
    }
}

/// The response messages of one stream.
pub(crate) struct Responses {
    session: Session<Requests>,
}

impl Stream for Responses {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let response = ready!(Pin::new(&mut self.session).poll_next(cx));
        Poll::Ready(response.map(|response| response.map_err(|end| status_of(&end))))
    }
}
