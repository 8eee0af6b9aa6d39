//! What has to be seen below gRPC, as HTTP: which requests are gRPC at all, when a call must end, whether a request
//! ended cleanly, and the statuses that tonic makes before our code runs. It knows nothing of commands.

mod bodies;
mod web;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::Instant;
use tonic::service::Routes;
use tower::{BoxError, ServiceExt};

use crate::access::{Access, Admitted, Caller, Peer, Refused};
use crate::console::{Received, Reception};
use crate::drain::Drain;
use crate::method::Method;
use crate::record::Record;
use crate::service::Service;
use crate::telemetry::Telemetry;
use crate::watch::{Activity, WatchedCall};
use crate::who::Who;

use bodies::{Observed, RequestBody, UntilTold};

const GRPC: &str = "application/grpc";
pub(crate) const GRPC_STATUS: &str = "grpc-status";
const GRPC_MESSAGE: &str = "grpc-message";
const GRPC_TIMEOUT: &str = "grpc-timeout";
/// The calls that a drain waits for by itself, since they hold its [`crate::drain::OpenCall`].
const RUNS_COMMANDS: &str = "/robot.v1.RobotService/Execute";
const EXECUTE_STREAM: &str = "/robot.v1.RobotService/ExecuteStream";

/// The header that says when a call must end does not say it.
struct BadTimeout;

/// Whether the call reads and answers at the same time.
pub(crate) fn is_session<B>(request: &Request<B>) -> bool {
    request.uri().path() == EXECUTE_STREAM
}

/// Who answers: our own service the calls that are sessions, tonic's routes all others.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) robot: Arc<Service>,
    pub(crate) routes: Routes,
    pub(crate) telemetry: Arc<Telemetry>,
    /// Browsers, if they are served.
    pub(crate) console: Option<Reception>,
}

/// Where a call comes in, and from whom.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) access: Arc<Access>,
    pub(crate) peer: Peer,
}

impl Door {
    fn admit(&self, request: &mut Request<Incoming>) -> Result<Admitted, Refused> {
        let uri = request.uri().clone();
        let headers = request.headers_mut();
        self.access.admit(uri.path(), headers, &self.peer)
    }
}

/// Answers one HTTP request.
pub(crate) async fn answer(
    mut request: Request<Incoming>,
    services: Services,
    drain: Drain,
    door: Door,
    call: WatchedCall,
) -> Response<Observed<tonic::body::Body>> {
    let telemetry = Arc::clone(&services.telemetry);
    let spoken = match heard(&request, services.console.as_ref()) {
        Heard::Call(spoken) => spoken,
        Heard::Answered(response) => {
            match response.status() {
                StatusCode::UNSUPPORTED_MEDIA_TYPE => telemetry.refuse("not_grpc"),
                StatusCode::FORBIDDEN => telemetry.refuse("foreign"),
                _ => {}
            }
            let record = Record::of_no_call(&telemetry, call);
            return response.map(|body| Observed::new(body, record, None));
        }
    };
    let method = Method::of(request.uri().path());
    let mut record = Record::begin(&telemetry, method, request.headers(), call);
    let activity = record.activity();
    let (response, place) = match door.admit(&mut request) {
        Ok(Admitted { caller, place }) => {
            if let Some(caller) = &caller {
                activity.who().identify(caller.name());
            }
            let response = match spoken {
                Spoken::Grpc => respond(request, services, drain, caller, activity).await,
                Spoken::GrpcWeb { call_bytes_max } => {
                    web::respond(request, call_bytes_max, services, drain, caller, activity).await
                }
            };
            (response, place)
        }
        Err(refused) => {
            telemetry.refuse(refused.reason());
            let response = refusal(refused, activity.who());
            let response = match spoken {
                Spoken::Grpc => response,
                Spoken::GrpcWeb { .. } => web::only_status(response),
            };
            (response, None)
        }
    };
    activity.answers();
    record.answered(response.headers());
    response.map(|body| Observed::new(body, record, place))
}

/// What a call is made in.
#[derive(Debug, Clone, Copy)]
enum Spoken {
    Grpc,
    GrpcWeb { call_bytes_max: usize },
}

/// What a request is.
enum Heard {
    Call(Spoken),
    /// It is no call, and has its answer: where there is a console that may be the page.
    Answered(Response<tonic::body::Body>),
}

fn heard(request: &Request<Incoming>, console: Option<&Reception>) -> Heard {
    if is_grpc(request) {
        return Heard::Call(Spoken::Grpc);
    }
    let Some(console) = console else {
        return Heard::Answered(unsupported());
    };
    let call_bytes_max = console.call_bytes_max;
    match console.receive(request) {
        Received::Call => Heard::Call(Spoken::GrpcWeb { call_bytes_max }),
        Received::Answered(response) => Heard::Answered(response),
    }
}

async fn respond(
    request: Request<Incoming>,
    services: Services,
    drain: Drain,
    caller: Option<Caller>,
    call: &Arc<Activity>,
) -> Response<tonic::body::Body> {
    let Ok(deadline) = deadline_of(request.headers()) else {
        return malformed_timeout();
    };
    if is_session(&request) {
        return match deadline.is_some_and(has_passed) {
            true => deadline_exceeded(),
            false => services
                .robot
                .open_session(request, deadline, caller, &drain, call),
        };
    }
    let request = request.map(|body| RequestBody::new(body, Arc::clone(call)));
    respond_once(request, deadline, services.routes, &drain, caller, call).await
}

/// Answers a call that is no session.
async fn respond_once<B>(
    mut request: Request<B>,
    deadline: Option<Instant>,
    routes: Routes,
    drain: &Drain,
    caller: Option<Caller>,
    call: &Arc<Activity>,
) -> Response<tonic::body::Body>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let withdrawn = caller.as_ref().and_then(Caller::withdrawn).cloned();
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let runs_commands = request.uri().path().starts_with(RUNS_COMMANDS);
    if runs_commands {
        request.extensions_mut().insert(Arc::clone(call));
    }
    let response = match deadline {
        None => Some(routes.oneshot(request).await),
        Some(deadline) => in_time(deadline, routes.oneshot(request)).await,
    };
    let Some(Ok(mut response)) = response else {
        return deadline_exceeded();
    };
    correct_status(response.headers_mut());
    match runs_commands {
        true => response,
        false => response
            .map(|body| tonic::body::Body::new(UntilTold::new(body, drain, withdrawn, deadline))),
    }
}

/// `None` if the deadline passes first. A call whose deadline has passed already is not begun.
async fn in_time<T>(deadline: Instant, call: impl Future<Output = T>) -> Option<T> {
    if has_passed(deadline) {
        return None;
    }
    tokio::time::timeout_at(deadline, call).await.ok()
}

fn has_passed(deadline: Instant) -> bool {
    deadline <= Instant::now()
}

fn deadline_exceeded() -> Response<tonic::body::Body> {
    grpc_error(tonic::Code::DeadlineExceeded, "the deadline has passed")
}

fn malformed_timeout() -> Response<tonic::body::Body> {
    grpc_error(
        tonic::Code::InvalidArgument,
        "grpc-timeout is malformed; it must be 1 to 8 digits and one of H, M, S, m, u, n",
    )
}

/// A POST over HTTP/2 whose content is gRPC; anything else is for the console, or gets a 415.
fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    let subtype = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix(GRPC));
    let is_grpc = subtype.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']));
    request.version() == Version::HTTP_2 && request.method() == http::Method::POST && is_grpc
}

fn unsupported() -> Response<tonic::body::Body> {
    let mut response = Response::new(tonic::body::Body::empty());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

fn refusal(refused: Refused, who: &Who) -> Response<tonic::body::Body> {
    who.log(|| tracing::info!(%refused, "a call was not let in"));
    let code = match refused {
        Refused::NoCertificate | Refused::NoToken | Refused::WrongToken => {
            tonic::Code::Unauthenticated
        }
        Refused::TooManyStreams => tonic::Code::ResourceExhausted,
    };
    grpc_error(code, refused.message())
}

/// A response that is only a status. The message holds nothing that must be percent-encoded.
fn grpc_error(code: tonic::Code, message: &'static str) -> Response<tonic::body::Body> {
    let mut response = Response::new(tonic::body::Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert(GRPC_STATUS, HeaderValue::from(code as i32));
    headers.insert(GRPC_MESSAGE, HeaderValue::from_static(message));
    response
}

/// Says of a request that could not be read what the contract says: the message was too large, or it was broken.
/// tonic says OUT_OF_RANGE and INTERNAL; such statuses stand in the headers, and none of our own calls makes either.
fn correct_status(headers: &mut HeaderMap) {
    let status = headers.get(GRPC_STATUS).map(HeaderValue::as_bytes);
    let corrected = match status {
        Some(b"11") => tonic::Code::ResourceExhausted,
        Some(b"13") => tonic::Code::InvalidArgument,
        _ => return,
    };
    headers.insert(GRPC_STATUS, HeaderValue::from(corrected as i32));
}

/// `grpc-timeout: 250m` is in 250 ms. Whoever sends what is none would wait for an end that never comes, so it is not
/// taken for no deadline, as tonic does, but refused, as grpc-go does.
fn deadline_of(headers: &HeaderMap) -> Result<Option<Instant>, BadTimeout> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let timeout = timeout_from(value).filter(|_| values.next().is_none());
    Ok(Instant::now().checked_add(timeout.ok_or(BadTimeout)?))
}

fn timeout_from(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}
