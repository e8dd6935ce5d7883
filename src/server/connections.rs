//! The connections of one server: how many there may be, in all and from one address, and which one goes when there is no
//! room. A connection on which nothing is under way never keeps a new one out: the one that has been quiet longest makes
//! room, first of all one that has not asked for anything yet.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::edge::peers::group;

/// See the module.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    most_of_one: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Life>>,
    by_address: HashMap<IpAddr, usize>,
}

/// What is asked of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Nothing: it goes on.
    Stay = 0,
    /// It takes no new calls, and ends with those that are under way.
    Leave = 1,
    /// It ends at once.
    Close = 2,
}

/// The life of one connection.
#[derive(Debug)]
pub struct Life {
    address: IpAddr,
    since: Instant,
    /// Calls under way, answers that are being written included.
    calls: AtomicUsize,
    /// Some call came.
    begun: AtomicBool,
    /// Since when nothing is under way, in milliseconds of its life.
    quiet: AtomicU64,
    wish: AtomicU8,
    wished: Notify,
}

/// The place of a connection among all of them; free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    number: u64,
    /// Its life.
    pub life: Arc<Life>,
}

impl Connections {
    /// Up to `most`, and up to `most_of_one` from one address.
    pub fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), most_of_one: most_of_one.max(1), open: Mutex::default() })
    }

    /// A place for a connection from that address; none where all places are taken by connections that are busy.
    pub fn enter(self: &Arc<Self>, address: SocketAddr) -> Option<Place> {
        let address = group(address.ip());
        let mut open = self.open();
        let of_one = open.by_address.get(&address).copied().unwrap_or_default();
        if of_one >= self.most_of_one {
            open.make_room(Some(address))?;
        } else if open.all.len() >= self.most {
            open.make_room(None)?;
        }
        let number = open.next;
        open.next += 1;
        let life = Arc::new(Life::new(address));
        open.all.insert(number, Arc::clone(&life));
        *open.by_address.entry(address).or_default() += 1;
        Some(Place { connections: Arc::clone(self), number, life })
    }

    /// Ends the connection that has been quiet longest, if any is quiet.
    pub fn make_room(&self) {
        self.open().make_room(None);
    }

    /// Asks all of them.
    pub fn ask_all(&self, wish: Wish) {
        for life in self.open().all.values() {
            life.ask(wish);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.open().all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No code that can panic runs while it is held, so a poisoned lock holds a whole table.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn make_room(&mut self, of: Option<IpAddr>) -> Option<()> {
        let quiet = self.all.iter().filter(|(_, life)| of.is_none_or(|address| life.address == address));
        let quiet = quiet.filter(|(_, life)| life.calls.load(Ordering::Relaxed) == 0);
        let (number, life) = quiet.min_by_key(|(_, life)| (life.has_begun(), life.quiet_since()))?;
        // Who has asked for something before is told, so that it goes elsewhere without an error.
        life.ask(if life.has_begun() { Wish::Leave } else { Wish::Close });
        let number = *number;
        self.remove(number);
        Some(())
    }

    fn remove(&mut self, number: u64) {
        let Some(life) = self.all.remove(&number) else { return };
        if let Some(count) = self.by_address.get_mut(&life.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&life.address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(self.number);
    }
}

impl Life {
    fn new(address: IpAddr) -> Self {
        Self {
            address,
            since: Instant::now(),
            calls: AtomicUsize::new(0),
            begun: AtomicBool::new(false),
            quiet: AtomicU64::new(0),
            wish: AtomicU8::new(Wish::Stay as u8),
            wished: Notify::new(),
        }
    }

    /// A call begins; it ends when what is returned is dropped.
    pub fn call(self: &Arc<Self>) -> Call {
        if !self.has_begun() {
            self.begun.store(true, Ordering::Relaxed);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Call(Arc::clone(self))
    }

    /// Whether some call came.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Since when nothing is under way; none while something is.
    pub fn quiet(&self) -> Option<Instant> {
        (self.calls.load(Ordering::Relaxed) == 0).then(|| self.quiet_since())
    }

    fn quiet_since(&self) -> Instant {
        self.since + Duration::from_millis(self.quiet.load(Ordering::Relaxed))
    }

    /// Asks it; a wish for more than was asked before counts.
    pub fn ask(&self, wish: Wish) {
        self.wish.fetch_max(wish as u8, Ordering::Relaxed);
        self.wished.notify_one();
    }

    /// Resolves when something is asked of it, with the most that was.
    pub async fn asked(&self) -> Wish {
        self.wished.notified().await;
        match self.wish.load(Ordering::Relaxed) {
            0 => Wish::Stay,
            1 => Wish::Leave,
            _ => Wish::Close,
        }
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Call(Arc<Life>);

impl Drop for Call {
    fn drop(&mut self) {
        let life = &self.0;
        if life.calls.load(Ordering::Relaxed) == 1 {
            let millis = u64::try_from(life.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            life.quiet.store(millis, Ordering::Relaxed);
        }
        life.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> SocketAddr {
        format!("{address}:9").parse().unwrap()
    }

    fn wish(place: &Place) -> u8 {
        place.life.wish.load(Ordering::Relaxed)
    }

    #[test]
    fn the_one_that_was_quiet_longest_makes_room() {
        let connections = Connections::new(3, 3);
        let one = connections.enter(from("10.0.0.1")).unwrap();
        drop(one.life.call());
        std::thread::sleep(Duration::from_millis(5));
        let two = connections.enter(from("10.0.0.2")).unwrap();
        let busy = connections.enter(from("10.0.0.3")).unwrap();
        let call = busy.life.call();
        // The second one is younger, but has never asked for anything.
        let four = connections.enter(from("10.0.0.4")).unwrap();
        assert_eq!([&one, &two, &busy].map(wish), [0, 2, 0]);
        let call_of_four = four.life.call();
        let five = connections.enter(from("10.0.0.5")).unwrap();
        assert_eq!([&one, &two, &busy, &four].map(wish), [1, 2, 0, 0]);
        let _busy_too = five.life.call();
        assert!(connections.enter(from("10.0.0.6")).is_none(), "all are busy");
        drop(call_of_four);
        assert!(connections.enter(from("10.0.0.6")).is_some());
        assert_eq!(wish(&four), 1);
        drop((call, one, two, busy, four, five));
        assert!(connections.is_empty());
        assert!(connections.open().by_address.is_empty());
    }

    #[test]
    fn one_address_takes_no_more_than_its_part() {
        let connections = Connections::new(10, 2);
        let other = connections.enter(from("10.0.0.9")).unwrap();
        let places: Vec<Place> = (0..5).map(|_| connections.enter(from("10.0.0.1")).unwrap()).collect();
        assert_eq!(connections.len(), 3);
        assert_eq!(wish(&other), 0, "another address makes no room");
        assert_eq!(places.iter().filter(|place| wish(place) == 2).count(), 3);
        let _calls: Vec<Call> = places.iter().map(|place| place.life.call()).collect();
        assert!(connections.enter(from("10.0.0.1")).is_none());
        assert!(connections.enter(from("10.0.0.2")).is_some());
        connections.ask_all(Wish::Leave);
        assert_eq!(places.iter().filter(|place| wish(place) == 1).count(), 2);
    }
}
