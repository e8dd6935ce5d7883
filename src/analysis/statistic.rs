//! A figure of statistics, or the reason why there is none: never 0 or NaN in disguise.

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
    /// The figure is that of one form, and several are put together.
    #[error("several forms are put together")]
    SeveralForms,
    /// The question is worth different points on the forms that are put together.
    #[error("the question is worth different points on different forms")]
    UnequalPoints,
    /// A parameter is outside what the formula is for.
    #[error("a parameter is out of range")]
    OutOfRange,
}
