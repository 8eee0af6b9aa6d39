//! Closing a connection without a reset. If a socket is closed while there is input that nobody has read, the kernel
//! resets the connection, and the client may lose answers that were already on their way to it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A client that has not closed its side after this long gets its reset.
const LINGER: Duration = Duration::from_secs(1);
const SCRATCH_BYTES: usize = 4 * 1024;

/// Says that nothing more will be sent, and drops what the client still sends, until it has closed its side.
pub(crate) async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let read_out = async {
        stream.shutdown().await?;
        let mut scratch = [0; SCRATCH_BYTES];
        while stream.read(&mut scratch).await? > 0 {}
        std::io::Result::Ok(())
    };
    // An error means that there is nothing left to close with care.
    let _gone = tokio::time::timeout(LINGER, read_out).await;
}
