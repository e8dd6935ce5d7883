//! What an exam asks of a score: the pass mark and the grades, each in points or as a percentage of what could be had.
//! Whether a bar is reached is decided here for everybody, exactly: `score · 100 ≥ percent · maximum` on decimals,
//! nothing is divided and nothing rounded before it is compared.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::points::Points;

/// Decimals of a percentage that is shown.
const SHOWN: u32 = 4;
const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

/// The least that reaches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bar {
    /// This many points, whatever could be had.
    #[serde(rename = "from")]
    Points(Points),
    /// This share of what could be had, 0 to 100.
    #[serde(rename = "percent")]
    Percent(Points),
}

impl Bar {
    /// Whether a score reaches it; unknown where it asks for a share of nothing.
    pub fn is_reached(self, score: Score) -> Option<bool> {
        match self {
            Self::Points(points) => Some(score.of >= points.decimal()),
            Self::Percent(percent) => {
                (score.max > Decimal::ZERO).then(|| score.of * HUNDRED >= percent.decimal() * score.max)
            }
        }
    }

    /// Its figure.
    pub fn figure(self) -> Points {
        match self {
            Self::Points(figure) | Self::Percent(figure) => figure,
        }
    }

    /// It is a number of points.
    pub fn is_points(self) -> bool {
        matches!(self, Self::Points(_))
    }
}

/// One grade: from its bar on, up to but without the next band's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// What it is called.
    pub label: String,
    /// The least that earns it. Those of one exam are of one unit and ascend.
    #[serde(flatten)]
    pub bar: Bar,
}

/// A score out of what could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Points.
    pub of: Decimal,
    /// Points that could be had.
    pub max: Decimal,
}

impl Score {
    /// As a percentage for people, to four decimals, half away from zero; none of nothing. Never to decide by.
    pub fn percent(self) -> Option<Decimal> {
        let percent = (self.max > Decimal::ZERO).then(|| self.of * HUNDRED / self.max)?;
        Some(percent.round_dp_with_strategy(SHOWN, RoundingStrategy::MidpointAwayFromZero).normalize())
    }

    /// The same on the wire: empty where there is none.
    pub fn percent_text(self) -> String {
        self.percent().map(|percent| percent.to_string()).unwrap_or_default()
    }

    /// Which of two is the greater share, exactly; by points where nothing could be had.
    pub fn cmp_share(self, other: Self) -> std::cmp::Ordering {
        if self.max == other.max || self.max <= Decimal::ZERO || other.max <= Decimal::ZERO {
            return self.of.cmp(&other.of);
        }
        (self.of * other.max).cmp(&(other.of * self.max))
    }
}

/// What is known of a score while points wait: it ends between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where nothing that waits earns anything.
    pub low: Score,
    /// Where all of it does.
    pub high: Score,
}

impl Range {
    /// Of one attempt.
    pub fn new(score: Decimal, awaiting: Decimal, max: Decimal) -> Self {
        Self { low: Score { of: score, max }, high: Score { of: score + awaiting, max } }
    }

    /// The same in points as the scoring counts them.
    pub fn of(score: Points, awaiting: Points, max: Points) -> Self {
        Self::new(score.decimal(), awaiting.decimal(), max.decimal())
    }
}

/// What an exam says of scores at present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standards {
    /// The least that passes.
    pub pass: Option<Bar>,
    /// The grades, ascending.
    pub bands: Vec<Band>,
}

impl Standards {
    /// From the columns of an exam; the schema admits a pass mark of one unit only.
    pub fn stored(pass_mark: Option<Decimal>, pass_percent: Option<Decimal>, bands: Vec<Band>) -> Self {
        let points = pass_mark.map(|mark| Bar::Points(Points::new(mark)));
        Self { pass: points.or_else(|| pass_percent.map(|p| Bar::Percent(Points::new(p)))), bands }
    }

    /// The pass mark in points, as it is stored.
    pub fn pass_points(&self) -> Option<Decimal> {
        self.pass.filter(|bar| bar.is_points()).map(|bar| bar.figure().decimal())
    }

    /// The pass mark as a percentage, as it is stored.
    pub fn pass_percent(&self) -> Option<Decimal> {
        self.pass.filter(|bar| !bar.is_points()).map(|bar| bar.figure().decimal())
    }

    /// Whether the pass mark is reached: unknown without one, and while what still waits could decide it.
    pub fn passed(&self, range: Range) -> Option<bool> {
        let pass = self.pass?;
        if pass.is_reached(range.low)? {
            return Some(true);
        }
        (!pass.is_reached(range.high)?).then_some(false)
    }

    /// The grade, as far as it is known: empty while points that still wait could change it, and where there is none.
    pub fn grade(&self, range: Range) -> String {
        let low = self.band(range.low);
        if low != self.band(range.high) {
            return String::new();
        }
        low.unwrap_or_default().to_owned()
    }

    /// The highest band that a score reaches.
    fn band(&self, score: Score) -> Option<&str> {
        let reached = |band: &&Band| band.bar.is_reached(score) == Some(true);
        self.bands.iter().take_while(reached).last().map(|band| band.label.as_str())
    }

    /// Only what holds of percentages: points say nothing of a score that stands for forms of unequal totals.
    pub fn for_percentages(&self) -> Self {
        let is_share = |bar: &Bar| !bar.is_points();
        Self {
            pass: self.pass.filter(is_share),
            bands: self.bands.iter().filter(|band| is_share(&band.bar)).cloned().collect(),
        }
    }

    /// Whether anything of it is in points.
    pub fn has_points(&self) -> bool {
        self.pass.into_iter().chain(self.bands.iter().map(|band| band.bar)).any(Bar::is_points)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn at(score: &str, max: &str) -> Range {
        Range::new(d(score), Decimal::ZERO, d(max))
    }

    fn in_points() -> Standards {
        let band = |label: &str, from: &str| Band { label: label.into(), bar: Bar::Points(p(from)) };
        Standards {
            pass: Some(Bar::Points(p("60"))),
            bands: vec![band("及格", "60"), band("良好", "79.5"), band("优秀", "90")],
        }
    }

    fn in_percent() -> Standards {
        let band = |label: &str, from: &str| Band { label: label.into(), bar: Bar::Percent(p(from)) };
        Standards {
            pass: Some(Bar::Percent(p("60"))),
            bands: vec![band("及格", "60"), band("良好", "79.5"), band("优秀", "90")],
        }
    }

    #[test]
    fn a_band_begins_at_its_figure_and_ends_before_the_next() {
        for (score, expected) in [
            ("59.9999", ""),
            ("60", "及格"),
            ("79.4999", "及格"),
            ("79.5", "良好"),
            ("89.99", "良好"),
            ("90", "优秀"),
            ("1000", "优秀"),
            ("-3", ""),
        ] {
            assert_eq!(in_points().grade(at(score, "100")), expected, "{score}");
            assert_eq!(in_percent().grade(at(score, "100")), expected, "{score} %");
        }
        assert_eq!(Standards::default().grade(at("5", "10")), "");
    }

    #[test]
    fn a_percentage_holds_for_forms_of_any_total() {
        let of = |score: &str, max: &str| {
            (in_percent().passed(at(score, max)), in_percent().grade(at(score, max)))
        };
        assert_eq!(of("3.6", "6"), (Some(true), "及格".to_owned()));
        assert_eq!(of("3.5999", "6"), (Some(false), String::new()));
        assert_eq!(of("7.2", "12"), (Some(true), "及格".to_owned()));
        assert_eq!(of("10.8", "12"), (Some(true), "优秀".to_owned()));
        // 66.6667 % of 3 is more than 2; a rounded quotient would say that it is reached.
        let thirds = Standards { pass: Some(Bar::Percent(p("66.6667"))), bands: vec![] };
        assert_eq!(
            (thirds.passed(at("2", "3")), thirds.passed(at("2.0001", "3"))),
            (Some(false), Some(true))
        );
        assert_eq!(Score { of: d("2"), max: d("3") }.percent_text(), "66.6667");
    }

    #[test]
    fn a_share_of_nothing_is_unknown() {
        assert_eq!(in_percent().passed(at("0", "0")), None);
        assert_eq!(in_percent().grade(at("0", "0")), "");
        assert_eq!(Score { of: d("0"), max: d("0") }.percent(), None);
        assert_eq!(in_points().passed(at("0", "0")), Some(false));
    }

    #[test]
    fn a_grade_waits_for_what_could_change_it() {
        let of = |score, awaiting| Range::new(d(score), d(awaiting), d("100"));
        for standards in [in_points(), in_percent()] {
            assert_eq!(standards.grade(of("70", "9.4")), "及格");
            assert_eq!(standards.grade(of("70", "9.5")), "");
            assert_eq!(standards.grade(of("95", "5")), "优秀");
            assert_eq!(standards.passed(of("55", "5")), None);
            assert_eq!(standards.passed(of("55", "4")), Some(false));
            assert_eq!(standards.passed(of("60", "0")), Some(true));
        }
        assert_eq!(Standards::default().passed(of("60", "0")), None);
    }

    #[test]
    fn points_say_nothing_of_percentages() {
        assert_eq!(in_points().for_percentages(), Standards::default());
        assert_eq!(in_percent().for_percentages(), in_percent());
        assert!(in_points().has_points() && !in_percent().has_points());
    }

    #[test]
    fn bands_are_stored_as_they_always_were() {
        let old: Vec<Band> = serde_json::from_str(r#"[{"label":"A","from":"60"}]"#).unwrap();
        assert_eq!(old, [Band { label: "A".into(), bar: Bar::Points(p("60")) }]);
        for standards in [in_points(), in_percent()] {
            let text = serde_json::to_string(&standards.bands).unwrap();
            assert_eq!(serde_json::from_str::<Vec<Band>>(&text).unwrap(), standards.bands);
        }
    }

    proptest! {
        /// A score that is the pass mark's share of its form passes, a hair less does not, whatever the total.
        #[test]
        fn the_bar_is_where_it_is_said(percent in 0u32..=10_000, total in 1u32..=100_000) {
            let bar = Bar::Percent(Points::new(Decimal::new(i64::from(percent), 2)));
            let max = Decimal::from(total);
            let just = Decimal::new(i64::from(percent), 2) * max / HUNDRED;
            prop_assert_eq!(bar.is_reached(Score { of: just, max }), Some(true));
            prop_assert_eq!(bar.is_reached(Score { of: just - d("0.0000001"), max }), Some(false));
        }

        /// Shares are ordered as rational numbers are.
        #[test]
        fn shares_are_compared_exactly(a in 0i64..1000, m in 1i64..1000, b in 0i64..1000, n in 1i64..1000) {
            let score = |of: i64, max: i64| Score { of: Decimal::from(of), max: Decimal::from(max) };
            prop_assert_eq!(score(a, m).cmp_share(score(b, n)), (a * n).cmp(&(b * m)));
        }
    }
}
