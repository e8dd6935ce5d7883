//! The upper and lower group of an exam, and what else of a question needs everybody at once.

use super::{
    matrix::Matrix,
    moments::Moments,
    statistic::{Reason, Statistic},
};

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
    /// use assessd::analysis::groups::Groups;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_include_ties() {
        let groups = Groups::by_totals(&[1.0, 2.0, 2.0, 2.0, 3.0, 4.0, 4.0, f64::NAN]).unwrap();
        assert_eq!((groups.cut_low, groups.cut_high, groups.sizes()), (2.0, 4.0, (4, 2)));
        assert_eq!(Groups::by_totals(&[3.0; 10]).err(), Some(Reason::NoVariance));
    }
}
