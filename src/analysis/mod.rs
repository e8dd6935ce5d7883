//! Statistics over scored attempts, as pure functions: how an exam went, how its questions worked, what its options
//! drew, and where a person stands in a group. Binary floats begin here and nowhere before; whatever cannot be
//! computed is a named [`statistic::Reason`], never 0 or NaN.

pub mod classical;
pub mod distractor;
pub mod fold;
pub mod groups;
pub mod matrix;
mod moments;
pub mod pooled;
pub mod statistic;
pub mod summary;
pub mod sums;

/// Third-party reference figures beside the repository (`../shared/data`), for checking only; tests that do not find
/// them say so and pass.
#[cfg(test)]
mod reference {
    use super::{matrix::Matrix, statistic::Statistic};
    use serde_json::Value;

    pub fn text(file: &str) -> Option<String> {
        std::fs::read_to_string(format!("{}/../shared/data/{file}", env!("CARGO_MANIFEST_DIR"))).ok()
    }

    pub fn json(file: &str) -> Option<Value> {
        Some(serde_json::from_str(&text(file)?).unwrap())
    }

    /// The rows of a CSV file with a header; what is no number is NaN.
    pub fn rows(file: &str) -> Option<Vec<Vec<f64>>> {
        let number = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
        Some(text(file)?.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect())
    }

    pub fn matrix(file: &str, skip: usize, max: f64) -> Option<Matrix> {
        let rows = rows(file)?;
        let items = rows[0].len() - skip;
        Matrix::try_new(rows.iter().flat_map(|row| row[skip..].to_vec()).collect(), vec![max; items])
    }

    /// The figure of the reference, which has eleven digits.
    #[track_caller]
    pub fn close(got: Statistic, want: &Value) {
        let (got, want) = (got.unwrap(), want.as_f64().unwrap());
        assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{got} for {want}");
    }
}
