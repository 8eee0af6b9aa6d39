//! A client of HTTP/1.1 that sends the bytes that a test says, and reads what comes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing that a test waits for takes nearly as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer whose body ends where its headers say.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut named = lines.filter_map(|line| line.split_once(": "));
        named.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection.
pub(crate) struct Connection<S> {
    stream: S,
    unread: Vec<u8>,
}

pub(crate) async fn connect(address: &str) -> Connection<TcpStream> {
    Connection::over(TcpStream::connect(address).await.unwrap())
}

/// Sends a request without a body, on a connection of its own.
pub(crate) async fn get(address: &str, method: &str, path: &str, headers: &str) -> Answer {
    let mut connection = connect(address).await;
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n");
    connection.send(head.as_bytes()).await;
    connection.answer(method == "HEAD").await
}

/// Sends a call of gRPC-Web, on a connection of its own.
pub(crate) async fn post(address: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let mut connection = connect(address).await;
    connection.send(&call(address, path, headers, body)).await;
    connection.answer(false).await
}

/// A call as bytes.
pub(crate) fn call(host: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer, which has no body if it is that of a HEAD.
    pub(crate) async fn answer(&mut self, is_of_head: bool) -> Answer {
        let (status, head) = self.head().await;
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        if is_of_head || status == 304 {
            return answer;
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                answer.body.extend(chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            answer.body = self.bytes(length).await;
        }
        answer
    }

    /// The status and headers of the next answer.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push_str(&self.line().await);
            head.push_str("\r\n");
        }
        let status = head.strip_prefix("HTTP/1.1 ").unwrap();
        (status[..3].parse().unwrap(), head)
    }

    /// The next piece of a chunked body.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line().await;
        let length = usize::from_str_radix(&line, 16).unwrap();
        let chunk = self.bytes(length).await;
        assert_eq!(self.line().await, "");
        (length > 0).then_some(chunk)
    }

    async fn line(&mut self) -> String {
        loop {
            let end = self.unread.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                let rest = self.unread.split_off(end + 2);
                let line = std::mem::replace(&mut self.unread, rest);
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(self.read().await, "it ended in {:?}", self.unread);
        }
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(self.read().await, "it ended before {count} bytes came");
        }
        let rest = self.unread.split_off(count);
        std::mem::replace(&mut self.unread, rest)
    }

    /// False at the end of the connection, be it a clean one or a reset.
    async fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        let bytes = read.expect("it comes to an end").unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..bytes]);
        bytes > 0
    }

    /// All that comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.read().await {}
        std::mem::take(&mut self.unread)
    }
}
