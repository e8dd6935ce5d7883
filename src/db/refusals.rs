//! What is on record of calls that a key's roles do not allow: one row of the audit log for each key, method and minute,
//! with how often. The first refusal is written before it is answered; those that follow within the minute are counted
//! here and added a few seconds later, and before the process stops. The row's id follows from what it is about, so that
//! all replicas count in one row.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Db, run};
use crate::{
    auth::Caller,
    error::{Error, Result},
};

/// Rows that may be counted for at once: refusals beyond are written each, and so wait for each other.
const MOST: usize = 10_000;
/// The time that bringing counts on record may take for one tenant.
const PATIENCE: Duration = Duration::from_secs(5);

/// Refusals that are not on record yet, by their row; cheap to clone. A row that is there and has none is on record.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Mutex<HashMap<Row, i64>>>);

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    tenant: Uuid,
    key: Uuid,
    method: String,
    minute: i64,
}

impl Row {
    /// The same wherever it is counted, and ordered by time among all others.
    fn id(&self) -> Uuid {
        let hash = Sha256::new()
            .chain_update("refused")
            .chain_update(self.tenant)
            .chain_update(self.key)
            .chain_update(&self.method)
            .finalize();
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash[..10]);
        let millis = u64::try_from(self.minute * 60_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

impl Refusals {
    /// Whether this refusal has to be written by itself; otherwise it is counted.
    fn is_first(&self, row: &Row) -> bool {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(row) {
            *count += 1;
            return false;
        }
        if counts.len() < MOST {
            counts.insert(row.clone(), 0);
        }
        true
    }

    /// Takes what was counted, and forgets the rows of minutes that are over.
    fn take(&self, minute: i64) -> HashMap<Uuid, Vec<(Row, i64)>> {
        let mut taken: HashMap<Uuid, Vec<(Row, i64)>> = HashMap::new();
        self.counts().retain(|row, count| {
            let more = std::mem::take(count);
            if more > 0 {
                taken.entry(row.tenant).or_default().push((row.clone(), more));
            }
            row.minute >= minute
        });
        taken
    }

    /// Takes back what could not be written.
    fn put_back(&self, rows: Vec<(Row, i64)>) {
        let mut counts = self.counts();
        for (row, count) in rows {
            *counts.entry(row).or_default() += count;
        }
    }

    /// No code that can panic runs while it is held, so a poisoned lock holds a whole table.
    fn counts(&self) -> MutexGuard<'_, HashMap<Row, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn this_minute() -> i64 {
    chrono::Utc::now().timestamp().div_euclid(60)
}

impl Db {
    /// Notes in the audit log that the caller asked for what its roles do not allow. The refusal stands whether or not
    /// the note could be written; it is tried again then.
    pub async fn note_refusal(&self, caller: &Caller) {
        let row = Row {
            tenant: caller.tenant.id,
            key: caller.key,
            method: caller.method.clone(),
            minute: this_minute(),
        };
        if !self.refusals.is_first(&row) {
            return;
        }
        // Should the call be given up in the midst of it, the note is written with the next counts.
        let mut note = Note { refusals: &self.refusals, rows: vec![(row, 1)] };
        match self.write_refusals(caller.tenant.id, &note.rows, caller.deadline).await {
            Ok(()) => note.rows.clear(),
            Err(error) => tracing::error!(?error, "a refusal could not be noted in the audit log yet"),
        }
    }

    /// Brings on record what was only counted so far.
    pub async fn record_refusals(&self) {
        for (tenant, rows) in self.refusals.take(this_minute()) {
            let mut note = Note { refusals: &self.refusals, rows };
            match self.write_refusals(tenant, &note.rows, Instant::now() + PATIENCE).await {
                Ok(()) => note.rows.clear(),
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, ?error, "refusals could not be noted in the audit log yet");
                }
            }
        }
    }

    async fn write_refusals(&self, tenant: Uuid, rows: &[(Row, i64)], deadline: Instant) -> Result<()> {
        let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id()).collect();
        let actors: Vec<String> = rows.iter().map(|(row, _)| format!("apiKeys/{}", row.key)).collect();
        let methods: Vec<&str> = rows.iter().map(|(row, _)| row.method.as_str()).collect();
        let counts: Vec<i64> = rows.iter().map(|(_, count)| *count).collect();
        let mut tx = self.background(tenant, deadline).await?;
        run(
            "note_refusals",
            sqlx::query!(
                "insert into audit (tenant_id, audit_id, actor, method, resource, outcome, times)
                 select $1, id, actor, method, '', 'refused', times
                 from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[]) as r (id, actor, method, times)
                 order by id
                 on conflict (tenant_id, audit_id) do update set times = audit.times + excluded.times",
                tenant,
                &ids,
                &actors,
                &methods as &[&str],
                &counts,
            )
            .execute(&mut *tx),
        )
        .await?;
        Ok::<(), Error>(tx.commit().await?)
    }
}

/// Rows on their way to the database: those that do not arrive are counted again.
struct Note<'a> {
    refusals: &'a Refusals,
    rows: Vec<(Row, i64)>,
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.refusals.put_back(std::mem::take(&mut self.rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: u128, method: &str, minute: i64) -> Row {
        Row { tenant: Uuid::from_u128(1), key: Uuid::from_u128(key), method: method.to_owned(), minute }
    }

    #[test]
    fn a_row_is_the_same_everywhere_and_no_other_is() {
        assert_eq!(row(1, "A/B", 7).id(), row(1, "A/B", 7).id());
        for other in [row(2, "A/B", 7), row(1, "A/C", 7), row(1, "A/B", 8)] {
            assert_ne!(row(1, "A/B", 7).id(), other.id());
        }
        assert_eq!(row(1, "A/B", 7).id().get_version_num(), 7);
        assert!(row(1, "A/B", 7).id() < row(1, "A/B", 8).id());
    }

    #[test]
    fn the_first_is_written_the_next_are_counted_and_none_is_lost() {
        let refusals = Refusals::default();
        let (a, b) = (row(1, "A/B", 7), row(1, "A/C", 7));
        assert!(refusals.is_first(&a) && refusals.is_first(&b));
        for _ in 0..5 {
            assert!(!refusals.is_first(&a));
        }
        let taken = refusals.take(7).remove(&a.tenant).unwrap();
        assert_eq!(taken, [(a.clone(), 5)]);
        assert!(!refusals.is_first(&a), "its minute is not over");
        drop(Note { refusals: &refusals, rows: taken });
        assert_eq!(refusals.take(8).remove(&a.tenant).unwrap(), [(a.clone(), 6)]);
        assert!(refusals.counts().is_empty(), "the minute is over");
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let refusals = Refusals::default();
        for n in 0..MOST as u128 + 10 {
            assert!(refusals.is_first(&row(n, "A/B", 7)));
        }
        assert_eq!(refusals.counts().len(), MOST);
    }
}
