//! Ports for servers whose address has to be known before they start, or has to stay over a restart.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::EngineError;

/// Below those that the system gives to whoever asks for any (32768 and up unless it is set otherwise), so that nobody gets one
/// between its choice and the start of the server, or while that is down.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;
/// So far apart do processes that start one after the other begin to look.
const STEP: u32 = 13;

/// A port on 127.0.0.1 on which nobody listens.
///
/// # Errors
/// All are taken.
pub fn free_port() -> Result<u16, EngineError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = process::id().wrapping_mul(STEP);
    for _ in 0..COUNT {
        let place = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if let Ok(port) = u16::try_from(FIRST + place)
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            return Ok(port);
        }
    }
    Err(EngineError::Failed { what: "no port of 127.0.0.1 is free".into(), output: String::new() })
}

/// Several of them, no two the same.
///
/// # Errors
/// Too few are free.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], EngineError> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}
