//! Admission before the work: who may have a connection, or a processor for long, and who waits until there is one.
//!
//! Calls are of [`Class`]es. Each class has places of its own that no other takes, and more as long as others leave
//! them; what weighs on the database or on the processors has few. In a class tenants take turns, and none has all of
//! it. So there is never a call that waits at the pool itself, and whoever fills its own queue fills nobody else's.
//!
//! What waits is bounded in number and in time. Who cannot be served is told so (OVERLOADED) and when to come back.

mod gate;
pub mod pace;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use uuid::Uuid;

pub use gate::{Gate, Pass, Share};

use crate::error::Result;
use pace::Hurry;

/// What a call weighs and who must not wait for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Looking up API keys: every other call begins with it.
    Key,
    /// Sittings and submissions: people wait, and an exam ends.
    Submission,
    /// What the service does by itself.
    Background,
    /// Everything else: a few single rows, or a page of them.
    Normal,
    /// Statistics over all attempts of an exam.
    Statistics,
    /// Imports and assembly: whole banks.
    Building,
}

impl Class {
    /// Every class, in the order in which they are served.
    pub const ALL: [Self; 6] =
        [Self::Key, Self::Submission, Self::Background, Self::Normal, Self::Statistics, Self::Building];

    /// The class of a method. What is in neither list is normal: whoever adds a method that reads or writes as much as
    /// there is adds it here.
    pub fn of(method: &str) -> Self {
        if SUBMISSIONS.contains(&method) {
            Self::Submission
        } else if STATISTICS.contains(&method) {
            Self::Statistics
        } else if BUILDING.contains(&method) {
            Self::Building
        } else {
            Self::Normal
        }
    }

    /// Whether it takes the database or a processor for long.
    pub fn is_heavy(self) -> bool {
        matches!(self, Self::Statistics | Self::Building)
    }
}

const SUBMISSIONS: [&str; 8] = [
    "DeliveryService/StartAttempt",
    "DeliveryService/GetAttempt",
    "DeliveryService/SaveResponses",
    "DeliveryService/SubmitAttempt",
    "DeliveryService/ReportSittingEvents",
    "DeliveryService/GetReleasedResult",
    "DeliveryService/ScoreSubmission",
    "DeliveryService/BatchScoreSubmissions",
];

const STATISTICS: [&str; 3] =
    ["ResultService/GetExamSummary", "ResultService/GetItemAnalysis", "GradingService/PreviewRegrade"];

const BUILDING: [&str; 3] = [
    "QuestionBankService/ImportQuestions",
    "AssemblyService/CheckBlueprint",
    "AssemblyService/AssembleForms",
];

/// The longest that a short call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that a heavy call waits for its turn.
const HEAVY_PATIENCE: Duration = Duration::from_secs(15);
/// The longest that an import waits for the one before it into the same bank.
const TURN_PATIENCE: Duration = Duration::from_secs(60);

/// The gates of a process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Admission {
    connections: Arc<Gate<Uuid>>,
    processors: Arc<Gate<Uuid>>,
    turns: Arc<Gate<(Uuid, String)>>,
    hurry: Hurry,
}

impl Admission {
    /// For a pool of that many connections that are taken in turn, on a machine with that many processors.
    pub fn new(connections: usize, processors: usize) -> Self {
        let turn =
            Share { own: 0, most: usize::MAX, each: 1, lane: 32, queue: 1024, patience: TURN_PATIENCE };
        // Never all processors for pure work: the threads that serve calls need theirs.
        let at_once = (processors / 2).max(1);
        let work = Share {
            own: 0,
            most: at_once,
            each: at_once.div_ceil(2),
            lane: 64,
            queue: 256,
            patience: HEAVY_PATIENCE,
        };
        Self {
            connections: Arc::new(Gate::new(connections, shares(connections, processors))),
            processors: Arc::new(Gate::new(at_once, vec![work])),
            turns: Arc::new(Gate::new(usize::MAX, vec![turn])),
            hurry: Hurry::default(),
        }
    }

    /// Waits until a connection may be taken.
    pub async fn connection(&self, class: Class, tenant: Uuid, deadline: Instant) -> Result<Pass> {
        self.note(class);
        self.connections.enter(class as usize, tenant, deadline).await
    }

    /// Says that work of that class begins on a connection that was not asked for here.
    pub fn note(&self, class: Class) {
        if matches!(class, Class::Key | Class::Submission | Class::Normal) {
            self.hurry.note();
        }
    }

    /// What a read of everything gives way to.
    pub fn hurry(&self) -> &Hurry {
        &self.hurry
    }

    /// Does pure work that takes its time on a thread of its own, as soon as a processor may be taken for it. It goes on
    /// to its end, and counts until then, even where nobody waits for it any more.
    pub async fn aside<T: Send + 'static>(
        &self,
        tenant: Uuid,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let pass = self.processors.enter(0, tenant, deadline).await?;
        let work = move || {
            let _until_done = pass;
            work()
        };
        pace::behind(work).await
    }

    /// Waits for the turn at what only one can do at a time, such as an import into a bank: here, not at the lock of its
    /// row, which would hold a connection. The lock stays what keeps several processes apart.
    pub async fn turn(&self, tenant: Uuid, what: String, deadline: Instant) -> Result<Pass<(Uuid, String)>> {
        self.turns.enter(0, (tenant, what), deadline).await
    }
}

/// The share of each class in that many connections, by its number.
fn shares(connections: usize, processors: usize) -> Vec<Share> {
    // Places that nobody else takes; none where there are not enough for all.
    let own: [usize; 6] = match connections {
        13.. => [1, 2, 1, 2, 1, 1],
        5.. => [1, 1, 0, 1, 0, 0],
        _ => [0; 6],
    };
    // A statement that reads everything keeps one processor of the database busy, and that is mostly the same machine.
    let heavy = (processors / 2).clamp(1, (connections / 4).max(1)).max(if connections >= 5 { 2 } else { 1 });
    let share = |class: Class| {
        let (most, each) = match class {
            Class::Key => (connections, connections),
            Class::Background => (connections.div_ceil(4), connections),
            Class::Submission | Class::Normal => (connections, (connections - connections / 4).max(1)),
            Class::Statistics | Class::Building => (heavy, (heavy / 2).max(1)),
        };
        let (lane, queue, patience) =
            if class.is_heavy() { (64, 256, HEAVY_PATIENCE) } else { (1024, 4096, PATIENCE) };
        Share { own: own[class as usize], most, each, lane, queue, patience }
    };
    Class::ALL.map(share).into()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::error::Error;

    #[test]
    fn the_classes_name_methods_of_the_protocol() {
        let set = prost_types::FileDescriptorSet::decode(crate::pb::DESCRIPTORS).unwrap();
        let services = set.file.iter().flat_map(|f| &f.service);
        let methods: Vec<String> =
            services.flat_map(|s| s.method.iter().map(|m| format!("{}/{}", s.name(), m.name()))).collect();
        for listed in SUBMISSIONS.iter().chain(&STATISTICS).chain(&BUILDING) {
            assert!(methods.iter().any(|m| m == listed), "{listed} is no method");
        }
        // What reads or writes as much as there is says so by its name.
        let words = ["Import", "Export", "Assemble", "Analysis", "Summary", "Preview", "Calibrate"];
        for method in methods.iter().filter(|m| words.iter().any(|word| m.contains(word))) {
            // Of what an import found a page is read.
            let page = method.contains("/List") || method.contains("/Get") && method.contains("Import");
            assert!(page || Class::of(method).is_heavy(), "{method} is not heavy");
        }
        assert!(methods.iter().any(|m| Class::of(m) == Class::Normal));
    }

    #[test]
    fn shares_fit_pools_of_every_size() {
        for connections in 1..=200 {
            for processors in [1, 2, 3, 8, 64] {
                let shares = shares(connections, processors);
                let own: usize = shares.iter().map(|s| s.own).sum();
                assert!(own <= connections, "{connections}: {own} are somebody's own");
                for share in &shares {
                    assert!(share.most >= share.own.max(1) && share.each >= 1, "{connections}: {share:?}");
                    assert!(share.lane <= share.queue);
                }
                let heavy: usize =
                    Class::ALL.iter().filter(|c| c.is_heavy()).map(|c| shares[*c as usize].most).sum();
                assert!(heavy <= (connections / 2).max(4), "{connections}: {heavy} heavy ones");
                if connections >= 5 {
                    // One tenant's heavy calls and normal calls leave room for another's.
                    for class in [Class::Submission, Class::Normal, Class::Statistics, Class::Building] {
                        let share = &shares[class as usize];
                        assert!(share.each < share.most, "{connections} {class:?}: {share:?}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn work_aside_is_bounded_and_counts_until_it_is_done() {
        let admission = Admission::new(4, 2);
        let (tenant, deadline) = (Uuid::nil(), Instant::now() + Duration::from_secs(20));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let admission = admission.clone();
            async move { admission.aside(tenant, deadline, move || held.recv()).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        // Its caller has gone, its thread has not.
        first.abort();
        let soon = Instant::now() + Duration::from_millis(50);
        assert!(matches!(admission.aside(tenant, soon, || ()).await, Err(Error::DeadlineExceeded)));
        release.send(()).unwrap();
        admission.aside(tenant, deadline, || ()).await.unwrap();
    }
}
