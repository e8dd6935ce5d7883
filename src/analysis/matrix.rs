//! Marks of persons on questions, all at once: for what cannot be folded one person at a time.

use super::{classical::Analysis, sums::Sums};

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
