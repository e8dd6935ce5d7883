//! The submissions of this process that wait to be stored: in order of arrival, taken in groups of one tenant, bounded
//! in number and in bytes. Tenants take turns, none has all the room, and streams, which wait for room, leave half of it
//! to calls, which are refused where there is none.

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
/// What one tenant's calls may have of it.
const EACH: u32 = ROOM / 4 * 3;
/// What streams may have of it.
const STREAMS: u32 = ROOM / 2;
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
    /// Whether that counts to the room of streams.
    streamed: bool,
}

impl Job {
    /// A submission that waits.
    pub fn new(tenant: Uuid, submission: Submission, answer: oneshot::Sender<Answer>) -> Self {
        Self { tenant, submission, answer, also: Vec::new(), held: 0, streamed: false }
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
    for_streams: Semaphore,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// The room that each tenant has.
    held: HashMap<Uuid, u32>,
    /// Whose the last group was.
    last: Option<Uuid>,
    closed: bool,
}

impl Waiting {
    fn free(&mut self, job: &Job) {
        if let Some(held) = self.held.get_mut(&job.tenant) {
            *held -= job.held;
            if *held == 0 {
                self.held.remove(&job.tenant);
            }
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            room: Semaphore::new(ROOM as usize),
            for_streams: Semaphore::new(STREAMS as usize),
            arrived: Notify::new(),
        }
    }
}

impl Queue {
    /// Adds a job, or refuses where there is no room.
    pub fn try_push(&self, mut job: Job) -> Result<()> {
        let has = self.waiting().held.get(&job.tenant).copied().unwrap_or_default();
        if has > 0 && has + job.needs() > EACH || !self.found_room(&mut job) {
            return Err(Error::Exhausted("too many submissions wait to be stored; retry a little later"));
        }
        self.add(job);
        Ok(())
    }

    /// Adds a job, as soon as there is room.
    pub async fn push(&self, mut job: Job) {
        let needs = job.needs().min(STREAMS);
        // The semaphores are never closed, so there is always an answer.
        if let Ok(share) = self.for_streams.acquire_many(needs).await
            && let Ok(room) = self.room.acquire_many(needs).await
        {
            share.forget();
            room.forget();
            (job.held, job.streamed) = (needs, true);
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
        let mut waiting = self.waiting();
        if job.held > 0 {
            *waiting.held.entry(job.tenant).or_default() += job.held;
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// What was taken before is judged again, before all others. It comes back even where there is no room: a writer
    /// that waited for room would wait for itself.
    fn put_back(&self, mut job: Job) {
        self.found_room(&mut job);
        let mut waiting = self.waiting();
        if job.held > 0 {
            *waiting.held.entry(job.tenant).or_default() += job.held;
        }
        waiting.jobs.push_front(job);
        drop(waiting);
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

    /// Up to `most` jobs of one tenant (row-level security lets no transaction see two), each submission once: of the
    /// tenant that has waited longest but for the one whose turn was last, if others wait. What nobody waits for any more is dropped: it was never acknowledged.
    pub fn take(&self, most: usize) -> Vec<Job> {
        let (mut group, mut later, mut freed, mut streamed) = (Vec::<Job>::new(), Vec::new(), 0, 0);
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        let mut waiting = self.waiting();
        let other = waiting.jobs.iter().find(|job| Some(job.tenant) != waiting.last);
        let Some(tenant) = other.or(waiting.jobs.front()).map(|job| job.tenant) else { return group };
        waiting.last = Some(tenant);
        let mut leaves = |waiting: &mut Waiting, job: &mut Job| {
            waiting.free(job);
            let room = std::mem::take(&mut job.held) as usize;
            freed += room;
            streamed += if job.streamed { room } else { 0 };
            job.streamed = false;
        };
        while group.len() < most
            && let Some(mut job) = waiting.jobs.pop_front()
        {
            if job.tenant != tenant {
                later.push(job);
            } else if job.is_abandoned() {
                leaves(&mut waiting, &mut job);
            } else if let Some(at) = places.get(&job.submission.attempt) {
                // A repeat beside the first one: the same gets its answer, another one waits to be refused.
                let first = &mut group[*at];
                if first.submission.request_hash == job.submission.request_hash {
                    leaves(&mut waiting, &mut job);
                    first.also.push(job.answer);
                    first.also.extend(job.also);
                } else {
                    later.push(job);
                }
            } else {
                leaves(&mut waiting, &mut job);
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
        self.for_streams.add_permits(streamed);
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
    fn groups_are_of_one_tenant_and_tenants_take_turns() {
        let queue = Queue::default();
        let mut waits = Vec::new();
        for (tenant, attempt) in [(1, 1), (2, 2), (1, 3), (2, 4), (1, 5)] {
            let (job, wait) = job(tenant, attempt, 0, 0);
            queue.try_push(job).unwrap();
            waits.push(wait);
        }
        assert_eq!(ids(&queue.take(1)), [1]);
        assert_eq!(ids(&queue.take(1)), [2], "whoever was not last");
        assert_eq!(ids(&queue.take(9)), [3, 5]);
        assert_eq!(ids(&queue.take(9)), [4]);
        assert!(queue.is_empty() && queue.waiting().held.is_empty());
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
        let mut push = |tenant, attempt, bytes| {
            let (job, wait) = job(tenant, attempt, 0, bytes);
            waits.push(wait);
            queue.try_push(job).is_ok()
        };
        let half = UNIT * (ROOM as usize / 2 - 1);
        assert!(push(1, 1, half));
        assert!(!push(1, 2, half), "one tenant has its share");
        assert!(push(2, 2, half));
        assert!(!push(3, 3, 0), "full by bytes");
        queue.take(1);
        for attempt in 10..10 + u128::from(ROOM / 2) {
            assert!(push(3, attempt, 0));
        }
        assert!(!push(4, 4, 0), "full by number");
        assert_eq!(queue.take(usize::MAX).len() + queue.take(usize::MAX).len(), ROOM as usize / 2 + 1);
        assert_eq!(queue.room.available_permits(), ROOM as usize);
    }

    #[tokio::test]
    async fn streams_leave_room_to_calls() {
        let queue = Queue::default();
        let mut waits = Vec::new();
        let mut next = |tenant, bytes| {
            let (job, wait) = job(tenant, waits.len() as u128, 0, bytes);
            waits.push(wait);
            job
        };
        let quarter = UNIT * (ROOM as usize / 4 - 1);
        for _ in 0..2 {
            queue.push(next(1, quarter)).await;
        }
        let third = next(2, 0);
        let waiting = tokio::time::timeout(std::time::Duration::from_millis(20), queue.push(third)).await;
        assert!(waiting.is_err(), "a stream waits");
        queue.try_push(next(3, quarter)).unwrap();
        queue.take(9);
        queue.push(next(2, 0)).await;
        while !queue.is_empty() {
            queue.take(9);
        }
        assert_eq!(queue.room.available_permits(), ROOM as usize);
        assert_eq!(queue.for_streams.available_permits(), STREAMS as usize);
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
