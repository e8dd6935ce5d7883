//! How the questions of a form worked: classical item analysis after `PSYCHOMETRICS.md` 1–3 and 5–7.
//!
//! [`Sums`] folds persons one at a time (k×k products, so a million persons by fifty questions need no matrix in
//! memory) and can be merged from parts; [`Sums::finish`] is an [`Analysis`]. What needs all persons at once (the 27 %
//! groups, sorted covariances) works on a [`Matrix`].
//!
//! Whatever is undefined says why: a [`Statistic`] is a figure or a [`Reason`], never 0 or NaN in disguise. Variances
//! divide by n − 1. *Not presented* is a missing cell; *presented and blank* is 0. Where cells are missing, a person's
//! total is prorated (points earned / points presented × all points), covariances are pairwise complete, and the rest
//! of item-rest is the person's mean fraction over the other questions presented.

use serde::Serialize;

/// A figure, or why there is none.
pub type Statistic = Result<f64, Reason>;

/// Why a statistic is undefined; the words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Fewer persons (or pairs of marks) than the formula needs.
    #[error("too few persons")]
    TooFewPersons,
    /// Fewer questions than the formula needs.
    #[error("too few questions")]
    TooFewItems,
    /// Everyone has the same mark or total.
    #[error("no variance")]
    NoVariance,
    /// The question is worth no points.
    #[error("the question is worth no points")]
    NoPoints,
    /// The formula is for marks that are nothing or everything.
    #[error("the marks are not all right or wrong")]
    NotDichotomous,
    /// The formula needs every question presented to everyone.
    #[error("some questions were not presented to some persons")]
    Incomplete,
    /// The question works against the total, so it has no share of its variance.
    #[error("the covariance is negative")]
    NegativeCovariance,
    /// A parameter is outside what the formula is for.
    #[error("a parameter is out of range")]
    OutOfRange,
}

/// Marks of persons on questions: one row a person, NaN where a question was not presented.
#[derive(Clone, Debug)]
pub struct Matrix {
    cells: Vec<f64>,
    max: Vec<f64>,
}

impl Matrix {
    /// From cells row by row and the maximum of each question; `None` where the cells are no whole rows.
    pub fn try_new(cells: Vec<f64>, max: Vec<f64>) -> Option<Self> {
        let whole = if max.is_empty() { cells.is_empty() } else { cells.len().is_multiple_of(max.len()) };
        whole.then_some(Self { cells, max })
    }

    /// How many rows.
    pub fn persons(&self) -> usize {
        self.cells.len() / self.max.len().max(1)
    }

    /// How many columns.
    pub fn items(&self) -> usize {
        self.max.len()
    }

    /// The maximum of each question.
    pub fn max(&self) -> &[f64] {
        &self.max
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(self.max.len().max(1))
    }

    /// The marks of one question, NaN where not presented; empty beyond the last question.
    pub fn column(&self, item: usize) -> Vec<f64> {
        self.rows().filter_map(|row| row.get(item).copied()).collect()
    }

    /// Everyone's total, NaN for a person to whom nothing was presented.
    pub fn totals(&self) -> Vec<f64> {
        self.rows().map(|row| total(row, &self.max).unwrap_or(f64::NAN)).collect()
    }

    /// The analysis of all rows.
    pub fn analyse(&self) -> Analysis {
        let mut sums = Sums::new(&self.max);
        self.rows().for_each(|row| sums.add(row));
        sums.finish()
    }
}

/// The prorated total of a row, to nine decimals so that equal totals are equal; `None` where nothing was presented.
pub(super) fn total(row: &[f64], max: &[f64]) -> Option<f64> {
    let presented = || row.iter().zip(max).filter(|(x, _)| x.is_finite());
    let (earned, most) = presented().fold((0.0, 0.0), |(e, m), (x, max)| (e + x, m + max));
    let count = presented().count();
    let whole = if count == max.len() || most <= 0.0 { 1.0 } else { max.iter().sum::<f64>() / most };
    (count > 0).then(|| (earned * whole * 1e9).round() / 1e9)
}

/// Sums over persons from which the analysis is computed; marks are shifted by half their maximum, so that nothing
/// large cancels.
#[derive(Clone, Debug)]
pub struct Sums {
    max: Vec<f64>,
    whole: f64,
    complete: Pairs,
    partial: Pairs,
    complete_rows: u64,
    partial_rows: u64,
    items: Vec<Column>,
    total: Moments,
    scratch: Vec<f64>,
}

/// k×k sums over the persons who have both marks: count, sum of the first, sum of products.
#[derive(Clone, Debug)]
struct Pairs {
    count: Vec<u64>,
    first: Vec<f64>,
    product: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Column {
    /// The mark with the total, both as fractions of what can be had.
    total: Moments,
    /// The mark with the total without it, both as fractions.
    rest: Moments,
    /// The mark with the mean fraction of the other questions presented.
    mean_rest: Moments,
    dichotomous: bool,
}

impl Sums {
    /// Of nobody yet.
    pub fn new(max: &[f64]) -> Self {
        let k = max.len();
        let pairs = || Pairs { count: vec![0; k * k], first: vec![0.0; k * k], product: vec![0.0; k * k] };
        let column = Column {
            total: Moments::default(),
            rest: Moments::default(),
            mean_rest: Moments::default(),
            dichotomous: true,
        };
        Self {
            max: max.to_vec(),
            whole: max.iter().sum(),
            // Complete rows share one count and one sum a question, kept on the diagonal.
            complete: pairs(),
            partial: pairs(),
            complete_rows: 0,
            partial_rows: 0,
            items: vec![column; k],
            total: Moments::default(),
            scratch: vec![0.0; k],
        }
    }

    /// Adds a person. Cells that are missing, NaN or infinite were not presented; a person without any is skipped.
    pub fn add(&mut self, row: &[f64]) {
        let k = self.max.len();
        let Some(points) = total(row, &self.max).filter(|_| row.len() == k) else { return };
        let total = fraction(points, self.whole);
        self.total.add(total, 0.0);
        let (mut count, mut fractions) = (0.0, 0.0);
        for (i, (x, max)) in row.iter().zip(&self.max).enumerate() {
            self.scratch[i] = x - max / 2.0;
            if x.is_finite() {
                count += 1.0;
                fractions += fraction(*x, *max);
            }
        }
        for ((x, max), column) in row.iter().zip(&self.max).zip(&mut self.items) {
            if !x.is_finite() {
                continue;
            }
            let own = fraction(*x, *max);
            column.total.add(own, total);
            if count > 1.0 {
                column.rest.add(own, fraction(points - x, self.whole - max));
                column.mean_rest.add(own, (fractions - own) / (count - 1.0));
            }
            column.dichotomous &= *x == 0.0 || x == max;
        }
        let d = &self.scratch;
        if count as usize == k {
            self.complete_rows += 1;
            for i in 0..k {
                self.complete.first[i * k + i] += d[i];
                let (di, sums) = (d[i], &mut self.complete.product[i * k + i..(i + 1) * k]);
                sums.iter_mut().zip(&d[i..]).for_each(|(sum, dj)| *sum += di * dj);
            }
        } else {
            self.partial_rows += 1;
            for i in (0..k).filter(|i| d[*i].is_finite()) {
                for j in (0..k).filter(|j| d[*j].is_finite()) {
                    self.partial.count[i * k + j] += 1;
                    self.partial.first[i * k + j] += d[i];
                    self.partial.product[i * k + j] += d[i] * d[j];
                }
            }
        }
    }

    /// Adds the persons of another part; a part over other questions is not added.
    pub fn merge(&mut self, other: &Self) {
        if self.max != other.max {
            return;
        }
        for (mine, theirs) in [(&mut self.complete, &other.complete), (&mut self.partial, &other.partial)] {
            mine.count.iter_mut().zip(&theirs.count).for_each(|(a, b)| *a += b);
            mine.first.iter_mut().zip(&theirs.first).for_each(|(a, b)| *a += b);
            mine.product.iter_mut().zip(&theirs.product).for_each(|(a, b)| *a += b);
        }
        self.complete_rows += other.complete_rows;
        self.partial_rows += other.partial_rows;
        self.total.merge(&other.total);
        for (mine, theirs) in self.items.iter_mut().zip(&other.items) {
            mine.total.merge(&theirs.total);
            mine.rest.merge(&theirs.rest);
            mine.mean_rest.merge(&theirs.mean_rest);
            mine.dichotomous &= theirs.dichotomous;
        }
    }

    /// Pairs of marks on questions i and j, and their covariance over those who have both.
    fn covariance(&self, i: usize, j: usize) -> (u64, Statistic) {
        let k = self.max.len();
        let (low, high) = (i.min(j), i.max(j));
        let count = self.complete_rows + self.partial.count[i * k + j];
        let first = self.complete.first[i * k + i] + self.partial.first[i * k + j];
        let second = self.complete.first[j * k + j] + self.partial.first[j * k + i];
        let product = self.complete.product[low * k + high] + self.partial.product[i * k + j];
        if count < 2 {
            return (count, Err(Reason::TooFewPersons));
        }
        let n = count as f64;
        (count, Ok((product - first * second / n) / (n - 1.0)))
    }

    /// The analysis of everyone added.
    pub fn finish(&self) -> Analysis {
        let k = self.max.len();
        let complete = self.partial_rows == 0;
        let mut smallest_pair = u64::MAX;
        let mut s: Result<Vec<f64>, Reason> = Ok(Vec::with_capacity(k * k));
        for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
            let (count, covariance) = self.covariance(i, j);
            smallest_pair = smallest_pair.min(count);
            // A constant mark has exactly no variance, whatever the last bits of its sums say.
            let still = self.items[i].total.is_still_first() || self.items[j].total.is_still_first();
            match (&mut s, covariance) {
                (Ok(all), Ok(value)) => all.push(if still { 0.0 } else { value }),
                (Ok(_), Err(reason)) => s = Err(reason),
                (Err(_), _) => {}
            }
        }
        let everything: Vec<usize> = (0..k).collect();
        let alpha_of = |items: &[usize]| s.as_ref().map_err(|r| *r).and_then(|s| alpha(s, k, items));
        let mean = self.total.mean().map(|t| (t + 0.5) * self.whole);
        let sd = self.total.variance().map(|v| v.sqrt() * self.whole);
        let alpha = alpha_of(&everything);
        let dichotomous = self.items.iter().all(|c| c.dichotomous);
        let items = (0..k).map(|i| {
            let (column, max) = (&self.items[i], self.max[i]);
            let others: Vec<usize> = (0..k).filter(|j| *j != i).collect();
            let with_total = s.as_ref().map_err(|r| *r).map(|s| s[i * k..(i + 1) * k].iter().sum::<f64>());
            let rest = if complete { &column.rest } else { &column.mean_rest };
            ItemStatistics {
                presented: column.total.n,
                mean: column.total.mean().map(|f| (f + 0.5) * max),
                sd: column.total.variance().map(|v| v.sqrt() * max),
                facility: match column.total.mean() {
                    Ok(_) if max <= 0.0 => Err(Reason::NoPoints),
                    mean => mean.map(|f| f + 0.5),
                },
                item_rest: if k < 2 { Err(Reason::TooFewItems) } else { rest.correlation() },
                item_total: column.total.correlation(),
                alpha_if_deleted: alpha_of(&others),
                covariance_with_total: if complete { with_total } else { Err(Reason::Incomplete) },
            }
        });
        Analysis {
            persons: self.complete_rows + self.partial_rows,
            complete,
            mean,
            sd,
            alpha,
            smallest_pair: if smallest_pair == u64::MAX { 0 } else { smallest_pair },
            kr20: match (complete, dichotomous) {
                (false, _) => Err(Reason::Incomplete),
                (_, false) => Err(Reason::NotDichotomous),
                // p·q·m² and the total's variance, both with n: the quotient is that of the n − 1 variances.
                _ => alpha,
            },
            lambda2: s.as_ref().map_err(|r| *r).and_then(|s| lambda2(s, k)),
            sem: alpha.and_then(|a| Ok(sd? * (1.0 - a).max(0.0).sqrt())),
            items: items.collect(),
        }
    }
}

fn fraction(x: f64, max: f64) -> f64 {
    if max > 0.0 { x / max - 0.5 } else { 0.0 }
}

fn ratio(above: f64, below: f64) -> Statistic {
    if below > 0.0 { Ok((above / below.sqrt()).clamp(-1.0, 1.0)) } else { Err(Reason::NoVariance) }
}

/// What is known of a form after many attempts.
///
/// ```
/// use assessd::analysis::classical::Matrix;
/// // Three persons, two questions of 1 point: (0, 0), (1, 0), (1, 1), so T = 0, 1, 2.
/// let matrix = Matrix::try_new(vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0], vec![1.0, 1.0]).unwrap();
/// let analysis = matrix.analyse();
/// assert!((analysis.items[0].facility.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// // s₁₁ = s₂₂ = 1/3, s₁₂ = 1/6, var(T) = 1: alpha = 2·(1 − 2/3), item-rest = (1/6)/(1/3).
/// assert!((analysis.alpha.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// assert!((analysis.items[0].item_rest.unwrap() - 0.5).abs() < 1e-12);
/// // λ2 = (2/6 + √(2·2/36)) / 1, which for two questions is alpha.
/// assert!((analysis.lambda2.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// assert!((analysis.sem.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Persons to whom anything was presented.
    pub persons: u64,
    /// Whether everything was presented to everyone.
    pub complete: bool,
    /// Mean of the totals.
    pub mean: Statistic,
    /// Standard deviation of the totals.
    pub sd: Statistic,
    /// Cronbach's alpha: k/(k−1)·(1 − Σ s_ii / Σ s_ij); can be negative and is not clipped.
    pub alpha: Statistic,
    /// The smallest number of persons that any covariance rests on.
    pub smallest_pair: u64,
    /// KR-20 with the population variance, which is alpha for marks that are nothing or everything.
    pub kr20: Statistic,
    /// Guttman's λ2: (Σ_{i≠j} s_ij + √(k/(k−1)·Σ_{i≠j} s_ij²)) / Σ s_ij.
    pub lambda2: Statistic,
    /// Standard error of measurement: s_T·√(1 − alpha).
    pub sem: Statistic,
    /// One entry a question.
    pub items: Vec<ItemStatistics>,
}

/// What is known of a question after many attempts.
#[derive(Clone, Debug)]
pub struct ItemStatistics {
    /// Persons to whom it was presented.
    pub presented: u64,
    /// Mean mark.
    pub mean: Statistic,
    /// Standard deviation of the mark.
    pub sd: Statistic,
    /// Facility: mean / maximum.
    pub facility: Statistic,
    /// Discrimination: the correlation of the mark with the total without it.
    pub item_rest: Statistic,
    /// The correlation of the mark with the total.
    pub item_total: Statistic,
    /// Alpha of the form without this question.
    pub alpha_if_deleted: Statistic,
    /// cov(x, T), where everything was presented to everyone.
    pub covariance_with_total: Statistic,
}

impl Analysis {
    /// Moodle's effective weight of each question: 100·√cov(x, T) / Σ √cov(x_j, T) over those with cov ≥ 0.
    pub fn effective_weights(&self) -> Vec<Statistic> {
        let covariances = || self.items.iter().map(|item| item.covariance_with_total);
        let sum: f64 = covariances().flatten().filter(|c| *c >= 0.0).map(f64::sqrt).sum();
        let weight = |covariance: Statistic| match covariance? {
            c if c < 0.0 => Err(Reason::NegativeCovariance),
            _ if sum <= 0.0 => Err(Reason::NoVariance),
            c => Ok(100.0 * c.sqrt() / sum),
        };
        covariances().map(weight).collect()
    }

    /// Moodle's coefficient of internal consistency: 100·alpha.
    pub fn cic(&self) -> Statistic {
        self.alpha.map(|a| 100.0 * a)
    }

    /// Moodle's error ratio: 100·√(1 − alpha).
    pub fn error_ratio(&self) -> Statistic {
        self.alpha.map(|a| 100.0 * (1.0 - a).max(0.0).sqrt())
    }
}

/// Alpha of some of the k questions from all their covariances.
fn alpha(s: &[f64], k: usize, items: &[usize]) -> Statistic {
    if items.len() < 2 {
        return Err(Reason::TooFewItems);
    }
    let own: f64 = items.iter().map(|i| s[i * k + i]).sum();
    let all: f64 = items.iter().flat_map(|i| items.iter().map(move |j| s[i * k + j])).sum();
    // Below this the total stands still and the sum is only the last bits of its parts.
    if all <= 1e-12 * own || all <= 0.0 {
        return Err(Reason::NoVariance);
    }
    let count = items.len() as f64;
    Ok(count / (count - 1.0) * (1.0 - own / all))
}

fn lambda2(s: &[f64], k: usize) -> Statistic {
    alpha(s, k, &(0..k).collect::<Vec<_>>())?;
    let (all, own): (f64, f64) = (s.iter().sum(), (0..k).map(|i| s[i * k + i]).sum());
    let squares: f64 =
        s.iter().map(|c| c * c).sum::<f64>() - (0..k).map(|i| s[i * k + i].powi(2)).sum::<f64>();
    let count = k as f64;
    Ok((all - own + (count / (count - 1.0) * squares.max(0.0)).sqrt()) / all)
}

/// The standard error of measurement at a number of right answers T out of k: √(T(k − T)/(k − 1)) (Lord).
///
/// ```
/// use assessd::analysis::classical::{Reason, conditional_sem};
/// assert_eq!(conditional_sem(5.0, 10), Ok((25.0f64 / 9.0).sqrt()));
/// assert_eq!(conditional_sem(10.0, 10), Ok(0.0));
/// assert_eq!(conditional_sem(0.0, 1), Err(Reason::TooFewItems));
/// ```
pub fn conditional_sem(right: f64, items: usize) -> Statistic {
    let k = items as f64;
    match items {
        0 | 1 => Err(Reason::TooFewItems),
        _ if (0.0..=k).contains(&right) => Ok((right * (k - right) / (k - 1.0)).sqrt()),
        _ => Err(Reason::OutOfRange),
    }
}

/// The confidence interval of alpha (Feldt 1965): 1 − (1 − alpha)·F at 1 − q and q, q = (1 − level)/2, with n − 1 and
/// (n − 1)(k − 1) degrees of freedom.
///
/// ```
/// use assessd::analysis::classical::alpha_interval;
/// // From a table: F of 0.975 with 10 and 10 degrees of freedom is 3.7168, that of 0.025 its inverse.
/// let (low, high) = alpha_interval(0.8, 11, 2, 0.95).unwrap();
/// assert!((low - (1.0 - 0.2 * 3.7168)).abs() < 1e-4 && (high - (1.0 - 0.2 / 3.7168)).abs() < 1e-4);
/// ```
pub fn alpha_interval(alpha: f64, persons: u64, items: usize, level: f64) -> Result<(f64, f64), Reason> {
    if persons < 2 {
        return Err(Reason::TooFewPersons);
    }
    if items < 2 {
        return Err(Reason::TooFewItems);
    }
    if !(0.5..1.0).contains(&level) || !alpha.is_finite() {
        return Err(Reason::OutOfRange);
    }
    let one = (persons - 1) as f64;
    let two = one * (items - 1) as f64;
    let q = (1.0 - level) / 2.0;
    let bound = |p: f64| 1.0 - (1.0 - alpha) * super::summary::f_quantile(p, one, two);
    Ok((bound(1.0 - q), bound(q)))
}

/// The lower and upper group of Kelley's 27 %: k = ⌊0.27n + ½⌋, T ≤ the k-th lowest and T ≥ the k-th highest total,
/// ties included.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The highest total of the lower group.
    pub cut_low: f64,
    /// The lowest total of the upper group.
    pub cut_high: f64,
    /// Per person: in the lower group.
    pub lower: Vec<bool>,
    /// Per person: in the upper group.
    pub upper: Vec<bool>,
}

impl Groups {
    /// By everyone's totals; a NaN is in neither group.
    pub fn by_totals(totals: &[f64]) -> Result<Self, Reason> {
        let mut sorted: Vec<f64> = totals.iter().copied().filter(|t| t.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let k = (0.27 * n as f64 + 0.5).floor() as usize;
        if n < 2 || k == 0 {
            return Err(Reason::TooFewPersons);
        }
        let (cut_low, cut_high) = (sorted[k - 1], sorted[n - k]);
        if cut_low >= cut_high {
            return Err(Reason::NoVariance);
        }
        let lower = totals.iter().map(|t| *t <= cut_low).collect();
        let upper = totals.iter().map(|t| *t >= cut_high).collect();
        Ok(Self { cut_low, cut_high, lower, upper })
    }

    /// How many are in the lower and in the upper group.
    pub fn sizes(&self) -> (usize, usize) {
        let count = |side: &[bool]| side.iter().filter(|b| **b).count();
        (count(&self.lower), count(&self.upper))
    }

    /// D27 of one question: (mean of the upper group − mean of the lower group) / maximum, over those who saw it.
    ///
    /// ```
    /// use assessd::analysis::classical::Groups;
    /// let groups = Groups::by_totals(&[1.0, 2.0, 3.0, 4.0]).unwrap(); // k = ⌊1.58⌋ = 1
    /// assert_eq!(groups.discrimination(&[0.0, 1.0, 1.0, 2.0], 2.0), Ok(1.0));
    /// ```
    pub fn discrimination(&self, marks: &[f64], max: f64) -> Statistic {
        if max <= 0.0 {
            return Err(Reason::NoPoints);
        }
        let mean = |side: &[bool]| {
            let seen = marks.iter().zip(side).filter(|(x, inside)| **inside && x.is_finite());
            let (sum, n) = seen.fold((0.0, 0u64), |(sum, n), (x, _)| (sum + x, n + 1));
            if n == 0 { Err(Reason::TooFewPersons) } else { Ok(sum / n as f64) }
        };
        Ok((mean(&self.upper)? - mean(&self.lower)?) / max)
    }
}

/// Moodle's discriminative efficiency of one question: 100·cov(x, R) / cov(sorted x, sorted R) with R = T − x.
pub fn discriminative_efficiency(matrix: &Matrix, item: usize) -> Statistic {
    let x = matrix.column(item);
    if x.len() < 2 {
        return Err(Reason::TooFewPersons);
    }
    let mut moments = [Moments::default(), Moments::default()];
    let mut rest: Vec<f64> = matrix.rows().zip(&x).map(|(row, x)| row.iter().sum::<f64>() - x).collect();
    if rest.iter().any(|r| !r.is_finite()) {
        return Err(Reason::Incomplete);
    }
    let (middle, half) = (x[0], rest[0]);
    x.iter().zip(&rest).for_each(|(x, r)| moments[0].add(x - middle, r - half));
    let mut sorted = x;
    sorted.sort_by(f64::total_cmp);
    rest.sort_by(f64::total_cmp);
    sorted.iter().zip(&rest).for_each(|(x, r)| moments[1].add(x - middle, r - half));
    if moments[0].is_still() {
        return Err(Reason::NoVariance);
    }
    Ok(100.0 * moments[0].covariance()? / moments[1].covariance()?)
}

/// Sums of two values over persons; both are of the order of 1 and centred by the caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) n: u64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
    range_a: (f64, f64),
    range_b: (f64, f64),
}

impl Default for Moments {
    fn default() -> Self {
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        Self { n: 0, a: 0.0, b: 0.0, aa: 0.0, bb: 0.0, ab: 0.0, range_a: nothing, range_b: nothing }
    }
}

impl Moments {
    pub(super) fn add(&mut self, a: f64, b: f64) {
        self.n += 1;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
        self.range_a = (self.range_a.0.min(a), self.range_a.1.max(a));
        self.range_b = (self.range_b.0.min(b), self.range_b.1.max(b));
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.a += other.a;
        self.b += other.b;
        self.aa += other.aa;
        self.bb += other.bb;
        self.ab += other.ab;
        self.range_a = (self.range_a.0.min(other.range_a.0), self.range_a.1.max(other.range_a.1));
        self.range_b = (self.range_b.0.min(other.range_b.0), self.range_b.1.max(other.range_b.1));
    }

    /// The first value never changes (but for the last bits of its computation).
    fn is_still_first(&self) -> bool {
        self.range_a.1 - self.range_a.0 <= 1e-9
    }

    fn is_still(&self) -> bool {
        self.is_still_first() || self.range_b.1 - self.range_b.0 <= 1e-9
    }

    fn mean(&self) -> Statistic {
        if self.n == 0 { Err(Reason::TooFewPersons) } else { Ok(self.a / self.n as f64) }
    }

    fn variance(&self) -> Statistic {
        match self.n {
            0 | 1 => Err(Reason::TooFewPersons),
            _ if self.is_still_first() => Ok(0.0),
            n => Ok(((self.aa - self.a * self.a / n as f64) / (n - 1) as f64).max(0.0)),
        }
    }

    fn covariance(&self) -> Statistic {
        match self.n {
            0 | 1 => Err(Reason::TooFewPersons),
            n => Ok((self.ab - self.a * self.b / n as f64) / (n - 1) as f64),
        }
    }

    pub(super) fn correlation(&self) -> Statistic {
        let covariance = self.covariance()?;
        if self.is_still() {
            return Err(Reason::NoVariance);
        }
        let n = self.n as f64;
        let other = (self.bb - self.b * self.b / n) / (n - 1.0);
        ratio(covariance, self.variance()? * other)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{self, close, json};
    use super::*;
    use proptest::prelude::*;

    fn figures(matrix: &Matrix) -> Vec<Statistic> {
        let a = matrix.analyse();
        let mut all = vec![a.mean, a.sd, a.alpha, a.kr20, a.lambda2, a.sem];
        for (i, item) in a.items.iter().enumerate() {
            all.extend([
                item.mean,
                item.sd,
                item.facility,
                item.item_rest,
                item.item_total,
                item.alpha_if_deleted,
            ]);
            all.push(discriminative_efficiency(matrix, i));
            let groups = Groups::by_totals(&matrix.totals());
            all.push(groups.and_then(|g| g.discrimination(&matrix.column(i), matrix.max()[i])));
        }
        all.extend(a.effective_weights());
        all
    }

    #[test]
    fn what_is_undefined_says_why() {
        let of = |cells: Vec<f64>, k: usize| Matrix::try_new(cells, vec![1.0; k]).unwrap().analyse();
        assert_eq!(of(vec![], 2).alpha, Err(Reason::TooFewPersons));
        assert_eq!(of(vec![], 2).mean, Err(Reason::TooFewPersons));
        assert_eq!(of(vec![1.0, 0.0], 2).sd, Err(Reason::TooFewPersons));
        let same = of(vec![0.1, 0.7, 0.1, 0.7, 0.1, 0.7], 2);
        assert_eq!((same.alpha, same.items[0].item_rest), (Err(Reason::NoVariance), Err(Reason::NoVariance)));
        assert_eq!(same.items[0].sd, Ok(0.0));
        let one = of(vec![0.0, 1.0, 1.0], 1);
        assert_eq!((one.alpha, one.items[0].item_rest), (Err(Reason::TooFewItems), Err(Reason::TooFewItems)));
        // x and 1 − x: the total stands still.
        let against = of(vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 2);
        assert_eq!(
            (against.alpha, against.items[0].item_total),
            (Err(Reason::NoVariance), Err(Reason::NoVariance))
        );
        assert!((against.items[0].item_rest.unwrap() + 1.0).abs() < 1e-12);
        let worthless = Matrix::try_new(vec![0.0, 0.0], vec![0.0]).unwrap().analyse();
        assert_eq!(worthless.items[0].facility, Err(Reason::NoPoints));
        let apart = of(vec![1.0, f64::NAN, 0.0, f64::NAN, f64::NAN, 1.0, f64::NAN, 0.0], 2);
        assert_eq!((apart.alpha, apart.smallest_pair), (Err(Reason::TooFewPersons), 0));
        assert_eq!(apart.items[0].facility, Ok(0.5));
        assert!(Matrix::try_new(vec![1.0; 3], vec![1.0; 2]).is_none());
        assert_eq!(Groups::by_totals(&[3.0; 10]).err(), Some(Reason::NoVariance));
    }

    #[test]
    fn alpha_can_be_negative() {
        let matrix = Matrix::try_new(vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], vec![1.0; 2]).unwrap();
        assert!(matrix.analyse().alpha.unwrap() < 0.0);
    }

    #[test]
    fn groups_include_ties() {
        let groups = Groups::by_totals(&[1.0, 2.0, 2.0, 2.0, 3.0, 4.0, 4.0, f64::NAN]).unwrap();
        assert_eq!((groups.cut_low, groups.cut_high, groups.sizes()), (2.0, 4.0, (4, 2)));
    }

    /// The reference (psych) computes λ2 from correlations.
    fn standardised_lambda2(matrix: &Matrix) -> Statistic {
        let (mut sums, k) = (Sums::new(matrix.max()), matrix.items());
        matrix.rows().for_each(|row| sums.add(row));
        let s = |i: usize, j: usize| sums.covariance(i, j).1.unwrap();
        let r = (0..k * k).map(|at| s(at / k, at % k) / (s(at / k, at / k) * s(at % k, at % k)).sqrt());
        lambda2(&r.collect::<Vec<_>>(), k)
    }

    fn against_r(name: &str, file: &str, skip: usize, max: f64) {
        let (Some(matrix), Some(expected)) =
            (reference::matrix(file, skip, max), json(&format!("psychometrics/{name}.ctt.json")))
        else {
            return eprintln!("SKIPPED: no reference data for {name}");
        };
        let a = matrix.analyse();
        close(a.mean, &expected["mean"]);
        close(a.sd, &expected["sd_n1"]);
        close(a.alpha, &expected["alpha_raw"]);
        close(standardised_lambda2(&matrix), &expected["guttman_lambda"]["l2"]);
        close(a.sem, &expected["sem"]);
        close(a.cic(), &expected["moodle_cic"]);
        close(a.error_ratio(), &expected["moodle_error_ratio"]);
        match expected["kr20_popvar"].as_f64() {
            Some(_) => close(a.kr20, &expected["kr20_popvar"]),
            None => assert_eq!(a.kr20, Err(Reason::NotDichotomous)),
        }
        let weights = a.effective_weights();
        let groups = Groups::by_totals(&matrix.totals()).unwrap();
        let d27 = &expected["D27_inclusive_ties"];
        close(Ok(groups.cut_low), &d27["cut_low"]);
        close(Ok(groups.cut_high), &d27["cut_high"]);
        close(Ok(groups.sizes().0 as f64), &d27["n_low"]);
        close(Ok(groups.sizes().1 as f64), &d27["n_high"]);
        assert_eq!(a.items.len(), expected["items"].as_array().unwrap().len());
        for (i, item) in a.items.iter().enumerate() {
            let (one, moodle) = (&expected["items"][i], &expected["moodle"][i]);
            close(item.facility, &one["p"]);
            close(item.sd, &one["sd"]);
            close(item.item_total, &one["item_total"]);
            close(item.item_rest, &one["item_rest"]);
            close(item.alpha_if_deleted, &one["alpha_if_deleted"]);
            // The reference leaves out the division by the maximum.
            close(groups.discrimination(&matrix.column(i), max).map(|d| d * max), &d27["D"][i]);
            close(item.item_rest.map(|r| 100.0 * r), &moodle["disc_index"]);
            close(discriminative_efficiency(&matrix, i), &moodle["disc_eff"]);
            close(weights[i], &moodle["eff_weight"]);
        }
    }

    #[test]
    fn lsat6_as_r_has_it() {
        against_r("lsat6", "psychometrics/lsat6_scored.csv", 0, 1.0);
    }

    #[test]
    fn hci_as_r_has_it() {
        against_r("hci", "psychometrics/hci_scored.csv", 0, 1.0);
    }

    #[test]
    fn verbal_aggression_as_r_has_it() {
        against_r("verbagg", "psychometrics/verbagg.csv", 2, 2.0);
    }

    #[test]
    fn missing_cells_as_r_has_them() {
        let file = "psychometrics/hci_na_scored.csv";
        let (Some(matrix), Some(expected)) =
            (reference::matrix(file, 0, 1.0), json("psychometrics/hci_na.ctt.json"))
        else {
            return eprintln!("SKIPPED: no reference data for hci_na");
        };
        let a = matrix.analyse();
        assert!(!a.complete && a.kr20 == Err(Reason::Incomplete));
        close(a.alpha, &expected["alpha_pairwise"]);
        for (i, item) in a.items.iter().enumerate() {
            close(item.facility, &expected["p"][i]);
            close(item.item_rest, &expected["item_rest_proratedmean"][i]);
        }
    }

    #[test]
    fn moodle_as_its_own_tests_have_it() {
        let Some(rows) = reference::rows("statistics/stats00_results.csv") else {
            return eprintln!("SKIPPED: no statistics/stats00");
        };
        let cells = rows.iter().flat_map(|row| row[1..8].to_vec()).collect();
        let matrix = Matrix::try_new(cells, vec![1.0; 7]).unwrap();
        let (a, expected) =
            (matrix.analyse(), reference::rows("statistics/stats00_qstats_expected.csv").unwrap());
        let near = |got: Statistic, want: f64| {
            let got = got.unwrap();
            assert!((got - want).abs() <= 1.5e-5 * want.abs().max(1e-3), "{got} for {want}");
        };
        for (i, want) in expected.iter().enumerate() {
            let item = &a.items[i];
            near(item.facility, want[1]);
            near(item.sd, want[2]);
            near(a.effective_weights()[i], want[3]);
            near(item.item_rest.map(|r| 100.0 * r), want[7]);
            near(discriminative_efficiency(&matrix, i), want[9]);
        }
        let exam = json("statistics/stats00_quizstats_expected.json").unwrap();
        let figure = |name: &str| exam[name].as_f64().unwrap();
        near(a.cic(), figure("cic"));
        near(a.error_ratio(), figure("errorratio"));
        near(a.sem, figure("standarderror"));
    }

    fn any_matrix() -> impl Strategy<Value = (Matrix, Vec<Vec<f64>>)> {
        let cell = prop_oneof![8 => (0u8..=4).prop_map(|x| f64::from(x) / 2.0), 1 => Just(f64::NAN)];
        (2usize..5).prop_flat_map(move |k| {
            proptest::collection::vec(proptest::collection::vec(cell.clone(), k), 0..12)
                .prop_map(move |rows| (Matrix::try_new(rows.concat(), vec![2.0; k]).unwrap(), rows))
        })
    }

    proptest! {
        #[test]
        fn order_of_rows_does_not_matter((matrix, mut rows) in any_matrix(), turn in 0usize..12, at in 0usize..12) {
            let before = figures(&matrix);
            prop_assert!(before.iter().flatten().all(|f| f.is_finite()));
            if !rows.is_empty() {
                let turn = turn % rows.len();
                rows.rotate_left(turn);
                rows.reverse();
            }
            let turned = Matrix::try_new(rows.concat(), matrix.max().to_vec()).unwrap();
            for (a, b) in before.iter().zip(figures(&turned)) {
                match (a, b) {
                    (Ok(a), Ok(b)) => prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0)),
                    (a, b) => prop_assert_eq!(*a, b),
                }
            }
            let (mut left, mut right) = (Sums::new(matrix.max()), Sums::new(matrix.max()));
            rows.iter().enumerate().for_each(|(i, row)| if i < at { left.add(row) } else { right.add(row) });
            left.merge(&right);
            prop_assert_eq!(left.finish().alpha.is_ok(), matrix.analyse().alpha.is_ok());
        }
    }
}
