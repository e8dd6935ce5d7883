//! How an exam went as a whole, on the wire. Scores stay exact until they enter the statistics: the extremes and who
//! passed are decided on decimals.

use rust_decimal::Decimal;

use crate::{
    analysis::{
        statistic::{Reason, Statistic},
        summary::Summary,
    },
    pb,
    points::Points,
};

/// The percentiles that are told.
const PERCENTS: [f64; 7] = [5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0];

/// The scores of an exam: eight bytes each.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    pass_mark: Option<Decimal>,
    values: Vec<f64>,
    awaiting: i64,
    passed: u64,
    range: Option<(Decimal, Decimal)>,
}

impl Scores {
    /// None yet.
    pub fn new(pass_mark: Option<Decimal>) -> Self {
        Self { pass_mark, ..Self::default() }
    }

    /// Adds a result; one that waits for a person is only counted.
    pub fn add(&mut self, score: Decimal, waits: bool) {
        if waits {
            self.awaiting += 1;
            return;
        }
        self.values.push(Points::new(score).to_f64());
        self.passed += u64::from(self.pass_mark.is_some_and(|mark| score >= mark));
        self.range = Some(self.range.map_or((score, score), |(low, high)| (low.min(score), high.max(score))));
    }

    /// The summary. `points` are those that could be had.
    pub fn finish(self, exam: String, points: Points, bins: usize) -> pb::ExamSummary {
        let n = self.values.len();
        let summary = Summary::new(self.values);
        let extreme = |of: fn((Decimal, Decimal)) -> Decimal| {
            self.range.map(|range| Points::new(of(range)).to_string()).unwrap_or_default()
        };
        let pass_rate = match self.pass_mark {
            None => pb::Statistic { value: None, undefined_reason: "NO_PASS_MARK".to_owned() },
            Some(_) if n == 0 => statistic(Err(Reason::TooFewPersons)),
            Some(_) => statistic(Ok(self.passed as f64 / n as f64)),
        };
        pb::ExamSummary {
            exam,
            count: n as i64,
            awaiting_count: self.awaiting,
            mean: Some(statistic(summary.mean())),
            standard_deviation: Some(statistic(summary.sd())),
            min_score: extreme(|range| range.0),
            max_score: extreme(|range| range.1),
            points: points.to_string(),
            pass_rate: Some(pass_rate),
            percentiles: PERCENTS
                .iter()
                .map(|percent| pb::Percentile {
                    percent: *percent,
                    score: Some(statistic(summary.percentile(percent / 100.0))),
                })
                .collect(),
            histogram: histogram(&summary, points.to_f64(), bins),
        }
    }
}

/// Equal bins from 0, or the least score if below, to the points that could be had.
fn histogram(summary: &Summary, points: f64, bins: usize) -> Vec<pb::HistogramBin> {
    let low = summary.min().map_or(0.0, |min| min.min(0.0));
    let high = summary.max().map_or(points, |max| max.max(points));
    // One product and one quotient an edge: an edge that is a score, such as 0.3 of 1, is that score to the last bit.
    let edge = |at: usize| if at == bins { high } else { low + (high - low) * at as f64 / bins as f64 };
    let edges: Vec<f64> = (0..=bins).map(edge).collect();
    let counts = summary.histogram(&edges).counts;
    let pairs = edges.windows(2).zip(counts);
    pairs.map(|(pair, count)| pb::HistogramBin { low: pair[0], high: pair[1], count: count as i64 }).collect()
}

/// A figure on the wire: never NaN, never infinite.
pub fn statistic(figure: Statistic) -> pb::Statistic {
    let reason = match figure {
        Ok(value) if value.is_finite() => {
            return pb::Statistic { value: Some(value), undefined_reason: String::new() };
        }
        Ok(_) | Err(Reason::OutOfRange) => "OUT_OF_RANGE",
        Err(Reason::TooFewPersons) => "TOO_FEW_PERSONS",
        Err(Reason::TooFewItems) => "TOO_FEW_ITEMS",
        Err(Reason::NoVariance) => "NO_VARIANCE",
        Err(Reason::NoPoints) => "NO_POINTS",
        Err(Reason::NotDichotomous) => "NOT_DICHOTOMOUS",
        Err(Reason::Incomplete) => "INCOMPLETE",
        Err(Reason::NegativeCovariance) => "NEGATIVE_COVARIANCE",
    };
    pb::Statistic { value: None, undefined_reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pass_mark: Option<u32>, scores: &[&str], bins: usize) -> pb::ExamSummary {
        let mut all = Scores::new(pass_mark.map(Decimal::from));
        scores.iter().for_each(|score| all.add(score.parse().unwrap(), false));
        all.add(Decimal::ONE, true);
        all.finish("exams/e".to_owned(), Points::from(1), bins)
    }

    #[test]
    fn scores_that_are_edges_open_their_bin() {
        let summary = of(Some(1), &["0", "0.1", "0.30", "0.7", "1"], 10);
        let counts: Vec<i64> = summary.histogram.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 1, 0, 1, 0, 0, 0, 1, 0, 1]);
        assert_eq!((summary.count, summary.awaiting_count), (5, 1));
        assert_eq!((summary.min_score.as_str(), summary.max_score.as_str()), ("0", "1"));
        assert_eq!(summary.pass_rate.unwrap().value, Some(0.2));
        assert_eq!(summary.percentiles[3].score.as_ref().unwrap().value, Some(0.3));
    }

    #[test]
    fn negative_scores_have_bins() {
        let summary = of(None, &["-1", "0"], 2);
        assert_eq!(
            summary.histogram.iter().map(|b| (b.low, b.high, b.count)).collect::<Vec<_>>(),
            [(-1.0, 0.0, 1), (0.0, 1.0, 1)]
        );
        assert_eq!(summary.pass_rate.unwrap().undefined_reason, "NO_PASS_MARK");
    }

    #[test]
    fn nobody_has_no_figures() {
        let summary = of(Some(1), &[], 10);
        assert_eq!((summary.min_score.as_str(), summary.histogram.len()), ("", 10));
        for figure in [summary.mean, summary.standard_deviation, summary.pass_rate] {
            let figure = figure.unwrap();
            assert_eq!((figure.value, figure.undefined_reason.as_str()), (None, "TOO_FEW_PERSONS"));
        }
        assert_eq!(statistic(Ok(f64::NAN)).value, None);
    }

    /// The words are those that the analysis itself writes.
    #[test]
    fn reasons_keep_their_words() {
        use Reason::*;
        for reason in [
            TooFewPersons,
            TooFewItems,
            NoVariance,
            NoPoints,
            NotDichotomous,
            Incomplete,
            NegativeCovariance,
            OutOfRange,
        ] {
            let word = serde_json::to_value(reason).unwrap();
            assert_eq!(word, statistic(Err(reason)).undefined_reason);
        }
    }
}
