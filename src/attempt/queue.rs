//! The submissions of this process that wait to be stored: in order of arrival, taken in groups of one tenant, bounded
//! in number and in bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore, oneshot};
use uuid::Uuid;

use crate::error::{Error, Result};

use super::{submission_sql::Submission, writer::Answer};

/// What may wait at once, in units of a submission of up to [`UNIT`] bytes.
const ROOM: u32 = 2048;
/// Bytes that count as one submission; a larger one takes the room of several.
const UNIT: usize = 16 * 1024;

/// A submission with the call that waits for it.
#[derive(Debug)]
pub struct Job {
    /// Whose it is.
    pub tenant: Uuid,
    /// What is to be stored.
    pub submission: Submission,
    answer: oneshot::Sender<Answer>,
    /// Calls that brought the same while it waited; they get its answer.
    also: Vec<oneshot::Sender<Answer>>,
    /// The room that it has in the queue.
    held: u32,
}

impl Job {
    /// A submission that waits.
    pub fn new(tenant: Uuid, submission: Submission, answer: oneshot::Sender<Answer>) -> Self {
        Self { tenant, submission, answer, also: Vec::new(), held: 0 }
    }

    /// Answers whoever waits. A caller that has gone needs no answer; its submission stands. A refusal is for the first
    /// one only: the others are judged by themselves, by what is there then.
    pub fn answer(self, answer: Answer, queue: &Queue) {
        match &answer {
            Ok(stored) => {
                for other in self.also {
                    let _ = other.send(Ok(stored.clone()));
                }
            }
            Err(_) => {
                let mut others = self.also.into_iter();
                if let Some(next) = others.next() {
                    let mut job = Self::new(self.tenant, self.submission, next);
                    job.also = others.collect();
                    queue.put_back(job);
                }
            }
        }
        let _ = self.answer.send(answer);
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed() && self.also.iter().all(oneshot::Sender::is_closed)
    }

    fn needs(&self) -> u32 {
        let units = 1 + (self.submission.responses.len() + self.submission.marks.len()) / UNIT;
        u32::try_from(units).unwrap_or(ROOM).min(ROOM)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    room: Semaphore,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: Mutex::default(), room: Semaphore::new(ROOM as usize), arrived: Notify::new() }
    }
}

impl Queue {
    /// Adds a job, or refuses where there is no room.
    pub fn try_push(&self, mut job: Job) -> Result<()> {
        if !self.found_room(&mut job) {
            return Err(Error::Exhausted("too many submissions wait to be stored; retry a little later"));
        }
        self.add(job);
        Ok(())
    }

    /// Adds a job, as soon as there is room.
    pub async fn push(&self, mut job: Job) {
        // The semaphore is never closed, so there is always an answer.
        if let Ok(room) = self.room.acquire_many(job.needs()).await {
            room.forget();
            job.held = job.needs();
        }
        self.add(job);
    }

    fn found_room(&self, job: &mut Job) -> bool {
        let Ok(room) = self.room.try_acquire_many(job.needs()) else { return false };
        room.forget();
        job.held = job.needs();
        true
    }

    fn add(&self, job: Job) {
        self.waiting().jobs.push_back(job);
        self.arrived.notify_one();
    }

    /// What was taken before is judged again, before all others. It comes back even where there is no room: a writer
    /// that waited for room would wait for itself.
    fn put_back(&self, mut job: Job) {
        self.found_room(&mut job);
        self.waiting().jobs.push_front(job);
        self.arrived.notify_one();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting().jobs.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Resolves when something waits; `false` when nothing does and nothing will.
    pub async fn wait(&self) -> bool {
        loop {
            {
                let waiting = self.waiting();
                if !waiting.jobs.is_empty() {
                    return true;
                }
                if waiting.closed {
                    // One call wakes one writer, and the next must know as well.
                    self.arrived.notify_one();
                    return false;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Up to `most` jobs of the tenant that has waited longest (row-level security lets no transaction see two), each
    /// submission once. What nobody waits for any more is dropped: it was never acknowledged.
    pub fn take(&self, most: usize) -> Vec<Job> {
        let (mut group, mut later, mut freed) = (Vec::<Job>::new(), Vec::new(), 0);
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        let mut waiting = self.waiting();
        while group.len() < most
            && let Some(job) = waiting.jobs.pop_front()
        {
            let room = job.held as usize;
            if job.is_abandoned() {
                freed += room;
            } else if group.first().is_some_and(|first| first.tenant != job.tenant) {
                later.push(job);
            } else if let Some(at) = places.get(&job.submission.attempt) {
                // A repeat beside the first one: the same gets its answer, another one waits to be refused.
                let first = &mut group[*at];
                if first.submission.request_hash == job.submission.request_hash {
                    first.also.push(job.answer);
                    first.also.extend(job.also);
                    freed += room;
                } else {
                    later.push(job);
                }
            } else {
                freed += room;
                places.insert(job.submission.attempt, group.len());
                group.push(job);
            }
        }
        for job in later.into_iter().rev() {
            waiting.jobs.push_front(job);
        }
        let more = !waiting.jobs.is_empty();
        drop(waiting);
        self.room.add_permits(freed);
        if more {
            self.arrived.notify_one();
        }
        group
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.arrived.notify_one();
    }

    /// No code that can panic runs while it is held, so a poisoned lock holds a whole queue.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExamId;

    fn job(tenant: u128, attempt: u128, hash: u8, bytes: usize) -> (Job, oneshot::Receiver<Answer>) {
        let (answer, waits) = oneshot::channel();
        let submission = Submission {
            attempt: Uuid::from_u128(attempt),
            exam: ExamId::stored("x".to_owned()),
            candidate: "c".to_owned(),
            form: 0,
            state: 1,
            answered: 0,
            score: rust_decimal::Decimal::ZERO,
            awaiting: rust_decimal::Decimal::ZERO,
            actor: Uuid::nil(),
            request_hash: [hash; 16],
            responses: vec![0; bytes],
            marks: Vec::new(),
        };
        (Job::new(Uuid::from_u128(tenant), submission, answer), waits)
    }

    fn ids(group: &[Job]) -> Vec<u128> {
        group.iter().map(|job| job.submission.attempt.as_u128()).collect()
    }

    #[test]
    fn groups_are_of_one_tenant_and_the_longest_waiting_comes_first() {
        let queue = Queue::default();
        let mut waits = Vec::new();
        for (tenant, attempt) in [(1, 1), (2, 2), (1, 3), (2, 4), (1, 5)] {
            let (job, wait) = job(tenant, attempt, 0, 0);
            queue.try_push(job).unwrap();
            waits.push(wait);
        }
        assert_eq!(ids(&queue.take(2)), [1, 3]);
        assert_eq!(ids(&queue.take(9)), [2, 4]);
        assert_eq!(ids(&queue.take(9)), [5]);
        assert!(queue.is_empty());
        assert_eq!(queue.room.available_permits(), ROOM as usize);
    }

    #[test]
    fn a_repeat_gets_the_answer_of_the_first_and_a_reuse_waits() {
        let queue = Queue::default();
        let (first, _first) = job(1, 7, 1, 0);
        let (same, mut same_waits) = job(1, 7, 1, 0);
        let (other, _other) = job(1, 7, 2, 0);
        for job in [first, same, other] {
            queue.try_push(job).unwrap();
        }
        let mut group = queue.take(9);
        assert_eq!(ids(&group), [7]);
        assert_eq!(queue.len(), 1);
        // A refusal is for the first alone: the second is judged again.
        group.remove(0).answer(Err(Error::Collision), &queue);
        assert_eq!(queue.len(), 2);
        assert!(same_waits.try_recv().is_err());
        assert_eq!(ids(&queue.take(9)), [7]);
    }

    #[test]
    fn room_is_bounded_in_number_and_in_bytes() {
        let queue = Queue::default();
        let mut waits = Vec::new();
        let mut push = |attempt, bytes| {
            let (job, wait) = job(1, attempt, 0, bytes);
            waits.push(wait);
            queue.try_push(job).is_ok()
        };
        let half = UNIT * (ROOM as usize / 2 - 1);
        assert!(push(1, half));
        assert!(push(2, half));
        assert!(!push(3, 0), "full by bytes");
        queue.take(1);
        for attempt in 10..10 + u128::from(ROOM / 2) {
            assert!(push(attempt, 0));
        }
        assert!(!push(4, 0), "full by number");
        assert_eq!(queue.take(usize::MAX).len(), ROOM as usize / 2 + 1);
        assert_eq!(queue.room.available_permits(), ROOM as usize);
    }

    #[test]
    fn what_nobody_waits_for_is_dropped() {
        let queue = Queue::default();
        let (gone, waits) = job(1, 1, 0, 0);
        queue.try_push(gone).unwrap();
        drop(waits);
        assert!(queue.take(9).is_empty());
        assert_eq!(queue.room.available_permits(), ROOM as usize);
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_first_and_tells_every_writer() {
        let queue = Queue::default();
        let (last, _waits) = job(1, 1, 0, 0);
        queue.try_push(last).unwrap();
        queue.close();
        assert!(queue.wait().await);
        assert_eq!(queue.take(9).len(), 1);
        assert!(!queue.wait().await);
        assert!(!queue.wait().await);
    }
}
