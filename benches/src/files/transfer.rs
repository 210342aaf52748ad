//! One large content in and out over HTTP, sent from a file and read to nowhere, by a client that costs as little as it can.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

/// What is sent and read at a time.
const PIECE: usize = 1 << 18;

/// Puts a file as the content at `path`.
///
/// # Errors
/// The connection fails, or the answer is not 2xx.
pub fn put(address: SocketAddr, path: &str, token: &str, source: &Path) -> Result<()> {
    let mut file = File::open(source)?;
    let size = file.metadata()?.len();
    let mut stream = request(address, "PUT", path, token, &format!("Content-Length: {size}\r\n"))?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        stream.write_all(&piece[..count])?;
    }
    head(&mut stream).map(drop)
}

/// Reads the content at `path`; gives how many bytes came.
///
/// # Errors
/// The connection fails, or the answer is not 2xx.
pub fn get(address: SocketAddr, path: &str, token: &str) -> Result<u64> {
    let mut stream = request(address, "GET", path, token, "")?;
    let mut read = head(&mut stream)? as u64;
    let mut piece = vec![0; PIECE];
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(read);
        }
        read += count as u64;
    }
}

fn request(address: SocketAddr, method: &str, path: &str, token: &str, more: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
    )?;
    Ok(stream)
}

/// Reads the head of an answer; gives how much of the body came with it.
fn head(stream: &mut TcpStream) -> Result<usize> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1 << 14];
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        bytes.extend_from_slice(&piece[..count]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes);
            if text.split(' ').nth(1).is_none_or(|status| !status.starts_with('2')) {
                return Err(Error::other(format!("the server answered {text}")));
            }
            return Ok(bytes.len() - end - 4);
        }
    }
}
