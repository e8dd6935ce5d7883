//! The policies of an exam, decided without a database or a clock: what late answers are worth, which attempt counts,
//! and when a candidate may see what. What a score is worth is the matter of `standard`.

use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;

use crate::{
    pb,
    points::{Points, Rounding},
};

use super::standard::{Range, Score};

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

impl Tally {
    /// The score as far as it is known.
    pub fn range(&self) -> Range {
        Range::new(self.score, self.awaiting, self.max)
    }
}

/// What a score that counts is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// Points.
    #[default]
    Points,
    /// Percentages of the points of each form, because those differ.
    Percent,
}

impl Basis {
    /// Of what is added up or compared: points only where the same could be had everywhere.
    pub fn of(totals: impl IntoIterator<Item = Decimal>) -> Self {
        let mut totals = totals.into_iter();
        let first = totals.next();
        if totals.all(|total| Some(total) == first) { Self::Points } else { Self::Percent }
    }
}

impl From<Basis> for pb::ScoreBasis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Points => Self::Points,
            Basis::Percent => Self::Percent,
        }
    }
}

/// What counts of a candidate's attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The score lies in it until every mark is there.
    pub range: Range,
    /// What it is told in.
    pub basis: Basis,
    /// The attempts that it comes from.
    pub which: Vec<usize>,
}

/// Percentages that are averaged keep two decimals, as points do by default.
const PERCENT_STEP: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// Decimals to which a quotient that does not end is settled before it is rounded: 1/3 and 2/3 make 1.
const SETTLED: u32 = 20;

/// What counts of submitted attempts in the order of their numbers; `None` where there are none. Attempts on forms of
/// unequal totals are compared and averaged by their shares of what could be had, never by points.
pub fn count(counting: Counting, rounding: Rounding, attempts: &[Tally]) -> Option<Counted> {
    let one = |index: usize| {
        let tally = attempts.get(index)?;
        Some(Counted { range: tally.range(), basis: Basis::Points, which: vec![index] })
    };
    let basis = Basis::of(attempts.iter().map(|t| t.max));
    match counting {
        Counting::First => one(0),
        Counting::Last => one(attempts.len().checked_sub(1)?),
        Counting::Best => {
            let ranges: Vec<Range> = attempts.iter().map(Tally::range).collect();
            // The earliest of equals; what waits in another one may still overtake it.
            let best = (0..ranges.len()).rev().max_by(|a, b| ranges[*a].low.cmp_share(ranges[*b].low))?;
            let high = ranges.iter().map(|r| r.high).max_by(|a, b| a.cmp_share(*b))?;
            Some(Counted { range: Range { low: ranges[best].low, high }, basis, which: vec![best] })
        }
        Counting::Mean => {
            let n = Decimal::from(attempts.len());
            let mean = |rounding: Rounding, values: &mut dyn Iterator<Item = Decimal>| {
                let mean = values.sum::<Decimal>().checked_div(n)?;
                Some(rounding.apply(mean.round_dp(SETTLED)).decimal())
            };
            let (low, high) = match basis {
                Basis::Points => {
                    let max = attempts.first()?.max;
                    let of = |value: fn(&Tally) -> Decimal| {
                        Some(Score { of: mean(rounding, &mut attempts.iter().map(value))?, max })
                    };
                    (of(|t| t.score)?, of(|t| t.score + t.awaiting)?)
                }
                Basis::Percent => {
                    let rounding = Rounding { step: Points::new(PERCENT_STEP), ..rounding };
                    let of = |end: fn(Range) -> Score| {
                        let share = |t: &Tally| {
                            let score = end(t.range());
                            // A form of no points gives nothing.
                            (score.of * Decimal::ONE_HUNDRED).checked_div(score.max).unwrap_or_default()
                        };
                        let of = mean(rounding, &mut attempts.iter().map(share))?;
                        Some(Score { of, max: Decimal::ONE_HUNDRED })
                    };
                    (of(|r| r.low)?, of(|r| r.high)?)
                }
            };
            Some(Counted { range: Range { low, high }, basis, which: (0..attempts.len()).collect() })
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

    #[test]
    fn the_attempt_that_counts() {
        let t = |score: &str, awaiting: &str| Tally { score: d(score), awaiting: d(awaiting), max: d("10") };
        let all = [t("4", "0"), t("7", "0"), t("7", "0"), t("5", "3")];
        let of = |counting| {
            let counted = count(counting, Rounding::default(), &all).unwrap();
            assert_eq!(counted.basis, Basis::Points);
            (counted.range, counted.which)
        };
        let range = |score, awaiting| t(score, awaiting).range();
        assert_eq!(of(Counting::First), (range("4", "0"), vec![0]));
        assert_eq!(of(Counting::Last), (range("5", "3"), vec![3]));
        // 5 + 3 could still overtake 7.
        assert_eq!(of(Counting::Best), (range("7", "1"), vec![1]));
        assert_eq!(of(Counting::Mean), (range("5.75", "0.75"), vec![0, 1, 2, 3]));
        let thirds = [t("1", "0"), t("1", "0"), t("0", "0")];
        assert_eq!(count(Counting::Mean, Rounding::default(), &thirds).unwrap().range.low.of, d("0.67"));
        for counting in Counting::ALL {
            assert_eq!(count(*counting, Rounding::default(), &[]), None);
        }
    }

    #[test]
    fn forms_of_unequal_totals_count_by_their_shares() {
        let t = |score: &str, awaiting: &str, max: &str| Tally {
            score: d(score),
            awaiting: d(awaiting),
            max: d(max),
        };
        // 5 of 6 is more than 7 of 12, though it is fewer points.
        let all = [t("7", "0", "12"), t("5", "0", "6")];
        let of = |counting, all: &[Tally]| count(counting, Rounding::default(), all).unwrap();
        let best = of(Counting::Best, &all);
        assert_eq!((best.which.as_slice(), best.basis), (&[1][..], Basis::Percent));
        assert_eq!(best.range.low.percent(), Some(d("83.3333")));
        // 11 of 12 could still come of it.
        let waits = of(Counting::Best, &[t("7", "4", "12"), t("5", "0", "6")]);
        assert_eq!(
            (waits.range.low.percent(), waits.range.high.percent()),
            (Some(d("83.3333")), Some(d("91.6667")))
        );
        let mean = of(Counting::Mean, &all);
        // (58.333… + 83.333…) / 2
        assert_eq!((mean.range.low, mean.basis), (Score { of: d("70.83"), max: d("100") }, Basis::Percent));
        // Two thirds and one third make a half exactly.
        let halves = of(Counting::Mean, &[t("2", "0", "3"), t("2", "0", "6")]);
        assert_eq!(halves.range.low.of, d("50"));
        // One attempt is what it is, whatever the others were out of.
        assert_eq!(
            (of(Counting::First, &all).range.low, of(Counting::First, &all).basis),
            (Score { of: d("7"), max: d("12") }, Basis::Points)
        );
        let nothing = of(Counting::Mean, &[t("0", "0", "0"), t("6", "0", "6")]);
        assert_eq!(nothing.range.low.of, d("50"));
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
