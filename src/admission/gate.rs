//! A gate: so many may be inside at once, shared by class and by key (a tenant). Those who wait are let in as others
//! leave: the classes in turn, in a class the keys in turn, of a key the one that has waited longest.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use crate::error::{Error, Result};

/// What a class may have.
#[derive(Clone, Debug)]
pub struct Share {
    /// Places that no other class takes.
    pub own: usize,
    /// The most that are inside at once.
    pub most: usize,
    /// The most of one key that are inside at once.
    pub each: usize,
    /// The most of one key that wait.
    pub lane: usize,
    /// The most that wait.
    pub queue: usize,
    /// The longest that one waits.
    pub patience: Duration,
}

/// What tells those who share from each other.
pub trait Key: Clone + Debug + Eq + Hash {}

impl<T: Clone + Debug + Eq + Hash> Key for T {}

/// See the module.
#[derive(Debug)]
pub struct Gate<K: Key = Uuid> {
    total: usize,
    shares: Vec<Share>,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K: Key> {
    inside: usize,
    classes: Vec<Class<K>>,
    /// The class that is looked at first when a place is free.
    next: usize,
}

#[derive(Debug)]
struct Class<K: Key> {
    inside: usize,
    /// Those in the lanes; some may have gone without a word.
    waiting: usize,
    lanes: HashMap<K, Lane<K>>,
    /// The keys of which some wait, in turn.
    turns: VecDeque<K>,
}

#[derive(Debug)]
struct Lane<K: Key> {
    inside: usize,
    waiting: VecDeque<oneshot::Sender<Pass<K>>>,
}

impl<K: Key> Default for Class<K> {
    fn default() -> Self {
        Self { inside: 0, waiting: 0, lanes: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<K: Key> Default for Lane<K> {
    fn default() -> Self {
        Self { inside: 0, waiting: VecDeque::new() }
    }
}

/// A place inside, for as long as it is kept.
#[derive(Debug)]
pub struct Pass<K: Key = Uuid> {
    gate: Arc<Gate<K>>,
    class: usize,
    key: K,
}

impl<K: Key> Drop for Pass<K> {
    fn drop(&mut self) {
        self.gate.leave(self.class, &self.key);
    }
}

impl<K: Key> Gate<K> {
    /// With that many places in all.
    pub fn new(total: usize, shares: Vec<Share>) -> Self {
        let classes = shares.iter().map(|_| Class::default()).collect();
        Self { total, shares, state: Mutex::new(State { inside: 0, classes, next: 0 }) }
    }

    /// Waits for a place. EXHAUSTED where too many wait already, or where none came free for too long.
    pub async fn enter(self: &Arc<Self>, class: usize, key: K, deadline: Instant) -> Result<Pass<K>> {
        let share = &self.shares[class];
        let waits = {
            let mut state = self.state();
            if self.has_place(&state, class) && state.classes[class].inside_of(&key) < share.each {
                return Ok(self.admit(&mut state, class, key));
            }
            state.classes[class].queue(share, key)?
        };
        let patience = Instant::now() + share.patience;
        match tokio::time::timeout_at(deadline.min(patience), waits).await {
            Ok(Ok(pass)) => Ok(pass),
            Err(_) if deadline <= patience => Err(Error::DeadlineExceeded),
            _ => Err(Error::Exhausted("others are before this call; retry a little later")),
        }
    }

    /// How many are inside and how many wait, in a class.
    pub fn load(&self, class: usize) -> (usize, usize) {
        let state = self.state();
        (state.classes[class].inside, state.classes[class].waiting)
    }

    fn leave(self: &Arc<Self>, class: usize, key: &K) {
        let mut let_in = Vec::new();
        {
            let mut state = self.state();
            state.inside -= 1;
            state.classes[class].leave(key);
            self.let_in(&mut state, &mut let_in);
        }
        // Outside of the lock: the pass of one who went in this very moment comes back at once.
        for (waits, pass) in let_in {
            let _ = waits.send(pass);
        }
    }

    fn let_in(self: &Arc<Self>, state: &mut State<K>, into: &mut Vec<(oneshot::Sender<Pass<K>>, Pass<K>)>) {
        let classes = state.classes.len();
        let mut idle = 0;
        while idle < classes {
            let class = state.next;
            state.next = (class + 1) % classes;
            match self.next_of(state, class) {
                Some((waits, key)) => {
                    into.push((waits, self.admit(state, class, key)));
                    idle = 0;
                }
                None => idle += 1,
            }
        }
    }

    /// Who is next in a class, if it may come in.
    fn next_of(&self, state: &mut State<K>, class: usize) -> Option<(oneshot::Sender<Pass<K>>, K)> {
        if !self.has_place(state, class) {
            return None;
        }
        let each = self.shares[class].each;
        let class = &mut state.classes[class];
        // Every key once: one that has all it may have is passed over, and keeps its turn among its like.
        for _ in 0..class.turns.len() {
            let key = class.turns.pop_front()?;
            let Some(lane) = class.lanes.get_mut(&key) else { continue };
            let mut found = None;
            if lane.inside < each {
                while found.is_none()
                    && let Some(waits) = lane.waiting.pop_front()
                {
                    class.waiting -= 1;
                    found = (!waits.is_closed()).then_some(waits);
                }
            }
            if !lane.waiting.is_empty() {
                class.turns.push_back(key.clone());
            } else if lane.inside == 0 && found.is_none() {
                class.lanes.remove(&key);
            }
            if let Some(waits) = found {
                return Some((waits, key));
            }
        }
        None
    }

    /// Whether a class may have one more: those of its own it always may, others as long as all classes can still have
    /// theirs.
    fn has_place(&self, state: &State<K>, class: usize) -> bool {
        let (share, inside) = (&self.shares[class], state.classes[class].inside);
        if inside >= share.most || state.inside >= self.total {
            return false;
        }
        let others = self.shares.iter().zip(&state.classes).enumerate().filter(|(i, _)| *i != class);
        let owed: usize = others.map(|(_, (share, class))| share.own.saturating_sub(class.inside)).sum();
        inside < share.own || self.total - state.inside > owed
    }

    fn admit(self: &Arc<Self>, state: &mut State<K>, class: usize, key: K) -> Pass<K> {
        state.inside += 1;
        state.classes[class].inside += 1;
        state.classes[class].lanes.entry(key.clone()).or_default().inside += 1;
        Pass { gate: Arc::clone(self), class, key }
    }

    /// No code that can panic runs while it is held.
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Class<K> {
    fn inside_of(&self, key: &K) -> usize {
        self.lanes.get(key).map_or(0, |lane| lane.inside)
    }

    fn queue(&mut self, share: &Share, key: K) -> Result<oneshot::Receiver<Pass<K>>> {
        let waiting_of = |class: &Self| class.lanes.get(&key).map_or(0, |lane| lane.waiting.len());
        if self.waiting >= share.queue || waiting_of(self) >= share.lane {
            self.forget_gone();
        }
        if self.waiting >= share.queue || waiting_of(self) >= share.lane {
            return Err(Error::Exhausted("too many calls like this one wait already; retry a little later"));
        }
        let (waits, place) = oneshot::channel();
        let lane = self.lanes.entry(key.clone()).or_default();
        if lane.waiting.is_empty() {
            self.turns.push_back(key);
        }
        lane.waiting.push_back(waits);
        self.waiting += 1;
        Ok(place)
    }

    fn leave(&mut self, key: &K) {
        self.inside -= 1;
        let Some(lane) = self.lanes.get_mut(key) else { return };
        lane.inside -= 1;
        if lane.inside == 0 && lane.waiting.is_empty() {
            self.lanes.remove(key);
        }
    }

    /// Makes room of those who do not wait any more.
    fn forget_gone(&mut self) {
        self.lanes.retain(|_, lane| {
            lane.waiting.retain(|waits| !waits.is_closed());
            lane.inside > 0 || !lane.waiting.is_empty()
        });
        self.waiting = self.lanes.values().map(|lane| lane.waiting.len()).sum();
        let lanes = &self.lanes;
        self.turns.retain(|key| lanes.get(key).is_some_and(|lane| !lane.waiting.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, pin::Pin, task::Poll};

    use futures_util::poll;
    use proptest::prelude::*;

    use super::*;

    fn share(own: usize, most: usize, each: usize) -> Share {
        Share { own, most, each, lane: 4, queue: 6, patience: Duration::from_secs(5) }
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    type Waits<'a> = Pin<Box<dyn Future<Output = Result<Pass<u8>>> + 'a>>;

    /// Asks once; who has to wait is given back.
    async fn ask(gate: &Arc<Gate<u8>>, class: usize, key: u8) -> Result<Result<Pass<u8>>, Waits<'_>> {
        let mut waits: Waits<'_> = Box::pin(gate.enter(class, key, later()));
        match poll!(waits.as_mut()) {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Err(waits),
        }
    }

    #[tokio::test]
    async fn what_is_a_class_s_own_is_taken_by_no_other() {
        let gate = Arc::new(Gate::new(4, vec![share(2, 4, 4), share(1, 4, 4)]));
        let mut inside = Vec::new();
        for _ in 0..2 {
            inside.push(ask(&gate, 1, 1).await.ok().unwrap().unwrap());
        }
        let waits = ask(&gate, 1, 1).await.err().unwrap();
        let own: Vec<_> = [ask(&gate, 0, 1).await.ok().unwrap(), ask(&gate, 0, 1).await.ok().unwrap()].into();
        assert!(own.iter().all(Result::is_ok));
        assert!(ask(&gate, 0, 1).await.is_err(), "all four are taken");
        // The one that was asked for in vain has gone; the place is for who waits.
        drop(own);
        drop(inside);
        let _late = waits.await.unwrap();
        assert_eq!((gate.load(0), gate.load(1)), ((0, 0), (1, 0)));
    }

    #[tokio::test]
    async fn keys_take_turns_and_none_has_all() {
        let gate = Arc::new(Gate::new(2, vec![share(0, 2, 1)]));
        let first = ask(&gate, 0, 7).await.ok().unwrap().unwrap();
        // One key may have one place, however many wait for it; the other place is somebody else's.
        let mut many = Vec::new();
        for _ in 0..3 {
            many.push(ask(&gate, 0, 7).await.err().unwrap());
        }
        let other = ask(&gate, 0, 8).await.ok().unwrap().unwrap();
        let mut next_other = ask(&gate, 0, 8).await.err().unwrap();
        drop(other);
        let other = poll!(next_other.as_mut());
        assert!(matches!(other, Poll::Ready(Ok(_))), "it did not wait behind the three");
        assert!(poll!(many[0].as_mut()).is_pending());
        drop(first);
        assert!(matches!(poll!(many[0].as_mut()), Poll::Ready(Ok(_))), "in the order of their coming");
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_number_and_time() {
        let patience = Duration::from_millis(300);
        let gate = Arc::new(Gate::new(1, vec![Share { patience, ..share(0, 1, 1) }]));
        let _inside = ask(&gate, 0, 0).await.ok().unwrap().unwrap();
        let mut waiting = Vec::new();
        for key in [1, 1, 1, 1, 2, 2] {
            waiting.push(ask(&gate, 0, key).await.err().unwrap());
        }
        for key in [1, 3] {
            assert!(
                matches!(ask(&gate, 0, key).await, Ok(Err(Error::Exhausted(_)))),
                "its lane or all are full"
            );
        }
        // Who has gone makes room.
        waiting.truncate(3);
        waiting.push(ask(&gate, 0, 3).await.err().unwrap());
        let before = Instant::now();
        assert!(matches!(waiting.pop().unwrap().await, Err(Error::Exhausted(_))));
        assert!(before.elapsed() > patience / 2);
        let soon = Instant::now() + Duration::from_millis(30);
        assert!(matches!(gate.enter(0, 9, soon).await, Err(Error::DeadlineExceeded)));
    }

    proptest! {
        /// Whatever comes, goes and gives up in whatever order: no bound is broken, no place is lost, nobody who may come
        /// in waits, and nothing is remembered of those who have gone.
        #[test]
        fn no_place_is_lost(moves in prop::collection::vec((0usize..3, 0u8..3, 0u8..4), 1..120)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let shares = vec![share(1, 5, 3), share(1, 2, 1), share(0, 5, 4)];
                let gate = Arc::new(Gate::new(5, shares));
                let (mut inside, mut waiting) = (Vec::new(), Vec::new());
                for (class, key, what) in moves {
                    match what {
                        0 | 1 => match ask(&gate, class, key).await {
                            Ok(Ok(pass)) => inside.push(pass),
                            Ok(Err(_)) => {}
                            Err(waits) => waiting.push(waits),
                        },
                        2 if !inside.is_empty() => drop(inside.swap_remove(usize::from(key) % inside.len())),
                        3 if !waiting.is_empty() => drop(waiting.swap_remove(usize::from(key) % waiting.len())),
                        _ => {}
                    }
                    let mut still = Vec::new();
                    for mut waits in waiting {
                        match poll!(waits.as_mut()) {
                            Poll::Ready(pass) => inside.push(pass.unwrap()),
                            Poll::Pending => still.push(waits),
                        }
                    }
                    waiting = still;
                    let state = gate.state();
                    prop_assert_eq!(state.inside, inside.len());
                    prop_assert!(state.inside <= gate.total);
                    for (class, (share, now)) in gate.shares.iter().zip(&state.classes).enumerate() {
                        prop_assert!(now.inside <= share.most && now.waiting <= share.queue);
                        let turns: HashSet<u8> = now.turns.iter().copied().collect();
                        prop_assert_eq!(turns.len(), now.turns.len());
                        for (key, lane) in &now.lanes {
                            prop_assert!(lane.inside <= share.each);
                            prop_assert_eq!(turns.contains(key), !lane.waiting.is_empty());
                            let wants = lane.waiting.iter().any(|w| !w.is_closed()) && lane.inside < share.each;
                            prop_assert!(!(wants && gate.has_place(&state, class)), "one waits for nothing");
                        }
                    }
                    let own: usize = gate.shares.iter().zip(&state.classes)
                        .map(|(share, now)| share.own.max(now.inside)).sum();
                    prop_assert!(own <= gate.total, "a class lost what is its own");
                }
                drop(waiting);
                drop(inside);
                let mut state = gate.state();
                state.classes.iter_mut().for_each(Class::forget_gone);
                prop_assert_eq!(state.inside, 0);
                prop_assert!(state.classes.iter().all(|c| c.lanes.is_empty() && c.turns.is_empty()));
                Ok(())
            })?;
        }
    }
}
