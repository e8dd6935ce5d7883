//! What a question says: stem, options, key and the notes of its author. Pure data with one constructor that
//! refuses what cannot be asked or scored; whoever holds a [`Content`] need not check it again.
//!
//! A *case* is a shared stimulus with parts; a part is a question of its own, never again a case. Whatever can be
//! answered on its own (a plain question, or one part of a case) is called a *leaf*.

use serde::{Deserialize, Serialize};

use super::{matching::Matching, numeric::Numeric, ordering::Ordering};
use crate::{
    glyphs::{is_invisible, usual_width},
    scoring::policy::Policy,
};

/// The kind of a question (题型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 单选题: exactly one option is right.
    SingleChoice,
    /// 多选题: two options or more are right.
    MultipleChoice,
    /// 不定项选择题: one option or more are right, and the candidate is not told how many.
    IndeterminateChoice,
    /// 判断题: a statement that is true or false.
    TrueFalse,
    /// 填空题: one blank or more to fill with text.
    FillBlank,
    /// 简答题: free text that a person marks.
    ShortAnswer,
    /// 案例题: a shared stimulus with parts.
    Case,
    /// 计算题: a number, near enough to the right one.
    Numeric,
    /// 配对题: for each prompt the option that belongs to it.
    Matching,
    /// 排序题: items brought into their order.
    Ordering,
    /// 论述题: long text that a person marks.
    Essay,
}

impl Kind {
    /// Every kind, in the order of the proto.
    pub const ALL: [Self; 11] = [
        Self::SingleChoice,
        Self::MultipleChoice,
        Self::IndeterminateChoice,
        Self::TrueFalse,
        Self::FillBlank,
        Self::ShortAnswer,
        Self::Case,
        Self::Numeric,
        Self::Matching,
        Self::Ordering,
        Self::Essay,
    ];

    /// The words of [`as_str`](Self::as_str), in the order of [`ALL`](Self::ALL).
    pub const WORDS: [&str; 11] = {
        let mut words = [""; 11];
        let mut at = 0;
        while at < words.len() {
            words[at] = Self::ALL[at].as_str();
            at += 1;
        }
        words
    };

    /// The word used in filters, in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleChoice => "single_choice",
            Self::MultipleChoice => "multiple_choice",
            Self::IndeterminateChoice => "indeterminate_choice",
            Self::TrueFalse => "true_false",
            Self::FillBlank => "fill_blank",
            Self::ShortAnswer => "short_answer",
            Self::Case => "case",
            Self::Numeric => "numeric",
            Self::Matching => "matching",
            Self::Ordering => "ordering",
            Self::Essay => "essay",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// The content of a question, or of one part of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// What is asked; for a case the shared material.
    pub stem: String,
    /// What the candidate has to do, and the key.
    pub task: Task,
    /// What the author adds; never for a candidate before release.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub notes: Notes,
}

/// The author's notes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// 解析: why the key is right.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
    /// 知识点: what the question tests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub knowledge_point: String,
    /// 易错点: what people get wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub common_mistake: String,
}

impl Notes {
    fn is_empty(&self) -> bool {
        self.explanation.is_empty() && self.knowledge_point.is_empty() && self.common_mistake.is_empty()
    }
}

/// What the candidate has to do, with the key. A key may be missing in a draft, never in a published version
/// (but what a person marks needs none).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// Pick options.
    Choice(Choice),
    /// Say whether the stem is true.
    TrueFalse {
        /// The key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<bool>,
        /// How it scores, where it differs from its section.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<Policy>,
    },
    /// Fill blanks with text.
    FillBlank(FillBlank),
    /// Write an answer that a person marks.
    ShortAnswer {
        /// The author's reference answer.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reference: String,
    },
    /// Write a long answer that a person marks.
    Essay {
        /// The author's reference answer.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reference: String,
    },
    /// Give a number.
    Numeric(Numeric),
    /// Find pairs.
    Matching(Matching),
    /// Bring items into their order.
    Ordering(Ordering),
    /// Answer the parts; the stem is their shared material.
    Case {
        /// The parts, in order; at least one.
        parts: Vec<Part>,
    },
}

/// Pick options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Single, multiple or indeterminate.
    pub kind: ChoiceKind,
    /// 2 to 26 options; an option is cited by its index here.
    pub options: Vec<ChoiceOption>,
    /// The right options; empty while the key is missing.
    #[serde(default, skip_serializing_if = "OptionSet::is_empty")]
    pub key: OptionSet,
    /// How it scores, where it differs from its section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// How many options of a choice question are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceKind {
    /// Exactly one.
    Single,
    /// Two or more.
    Multiple,
    /// One or more.
    Indeterminate,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// The letter that names it, `A` to `Z`, unique in the question.
    pub label: char,
    /// What it says.
    pub text: String,
}

/// A set of options by index (0 to 25) in the question's own list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptionSet(u32);

impl OptionSet {
    /// The most options that a question may have.
    pub const MAX: usize = 26;
    /// No option.
    pub const EMPTY: Self = Self(0);

    /// From bits, bit 0 being the first option; bits beyond the 26th are dropped.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits & ((1 << Self::MAX) - 1))
    }

    /// As bits, bit 0 being the first option.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// No option at all.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// How many options.
    pub fn len(&self) -> u32 {
        self.0.count_ones()
    }

    /// Whether the option of that index is in the set.
    pub fn contains(self, index: usize) -> bool {
        index < Self::MAX && self.0 & (1 << index) != 0
    }

    /// The set with one option more.
    #[must_use]
    pub fn with(self, index: usize) -> Self {
        if index < Self::MAX { Self(self.0 | (1 << index)) } else { self }
    }

    /// Options in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Options here and not there.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The indices, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..Self::MAX).filter(move |i| self.contains(*i))
    }
}

impl FromIterator<usize> for OptionSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        indices.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Fill blanks with text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FillBlank {
    /// One entry a blank, in order.
    pub blanks: Vec<Blank>,
    /// The blanks may be filled in any order; an accepted answer earns once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unordered: bool,
    /// How texts are compared.
    #[serde(default)]
    pub matching: TextMatching,
}

/// One blank.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blank {
    /// Accepted answers; empty while the key is missing.
    pub accepted: Vec<Accepted>,
}

/// One accepted answer of a blank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The text; `*` stands for any text (`\*` for an asterisk) where wildcards are switched on. A regular expression where
    /// those are.
    pub text: String,
    /// What it earns, in percent of the blank's share, 1 to 100.
    #[serde(default = "hundred", skip_serializing_if = "is_hundred")]
    pub percent: u8,
}

fn hundred() -> u8 {
    100
}

/// A switch that is on by default is left out where it is on, so that what was published before it keeps its hash.
pub(super) fn is_on(switch: &bool) -> bool {
    *switch
}

fn is_hundred(percent: &u8) -> bool {
    *percent == 100
}

/// How a filled text is compared with an accepted one. Widths (full-width = half-width), composed accents and invisible
/// characters are always folded; compatibility forms such as superscripts never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextMatching {
    /// Upper and lower case differ; off by default.
    pub case_sensitive: bool,
    /// White space matters; off by default: runs count as one blank, and none counts beside Chinese characters, punctuation
    /// and signs, unless it keeps two numbers apart.
    pub keep_space: bool,
    /// Leading and trailing punctuation matters; off by default.
    pub keep_punctuation: bool,
    /// `*` in an accepted text stands for any text; off by default.
    pub wildcards: bool,
    /// Edits (insert, delete, replace one character) that are forgiven; 0 by default, at most 3.
    pub max_edits: u8,
    /// The accepted texts are regular expressions, which a whole folded text must match; off by default. Not together
    /// with wildcards or edits.
    // Left out where it is off, so that what is published already keeps its hash.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expressions: bool,
    /// Traditional Chinese characters count as their simplified forms; off by default.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fold_traditional: bool,
    /// Typographic twins (`’` and `'`, `–` and `-`) count as one; on by default, also for what was published before the
    /// switch was there.
    #[serde(skip_serializing_if = "is_on")]
    pub look_alikes: bool,
}

impl Default for TextMatching {
    fn default() -> Self {
        Self {
            case_sensitive: false,
            keep_space: false,
            keep_punctuation: false,
            wildcards: false,
            max_edits: 0,
            expressions: false,
            fold_traditional: false,
            look_alikes: true,
        }
    }
}

/// How many blanks a wording shows, by the ways to count them that a reader may have: runs of `_` (of three or more where
/// shorter ones may be part of a name), empty brackets, or both. Empty where it shows none.
///
/// ```
/// use assessd::bank::content::blanks_shown;
/// assert_eq!(blanks_shown("____ and ____"), [2]);
/// assert_eq!(blanks_shown("f() is ____"), [1, 2]);
/// assert_eq!(blanks_shown("北京是（　）的首都"), [1]);
/// assert!(blanks_shown("The capital of France?").is_empty());
/// ```
pub fn blanks_shown(stem: &str) -> Vec<usize> {
    let (mut short, mut long, mut run) = (0, 0, 0);
    let (mut brackets, mut open) = (0, None);
    for c in stem.chars().map(usual_width).chain(['\n']) {
        match c {
            '_' => run += 1,
            _ => {
                short += usize::from(run >= 2);
                long += usize::from(run >= 3);
                run = 0;
            }
        }
        match c {
            '(' | '[' | '【' | '〔' => open = Some(c),
            c if c.is_whitespace() || is_invisible(c) => {}
            ')' | ']' | '】' | '〕' => brackets += usize::from(open.take().is_some()),
            _ => open = None,
        }
    }
    let mut ways = vec![long, short, brackets, long + brackets, short + brackets];
    ways.retain(|count| *count > 0);
    ways.sort_unstable();
    ways.dedup();
    ways
}

/// One part of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its share of the case's points, beside the weights of the other parts; 1 where nothing is said.
    #[serde(default = "one")]
    pub weight: u32,
    /// What it asks; never itself a case.
    pub content: Content,
}

fn one() -> u32 {
    1
}

impl Content {
    /// The kind of the question.
    pub fn kind(&self) -> Kind {
        match &self.task {
            Task::Choice(choice) => match choice.kind {
                ChoiceKind::Single => Kind::SingleChoice,
                ChoiceKind::Multiple => Kind::MultipleChoice,
                ChoiceKind::Indeterminate => Kind::IndeterminateChoice,
            },
            Task::TrueFalse { .. } => Kind::TrueFalse,
            Task::FillBlank(_) => Kind::FillBlank,
            Task::ShortAnswer { .. } => Kind::ShortAnswer,
            Task::Case { .. } => Kind::Case,
            Task::Numeric(_) => Kind::Numeric,
            Task::Matching(_) => Kind::Matching,
            Task::Ordering(_) => Kind::Ordering,
            Task::Essay { .. } => Kind::Essay,
        }
    }

    /// The leaves: what can be answered on its own, with its weight. A plain question is its own only leaf.
    pub fn leaves(&self) -> Vec<(u32, &Content)> {
        match &self.task {
            Task::Case { parts } => parts.iter().map(|p| (p.weight, &p.content)).collect(),
            _ => vec![(1, self)],
        }
    }

    /// Whether everything is there that scoring needs: every leaf has its key (what a person marks needs
    /// none).
    pub fn is_keyed(&self) -> bool {
        self.leaves().iter().all(|(_, leaf)| match &leaf.task {
            Task::Choice(choice) => !choice.key.is_empty(),
            Task::TrueFalse { key, .. } => key.is_some(),
            Task::FillBlank(fill) => fill.blanks.iter().all(|b| !b.accepted.is_empty()),
            Task::ShortAnswer { .. } | Task::Essay { .. } => true,
            Task::Numeric(numeric) => !numeric.value.is_empty(),
            Task::Matching(matching) => matching.is_keyed(),
            Task::Ordering(ordering) => ordering.is_keyed(),
            Task::Case { .. } => false,
        })
    }

    /// The same content without its key: what an unkeyed copy of it would be.
    #[must_use]
    pub fn without_key(&self) -> Self {
        let task = match &self.task {
            Task::Choice(choice) => Task::Choice(Choice { key: OptionSet::EMPTY, ..choice.clone() }),
            Task::TrueFalse { policy, .. } => Task::TrueFalse { key: None, policy: policy.clone() },
            Task::FillBlank(fill) => Task::FillBlank(FillBlank { blanks: Vec::new(), ..fill.clone() }),
            Task::ShortAnswer { .. } => Task::ShortAnswer { reference: String::new() },
            Task::Essay { .. } => Task::Essay { reference: String::new() },
            Task::Numeric(numeric) => Task::Numeric(numeric.without_key()),
            Task::Matching(matching) => Task::Matching(Matching { key: Vec::new(), ..matching.clone() }),
            Task::Ordering(ordering) => Task::Ordering(Ordering { key: Vec::new(), ..ordering.clone() }),
            Task::Case { parts } => Task::Case {
                parts: parts
                    .iter()
                    .map(|p| Part { weight: p.weight, content: p.content.without_key() })
                    .collect(),
            },
        };
        Self { task, ..self.clone() }
    }
}
