//! The end of a connection that was refused: the client is to read why.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedSemaphorePermit;

use super::socket::Socket;

/// How long a client that goes on sending is listened to.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many bytes of it are taken.
const MOST: usize = 1 << 20;

/// How many sockets linger at a time: they are not counted as connections any more.
pub(crate) const PLACES: usize = 64;

/// Sends what is left and reads on for a moment. A socket that is closed over unread bytes resets the connection, and
/// the reset may overtake the answer.
pub(super) async fn linger(mut socket: Socket, rest: Vec<u8>, _place: OwnedSemaphorePermit) {
    let _ = tokio::time::timeout(PATIENCE, async {
        socket.write_all(&rest).await?;
        socket.shutdown().await?;
        let mut buffer = [0; 4096];
        let mut taken = 0;
        while taken < MOST {
            match socket.read(&mut buffer).await? {
                0 => break,
                count => taken += count,
            }
        }
        std::io::Result::Ok(())
    })
    .await;
}
