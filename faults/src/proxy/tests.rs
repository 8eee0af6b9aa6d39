//! Each fault, seen from a client and a server at the two ends of a proxied connection.

use std::io::ErrorKind;

use super::*;

/// A connection through a proxy: its two ends, and the proxy.
async fn connected(marker: Option<&str>) -> (TcpStream, TcpStream, Proxy) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    let proxy = Proxy::start(server, marker).await.unwrap();
    let client = TcpStream::connect(proxy.address).await.unwrap();
    let (server, _peer) = listener.accept().await.unwrap();
    (client, server, proxy)
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    stream.read_exact(&mut buffer).await.unwrap();
    buffer
}

/// Sends a chunk that is struck by `fault`.
async fn struck(stream: &mut TcpStream, proxy: &Proxy, chunk: &[u8], fault: Fault) {
    let send = async { stream.write_all(chunk).await.unwrap() };
    let strike = proxy.strike(fault);
    // The strike comes first: it is put in place when it is first polled.
    tokio::join!(biased; strike, send);
}

#[tokio::test]
async fn carries_both_ways_and_ends_each_way_by_itself() {
    let (mut client, mut server, _proxy) = connected(None).await;
    client.write_all(b"there").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut server).await, b"there");
    server.write_all(b"and back").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(read_all(&mut client).await, b"and back");
}

#[tokio::test]
async fn a_reset_reaches_both_ends() {
    let (mut client, mut server, proxy) = connected(None).await;
    struck(&mut client, &proxy, b"1234", Fault::Reset).await;
    for end in [&mut client, &mut server] {
        let error = end.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_cut_comes_in_the_middle() {
    let (mut client, mut server, proxy) = connected(None).await;
    let fault = Fault::Cut(Way::Responses);
    client.write_all(b"is not struck").await.unwrap();
    assert_eq!(read(&mut server, 13).await, b"is not struck");
    struck(&mut server, &proxy, b"1234", fault).await;
    assert_eq!(read_all(&mut client).await, b"12");
    assert_eq!(read_all(&mut server).await, b"");
}

#[tokio::test]
async fn half_open_closes_one_way_only() {
    let (mut client, mut server, proxy) = connected(None).await;
    let fault = Fault::HalfOpen(Way::Requests);
    struck(&mut client, &proxy, b"lost", fault).await;
    assert_eq!(read_all(&mut server).await, b"");
    server.write_all(b"still there").await.unwrap();
    assert_eq!(read(&mut client, 11).await, b"still there");
}

#[tokio::test]
async fn delays_and_stalls_lose_and_reorder_nothing() {
    let (mut client, mut server, proxy) = connected(None).await;
    let each = Duration::from_millis(1);
    for fault in [Fault::Delay { each, chunks: 2 }, Fault::Stall(each)] {
        struck(&mut client, &proxy, b"first ", fault).await;
        client.write_all(b"second ").await.unwrap();
        client.write_all(b"third").await.unwrap();
        assert_eq!(read(&mut server, 18).await, b"first second third");
    }
}

#[tokio::test]
async fn a_black_hole_swallows_all_and_ends_with_either_end() {
    let (mut client, mut server, proxy) = connected(None).await;
    struck(&mut client, &proxy, b"swallowed", Fault::BlackHole).await;
    server.shutdown().await.unwrap();
    assert_eq!(read_all(&mut server).await, b"");
    assert_eq!(read_all(&mut client).await, b"");
}

#[tokio::test]
async fn the_marker_is_seen_across_chunks_and_in_requests_only() {
    let (mut client, mut server, proxy) = connected(Some("marker")).await;
    server.write_all(b"marker").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"marker");
    client.write_all(b"a mar").await.unwrap();
    assert_eq!(read(&mut server, 5).await, b"a mar");
    assert_eq!(proxy.marked(), 0);
    client.write_all(b"ker").await.unwrap();
    assert_eq!(read_all(&mut server).await, b"");
    assert_eq!(proxy.marked(), 1);
}
