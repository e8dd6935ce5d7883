//! What a question must have to be published, beyond being well formed: its key, enough to choose from, full marks that
//! can be reached, nothing twice that only one can be right of, and as many blanks in its wording as in its key.

use crate::{
    error::Violation,
    points::Points,
    scoring::{
        folding::{LONGEST, fold},
        policy::Policy,
        reach::own_mark,
        score::Key,
    },
};

use super::content::{
    Choice, ChoiceKind, ChoiceOption, Content, FillBlank, Task, TextMatching, blanks_shown,
};
use super::{matching::Matching, ordering::Ordering};

/// What a draft still lacks to be published; empty when nothing.
pub fn unfinished(content: &Content) -> Vec<Violation> {
    let is_case = matches!(content.task, Task::Case { .. });
    let mut lacks = Vec::new();
    for (i, (_, leaf)) in content.leaves().into_iter().enumerate() {
        let at = if is_case { format!("parts[{i}].") } else { String::new() };
        let mut lack = Lacks { at, all: &mut lacks };
        match &leaf.task {
            Task::Choice(choice) => lack.choice(choice),
            Task::TrueFalse { key, .. } if key.is_none() => {
                lack.add("key.truth", "a published question needs its key");
            }
            Task::FillBlank(fill) => lack.blanks(fill, &leaf.task, &leaf.stem),
            Task::Numeric(numeric) if numeric.value.is_empty() => {
                lack.add("key.number", "a published question needs its key");
            }
            Task::Numeric(_) if !in_reach(&leaf.task, &Policy::AllOrNothing) => {
                let what = "no answer that may be written reaches it; accept fractions, give a tolerance or another unit";
                lack.add("key.number", what);
            }
            Task::Matching(matching) => lack.matching(matching),
            Task::Ordering(ordering) => lack.ordering(ordering),
            _ => {}
        }
    }
    lacks.extend(said_twice(content));
    lacks
}

/// Options, prompts and items that say the same as one before them, where the key names one of the two: nobody could know
/// which is meant.
pub fn said_twice(content: &Content) -> Vec<Violation> {
    let is_case = matches!(content.task, Task::Case { .. });
    let mut twins = Vec::new();
    for (i, (_, leaf)) in content.leaves().into_iter().enumerate() {
        let at = if is_case { format!("parts[{i}].") } else { String::new() };
        let mut found = Lacks { at, all: &mut twins };
        match &leaf.task {
            Task::Choice(choice) => found.options_twice(&choice.options, |index| choice.key.contains(index)),
            Task::Matching(matching) => {
                found.prompts_twice(&matching.prompts);
                let is_key = |index| matching.key.iter().any(|key| usize::from(*key) == index);
                found.options_twice(&matching.options, is_key);
            }
            Task::Ordering(ordering) => found.options_twice(&ordering.options, |_| true),
            _ => {}
        }
    }
    twins
}

/// Whether the key's own answer earns full marks by a policy that is the same whatever the question is worth. What has no
/// usable key is told of elsewhere.
fn in_reach(task: &Task, policy: &Policy) -> bool {
    let whole = Points::from(100);
    Key::of(task).ok().and_then(|key| own_mark(&key, policy, whole)).is_none_or(|mark| mark == whole)
}

/// The violations of one leaf.
struct Lacks<'a> {
    at: String,
    all: &'a mut Vec<Violation>,
}

impl Lacks<'_> {
    fn add(&mut self, field: &str, what: impl Into<String>) {
        self.all.push(Violation { field: format!("{}{field}", self.at), description: what.into() });
    }

    fn choice(&mut self, choice: &Choice) {
        if choice.options.len() < 2 {
            self.add("options", "a published choice question needs at least two options");
        }
        if choice.key.is_empty() {
            self.add("key.choices", "a published question needs its key");
        } else if choice.kind == ChoiceKind::Multiple && choice.key.len() < 2 {
            self.add("key.choices", "a multiple-choice question has two right options or more");
        }
        // The other policies with values depend on what the question will be worth: assembly looks at them.
        if let Some(policy @ Policy::OptionFractions { .. }) = &choice.policy
            && !in_reach(&Task::Choice(choice.clone()), policy)
        {
            let what = "the fractions of the key do not add up to 1, so nobody could get full marks; write thirds as 1/3";
            self.add("policy", what);
        }
    }

    fn blanks(&mut self, fill: &FillBlank, task: &Task, stem: &str) {
        if fill.blanks.is_empty() {
            return self.add("key.blanks", "a published question needs its key: one entry for each blank");
        }
        let (keys, shown) = (fill.blanks.len(), blanks_shown(stem));
        let asks = stem.trim_end().ends_with(['?', '？', ':', '：']);
        if shown.is_empty() && !(keys == 1 && asks) {
            self.add("stem", format!("shows no blank, but the key has {keys}; mark each one with ____"));
        } else if !shown.is_empty() && !shown.contains(&keys) {
            let shown = shown.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
            self.add(
                "key.blanks",
                format!("has {keys} entries, but the stem shows {shown} blanks; they must agree"),
            );
        }
        let before = self.all.len();
        for (i, blank) in fill.blanks.iter().enumerate() {
            if !blank.accepted.is_empty() && blank.accepted.iter().all(|a| a.percent < 100) {
                let what = "needs an answer that earns 100 percent, or else nobody could get full marks";
                self.add(&format!("key.blanks[{i}].accepted"), what);
            }
        }
        if self.all.len() == before && !in_reach(task, &Policy::AllOrNothing) {
            let what = "accepts too few different answers for all blanks, so nobody could get full marks";
            self.add("key.blanks", what);
        }
    }

    fn matching(&mut self, matching: &Matching) {
        if matching.prompts.is_empty() {
            self.add("prompts", "a published matching question needs at least one prompt");
        }
        if matching.options.len() < 2 {
            self.add("options", "a published matching question needs at least two options");
        }
        if !matching.is_keyed() {
            self.add("key.pairs", "a published question needs its key: one pair for each prompt");
        }
    }

    fn ordering(&mut self, ordering: &Ordering) {
        if ordering.options.len() < Ordering::MIN {
            self.add("options", "a published ordering question needs at least three options");
        }
        if !ordering.is_keyed() {
            self.add("key.order", "a published question needs its key: the order of all options");
        }
    }

    fn prompts_twice(&mut self, prompts: &[String]) {
        let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        for (first, second) in twice(&prompts) {
            self.add(&format!("prompts[{second}]"), format!("says the same as prompt {}", first + 1));
        }
    }

    /// Options that say the same, at least one of them right.
    fn options_twice(&mut self, options: &[ChoiceOption], is_key: impl Fn(usize) -> bool) {
        let texts: Vec<&str> = options.iter().map(|o| o.text.as_str()).collect();
        for (first, second) in twice(&texts) {
            if is_key(first) || is_key(second) {
                let what = format!(
                    "says the same as option {}, and the key names one of them",
                    options[first].label
                );
                self.add(&format!("options[{second}].text"), what);
            }
        }
    }
}

/// Each text that says the same as one before it, with the first such: equal after folding, but for case and punctuation,
/// which may be what is asked about. White space counts where there are lines, as in a program.
fn twice(texts: &[&str]) -> Vec<(usize, usize)> {
    let folded = |text: &&str| {
        let by = TextMatching {
            case_sensitive: true,
            keep_punctuation: true,
            keep_space: text.trim().contains('\n'),
            ..TextMatching::default()
        };
        fold(text.trim(), by, LONGEST)
    };
    let folded: Vec<Option<String>> = texts.iter().map(folded).collect();
    let first = |at: usize| folded[..at].iter().position(|text| text.is_some() && *text == folded[at]);
    (0..texts.len()).filter_map(|at| Some((first(at)?, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bank::{
            content::{Accepted, Blank, Notes, OptionSet, Part},
            matching::MatchingRule,
            numeric::{Forms, Margin, NamedUnit, Numeric},
            ordering::OrderingRule,
        },
        scoring::{amount::Amount, score::tests::any_policy},
    };
    use proptest::prelude::*;

    fn content(stem: &str, task: Task) -> Content {
        Content { stem: stem.into(), task, notes: Notes::default() }
    }

    fn options(texts: &[&str]) -> Vec<ChoiceOption> {
        ('A'..).zip(texts).map(|(label, text)| ChoiceOption { label, text: (*text).into() }).collect()
    }

    fn choice(texts: &[&str], key: u32, policy: Option<Policy>) -> Task {
        let key = OptionSet::from_bits(key);
        Task::Choice(Choice { kind: ChoiceKind::Indeterminate, options: options(texts), key, policy })
    }

    fn fill(blanks: &[&[(&str, u8)]], unordered: bool) -> Task {
        let blank = |accepted: &&[(&str, u8)]| Blank {
            accepted: accepted.iter().map(|(t, p)| Accepted { text: (*t).into(), percent: *p }).collect(),
        };
        let blanks = blanks.iter().map(blank).collect();
        Task::FillBlank(FillBlank { blanks, unordered, matching: TextMatching::default() })
    }

    fn lacks(stem: &str, task: Task) -> Vec<String> {
        unfinished(&content(stem, task)).into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn blanks_of_wording_and_key_agree() {
        let one: &[(&str, u8)] = &[("x", 100)];
        for (stem, keys, field) in [
            ("____ and ____", 2, None),
            ("____ and ____", 1, Some("key.blanks")),
            ("____ ____", 1, Some("key.blanks")),
            ("____", 2, Some("key.blanks")),
            ("The capital of France is", 1, Some("stem")),
            ("The capital of France?", 1, None),
            ("首都是：", 1, None),
            ("Two capitals?", 2, Some("stem")),
            ("北京是（　　）的首都，（ ）", 2, None),
            ("What does f() give: ____", 1, None),
            ("What is __init__ for: ______", 1, None),
            ("填＿＿", 1, None),
        ] {
            let task = fill(&vec![one; keys], false);
            assert_eq!(lacks(stem, task), field.into_iter().collect::<Vec<_>>(), "{stem}");
        }
        assert_eq!(lacks("__", fill(&[], false)), ["key.blanks"]);
    }

    #[test]
    fn twins_are_refused_where_one_is_right() {
        for (texts, key, found) in [
            (["北京", "上海", "北 京", "广州"], 0b0001, &["options[2].text"][..]),
            (["北京", "ＣＲＭ", "CRM\u{200b}", "广州"], 0b0010, &["options[2].text"]),
            (["don’t", "do not", "don't", "x"], 0b0100, &["options[2].text"]),
            (["x", "x", "x", "y"], 0b0001, &["options[1].text", "options[2].text"]),
            (["北京", "上海", "上海", "广州"], 0b0001, &[]),
            (["mW", "MW", "Mw", "W"], 0b0001, &[]),
            (["10²", "102", "10", "²10"], 0b0001, &[]),
            (["(1, 2)", "[1, 2]", "(1, 2]", "[1, 2)"], 0b0001, &[]),
            (["every day", "everyday", "every, day", "everyday!"], 0b0001, &[]),
            (["if x:\n  y\nz", "if x:\n  y\n  z", "x", "y"], 0b0001, &[]),
        ] {
            assert_eq!(lacks("?", choice(&texts, key, None)), found, "{texts:?}");
        }
        let matching = |prompts: [&str; 2], texts: [&str; 3], key: [u8; 2]| {
            let prompts = prompts.map(str::to_owned).to_vec();
            Task::Matching(Matching {
                prompts,
                options: options(&texts),
                key: key.to_vec(),
                ..Default::default()
            })
        };
        assert_eq!(lacks("?", matching(["一", "一 "], ["a", "b", "c"], [0, 1])), ["prompts[1]"]);
        assert_eq!(lacks("?", matching(["一", "二"], ["a", "b", "b"], [0, 1])), ["options[2].text"]);
        assert!(lacks("?", matching(["一", "二"], ["a", "b", "b"], [0, 0])).is_empty());
        let order = Ordering { options: options(&["a", "b", "a"]), key: vec![1, 0, 2], ..Default::default() };
        assert_eq!(lacks("?", Task::Ordering(order.clone())), ["options[2].text"]);
        let case =
            Task::Case { parts: vec![Part { weight: 1, content: content("?", Task::Ordering(order)) }] };
        assert_eq!(lacks("?", case), ["parts[0].options[2].text"]);
    }

    #[test]
    fn full_marks_are_in_reach() {
        let fractions = |texts: [&str; 3]| {
            let fractions = texts.iter().map(|t| t.parse::<Amount>().unwrap()).collect();
            choice(&["a", "b", "c"], 0b111, Some(Policy::OptionFractions { fractions }))
        };
        assert_eq!(lacks("?", fractions(["0.3333", "0.3333", "0.3333"])), ["policy"]);
        assert!(lacks("?", fractions(["1/3", "1/3", "1/3"])).is_empty());
        assert_eq!(lacks("__", fill(&[&[("x", 50), ("y", 99)]], false)), ["key.blanks[0].accepted"]);
        let twice: &[(&str, u8)] = &[("x", 100)];
        assert_eq!(lacks("__ __", fill(&[twice, twice], true)), ["key.blanks"]);
        assert!(lacks("__ __", fill(&[twice, twice], false)).is_empty());
        assert!(lacks("__ __", fill(&[&[("x", 100), ("y", 100)], twice], true)).is_empty());
        let number = |value: &str, margin: Margin, forms: Forms| {
            Task::Numeric(Numeric { value: value.into(), margin, forms, ..Numeric::default() })
        };
        let plain = Forms::default();
        assert_eq!(lacks("?", number("1/3", Margin::Exact, plain)), ["key.number"]);
        assert!(lacks("?", number("1/3", Margin::Exact, Forms::ALL)).is_empty());
        assert!(lacks("?", number("1/3", Margin::Absolute("0.01".into()), plain)).is_empty());
        assert!(lacks("?", number("1/3", Margin::SignificantDigits(3), plain)).is_empty());
        assert!(lacks("?", number("50%", Margin::Exact, plain)).is_empty());
        assert!(lacks("?", number("1,234.5", Margin::Exact, Forms::PLAIN)).is_empty());
        assert!(lacks("?", number("6.02e23", Margin::Exact, Forms::PLAIN)).is_empty());
        let by_unit = |factor: &str| {
            let units = vec![NamedUnit { name: "ft".into(), factor: factor.into() }];
            let value = "1".into();
            Task::Numeric(Numeric { value, units, unit_required: true, ..Numeric::default() })
        };
        assert!(lacks("?", by_unit("0.5")).is_empty());
        assert_eq!(lacks("?", by_unit("3")), ["key.number"]);
    }

    fn any_task() -> impl Strategy<Value = (Task, Policy)> {
        let texts = || proptest::collection::vec("[a-c½*. ’]{1,3}", 3..6);
        let choices = (texts(), 1u32..8, any_policy(5)).prop_map(|(texts, key, policy)| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            (choice(&texts, key, None), policy)
        });
        let blanks =
            proptest::collection::vec(proptest::collection::vec(("[a-c½*. ’]{1,3}", 1u8..=100), 1..4), 1..4);
        let blanks = (blanks, any::<bool>(), any::<bool>(), 0u8..3, any::<bool>()).prop_map(
            |(blanks, unordered, wildcards, max_edits, look_alikes)| {
                let accept = |(text, percent)| Accepted { text, percent };
                let blank =
                    |list: Vec<(String, u8)>| Blank { accepted: list.into_iter().map(accept).collect() };
                let matching = TextMatching { wildcards, max_edits, look_alikes, ..TextMatching::default() };
                let blanks = blanks.into_iter().map(blank).collect();
                (Task::FillBlank(FillBlank { blanks, unordered, matching }), Policy::AllOrNothing)
            },
        );
        let numbers =
            (1i64..2000, 1u32..30, 0usize..5, any::<[bool; 7]>()).prop_map(|(above, below, margin, on)| {
                let margins = [
                    Margin::Exact,
                    Margin::Absolute("0.01".into()),
                    Margin::Relative("1%".into()),
                    Margin::Geometric("1/9".into()),
                    Margin::SignificantDigits(3),
                ];
                let forms = Forms {
                    thousands: on[0],
                    full_width: on[1],
                    exponent: on[2],
                    fraction: on[3],
                    percent: on[4],
                    look_alikes: on[5],
                };
                let unit =
                    |(name, factor): (&str, &str)| NamedUnit { name: name.into(), factor: factor.into() };
                let numeric = Numeric {
                    value: format!("{above}/{below}"),
                    margin: margins[margin].clone(),
                    forms,
                    units: [("m", "1"), ("km", "1000")].map(unit).to_vec(),
                    unit_required: on[6],
                };
                (Task::Numeric(numeric), Policy::AllOrNothing)
            });
        let pairs = (proptest::collection::vec(0u8..3, 2), 0usize..3).prop_map(|(key, rule)| {
            let prompts = vec!["p".to_owned(), "q".to_owned()];
            let rule = MatchingRule::ALL[rule];
            (
                Task::Matching(Matching { prompts, options: options(&["a", "b", "c"]), key, rule }),
                Policy::AllOrNothing,
            )
        });
        let orders = (Just(vec![0u8, 1, 2]).prop_shuffle(), 0usize..4).prop_map(|(key, rule)| {
            let rule = OrderingRule::ALL[rule];
            (Task::Ordering(Ordering { options: options(&["a", "b", "c"]), key, rule }), Policy::AllOrNothing)
        });
        let truth = (any::<bool>(), any_policy(2))
            .prop_map(|(key, policy)| (Task::TrueFalse { key: Some(key), policy: None }, policy));
        let person = Just((Task::Essay { reference: String::new() }, Policy::AllOrNothing));
        prop_oneof![choices, blanks, numbers, pairs, orders, truth, person]
    }

    proptest! {
        /// Whatever kind and policy: what is let through has an answer that earns full marks, or waits for a person.
        #[test]
        fn what_is_published_can_be_answered_in_full((task, policy) in any_task(), cents in 1i64..5000) {
            let points = Points::new(rust_decimal::Decimal::new(cents, 2));
            let key = Key::of(&task).unwrap();
            let earns = own_mark(&key, &policy, points);
            let let_through = lacks("__?", task.clone()).iter().all(|field| field == "stem" || field == "key.blanks");
            match &task {
                Task::Essay { .. } => prop_assert_eq!(earns, None),
                Task::Choice(_) | Task::TrueFalse { .. } => {
                    let short = earns.unwrap() < points;
                    let may_be = matches!(
                        policy,
                        Policy::PerKeyWithDeduction { .. } | Policy::OptionFractions { .. } | Policy::Map { .. }
                    );
                    prop_assert!(!short || may_be, "{:?}", policy);
                }
                Task::FillBlank(fill) => {
                    let whole = fill.blanks.iter().all(|b| b.accepted.iter().any(|a| a.percent == 100));
                    prop_assert!(fill.unordered || whole == (earns == Some(points)));
                    prop_assert!(whole || !lacks("__?", task.clone()).is_empty());
                }
                Task::Numeric(_) => prop_assert_eq!(let_through, earns == Some(points)),
                _ => prop_assert_eq!(earns, Some(points)),
            }
        }
    }
}
