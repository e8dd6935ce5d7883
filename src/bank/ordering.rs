//! What an ordering question (排序) asks for: items in the order of print, and the order that is right. The two are never
//! the same, so that the paper does not tell the key.

use serde::{Deserialize, Serialize};

use super::content::{ChoiceOption, OptionSet};

/// Items to bring into their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ordering {
    /// The items in the order of print.
    pub options: Vec<ChoiceOption>,
    /// The indices of all items in their right order; empty while the key is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<u8>,
    /// How an order becomes points.
    #[serde(default)]
    pub rule: OrderingRule,
}

/// How an order becomes points. n items, P points of the question. What is not placed is nowhere: at no place, beside
/// nothing, and in the right order with nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderingRule {
    /// P if everything is in its order, else 0.
    #[default]
    AllOrNothing,
    /// P·(items at their own place)/n.
    PerPosition,
    /// P·(neighbours of the key that still follow one another)/(n − 1).
    AdjacentPairs,
    /// P·(1 − 2d/(n(n − 1))), d being the pairs that are the wrong way round: the normalised distance of M. G. Kendall
    /// (*A New Measure of Rank Correlation*, Biometrika 30, 1938), clamped to 0..P.
    Kendall,
}

impl OrderingRule {
    /// Every rule, in the order of the proto.
    pub const ALL: [Self; 4] = [Self::AllOrNothing, Self::PerPosition, Self::AdjacentPairs, Self::Kendall];

    /// The word that names the rule everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllOrNothing => "ALL_OR_NOTHING",
            Self::PerPosition => "PER_POSITION",
            Self::AdjacentPairs => "ADJACENT_PAIRS",
            Self::Kendall => "KENDALL",
        }
    }
}

impl Ordering {
    /// The fewest items of a published question: where there are two and they are not printed in their right order, the
    /// paper tells the key.
    pub const MIN: usize = 3;

    /// Whether the key is an order of all the items.
    pub fn is_keyed(&self) -> bool {
        let items = self.options.len();
        let named: OptionSet = self.key.iter().map(|item| usize::from(*item)).collect();
        items > 0 && items <= OptionSet::MAX && self.key.len() == items && named == (0..items).collect()
    }

    /// Whether the items are printed in their right order.
    pub fn tells_its_key(&self) -> bool {
        !self.key.is_empty() && self.key.is_sorted()
    }

    /// The key as people write it: the labels in their right order.
    pub fn shown(&self) -> Vec<String> {
        let label = |item: &u8| self.options.get(usize::from(*item)).map(|o| o.label.to_string());
        self.key.iter().filter_map(label).collect()
    }
}
