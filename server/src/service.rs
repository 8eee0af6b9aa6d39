//! The edge: the gRPC service. It opens sessions, feeds them, and makes a gRPC status of the way they end; no other
//! module of ours makes a status. It knows nothing of how commands are run.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status, Streaming};

use robot_api::v1;
use robot_api::v1::robot_service_server::RobotService;

use crate::access::Caller;
use crate::config::Config;
use crate::drain::Drain;
use crate::framing::{self, RequestMessages};
use crate::pool::Pool;
use crate::session::{End, Session, SessionLimits};
use crate::unary;
use crate::watch::Activity;

/// Milliseconds between snapshots if the caller does not say.
const WATCH_INTERVAL_MS: u32 = 1000;
const WATCH_INTERVAL_MS_MIN: u32 = 100;
const WATCH_INTERVAL_MS_MAX: u32 = 60_000;

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

    /// Answers an `ExecuteStream`. Returns before a command is read: many clients wait for the headers before they send.
    pub(crate) fn open_session(
        &self,
        request: http::Request<Incoming>,
        deadline: Option<Instant>,
        caller: Option<Caller>,
        drain: &Drain,
        activity: &Arc<Activity>,
    ) -> http::Response<tonic::body::Body> {
        let refused = self
            .refuse_when_stopping()
            .and(unencoded(request.headers()));
        if let Err(status) = refused {
            return status.into_http();
        }
        let max = self.limits.message_bytes_max;
        let requests = RequestMessages::new(request.into_body(), max);
        let queue = self.pool.queue().clone();
        let activity = Arc::clone(activity);
        let session = Session::new(requests, queue, self.limits, deadline, drain, activity);
        let body = Responses {
            session: session.of(caller),
            ended: false,
        };
        let mut response = http::Response::new(tonic::body::Body::new(body));
        let content_type = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
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
    type ExecuteStreamStream = tokio_stream::Empty<Result<Bytes, Status>>;
    type WatchWorkersStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchWorkersResponse, Status>> + Send>>;

    /// Never called: [`crate::http`] gives such calls to [`Service::open_session`] before tonic sees them.
    async fn execute_stream(
        &self,
        _request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::ExecuteStreamStream>, Status> {
        Err(Status::unimplemented("this call is answered elsewhere"))
    }

    async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        self.refuse_when_stopping()?;
        let caller = request.extensions().get::<Caller>().cloned();
        let rate = caller.as_ref().and_then(Caller::rate);
        if let Some(rate) = rate {
            let ready = self.drain.stopping().run_until_cancelled(rate.ready());
            ready.await.ok_or_else(|| status_of(&End::ShuttingDown))?;
        }
        let activity = request.extensions().get::<Arc<Activity>>();
        let activity = Arc::clone(activity.expect("http.rs puts it there"));
        let mut call = self.drain.open_call(activity);
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
        Ok(Response::new(v1::GetServerInfoResponse {
            workers: self.pool.workers(),
            ..self.info.clone()
        }))
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

/// Refuses messages in an encoding: there is none that the server reads.
fn unencoded(headers: &HeaderMap) -> Result<(), Status> {
    let encoding = headers.get("grpc-encoding");
    if encoding.is_none_or(|encoding| encoding == "identity") {
        return Ok(());
    }
    let mut status = Status::unimplemented(
        "the messages are compressed with an encoding that is not supported; only identity is",
    );
    let identity = MetadataValue::from_static("identity");
    status
        .metadata_mut()
        .insert("grpc-accept-encoding", identity);
    Err(status)
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
        End::TooManyCommands { .. } | End::MessageTooLarge { .. } | End::AnswerTooLarge { .. } => {
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

/// The response of one stream: its messages, and its status as trailers.
struct Responses {
    session: Session<RequestMessages<Incoming>>,
    ended: bool,
}

impl Body for Responses {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let end = match ready!(Pin::new(&mut self.session).poll_next(cx)) {
            Some(Ok(mut response)) => {
                framing::put_prefix(&mut response);
                return Poll::Ready(Some(Ok(Frame::data(response.freeze()))));
            }
            Some(Err(end)) => end,
            None => End::Answered,
        };
        self.ended = true;
        let mut trailers = HeaderMap::new();
        status_of(&end).add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
