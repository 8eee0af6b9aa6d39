//! Where a browser's request comes from. A browser runs the pages of strangers, and these may send requests to any
//! server that the browser can reach, this one on the user's own machine included. Two checks keep them out. They know
//! nothing of what is asked for.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request};

const FETCH_SITE: &str = "sec-fetch-site";

/// A request that is not from a page of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub(super) enum Foreign {
    OtherHost,
    OtherOrigin,
}

impl Foreign {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::OtherHost => {
                "without a token this server answers browsers only as localhost, 127.0.0.1 or [::1]"
            }
            Self::OtherOrigin => "calls are answered only for pages of this server itself",
        }
    }
}

/// Lets a request pass if the name that it asks for can only be this machine. What this is against is DNS rebinding:
/// a page of a stranger's domain that the stranger then lets resolve to 127.0.0.1. To the browser that is one origin all
/// along, so no rule about origins holds it up; but the browser still names the domain as the host. With a token there
/// is no need, since that page does not have it.
pub(super) fn of_this_machine<B>(request: &Request<B>) -> Result<(), Foreign> {
    let asked = authority(request).filter(|authority| !authority.as_str().contains('@'));
    match asked.is_some_and(|authority| is_this_machine(authority.host())) {
        true => Ok(()),
        false => Err(Foreign::OtherHost),
    }
}

/// Lets a call pass unless the browser says that it is made by a page from elsewhere. No other page could read the
/// answer, since no header ever allows it to, but it could make the server work.
pub(super) fn of_this_page<B>(request: &Request<B>) -> Result<(), Foreign> {
    let headers = request.headers();
    if headers
        .get_all(FETCH_SITE)
        .iter()
        .any(|site| site == "cross-site")
    {
        return Err(Foreign::OtherOrigin);
    }
    let Some(host) = authority(request) else {
        return match headers.contains_key(ORIGIN) {
            true => Err(Foreign::OtherOrigin),
            false => Ok(()),
        };
    };
    let same = |origin: &HeaderValue| {
        let origin = origin.to_str().ok()?;
        // The scheme is not compared: behind a proxy that ends TLS, ours is another.
        let (_scheme, authority) = origin.split_once("://")?;
        Some(authority.eq_ignore_ascii_case(host.as_str()))
    };
    match headers
        .get_all(ORIGIN)
        .iter()
        .all(|origin| same(origin) == Some(true))
    {
        true => Ok(()),
        false => Err(Foreign::OtherOrigin),
    }
}

/// What the request says that it was sent to: HTTP/2 has it in the request line's place, HTTP/1.1 as a header.
fn authority<B>(request: &Request<B>) -> Option<Authority> {
    let of_line = request.uri().authority().cloned();
    of_line.or_else(|| host_header(request.headers()))
}

/// `None` if there is none, or more than one.
fn host_header(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = Authority::try_from(hosts.next()?.as_bytes()).ok()?;
    hosts.next().is_none().then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    let is_loopback = address.is_ok_and(|address: IpAddr| address.is_loopback());
    is_loopback || host.eq_ignore_ascii_case("localhost")
}
