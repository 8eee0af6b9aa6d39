//! What a process says of itself on its admin address, over HTTP/1.1 by hand: one question, one answer, one connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer is far smaller.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// A process answers at once, or is broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Asks for JSON.
pub(crate) async fn get(admin: SocketAddr, path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&body(admin, path).await?)?)
}

/// Asks a server, or a worker, for one number among its metrics.
pub(crate) async fn metric(admin: SocketAddr, name: &str) -> anyhow::Result<u64> {
    let metrics = body(admin, "/metrics").await?;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.with_context(|| format!("no {name} among the metrics"))?;
    line.parse().with_context(|| format!("{name} is {line:?}"))
}

async fn body(admin: SocketAddr, path: &str) -> anyhow::Result<String> {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, answer(admin, path)).await;
    let answer = answer.with_context(|| format!("no answer to {path}"))??;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("no HTTP: {answer:?}"))?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    match chunked {
        true => joined(body),
        false => Ok(body.to_owned()),
    }
}

async fn answer(admin: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    let mut bounded = stream.take(ANSWER_BYTES_MAX);
    bounded.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The body without the lengths of its chunks.
fn joined(mut chunks: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    loop {
        let (length, rest) = chunks.split_once("\r\n").context("a chunk has no length")?;
        let length = usize::from_str_radix(length, 16).context("a chunk has no length")?;
        if length == 0 {
            return Ok(body);
        }
        body += rest.get(..length).context("a chunk is cut off")?;
        chunks = rest
            .get(length..)
            .unwrap_or_default()
            .trim_start_matches("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_chunks() {
        assert_eq!(
            joined("3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n").unwrap(),
            "{\"a\":1}"
        );
        assert!(joined("9\r\n{}\r\n0\r\n\r\n").is_err());
        assert!(joined("").is_err());
    }
}
