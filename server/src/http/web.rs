//! gRPC-Web: calls as browsers can make them, with the status in the body where gRPC has it in the trailers. tonic-web
//! translates piece by piece and holds no more than one of them. It knows nothing of pages, nor of who may call.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::Limited;
use hyper::body::Incoming;
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt, service_fn};

use super::bodies::RequestBody;
use super::{Services, deadline_of, grpc_error, is_session, malformed_timeout, respond_once};
use crate::access::Caller;
use crate::drain::Drain;
use crate::watch::Activity;

const GRPC_WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const NO_SESSION: &str =
    "a browser cannot send while it receives; use Execute, or gRPC over HTTP/2";

/// Answers a call whose body is no longer than so many bytes.
pub(super) async fn respond(
    request: Request<Incoming>,
    call_bytes_max: usize,
    services: Services,
    drain: Drain,
    caller: Option<Caller>,
    call: &Arc<Activity>,
) -> Response<tonic::body::Body> {
    if is_session(&request) {
        return only_status(grpc_error(tonic::Code::Unimplemented, NO_SESSION));
    }
    let Ok(deadline) = deadline_of(request.headers()) else {
        return only_status(malformed_timeout());
    };
    let request = request.map(|body| {
        let body = RequestBody::new(body, Arc::clone(call));
        Limited::new(body, call_bytes_max)
    });
    let answers = service_fn(|request: Request<tonic::body::Body>| {
        let routes = services.routes.clone();
        let (drain, caller) = (drain.clone(), caller.clone());
        async move {
            let response = respond_once(request, deadline, routes, &drain, caller, call);
            Ok::<_, Infallible>(response.await)
        }
    });
    match GrpcWebLayer::new().layer(answers).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// What stands in the headers is the same in both, but for what it is called.
pub(super) fn only_status(
    mut response: Response<tonic::body::Body>,
) -> Response<tonic::body::Body> {
    response.headers_mut().insert(CONTENT_TYPE, GRPC_WEB);
    response
}
