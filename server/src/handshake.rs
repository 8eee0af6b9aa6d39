//! What a client has to say before anything is served to it: that it speaks HTTP/2. It is read here, not by hyper, so
//! that the caller can put one deadline on all that comes before the first request; what else has to come first, such
//! as TLS, belongs here too. It knows nothing of what is served.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How every HTTP/2 connection begins (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that has begun: its first bytes have been read, and are there to be read again.
#[derive(Debug)]
pub(crate) struct Begun<S> {
    stream: S,
    said: [u8; PREFACE.len()],
    /// The part of `said` that is to be read again.
    unread: std::ops::Range<usize>,
}

/// Waits for the client's first bytes. If they are not HTTP/2's, what is wrong with them is left for hyper to say.
pub(crate) async fn handshake<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Begun<S>> {
    let mut said = [0; PREFACE.len()];
    let mut bytes = 0;
    while bytes < said.len() && PREFACE.starts_with(&said[..bytes]) {
        match stream.read(&mut said[bytes..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes += read,
        }
    }
    Ok(Begun {
        stream,
        said,
        unread: 0..bytes,
    })
}

impl<S> Begun<S> {
    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// Whether the client has said so.
    pub(crate) fn speaks_http_2(&self) -> bool {
        self.said == *PREFACE
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let bytes = self.unread.len().min(into.remaining());
        let begin = self.unread.start;
        into.put_slice(&self.said[begin..begin + bytes]);
        self.unread.start += bytes;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    async fn reads_again(chunks: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut stream = tokio_test_stream(chunks);
        let mut begun = handshake(&mut stream).await?;
        let mut all = Vec::new();
        begun.read_to_end(&mut all).await?;
        Ok(all)
    }

    /// A stream that gives one chunk a read.
    fn tokio_test_stream(chunks: &[&[u8]]) -> impl AsyncRead + Unpin {
        let chunks = chunks
            .iter()
            .map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk)));
        let chunks: Vec<io::Result<bytes::Bytes>> = chunks.collect();
        tokio_util::io::StreamReader::new(tokio_stream::iter(chunks))
    }

    #[tokio::test]
    async fn what_was_read_is_read_again_however_it_came() {
        for chunks in [
            &[&PREFACE[..], b"settings"][..],
            &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsettings"],
            &[
                b"P",
                b"RI * HTTP",
                b"/2.0\r\n\r\nSM\r\n\r",
                b"\nsett",
                b"ings",
            ],
        ] {
            let all = reads_again(chunks).await.unwrap();
            assert_eq!(all, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsettings");
        }
    }

    #[tokio::test]
    async fn another_protocol_is_not_waited_for() {
        let (mut client, server) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut client, b"GET / HTTP/1.1\r\n")
            .await
            .unwrap();
        let mut begun = handshake(server).await.unwrap();
        let mut said = [0; 3];
        begun.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"GET");
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_it_begins_is_an_error() {
        let error = reads_again(&[b"PRI * HTTP/2.0"]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
