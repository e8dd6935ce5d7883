//! From a key and a response to a mark: the policies as data, the arithmetic, text and number comparison, the plan that
//! a form is compiled to, and the trace that explains a mark. Pure: no clock, no database, no randomness; every mark is
//! an exact decimal.

pub mod amount;
mod assign;
pub mod exact;
pub mod expression;
pub mod folding;
pub mod matching;
pub mod numeric;
pub mod ordering;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod reach;
pub mod score;
pub mod simplified;
pub mod text;
pub mod trace;
