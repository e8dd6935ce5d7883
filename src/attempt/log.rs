//! What happened in a sitting, packed into the attempt's own row, so that a save still writes one row.
//!
//! The log is bounded: of saves beyond the first [`SAVES`] and of reports beyond [`ROOM`] bytes only the number is kept.
//! Moments are whole milliseconds since the attempt's start by the database's clock; what a caller's clock said is kept
//! to the nanosecond, and trusted for nothing. Bytes come from a database, so whatever does not decode is an error.
//!
//! ```text
//! log     version:1 saves:4 dropped:4 entry*      (numbers little endian)
//! entry   kind|10 (has reported)|20 (has note) · varint ms · [zigzag varint ns of the Unix epoch] · [len bytes note]
//! ```

use chrono::{DateTime, Duration, Utc};

use super::packed::{Reader, Unpack, put_text, put_varint};

/// The version that is written.
const VERSION: u8 = 1;
/// Saves that are kept one by one.
const SAVES: u32 = 100;
/// Bytes after which reports are only counted.
const ROOM: usize = 32 * 1024;
const HEAD: usize = 9;
const REPORTED: u8 = 0x10;
const NOTED: u8 = 0x20;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "described in the protocol")]
pub enum Happening {
    Started = 1,
    Saved = 2,
    FocusLost = 3,
    FocusGained = 4,
    Note = 5,
    Submitted = 6,
    Expired = 7,
    Voided = 8,
    Reopened = 9,
}

impl Happening {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Started,
        Self::Saved,
        Self::FocusLost,
        Self::FocusGained,
        Self::Note,
        Self::Submitted,
        Self::Expired,
        Self::Voided,
        Self::Reopened,
    ];

    /// Whether a caller may report it; the others are noted by the service.
    pub fn is_reported(self) -> bool {
        matches!(self, Self::FocusLost | Self::FocusGained | Self::Note)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub kind: Happening,
    /// When, in milliseconds since the start.
    pub at_ms: u64,
    /// When, as the caller's clock had it.
    pub reported: Option<DateTime<Utc>>,
    /// A word about it.
    pub note: String,
}

/// The log of one sitting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    start: DateTime<Utc>,
    saves: u32,
    dropped: u32,
    entries: Vec<u8>,
}

impl Log {
    /// An empty log of a sitting that began then.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self { start, saves: 0, dropped: 0, entries: Vec::new() }
    }

    /// From stored bytes; empty where there are none.
    pub fn open(start: DateTime<Utc>, bytes: Option<&[u8]>) -> Result<Self, Unpack> {
        let Some(bytes) = bytes else { return Ok(Self::new(start)) };
        if bytes.first() != Some(&VERSION) {
            return Err(Unpack::Version);
        }
        let (head, entries) = bytes.split_at_checked(HEAD).ok_or(Unpack::Truncated)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Ok(Self { start, saves: number(1), dropped: number(5), entries: entries.to_vec() })
    }

    /// The bytes to store.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + self.entries.len());
        out.push(VERSION);
        out.extend(self.saves.to_le_bytes());
        out.extend(self.dropped.to_le_bytes());
        out.extend(&self.entries);
        out
    }

    /// Saves of which only the number is kept.
    pub fn further_saves(&self) -> u32 {
        self.saves.saturating_sub(SAVES)
    }

    /// Reports of which only the number is kept.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Notes what the service itself did or saw.
    #[must_use]
    pub fn noting(mut self, kind: Happening, now: DateTime<Utc>, note: &str) -> Self {
        if kind == Happening::Saved {
            self.saves = self.saves.saturating_add(1);
            if self.saves > SAVES {
                return self;
            }
        }
        self.push(kind, now, None, note);
        self
    }

    /// Notes what the caller reports; `false` where the log is full and it was only counted.
    pub fn report(
        &mut self,
        kind: Happening,
        now: DateTime<Utc>,
        reported: Option<DateTime<Utc>>,
        note: &str,
    ) -> bool {
        if self.entries.len() + note.len() + 32 > ROOM {
            self.dropped = self.dropped.saturating_add(1);
            return false;
        }
        self.push(kind, now, reported, note);
        true
    }

    fn push(&mut self, kind: Happening, now: DateTime<Utc>, reported: Option<DateTime<Utc>>, note: &str) {
        let mut tag = kind as u8;
        tag |= if reported.is_some() { REPORTED } else { 0 };
        tag |= if note.is_empty() { 0 } else { NOTED };
        self.entries.push(tag);
        put_varint(&mut self.entries, (now - self.start).num_milliseconds().max(0) as u128);
        if let Some(at) = reported {
            let nanos = i128::from(at.timestamp()) * 1_000_000_000 + i128::from(at.timestamp_subsec_nanos());
            put_varint(&mut self.entries, ((nanos << 1) ^ (nanos >> 127)) as u128);
        }
        if !note.is_empty() {
            put_text(&mut self.entries, note);
        }
    }

    /// What happened, in the order in which it was noted.
    pub fn entries(&self) -> Result<Vec<Entry>, Unpack> {
        let mut reader = Reader::over(&self.entries);
        let mut entries = Vec::new();
        while !reader.is_empty() {
            let tag = reader.byte()?;
            let kind = *Happening::ALL
                .get(usize::from(tag & 0x0f).wrapping_sub(1))
                .filter(|_| tag & !(0x0f | REPORTED | NOTED) == 0)
                .ok_or(Unpack::Value)?;
            let at_ms = u64::try_from(reader.varint()?).map_err(|_| Unpack::Value)?;
            let reported = (tag & REPORTED != 0).then(|| moment(reader.varint()?)).transpose()?;
            let note = if tag & NOTED == 0 { String::new() } else { reader.text()?.to_owned() };
            entries.push(Entry { kind, at_ms, reported, note });
        }
        Ok(entries)
    }

    /// The moment of an entry.
    pub fn time(&self, entry: &Entry) -> DateTime<Utc> {
        let passed = i64::try_from(entry.at_ms).ok().and_then(Duration::try_milliseconds);
        passed.and_then(|passed| self.start.checked_add_signed(passed)).unwrap_or(self.start)
    }
}

fn moment(zigzag: u128) -> Result<DateTime<Utc>, Unpack> {
    let nanos = (zigzag >> 1) as i128 ^ -((zigzag & 1) as i128);
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(|_| Unpack::Value)?;
    DateTime::from_timestamp(seconds, nanos.rem_euclid(1_000_000_000) as u32).ok_or(Unpack::Value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    #[test]
    fn only_the_first_saves_are_kept_one_by_one() {
        let mut log = Log::new(start()).noting(Happening::Started, start(), "");
        for i in 1..=130 {
            log = log.noting(Happening::Saved, start() + Duration::seconds(i), "");
        }
        log = log.noting(Happening::Submitted, start() + Duration::hours(1), "");
        let log = Log::open(start(), Some(&log.pack())).unwrap();
        let entries = log.entries().unwrap();
        assert_eq!((entries.len(), log.further_saves()), (102, 30));
        assert_eq!(log.time(&entries[101]), start() + Duration::hours(1));
        assert!(log.pack().len() < 600, "{}", log.pack().len());
    }

    #[test]
    fn reports_never_grow_without_end_and_never_keep_the_end_out() {
        let mut log = Log::new(start());
        let noted =
            (0..1000).filter(|_| log.report(Happening::Note, start(), None, &"长".repeat(200))).count();
        assert!(noted < 1000 && log.pack().len() <= ROOM + HEAD);
        assert_eq!(log.dropped() as usize, 1000 - noted);
        let log = log.noting(Happening::Submitted, start(), "");
        assert_eq!(log.entries().unwrap().last().unwrap().kind, Happening::Submitted);
    }

    #[test]
    fn clocks_that_are_far_off_are_kept_as_they_were() {
        let mut log = Log::new(start());
        for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.5Z"] {
            let at: DateTime<Utc> = at.parse().unwrap();
            assert!(log.report(Happening::FocusLost, start() - Duration::seconds(5), Some(at), "x"));
            let last = log.entries().unwrap().pop().unwrap();
            assert_eq!((last.reported, last.at_ms), (Some(at), 0));
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            given in proptest::collection::vec(
                (0..8_usize, 0..100_000_000_i64, proptest::option::of((-62_135_596_800_i64..253_402_300_799, 0..1_000_000_000_u32)), ".{0,20}"),
                0..40,
            )
        ) {
            let mut log = Log::new(start());
            let mut expected = Vec::new();
            for (kind, ms, reported, note) in given {
                let kind = Happening::ALL[kind];
                let reported = reported.and_then(|(s, n)| DateTime::from_timestamp(s, n));
                prop_assert!(log.report(kind, start() + Duration::milliseconds(ms), reported, &note));
                expected.push(Entry { kind, at_ms: ms as u64, reported, note });
            }
            let read = Log::open(start(), Some(&log.pack())).unwrap();
            prop_assert_eq!(read.entries().unwrap(), expected);
            prop_assert_eq!(read, log);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            if let Ok(log) = Log::open(start(), Some(&bytes))
                && let Ok(entries) = log.entries()
            {
                entries.iter().for_each(|e| { log.time(e); });
            }
        }
    }
}
