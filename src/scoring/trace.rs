//! Why a response earns what it earns: what was given beside what was right, the rule, the exact value, and what rounding
//! and the bounds did to it. It is made by the functions that score, so it cannot say anything else than they do:
//! [`explain`] and [`score`](super::score::score) always agree on the mark.

use std::iter::repeat;

use super::{
    exact::Exact,
    matching::NONE,
    numeric::Number,
    policy::Policy,
    score::{Key, Settled, Terms, share, worth},
    text::{Compared, Match},
};
use crate::{
    attempt::response::{Mark, Response},
    bank::{content::OptionSet, matching::MatchingRule, ordering::OrderingRule},
};

/// How the mark of one response comes about.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The rule by which it is scored.
    pub rule: Rule,
    /// What was given beside what was right.
    pub findings: Findings,
    /// What the rule gives and what became of it; none where nothing was answered or a person marks.
    pub reckoning: Option<Reckoning>,
    /// The mark.
    pub mark: Mark,
}

/// A rule by which a response is scored.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// A policy of choice and true/false questions.
    Policy(Policy),
    /// Every blank is an equal share of the points, of which an accepted answer earns its percent.
    BlankShares,
    /// All of the points for a number that is near enough.
    Tolerance,
    /// A rule of pairs.
    Matching(MatchingRule),
    /// A rule of orders.
    Ordering(OrderingRule),
    /// A person marks it.
    Person,
}

impl Rule {
    /// The word that names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Policy(policy) => policy.name(),
            Self::BlankShares => "BLANK_SHARES",
            Self::Tolerance => "NUMERIC_TOLERANCE",
            Self::Matching(rule) => rule.name(),
            Self::Ordering(rule) => rule.name(),
            Self::Person => "PERSON",
        }
    }
}

/// What was given beside what was right.
#[derive(Clone, Debug)]
pub enum Findings {
    /// Of a choice question.
    Choice(Picks),
    /// Of a statement.
    Truth {
        /// What it was called; none where nothing was said.
        said: Option<bool>,
        /// What it is.
        key: bool,
    },
    /// Of blanks.
    Texts {
        /// How many there are.
        blanks: usize,
        /// They may be filled in any order.
        unordered: bool,
        /// The filled texts, in order; later blanks are unfilled.
        filled: Vec<Compared>,
    },
    /// Of a number.
    Number {
        /// What was written; empty where nothing was.
        given: Box<str>,
        /// The number that it is, in the unit of the key; none where it is no number.
        read: Option<Number>,
        /// It is near enough.
        right: bool,
    },
    /// Of pairs.
    Pairs {
        /// Per prompt the option that was taken for it, or [`NONE`].
        given: Box<[u8]>,
        /// Per prompt the right one.
        key: Box<[u8]>,
    },
    /// Of an order.
    Order {
        /// The options that were placed, the first one first.
        given: Box<[u8]>,
        /// The right order.
        key: Box<[u8]>,
        /// What the rule counts, and of how many.
        counted: (u32, u32),
    },
    /// A person has to read it.
    Person,
}

impl Findings {
    /// The options taken for prompts beside the right ones; empty but for pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (Option<u8>, u8)> {
        let (given, key): (&[u8], &[u8]) =
            if let Self::Pairs { given, key } = self { (given, key) } else { (&[], &[]) };
        let given =
            given.iter().copied().chain(repeat(NONE)).map(|option| Some(option).filter(|o| *o != NONE));
        given.zip(key.iter().copied())
    }

    /// The options at the places of an order beside the right ones; empty but for orders.
    pub fn places(&self) -> impl Iterator<Item = (Option<u8>, u8)> {
        let (given, key): (&[u8], &[u8]) =
            if let Self::Order { given, key, .. } = self { (given, key) } else { (&[], &[]) };
        given.iter().copied().map(Some).chain(repeat(None)).zip(key.iter().copied())
    }
}

/// Picked options beside the right ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picks {
    /// How many options there are.
    pub options: usize,
    /// The right ones.
    pub key: OptionSet,
    /// The picked ones.
    pub picked: OptionSet,
}

impl Picks {
    /// Keys that were picked.
    pub fn hits(self) -> OptionSet {
        self.picked.and(self.key)
    }

    /// Picks that are no keys.
    pub fn wrong(self) -> OptionSet {
        self.picked.minus(self.key)
    }

    /// Keys that were not picked.
    pub fn missed(self) -> OptionSet {
        self.key.minus(self.picked)
    }
}

/// What a rule gives, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Reckoning {
    /// The exact value, neither rounded nor bounded.
    pub value: Exact,
    /// What rounding and the bounds made of it.
    pub settled: Settled,
}

/// Explains the mark of one response; the arguments are those of [`score`](super::score::score).
///
/// ```
/// use assessd::{attempt::response::Response, bank::content::{ChoiceKind, OptionSet}, points::*};
/// use assessd::scoring::{policy::Policy, score::{Key, Terms}, trace::explain};
/// let key = Key::Choice { kind: ChoiceKind::Multiple, options: 4, key: OptionSet::from_bits(0b0111) };
/// let terms = Terms { points: Points::from(4), rounding: Rounding::default(), floor: Points::ZERO };
/// let two_of_three = Response::Choice(OptionSet::from_bits(0b0011));
/// let trace = explain(&key, &Policy::SubsetProportional, &two_of_three, terms);
/// let reckoning = trace.reckoning.unwrap();
/// assert_eq!(reckoning.value.to_string(), "8/3");
/// assert_eq!(reckoning.settled.rounded.unwrap().to_string(), "2.67");
/// assert_eq!(trace.mark.points().to_string(), "2.67");
/// ```
pub fn explain(key: &Key, policy: &Policy, response: &Response, terms: Terms) -> Trace {
    let answered = !response.is_blank() && key.check(response).is_ok();
    let given = if answered { response } else { &Response::Blank };
    let points = terms.points.decimal();
    let (rule, findings, value) = match key {
        Key::Choice { options, key, .. } => {
            let picked = if let Response::Choice(picked) = given { *picked } else { OptionSet::EMPTY };
            let value = worth(policy, points, *options, *key, picked);
            let picks = Picks { options: *options, key: *key, picked };
            (Rule::Policy(policy.clone()), Findings::Choice(picks), Some(value))
        }
        Key::Truth(key) => {
            let said = if let Response::Truth(said) = given { Some(*said) } else { None };
            let option = |truth: bool| OptionSet::EMPTY.with(usize::from(truth));
            let value = worth(policy, points, 2, option(*key), said.map(option).unwrap_or_default());
            (Rule::Policy(policy.clone()), Findings::Truth { said, key: *key }, Some(value))
        }
        Key::Texts(texts) => {
            let filled = if let Response::Texts(filled) = given { filled.as_slice() } else { &[] };
            let (earned, whole) = texts.earned(filled);
            let findings = Findings::Texts {
                blanks: texts.blanks(),
                unordered: texts.is_unordered(),
                filled: texts.compare(filled),
            };
            (Rule::BlankShares, findings, Some(share(points, earned, whole)))
        }
        Key::Numeric(number) => {
            let given: Box<str> = if let Response::Number(given) = given { given.clone() } else { "".into() };
            let right = number.admits(&given);
            let value = share(points, u32::from(right), 1);
            (Rule::Tolerance, Findings::Number { read: number.read(&given), given, right }, Some(value))
        }
        Key::Matching(matching) => {
            let given: Box<[u8]> = if let Response::Pairs(given) = given { given.clone() } else { [].into() };
            let (earned, whole) = matching.earned(&given);
            let findings = Findings::Pairs { given, key: matching.pairs.clone() };
            (Rule::Matching(matching.rule), findings, Some(share(points, earned, whole)))
        }
        Key::Ordering(ordering) => {
            let given: Box<[u8]> = if let Response::Order(given) = given { given.clone() } else { [].into() };
            let (earned, whole) = ordering.earned(&given);
            let findings = Findings::Order { given, key: ordering.order.clone(), counted: (earned, whole) };
            (Rule::Ordering(ordering.rule), findings, Some(share(points, earned, whole)))
        }
        Key::Person(_) => (Rule::Person, Findings::Person, None),
    };
    let reckoning = value.filter(|_| answered).map(|value| Reckoning { value, settled: terms.settle(value) });
    let mark = match reckoning {
        _ if !answered => Mark::NotAnswered,
        Some(reckoning) => Mark::Scored(reckoning.settled.points),
        None => Mark::Awaiting,
    };
    Trace { rule, findings, reckoning, mark }
}

impl Match {
    /// What the match earns of a question of so many points and blanks.
    pub fn share(&self, terms: Terms, blanks: usize) -> Exact {
        share(terms.points.decimal(), u32::from(self.percent), 100 * blanks as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bank::content::{Accepted, Blank, ChoiceKind, FillBlank, Kind, TextMatching},
        bank::numeric::{Margin, Numeric},
        points::{Points, Rounding, RoundingMode},
        scoring::{
            amount::Amount,
            matching::MatchingKey,
            numeric::NumericKey,
            ordering::OrderingKey,
            score::{Bound, score, tests::any_policy},
            text::{Found, Means, TextKey},
        },
    };
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn a(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn set(letters: &str) -> OptionSet {
        letters.bytes().map(|b| usize::from(b - b'a')).collect()
    }

    fn terms(points: &str) -> Terms {
        Terms { points: p(points), rounding: Rounding::default(), floor: Points::ZERO }
    }

    fn fill(blanks: &[&[(&str, u8)]], unordered: bool, matching: TextMatching) -> Key {
        let blank = |accepted: &&[(&str, u8)]| Blank {
            accepted: accepted.iter().map(|(t, p)| Accepted { text: (*t).into(), percent: *p }).collect(),
        };
        let fill = FillBlank { blanks: blanks.iter().map(blank).collect(), unordered, matching };
        Key::Texts(Box::new(TextKey::new(&fill)))
    }

    fn texts(filled: &[&str]) -> Response {
        Response::Texts(filled.iter().map(|t| (*t).to_owned()).collect())
    }

    /// One row a rule: (policy, options, key, picked, exact value of 4 points, rounded, bound, mark).
    #[test]
    fn every_policy_says_what_it_gives() {
        use Policy::*;
        let four = |v: [&str; 4]| v.map(a).to_vec();
        let map = Map {
            values: vec![Some(a("1.005")), Some(a("9")), None, None],
            default: a("-2"),
            lower: None,
            upper: None,
        };
        let cut = Some(Bound::Points);
        let raised = Some(Bound::Floor);
        let table = [
            (AllOrNothing, 4, "ab", "ab", "4", None, None, "4"),
            (SubsetHalf, 4, "ac", "a", "2", None, None, "2"),
            (SubsetFixed { points: a("0.5") }, 4, "ac", "a", "0.5", None, None, "0.5"),
            (PerKeyFixed { points: a("1.5") }, 4, "ac", "a", "1.5", None, None, "1.5"),
            (PerOptionValue { values: four(["1", "0", "3", "0"]) }, 4, "ac", "c", "3", None, None, "3"),
            (SubsetProportional, 4, "abc", "ab", "8/3", Some("2.67"), None, "2.67"),
            (PerKeyWithDeduction { points: a("1") }, 4, "a", "bc", "-2", None, raised, "0"),
            (PerKeyWithDeduction { points: a("5") }, 4, "a", "a", "5", None, cut, "4"),
            (
                OptionFractions { fractions: four(["0.333", "0", "0", "0"]) },
                4,
                "a",
                "a",
                "1.332",
                Some("1.33"),
                None,
                "1.33",
            ),
            (CapToKeyCount, 4, "abc", "abd", "8/3", Some("2.67"), None, "2.67"),
            (NetCorrect, 5, "abc", "abd", "4/3", Some("1.33"), None, "1.33"),
            (EachDecision, 5, "ab", "ac", "2.4", None, None, "2.4"),
            (Halves, 5, "abc", "ab", "2", None, None, "2"),
            (Coverage, 4, "abc", "abd", "16/9", Some("1.78"), None, "1.78"),
            (HitsMinusWrongMinusMissed, 5, "abc", "ab", "4/3", Some("1.33"), None, "1.33"),
            (map.clone(), 4, "a", "a", "1.005", Some("1.01"), None, "1.01"),
            (map.clone(), 4, "a", "ab", "10.005", None, cut, "4"),
            (map, 4, "a", "ac", "-0.995", None, raised, "0"),
            (Negative { deduction: a("0.5") }, 4, "a", "b", "-0.5", None, raised, "0"),
        ];
        for (policy, options, key, picked, value, rounded, bound, mark) in table {
            let of = format!("{policy:?} {key} {picked}");
            let question = Key::Choice { kind: ChoiceKind::Multiple, options, key: set(key) };
            let trace = explain(&question, &policy, &Response::Choice(set(picked)), terms("4"));
            let Reckoning { value: exact, settled } = trace.reckoning.unwrap();
            assert_eq!(exact.to_string(), value, "{of}");
            assert_eq!((settled.rounded, settled.bound), (rounded.map(p), bound), "{of}");
            assert_eq!(trace.mark, Mark::Scored(p(mark)), "{of}");
            assert_eq!(trace.rule.name(), policy.name());
        }
    }

    #[test]
    fn picks_are_told_apart() {
        let picks = Picks { options: 5, key: set("abc"), picked: set("bcd") };
        assert_eq!((picks.hits(), picks.wrong(), picks.missed()), (set("bc"), set("d"), set("a")));
    }

    #[test]
    fn blank_and_misshapen_responses_are_not_answered() {
        let question = Key::Choice { kind: ChoiceKind::Multiple, options: 4, key: set("ab") };
        for response in [Response::Blank, Response::Truth(true), Response::Choice(set("e"))] {
            let trace = explain(&question, &Policy::EachDecision, &response, terms("4"));
            assert_eq!(trace.mark, Mark::NotAnswered);
            assert!(trace.reckoning.is_none());
            let Findings::Choice(picks) = trace.findings else { panic!("{trace:?}") };
            assert_eq!(picks.missed(), set("ab"));
        }
    }

    #[test]
    fn texts_say_what_they_match_and_how() {
        let wild = TextMatching { wildcards: true, max_edits: 1, ..Default::default() };
        let key = fill(
            &[&[("CRM", 100), ("客户关系", 50)], &[("necessary", 100)], &[("col*r", 80)], &[("x", 100)]],
            false,
            wild,
        );
        let given = texts(&["ｃｒｍ。", "neccessary", "Colour", ""]);
        let trace = explain(&key, &Policy::AllOrNothing, &given, terms("4"));
        let Findings::Texts { filled, blanks: 4, unordered: false } = trace.findings else { panic!() };
        let told: Vec<_> = filled.iter().map(|c| (c.folded.as_deref(), c.found)).collect();
        let found = |blank, percent, means| Found::Match(Match { blank, accepted: 0, percent, means });
        assert_eq!(
            told,
            [
                (Some("crm"), found(0, 100, Means::Same)),
                (Some("neccessary"), found(1, 100, Means::Edits(1))),
                (Some("colour"), found(2, 80, Means::Wildcard)),
                (None, Found::Unfilled),
            ]
        );
        let Found::Match(third) = filled[2].found else { panic!() };
        assert_eq!(third.share(terms("4"), 4).to_string(), "0.8");
        assert_eq!(trace.reckoning.unwrap().value.to_string(), "2.8");
        // The best accepted answer counts, of equal ones the nearest.
        let key = fill(&[&[("cat", 40), ("cart", 90), ("cat", 90)]], false, wild);
        let trace = explain(&key, &Policy::AllOrNothing, &texts(&["cat"]), terms("1"));
        let Findings::Texts { filled, .. } = trace.findings else { panic!() };
        let best = Match { blank: 0, accepted: 2, percent: 90, means: Means::Same };
        assert_eq!(filled[0].found, Found::Match(best));
    }

    #[test]
    fn unordered_texts_say_which_blank_they_fill() {
        let key = fill(
            &[&[("识别", 100), ("辨认", 100)], &[("差异化", 100)], &[("互动", 50)]],
            true,
            TextMatching::default(),
        );
        let trace = explain(&key, &Policy::AllOrNothing, &texts(&["互动", "识别", "辨认"]), terms("6"));
        let Findings::Texts { filled, unordered: true, .. } = trace.findings else { panic!() };
        let blanks: Vec<_> = filled
            .iter()
            .map(|c| if let Found::Match(m) = c.found { Ok((m.blank, m.percent)) } else { Err(c.found) })
            .collect();
        let second = blanks.iter().filter(|b| **b == Ok((0, 100))).count();
        assert_eq!((blanks[0], second), (Ok((2, 50)), 1));
        assert!(blanks.contains(&Err(Found::Spent)), "one text a blank: {blanks:?}");
        let twice = explain(&key, &Policy::AllOrNothing, &texts(&["互动", "互动。", "别的"]), terms("6"));
        let Findings::Texts { filled, .. } = twice.findings else { panic!() };
        assert_eq!((filled[1].found, filled[2].found), (Found::Spent, Found::Nothing));
    }

    fn any_key() -> impl Strategy<Value = (Key, Policy)> {
        let choice = (2usize..=26).prop_flat_map(|n| (Just(n), any_policy(n), any::<u32>())).prop_map(
            |(options, policy, bits)| {
                let key = OptionSet::from_bits(bits % (1 << options)).with(0);
                (Key::Choice { kind: ChoiceKind::Indeterminate, options, key }, policy)
            },
        );
        let accepted = || proptest::collection::vec(("[ab*]{1,3}", 1u8..=100), 1..3);
        let blanks = (proptest::collection::vec(accepted(), 1..5), any::<bool>(), any::<bool>(), 0u8..3)
            .prop_map(|(blanks, unordered, wildcards, max_edits)| {
                let blanks: Vec<Vec<(&str, u8)>> =
                    blanks.iter().map(|b| b.iter().map(|(t, p)| (t.as_str(), *p)).collect()).collect();
                let blanks: Vec<&[(&str, u8)]> = blanks.iter().map(Vec::as_slice).collect();
                fill(&blanks, unordered, TextMatching { wildcards, max_edits, ..Default::default() })
            })
            .prop_map(|key| (key, Policy::AllOrNothing));
        prop_oneof![
            choice,
            (any::<bool>(), any_policy(2)).prop_map(|(key, policy)| (Key::Truth(key), policy)),
            blanks,
            Just((Key::Person(Kind::Essay), Policy::AllOrNothing)),
            (0usize..3, 0u8..5, 0u8..5, 0u8..5).prop_map(|(rule, a, b, c)| {
                let (pairs, rule) = ([a, b, c].into(), MatchingRule::ALL[rule]);
                (Key::Matching(Box::new(MatchingKey { pairs, options: 5, rule })), Policy::AllOrNothing)
            }),
            (0usize..4, Just(vec![0u8, 1, 2, 3]).prop_shuffle()).prop_map(|(rule, order)| {
                let (order, rule) = (order.into(), OrderingRule::ALL[rule]);
                (Key::Ordering(Box::new(OrderingKey { order, rule })), Policy::AllOrNothing)
            }),
            "[0-9]{1,2}".prop_map(|value| {
                let number = Numeric { value, margin: Margin::Relative("50%".into()), ..Numeric::default() };
                (Key::Numeric(Box::new(NumericKey::new(&number).unwrap())), Policy::AllOrNothing)
            }),
        ]
    }

    proptest! {
        /// Whatever the question and the response: the trace and the score are one.
        #[test]
        fn the_trace_is_the_score(
            (key, policy) in any_key(), bits: u32, said: bool, filled in proptest::collection::vec("[abc ]{0,4}", 0..6),
            order in Just(vec![0u8, 1, 2, 3]).prop_shuffle(),
            cents in 0i64..10_000, floor in -500i64..=0, step in 1i64..300, mode in 0usize..4,
        ) {
            use RoundingMode::*;
            let terms = Terms {
                points: Points::new(Decimal::new(cents, 2)),
                floor: Points::new(Decimal::new(floor, 2)),
                rounding: Rounding {
                    mode: [HalfUp, HalfEven, Down, Up][mode],
                    step: Points::new(Decimal::new(step, 2)),
                },
            };
            for response in [
                Response::Blank,
                Response::Choice(OptionSet::from_bits(bits)),
                Response::Choice(OptionSet::from_bits(bits % 4)),
                Response::Truth(said),
                Response::Texts(filled),
                Response::Text("x".into()),
                Response::Number((bits % 100).to_string().into()),
                Response::Number("x".into()),
                Response::Pairs(bits.to_le_bytes()[..3].iter().map(|b| b % 6).collect()),
                Response::Pairs([NONE, (bits % 5) as u8].into()),
                Response::Order(order[..(bits % 5) as usize].into()),
                Response::Order([0, 0].into()),
            ] {
                let trace = explain(&key, &policy, &response, terms);
                prop_assert_eq!(trace.mark, score(&key, &policy, &response, terms), "{:?} {:?}", trace, response);
                let answered = !matches!(trace.mark, Mark::NotAnswered | Mark::Awaiting);
                prop_assert_eq!(trace.reckoning.is_some(), answered);
                let Some(Reckoning { value, settled }) = trace.reckoning else { continue };
                if settled.rounded.is_none() && settled.bound.is_none() {
                    prop_assert_eq!(settled.points.decimal(), value.value());
                }
                if let Findings::Order { counted: (part, whole), .. } = trace.findings {
                    prop_assert_eq!(Exact::share(terms.points.decimal(), part, whole).to_string(), value.to_string());
                }
                if let Findings::Texts { filled, blanks, .. } = trace.findings {
                    let shares: Decimal = filled
                        .iter()
                        .map(|c| if let Found::Match(m) = c.found { m.share(terms, blanks).value() } else { Decimal::ZERO })
                        .sum();
                    prop_assert!((shares - value.value()).abs() < Decimal::new(1, 12), "{:?} {:?}", filled, value);
                }
            }
        }
    }
}
