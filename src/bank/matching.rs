//! What a matching question (配对) asks for: prompts on the left, options on the right, and which belongs to which.
//! There may be more options than prompts (distractors), and one option may be right for several prompts.

use serde::{Deserialize, Serialize};

use super::content::{ChoiceOption, OptionSet};

/// Pairs to find.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// What stands on the left; named by its number, from 1.
    pub prompts: Vec<String>,
    /// What stands on the right; named by its label.
    pub options: Vec<ChoiceOption>,
    /// For each prompt the index of its right option; empty while the key is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<u8>,
    /// How pairs become points.
    #[serde(default)]
    pub rule: MatchingRule,
}

/// How pairs become points. n prompts, r paired rightly, w paired wrongly, P points of the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatchingRule {
    /// P·r/n.
    #[default]
    PerPair,
    /// P if r = n, else 0.
    AllOrNothing,
    /// P·max(0, r − w)/n.
    PerPairWithDeduction,
}

impl MatchingRule {
    /// Every rule, in the order of the proto.
    pub const ALL: [Self; 3] = [Self::PerPair, Self::AllOrNothing, Self::PerPairWithDeduction];

    /// The word that names the rule everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::PerPair => "PER_PAIR",
            Self::AllOrNothing => "ALL_OR_NOTHING",
            Self::PerPairWithDeduction => "PER_PAIR_WITH_DEDUCTION",
        }
    }
}

impl Matching {
    /// The most prompts that a question may have.
    pub const MAX: usize = OptionSet::MAX;

    /// Whether every prompt has its right option, and there are options enough to ask at all.
    pub fn is_keyed(&self) -> bool {
        !self.key.is_empty()
            && self.key.len() == self.prompts.len()
            && self.key.iter().all(|option| usize::from(*option) < self.options.len())
    }

    /// The key as people write it: `1-C`, `2-A`.
    pub fn shown(&self) -> Vec<String> {
        let label = |option: &u8| self.options.get(usize::from(*option)).map(|o| o.label);
        let pairs = self.key.iter().zip(1..);
        pairs.filter_map(|(option, prompt)| Some(format!("{prompt}-{}", label(option)?))).collect()
    }
}
