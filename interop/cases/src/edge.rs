//! What the interop cases want of a server and tonic's handlers cannot do: trailing metadata on a call that ends OK, and
//! messages that are compressed one by one. It stands in front of the service and knows nothing of what that does.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use crate::gzip::Gzip;
use crate::messages::Changed;

/// Metadata that comes back as it is, with the headers and with the trailers.
const ECHO_INITIAL: HeaderName = HeaderName::from_static("x-grpc-test-echo-initial");
const ECHO_TRAILING: HeaderName = HeaderName::from_static("x-grpc-test-echo-trailing-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// A service, and what is done to its requests and responses.
#[derive(Debug, Clone)]
pub(crate) struct Edge<S> {
    service: S,
    message_bytes_max: usize,
}

impl<S> Edge<S> {
    pub(crate) fn new(service: S, message_bytes_max: usize) -> Self {
        Self {
            service,
            message_bytes_max,
        }
    }
}

impl<S: NamedService> NamedService for Edge<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let gzip = Gzip::default();
        let initial = only(request.headers(), &ECHO_INITIAL);
        let trailing = only(request.headers(), &ECHO_TRAILING);
        let accepts_gzip = accepts_gzip(request.headers());
        request.extensions_mut().insert(gzip.clone());
        let answer = self
            .service
            .call(inflated(request, &gzip, self.message_bytes_max));

        Box::pin(async move {
            let mut response = answer.await?;
            let headers = response.headers_mut();
            headers.extend(initial);
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
            if accepts_gzip {
                headers.insert(ENCODING, GZIP);
            }
            Ok(response.map(|body| {
                let deflated = Changed::new(body, u32::MAX as usize, move |message| {
                    Ok(match accepts_gzip {
                        true => gzip.deflate(message),
                        false => message,
                    })
                });
                Body::new(deflated.with_trailers(trailing))
            }))
        })
    }
}

/// A request in gzip as one that is in none. Any other encoding is left for tonic to refuse.
fn inflated(mut request: Request<Body>, gzip: &Gzip, bytes_max: usize) -> Request<Body> {
    let is_gzip = request.headers().get(ENCODING) == Some(&GZIP);
    if is_gzip {
        request.headers_mut().remove(ENCODING);
    }
    let gzip = gzip.clone();
    request.map(|body| {
        Body::new(Changed::new(body, bytes_max, move |message| {
            // One that says that it is compressed when the call does not say how is left for tonic too.
            match is_gzip || !message.compressed {
                true => gzip.inflate(message, bytes_max),
                false => Ok(message),
            }
        }))
    })
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let mut encodings = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    encodings.any(|encoding| encoding.trim_ascii() == b"gzip")
}

/// These headers alone.
fn only(headers: &HeaderMap, name: &HeaderName) -> HeaderMap {
    let values = headers.get_all(name).iter().cloned();
    values.map(|value| (name.clone(), value)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests;
