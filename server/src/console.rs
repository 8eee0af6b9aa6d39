//! What is served to browsers: a page, and the calls that the page makes, as gRPC-Web. This decides which of them a
//! request is, and whether it comes from where it may come from. It knows nothing of what the calls do.

mod origin;
mod page;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;

use origin::Foreign;

const GRPC_WEB: &str = "application/grpc-web";

/// Receives what browsers send.
#[derive(Debug, Clone)]
pub(crate) struct Reception {
    /// Only requests to names that no resolver can point here are served; see [`origin::of_this_machine`].
    pub(crate) this_machine_only: bool,
    /// Bytes of the body of one call.
    pub(crate) call_bytes_max: usize,
}

/// What a request that is no gRPC comes to.
pub(crate) enum Received {
    /// It is a call, to be translated.
    Call,
    /// It is answered.
    Answered(Response<Body>),
}

impl Reception {
    /// Looks at a request, but not at its body.
    pub(crate) fn receive<B>(&self, request: &Request<B>) -> Received {
        if self.this_machine_only
            && let Err(foreign) = origin::of_this_machine(request)
        {
            return refused(foreign);
        }
        match *request.method() {
            Method::POST if is_grpc_web(request.headers()) => match origin::of_this_page(request) {
                Ok(()) => Received::Call,
                Err(foreign) => refused(foreign),
            },
            Method::POST => answered(StatusCode::UNSUPPORTED_MEDIA_TYPE, NO_GRPC_WEB),
            Method::GET | Method::HEAD => Received::Answered(page::answer(request)),
            _ => {
                let mut response = page::text(StatusCode::METHOD_NOT_ALLOWED, NO_METHOD);
                let allowed = HeaderValue::from_static("GET, HEAD, POST");
                response.headers_mut().insert(ALLOW, allowed);
                Received::Answered(response)
            }
        }
    }
}

const NO_GRPC_WEB: &str =
    "a call needs the content type application/grpc-web+proto, or application/grpc over HTTP/2";
const NO_METHOD: &str = "the page is for GET and HEAD, and calls are for POST";

fn is_grpc_web(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    let rest = content_type.and_then(|value| value.to_str().ok()?.strip_prefix(GRPC_WEB));
    // Those that tonic-web knows, which compares them as they are.
    rest.is_some_and(|rest| matches!(rest, "" | "+proto" | "-text" | "-text+proto"))
}

fn refused(foreign: Foreign) -> Received {
    tracing::debug!(%foreign, "a browser's request was refused");
    answered(StatusCode::FORBIDDEN, foreign.message())
}

fn answered(status: StatusCode, message: &'static str) -> Received {
    Received::Answered(page::text(status, message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests;
