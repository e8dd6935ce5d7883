//! How an exam went as a whole, on the wire. Scores stay exact until they enter the statistics: shares of unequal totals,
//! the extremes and who passed are decided on decimals, each by the form that was sat.

use rust_decimal::Decimal;

use crate::{
    analysis::{
        statistic::{Reason, Statistic},
        summary::Summary,
    },
    exam::{
        policy::Basis,
        standard::{Range, Score, Standards},
    },
    pb,
    points::Points,
};

use super::sql::ExamForms;

/// The percentiles that are told.
const PERCENTS: [f64; 7] = [5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0];

/// The scores of an exam: eight bytes each, twice that where they are told as percentages.
#[derive(Clone, Debug)]
pub struct Scores {
    standards: Standards,
    basis: Basis,
    forms: Vec<OfForm>,
    /// In percent; empty where points will do.
    percents: Vec<f64>,
    range: Option<(Score, Score)>,
}

/// The scores of one form.
#[derive(Clone, Debug)]
struct OfForm {
    name: String,
    total: Decimal,
    /// It is looked at.
    counts: bool,
    points: Vec<f64>,
    awaiting: i64,
    passed: u64,
    range: Option<(Decimal, Decimal)>,
}

impl Scores {
    /// None yet, of one form of the exam or of all.
    pub fn new(exam: ExamForms, only: Option<usize>) -> Self {
        let counts = |index: usize| only.is_none_or(|only| only == index);
        let totals = exam.totals().enumerate().filter(|(i, _)| counts(*i)).map(|(_, total)| total);
        let basis = Basis::of(totals.collect::<Vec<_>>());
        let forms = exam.forms.into_iter().enumerate().map(|(i, (name, total))| OfForm {
            name,
            total,
            counts: counts(i),
            points: Vec::new(),
            awaiting: 0,
            passed: 0,
            range: None,
        });
        Self { standards: exam.standards, basis, forms: forms.collect(), percents: Vec::new(), range: None }
    }

    /// Adds a result; one that waits for a person is only counted.
    pub fn add(&mut self, form: i16, score: Decimal, waits: bool) {
        let Some(of) = usize::try_from(form).ok().and_then(|at| self.forms.get_mut(at)) else { return };
        if waits {
            of.awaiting += 1;
            return;
        }
        of.points.push(Points::new(score).to_f64());
        of.passed +=
            u64::from(self.standards.passed(Range::new(score, Decimal::ZERO, of.total)) == Some(true));
        of.range = Some(of.range.map_or((score, score), |(low, high)| (low.min(score), high.max(score))));
        let score = Score { of: score, max: of.total };
        if self.basis == Basis::Percent {
            // One exact quotient, so that one of two is the same as two of four to the last bit.
            let share = (score.of * Decimal::ONE_HUNDRED).checked_div(score.max);
            self.percents.extend(share.map(|share| Points::new(share).to_f64()));
        }
        let (low, high) = self.range.unwrap_or((score, score));
        self.range = Some((
            if score.cmp_share(low).is_lt() { score } else { low },
            if score.cmp_share(high).is_gt() { score } else { high },
        ));
    }

    /// The summary.
    pub fn finish(mut self, exam: String, bins: usize) -> pb::ExamSummary {
        let forms: Vec<pb::FormSummary> =
            self.forms.iter().filter(|form| form.counts).map(|form| form.show(&self.standards)).collect();
        let n = self.forms.iter().map(|form| form.points.len()).sum();
        let (values, points): (Vec<f64>, Points) = match self.basis {
            Basis::Percent => (self.percents, Points::from(100)),
            Basis::Points => {
                let total = self.forms.iter().filter(|form| form.counts).map(|form| form.total).max();
                let all = self.forms.iter_mut().flat_map(|form| std::mem::take(&mut form.points));
                (all.collect(), Points::new(total.unwrap_or_default()))
            }
        };
        let summary = Summary::new(values);
        let extreme = |of: fn((Score, Score)) -> Score| {
            let score = self.range.map(of);
            match self.basis {
                Basis::Points => score.map(|s| Points::new(s.of).to_string()).unwrap_or_default(),
                Basis::Percent => score.map(Score::percent_text).unwrap_or_default(),
            }
        };
        let passed = self.forms.iter().map(|form| form.passed).sum();
        let in_points = self.standards.pass.is_some_and(|bar| bar.is_points());
        let pass_rate = if self.basis == Basis::Percent && in_points {
            undefined("POINTS_ON_UNEQUAL_FORMS")
        } else {
            pass_rate(&self.standards, passed, n)
        };
        pb::ExamSummary {
            exam,
            count: n as i64,
            awaiting_count: self.forms.iter().map(|form| form.awaiting).sum(),
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
            basis: pb::ScoreBasis::from(self.basis) as i32,
            forms,
            skewness: Some(statistic(summary.skewness())),
            kurtosis: Some(statistic(summary.kurtosis())),
        }
    }
}

impl OfForm {
    fn show(&self, standards: &Standards) -> pb::FormSummary {
        let summary = Summary::new(self.points.iter().copied());
        let total = Points::new(self.total);
        let extreme = |of: fn((Decimal, Decimal)) -> Decimal| {
            self.range.map(|range| Points::new(of(range)).to_string()).unwrap_or_default()
        };
        let share = |mean: f64| {
            if total > Points::ZERO { Ok(100.0 * mean / total.to_f64()) } else { Err(Reason::NoPoints) }
        };
        pb::FormSummary {
            form: self.name.clone(),
            points: total.to_string(),
            count: summary.n() as i64,
            awaiting_count: self.awaiting,
            mean: Some(statistic(summary.mean())),
            standard_deviation: Some(statistic(summary.sd())),
            min_score: extreme(|range| range.0),
            max_score: extreme(|range| range.1),
            median: Some(statistic(summary.median())),
            pass_rate: Some(pass_rate(standards, self.passed, summary.n())),
            mean_percent: Some(statistic(summary.mean().and_then(share))),
        }
    }
}

/// The share that passed: none without a pass mark, none of nobody.
fn pass_rate(standards: &Standards, passed: u64, of: usize) -> pb::Statistic {
    match standards.pass {
        None => undefined("NO_PASS_MARK"),
        Some(_) if of == 0 => statistic(Err(Reason::TooFewPersons)),
        Some(_) => statistic(Ok(passed as f64 / of as f64)),
    }
}

fn undefined(reason: &str) -> pb::Statistic {
    pb::Statistic { value: None, undefined_reason: reason.to_owned() }
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
        Err(Reason::SeveralForms) => "SEVERAL_FORMS",
        Err(Reason::UnequalPoints) => "UNEQUAL_POINTS",
    };
    pb::Statistic { value: None, undefined_reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::standard::Bar;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn exam(pass: Option<Bar>, totals: &[u32]) -> ExamForms {
        let forms = totals.iter().enumerate().map(|(i, total)| (format!("f{i}"), Decimal::from(*total)));
        ExamForms { forms: forms.collect(), standards: Standards { pass, bands: Vec::new() } }
    }

    fn of(pass_mark: Option<u32>, scores: &[&str], bins: usize) -> pb::ExamSummary {
        let mut all = Scores::new(exam(pass_mark.map(|mark| Bar::Points(Points::from(mark))), &[1]), None);
        scores.iter().for_each(|score| all.add(0, d(score), false));
        all.add(0, Decimal::ONE, true);
        all.finish("exams/e".to_owned(), bins)
    }

    #[test]
    fn forms_of_unequal_totals_are_put_together_as_percentages() {
        let mut all = Scores::new(exam(Some(Bar::Percent(Points::from(50))), &[6, 12]), None);
        for (form, score) in [(0, "5"), (0, "3"), (1, "6"), (1, "5.9999"), (1, "12")] {
            all.add(form, d(score), false);
        }
        all.add(1, d("0"), true);
        let s = all.clone().finish("exams/e".to_owned(), 4);
        assert_eq!(
            (s.basis(), s.points.as_str(), s.count, s.awaiting_count),
            (pb::ScoreBasis::Percent, "100", 5, 1)
        );
        // 83.33…, 50, 50, 49.99916…, 100
        assert_eq!((s.min_score.as_str(), s.max_score.as_str()), ("49.9992", "100"));
        assert!(
            (s.mean.unwrap().value.unwrap() - (500.0 / 6.0 + 50.0 + 50.0 + 599.99 / 12.0 + 100.0) / 5.0)
                .abs()
                < 1e-9
        );
        assert_eq!(s.pass_rate.unwrap().value, Some(0.8));
        assert_eq!(s.percentiles[3].score.as_ref().unwrap().value, Some(50.0));
        let bins: Vec<(f64, f64, i64)> = s.histogram.iter().map(|b| (b.low, b.high, b.count)).collect();
        assert_eq!(bins, [(0.0, 25.0, 0), (25.0, 50.0, 1), (50.0, 75.0, 2), (75.0, 100.0, 2)]);
        let [six, twelve] = s.forms.as_slice() else { panic!("{:?}", s.forms) };
        assert_eq!((six.points.as_str(), six.count, six.min_score.as_str()), ("6", 2, "3"));
        assert_eq!(
            (six.mean.as_ref().unwrap().value, six.pass_rate.as_ref().unwrap().value),
            (Some(4.0), Some(1.0))
        );
        assert_eq!((twelve.max_score.as_str(), twelve.awaiting_count), ("12", 1));
        assert_eq!(six.mean_percent.as_ref().unwrap().value, Some(400.0 / 6.0));

        // One form alone is told in its points, and so are forms of one total.
        let mut one = Scores::new(exam(None, &[6, 12]), Some(1));
        one.add(1, d("6"), false);
        let s = one.finish("exams/e".to_owned(), 4);
        assert_eq!((s.basis(), s.points.as_str(), s.max_score.as_str()), (pb::ScoreBasis::Points, "12", "6"));
        assert_eq!(s.forms.len(), 1);
        let s = Scores::new(exam(None, &[6, 6]), None).finish("exams/e".to_owned(), 4);
        assert_eq!((s.basis(), s.points.as_str(), s.forms.len()), (pb::ScoreBasis::Points, "6", 2));
    }

    #[test]
    fn points_are_no_pass_mark_of_unequal_forms() {
        let mut all = Scores::new(exam(Some(Bar::Points(Points::from(3))), &[6, 12]), None);
        all.add(0, d("3"), false);
        let s = all.finish("exams/e".to_owned(), 4);
        let rate = s.pass_rate.unwrap();
        assert_eq!((rate.value, rate.undefined_reason.as_str()), (None, "POINTS_ON_UNEQUAL_FORMS"));
        assert_eq!(s.forms[0].pass_rate.as_ref().unwrap().value, Some(1.0));
        assert_eq!(s.forms[1].pass_rate.as_ref().unwrap().undefined_reason, "TOO_FEW_PERSONS");
    }

    #[test]
    fn a_form_of_no_points_has_no_percentages() {
        let mut all = Scores::new(exam(Some(Bar::Percent(Points::from(50))), &[0, 4]), None);
        all.add(0, d("0"), false);
        let s = all.finish("exams/e".to_owned(), 4);
        assert_eq!((s.pass_rate.unwrap().value, s.min_score.as_str()), (Some(0.0), ""));
        assert_eq!(s.forms[0].mean_percent.as_ref().unwrap().undefined_reason, "NO_POINTS");
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
        let figures =
            [summary.mean, summary.standard_deviation, summary.pass_rate, summary.skewness, summary.kurtosis];
        for figure in figures.into_iter().chain(summary.percentiles.into_iter().map(|p| p.score)) {
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
            SeveralForms,
            UnequalPoints,
        ] {
            let word = serde_json::to_value(reason).unwrap();
            assert_eq!(word, statistic(Err(reason)).undefined_reason);
        }
    }
}
