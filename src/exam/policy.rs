//! The policies of an exam, decided without a database or a clock: what late answers are worth, which attempt counts,
//! which grade a score earns, and when a candidate may see what.

use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    pb,
    points::{Points, Rounding},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $pb:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Of the stored word; the schema admits no other.
            pub fn stored(word: &str) -> Self {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).unwrap_or_default()
            }

            /// Of a number of the protocol: the default where nothing is said, `None` for an unknown number.
            pub fn from_pb(number: i32) -> Option<Self> {
                if number == 0 {
                    return Some(Self::default());
                }
                Self::ALL.iter().copied().find(|v| pb::$pb::from(*v) as i32 == number)
            }
        }

        impl From<$name> for pb::$pb {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
}

words! {
    /// What happens to late answers.
    LateMode as LateMode {
        /// They are refused; what was saved in time is scored by the service itself.
        #[default]
        Refuse = "refuse",
        /// They are accepted, and the result says that it is late.
        AcceptAndMark = "accept_and_mark",
    }
}
words! {
    /// Which of a candidate's attempts counts.
    Counting as AttemptCounting {
        /// The first.
        #[default]
        First = "first",
        /// The one with the highest score.
        Best = "best",
        /// The last.
        Last = "last",
        /// The mean of all.
        Mean = "mean",
    }
}
words! {
    /// When results are shown.
    ReleaseWhen as ReleaseTime {
        /// As soon as they are there.
        AtOnce = "at_once",
        /// When an operator releases them.
        #[default]
        ByHand = "by_hand",
        /// When the exam has closed.
        AfterClosing = "after_closing",
    }
}
words! {
    /// What is shown of a result.
    ReleaseContent as ReleaseContent {
        /// Score, grade, passed or not.
        #[default]
        ScoreOnly = "score_only",
        /// And the marks.
        Marks = "marks",
        /// And the keys and explanations.
        Keys = "keys",
    }
}
words! {
    /// How a candidate comes to a form where the caller names none.
    Allotment as FormAllotment {
        /// By the candidate's hash.
        #[default]
        Hash = "hash",
        /// By the seat.
        Seat = "seat",
        /// The caller must name it.
        Given = "given",
    }
}

/// One grade: from `from` on, up to but without the next band's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// What it is called.
    pub label: String,
    /// The least score that earns it.
    pub from: Points,
}

/// The grade of a score; none below the first band. `bands` ascend.
pub fn band(bands: &[Band], score: Decimal) -> Option<&str> {
    bands.iter().take_while(|b| b.from.decimal() <= score).last().map(|b| b.label.as_str())
}

/// The grade, as far as it is known: empty while points that still wait could change it, and where there is none.
pub fn grade(bands: &[Band], score: Decimal, awaiting: Decimal) -> String {
    let low = band(bands, score);
    if awaiting > Decimal::ZERO && low != band(bands, score + awaiting) {
        return String::new();
    }
    low.unwrap_or_default().to_owned()
}

/// Whether the pass mark is reached: unknown without one, and while what still waits could decide it.
pub fn passed(pass_mark: Option<Decimal>, score: Decimal, awaiting: Decimal) -> Option<bool> {
    let pass_mark = pass_mark?;
    if score >= pass_mark {
        return Some(true);
    }
    (score + awaiting < pass_mark).then_some(false)
}

/// What bears on whether a result may be shown.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// The exam's rule.
    pub when: ReleaseWhen,
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// When the exam closes.
    pub close_time: Option<DateTime<Utc>>,
    /// How long after that answers still count as in time, in seconds.
    pub grace_s: i32,
    /// When an operator released the results.
    pub release_time: Option<DateTime<Utc>>,
    /// Some attempt at the exam is still open.
    pub somebody_sits: bool,
}

impl Release {
    /// Whether results may be shown now. An exam has closed for this purpose when its grace is over too and nobody sits
    /// any more: a key must not reach the room while somebody with extra time is still writing.
    pub fn is_due(&self) -> bool {
        match self.when {
            ReleaseWhen::AtOnce => true,
            ReleaseWhen::ByHand => self.release_time.is_some(),
            ReleaseWhen::AfterClosing => {
                let over =
                    |close: DateTime<Utc>| self.now >= close + Duration::seconds(i64::from(self.grace_s));
                self.close_time.is_some_and(over) && !self.somebody_sits
            }
        }
    }
}

/// One submitted attempt, as far as counting needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Points so far.
    pub score: Decimal,
    /// Points that wait for a person.
    pub awaiting: Decimal,
    /// Points that could be had.
    pub max: Decimal,
}

/// What counts of submitted attempts in the order of their numbers, and which of them; `None` where there are none.
/// The score that counts lies between `score` and `score + awaiting` until every mark is there.
pub fn count(counting: Counting, rounding: Rounding, attempts: &[Tally]) -> Option<(Tally, Vec<usize>)> {
    let one = |index: usize| attempts.get(index).map(|t| (*t, vec![index]));
    match counting {
        Counting::First => one(0),
        Counting::Last => one(attempts.len().checked_sub(1)?),
        Counting::Best => {
            // The earliest of equals; what waits in another one may still overtake it.
            let best = (0..attempts.len()).rev().max_by_key(|i| attempts[*i].score)?;
            let ceiling = attempts.iter().map(|t| t.score + t.awaiting).max()?;
            let tally = attempts[best];
            Some((Tally { awaiting: ceiling - tally.score, ..tally }, vec![best]))
        }
        Counting::Mean => {
            let n = Decimal::from(attempts.len());
            let mean = |value: fn(&Tally) -> Decimal| {
                let sum: Decimal = attempts.iter().map(value).sum();
                sum.checked_div(n).map(|mean| rounding.apply(mean).decimal())
            };
            let score = mean(|t| t.score)?;
            let tally =
                Tally { score, awaiting: mean(|t| t.score + t.awaiting)? - score, max: mean(|t| t.max)? };
            Some((tally, (0..attempts.len()).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn bands() -> Vec<Band> {
        let band = |label: &str, from: &str| Band { label: label.into(), from: from.parse().unwrap() };
        vec![band("及格", "60"), band("良好", "79.5"), band("优秀", "90")]
    }

    #[test]
    fn a_band_begins_at_its_figure_and_ends_before_the_next() {
        for (score, expected) in [
            ("59.9999", None),
            ("60", Some("及格")),
            ("79.4999", Some("及格")),
            ("79.5", Some("良好")),
            ("89.99", Some("良好")),
            ("90", Some("优秀")),
            ("1000", Some("优秀")),
            ("-3", None),
        ] {
            assert_eq!(band(&bands(), d(score)), expected, "{score}");
        }
        assert_eq!(band(&[], d("5")), None);
    }

    #[test]
    fn a_grade_waits_for_what_could_change_it() {
        assert_eq!(grade(&bands(), d("70"), d("9.4")), "及格");
        assert_eq!(grade(&bands(), d("70"), d("9.5")), "");
        assert_eq!(grade(&bands(), d("95"), d("5")), "优秀");
        assert_eq!(passed(Some(d("60")), d("55"), d("5")), None);
        assert_eq!(passed(Some(d("60")), d("55"), d("4")), Some(false));
        assert_eq!(passed(Some(d("60")), d("60"), d("0")), Some(true));
        assert_eq!(passed(None, d("60"), d("0")), None);
    }

    #[test]
    fn the_attempt_that_counts() {
        let t = |score: &str, awaiting: &str| Tally { score: d(score), awaiting: d(awaiting), max: d("10") };
        let all = [t("4", "0"), t("7", "0"), t("7", "0"), t("5", "3")];
        let of = |counting| count(counting, Rounding::default(), &all).unwrap();
        assert_eq!(of(Counting::First), (t("4", "0"), vec![0]));
        assert_eq!(of(Counting::Last), (t("5", "3"), vec![3]));
        // 5 + 3 could still overtake 7.
        assert_eq!(of(Counting::Best), (t("7", "1"), vec![1]));
        assert_eq!(of(Counting::Mean), (t("5.75", "0.75"), vec![0, 1, 2, 3]));
        let thirds = [t("1", "0"), t("1", "0"), t("0", "0")];
        assert_eq!(count(Counting::Mean, Rounding::default(), &thirds).unwrap().0.score, d("0.67"));
        for counting in Counting::ALL {
            assert_eq!(count(*counting, Rounding::default(), &[]), None);
        }
    }

    #[test]
    fn nothing_is_shown_before_its_time() {
        let at = |s| Utc.timestamp_opt(s, 0).unwrap();
        let base = Release {
            when: ReleaseWhen::AfterClosing,
            now: at(100),
            close_time: Some(at(100)),
            grace_s: 10,
            release_time: None,
            somebody_sits: false,
        };
        assert!(!base.is_due());
        assert!(Release { now: at(110), ..base }.is_due());
        assert!(!Release { now: at(110), somebody_sits: true, ..base }.is_due());
        assert!(!Release { now: at(110), close_time: None, ..base }.is_due());
        // Another rule's condition does not open it.
        assert!(!Release { release_time: Some(at(1)), ..base }.is_due());
        let by_hand = Release { when: ReleaseWhen::ByHand, now: at(1000), ..base };
        assert!(!by_hand.is_due());
        assert!(Release { release_time: Some(at(1)), ..by_hand }.is_due());
        assert!(Release { when: ReleaseWhen::AtOnce, ..base }.is_due());
    }

    #[test]
    fn proto_and_domain_know_the_same_words() {
        macro_rules! check {
            ($($name:ident as $pb:ident),+) => {$(
                for value in $name::ALL {
                    assert_eq!($name::from_pb(pb::$pb::from(*value) as i32), Some(*value));
                    assert_eq!($name::stored(value.as_str()), *value);
                }
                assert_eq!($name::from_pb(0), Some($name::default()));
                assert_eq!($name::from_pb($name::ALL.len() as i32 + 1), None);
                assert!(pb::$pb::try_from($name::ALL.len() as i32 + 1).is_err());
            )+};
        }
        check!(
            LateMode as LateMode,
            Counting as AttemptCounting,
            ReleaseWhen as ReleaseTime,
            ReleaseContent as ReleaseContent,
            Allotment as FormAllotment
        );
    }
}
