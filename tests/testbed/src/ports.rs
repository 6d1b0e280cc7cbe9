//! Free ports on loopback, for programs that must be told their port.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Result, bail};

/// Below the range from which the kernel gives outgoing connections their ports (32768 on), so that none of those can take a port
/// between its choice here and its use.
const RANGE: Range<u16> = 20_000..32_000;

static HANDED_OUT: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port on 127.0.0.1 that was free a moment ago and that this process has not handed out before.
///
/// # Errors
/// When no free one is found.
pub fn free_port() -> Result<u16> {
    let mut handed_out = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..1000 {
        // Random, so that test processes which run side by side do not ask for the same one.
        let candidate =
            RANGE.start + u16::try_from(uuid::Uuid::new_v4().as_u128() % RANGE.len() as u128)?;
        if !handed_out.contains(&candidate)
            && TcpListener::bind((Ipv4Addr::LOCALHOST, candidate)).is_ok()
        {
            handed_out.insert(candidate);
            return Ok(candidate);
        }
    }
    bail!(
        "no free port on 127.0.0.1 between {} and {}",
        RANGE.start,
        RANGE.end
    )
}
