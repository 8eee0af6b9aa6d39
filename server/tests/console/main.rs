//! The console against the real binary: the page and its headers, calls as a browser makes them, who may make them, and
//! what a connection of HTTP/1.1 may cost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounds;
mod calls;
mod ends;
mod foreign;
mod http1;
mod http2;
mod locks;
mod off;
mod page;
#[allow(dead_code, reason = "it is made for the tests of access")]
#[path = "../access/pki.rs"]
mod pki;
#[path = "../support/mod.rs"]
mod support;
mod web;
