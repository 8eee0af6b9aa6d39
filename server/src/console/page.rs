//! The page: the files that Vite has built of `web/`, part of the binary, with the headers that let them do no more
//! than they have to. It knows nothing of what is on the page.

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use rust_embed::{Embed, EmbeddedFile};
use tonic::body::Body;

const INDEX: &str = "index.html";
/// Vite names the files in here after what is in them.
const NAMED_BY_CONTENT: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Scripts and styles from here alone, none of them inline; calls to here alone; in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// On every answer that a browser may show.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Debug builds have the files in them too: a binary needs nothing beside it.
#[derive(Debug, Embed)]
#[folder = "../web/dist"]
struct Files;

/// Answers a GET or a HEAD.
pub(super) fn answer<B>(request: &Request<B>) -> Response<Body> {
    let path = request.uri().path().trim_start_matches('/');
    let name = if path.is_empty() { INDEX } else { path };
    let Some(file) = Files::get(name) else {
        return text(
            StatusCode::NOT_FOUND,
            "there is nothing here; the page is at /",
        );
    };
    let tag = tag(&file);
    let known = is_known(request.headers(), &tag);
    let bytes = match file.data {
        std::borrow::Cow::Borrowed(bytes) => bytes.into(),
        std::borrow::Cow::Owned(bytes) => bytes::Bytes::from(bytes),
    };
    let length = bytes.len();
    let without_body = known || request.method() == Method::HEAD;
    let mut response = Response::new(match without_body {
        true => Body::empty(),
        false => Body::new(Full::new(bytes)),
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(ETAG, tag);
    headers.insert(
        CACHE_CONTROL,
        match name.starts_with(NAMED_BY_CONTENT) {
            true => FOR_EVER,
            false => ASK_EACH_TIME,
        },
    );
    if !known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Answers with a line for people.
pub(super) fn text(status: StatusCode, line: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(line.as_bytes().into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(CONTENT_TYPE, TEXT);
    response
}

/// What is in a file, as a name for it.
fn tag(file: &EmbeddedFile) -> HeaderValue {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("these are digits in quotes")
}

/// The browser has the file already.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = known.flat_map(|tags| tags.as_bytes().split(|byte| *byte == b','));
    tags.any(|known| {
        let known = known.trim_ascii();
        known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes()
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
