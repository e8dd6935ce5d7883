//! What is remembered of the addresses that calls are refused to: how many keys that nobody knows they may still try, and
//! how many refusals are not in the log yet. Both are bounded, however many addresses there are and however often they
//! call.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tonic::Code;

/// Unknown keys that an address may try at once, and each second after that. Each is a look into the database.
const BURST: f64 = 200.0;
const A_SECOND: f64 = 20.0;
/// Addresses that are remembered.
const MOST: usize = 10_000;
/// The time between two lines in the log about one address.
const INTERVAL: Duration = Duration::from_secs(10);

/// Where a call comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// See the module.
#[derive(Debug, Default)]
pub struct Peers {
    tries: Mutex<HashMap<IpAddr, Tries>>,
    refusals: Mutex<HashMap<(IpAddr, Code), Refusals>>,
}

#[derive(Debug)]
struct Tries {
    left: f64,
    at: Instant,
}

#[derive(Debug)]
struct Refusals {
    /// When the last line was written.
    told: Instant,
    /// Refusals since.
    count: u64,
    last: SocketAddr,
    method: String,
}

impl Peers {
    /// Takes one of the tries that an address has for keys that nobody knows; false where it has none left. Who calls from
    /// where cannot be told may always.
    pub fn try_key(&self, peer: Option<Peer>, now: Instant) -> bool {
        let Some(Peer(address)) = peer else { return true };
        let mut table = lock(&self.tries);
        if table.len() >= MOST {
            // Whoever has all its tries again is as good as unknown.
            table.retain(|_, tries| tries.at_moment(now) < BURST);
        }
        if table.len() >= MOST {
            table.clear();
        }
        let tries = table.entry(group(address.ip())).or_insert(Tries { left: BURST, at: now });
        let left = tries.at_moment(now) - 1.0;
        let may = left >= 0.0;
        *tries = Tries { left: if may { left } else { left + 1.0 }, at: now };
        may
    }

    /// The key turned out to be one: the try is given back.
    pub fn not_in_vain(&self, peer: Option<Peer>) {
        let Some(Peer(address)) = peer else { return };
        if let Some(tries) = lock(&self.tries).get_mut(&group(address.ip())) {
            tries.left = (tries.left + 1.0).min(BURST);
        }
    }

    /// Writes a refusal to the log: the first one of an address at once, the next ones together.
    pub fn refused(&self, peer: Option<Peer>, code: Code, method: &str, now: Instant) {
        let Some(Peer(address)) = peer else {
            tracing::info!(?code, rpc.method = method, "a call was refused");
            return;
        };
        let mut table = lock(&self.refusals);
        if let Some(known) = table.get_mut(&(group(address.ip()), code)) {
            known.count += 1;
            known.last = address;
            if known.method != method {
                method.clone_into(&mut known.method);
            }
            if now.duration_since(known.told) >= INTERVAL {
                known.tell(code, now);
            }
            return;
        }
        if table.len() >= MOST {
            tell_all(&mut table, now, Duration::ZERO);
        }
        let mut new = Refusals { told: now, count: 1, last: address, method: method.to_owned() };
        new.tell(code, now);
        table.insert((group(address.ip()), code), new);
    }

    /// Writes what was not written yet: of those whose time has come, or of all.
    pub fn tell(&self, all: bool, now: Instant) {
        let since = if all { Duration::ZERO } else { INTERVAL };
        tell_all(&mut lock(&self.refusals), now, since);
    }
}

/// Tells of those that were told of so long ago, and forgets those of which there is nothing to tell.
fn tell_all(table: &mut HashMap<(IpAddr, Code), Refusals>, now: Instant, since: Duration) {
    table.retain(|(_, code), refusals| {
        if now.duration_since(refusals.told) < since {
            return true;
        }
        let more = refusals.count > 0;
        if more {
            refusals.tell(*code, now);
        }
        more && !since.is_zero()
    });
}

impl Refusals {
    fn tell(&mut self, code: Code, now: Instant) {
        let (address, count, method) = (self.last, self.count, self.method.as_str());
        tracing::info!(
            client.address = %address,
            ?code,
            count,
            rpc.method = method,
            "calls from {address} were refused: {count} times {code:?}, last {method}"
        );
        self.told = now;
        self.count = 0;
    }
}

impl Tries {
    fn at_moment(&self, now: Instant) -> f64 {
        (self.left + now.duration_since(self.at).as_secs_f64() * A_SECOND).min(BURST)
    }
}

/// Who has one IPv6 address has a whole network of them.
pub fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        four => four,
    }
}

/// No code that can panic runs while it is held, so a poisoned lock holds a whole table.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Peer> {
        Some(Peer(text.parse().unwrap()))
    }

    #[test]
    fn who_tries_too_many_keys_must_wait_and_nobody_else() {
        let peers = Peers::default();
        let (a, neighbour, other) = (peer("[2001:db8::1]:7"), peer("[2001:db8::2]:9"), peer("10.0.0.1:7"));
        let now = Instant::now();
        for _ in 0..BURST as usize {
            assert!(peers.try_key(a, now));
        }
        assert!(!peers.try_key(a, now) && !peers.try_key(neighbour, now));
        assert!(peers.try_key(other, now) && peers.try_key(peer("[2001:db8:0:1::1]:7"), now));
        assert!(peers.try_key(None, now));
        peers.not_in_vain(a);
        assert!(peers.try_key(a, now) && !peers.try_key(a, now));
        let now = now + Duration::from_millis(110);
        assert!(peers.try_key(a, now) && peers.try_key(neighbour, now));
        assert!(!peers.try_key(a, now), "2.2 came back and 2 were used");
        assert!(peers.try_key(a, now + Duration::from_secs(60)));
        assert_eq!(group("::ffff:10.0.0.1".parse().unwrap()), group("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_tables_stay_bounded() {
        let peers = Peers::default();
        let now = Instant::now();
        for n in 0..3 * MOST as u32 {
            let address = Some(Peer((std::net::Ipv4Addr::from(n), 1).into()));
            peers.try_key(address, now);
            peers.refused(address, Code::Unauthenticated, "A/B", now);
        }
        assert!(lock(&peers.tries).len() <= MOST);
        assert!(lock(&peers.refusals).len() <= MOST);
        peers.tell(false, now + INTERVAL);
        assert_eq!(lock(&peers.refusals).len(), 0, "nothing more to tell");
        peers.refused(peer("10.0.0.1:7"), Code::Unauthenticated, "A/B", now);
        peers.refused(peer("10.0.0.1:8"), Code::Unauthenticated, "A/C", now);
        assert_eq!(lock(&peers.refusals).values().map(|r| r.count).sum::<u64>(), 1);
        peers.tell(true, now);
        assert_eq!(lock(&peers.refusals).len(), 0);
    }
}
