//! Whether full marks can be reached: the key's own answer, scored by the rule that will score candidates.

use rust_decimal::Decimal;

use super::{
    policy::Policy,
    score::{Key, Terms, score},
};
use crate::{
    attempt::response::{Mark, Response},
    points::{Points, Rounding},
};

/// What the best of the key's own answers earns of so many points; `None` where nothing can be said, because a person
/// marks or because the accepted answers are expressions that no text is made of here.
///
/// ```
/// use assessd::{bank::content::{ChoiceKind, OptionSet}, points::Points};
/// use assessd::scoring::{policy::Policy, reach::own_mark, score::Key};
/// let key = Key::Choice { kind: ChoiceKind::Multiple, options: 4, key: OptionSet::from_bits(0b0111) };
/// let by = Policy::PerKeyWithDeduction { points: "0.5".parse().unwrap() };
/// assert_eq!(own_mark(&key, &by, Points::from(6)).unwrap().to_string(), "1.5");
/// let by = Policy::OptionFractions { fractions: vec!["1/3".parse().unwrap(); 4] };
/// assert_eq!(own_mark(&key, &by, Points::from(6)).unwrap().to_string(), "6");
/// ```
pub fn own_mark(key: &Key, policy: &Policy, points: Points) -> Option<Points> {
    // A floor and a rounding that hide nothing.
    let terms = Terms {
        points,
        rounding: Rounding { step: Points::new(Decimal::new(1, 8)), ..Rounding::default() },
        floor: Points::ZERO,
    };
    let answers = own_answers(key)?;
    let marks = answers.iter().map(|answer| match score(key, policy, answer, terms) {
        Mark::Scored(points) => points,
        Mark::NotAnswered | Mark::Awaiting => Points::ZERO,
    });
    Some(marks.max().unwrap_or_default())
}

/// The answers that the key itself calls right.
fn own_answers(key: &Key) -> Option<Vec<Response>> {
    Some(match key {
        Key::Choice { key, .. } => vec![Response::Choice(*key)],
        Key::Truth(truth) => vec![Response::Truth(*truth)],
        Key::Texts(texts) => vec![Response::Texts(texts.best_filling()?)],
        Key::Numeric(number) => {
            number.writings().into_iter().map(|text| Response::Number(text.into())).collect()
        }
        Key::Matching(matching) => vec![Response::Pairs(matching.pairs.clone())],
        Key::Ordering(ordering) => vec![Response::Order(ordering.order.clone())],
        Key::Person(_) => return None,
    })
}
