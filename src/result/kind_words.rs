//! Numbers, pairs and orders beside their keys in words, in English and in Chinese: clauses of the sentences in `words`.

use crate::{
    bank::{
        content::{ChoiceOption, Content, Task},
        numeric::Forms,
        ordering::OrderingRule,
    },
    scoring::{
        folding::Step,
        numeric::Number,
        trace::{Findings, Rule, Trace},
    },
};

use super::words::{Seen, Tongue, quote};

/// What was given, as a clause; empty but for numbers, pairs and orders.
pub fn found(seen: Seen<'_>, tongue: Tongue) -> String {
    let findings = &seen.trace.findings;
    match findings {
        Findings::Number { given, read, .. } => {
            let written = quote(given);
            let forms =
                if let Task::Numeric(numeric) = &seen.leaf.task { numeric.forms } else { Forms::default() };
            let folded = aside(&Number::folded(given, forms), tongue);
            match read.as_ref().map(ToString::to_string).filter(|number| *number != written) {
                Some(number) => tongue.say(
                    format!("Gave “{written}”, which is {number}{folded}"),
                    format!("填“{written}”，即 {number}{folded}"),
                ),
                None if read.is_some() => tongue.say(format!("Gave {written}"), format!("填 {written}")),
                None => tongue.say(
                    format!("Gave “{written}”, which is no number that is accepted"),
                    format!("填“{written}”，不是可接受的数"),
                ),
            }
        }
        Findings::Pairs { .. } => {
            let pair = |((given, _), prompt): ((Option<u8>, u8), usize)| {
                Some(format!("{prompt}-{}", label(seen.leaf, given?)))
            };
            let pairs: Vec<String> = findings.pairs().zip(1..).filter_map(pair).collect();
            tongue.say(format!("Paired {}", pairs.join(", ")), format!("配为 {}", pairs.join("、")))
        }
        Findings::Order { given, .. } => {
            let order: String = given.iter().map(|at| label(seen.leaf, *at)).collect();
            tongue.say(format!("Ordered {order}"), format!("排为 {order}"))
        }
        _ => String::new(),
    }
}

/// What is right, as a clause; empty but for numbers, pairs and orders.
pub fn right(seen: Seen<'_>, tongue: Tongue) -> String {
    match &seen.leaf.task {
        Task::Numeric(numeric) => {
            let key = numeric.shown_with(&tongue.say("significant digits", "位有效数字"));
            tongue.say(format!("the answer is {key}"), format!("答案 {key}"))
        }
        Task::Matching(matching) => {
            let key = matching.shown();
            tongue.say(format!("the key is {}", key.join(", ")), format!("答案 {}", key.join("、")))
        }
        Task::Ordering(ordering) => {
            let key = ordering.shown().concat();
            tongue.say(format!("the order is {key}"), format!("答案 {key}"))
        }
        _ => String::new(),
    }
}

/// What the rule counted, in brackets; empty where there is nothing to count.
pub fn counts(trace: &Trace, tongue: Tongue) -> String {
    match (&trace.findings, &trace.rule) {
        (Findings::Pairs { .. }, _) => {
            let (mut right, mut wrong, mut missed) = (0, 0, 0);
            for (given, key) in trace.findings.pairs() {
                match given {
                    None => missed += 1,
                    Some(given) if given == key => right += 1,
                    Some(_) => wrong += 1,
                }
            }
            tongue.say(
                format!(" ({right} right, {wrong} wrong, {missed} missed)"),
                format!("（配对 {right} 项，配错 {wrong} 项，未配 {missed} 项）"),
            )
        }
        (Findings::Order { counted: (part, whole), .. }, Rule::Ordering(rule)) => {
            let (en, zh) = match rule {
                OrderingRule::AllOrNothing => return String::new(),
                OrderingRule::PerPosition => ("items at their own place", "项位置正确"),
                OrderingRule::AdjacentPairs => ("neighbours kept", "处相邻正确"),
                OrderingRule::Kendall => ("pairs the right way round", "组先后正确"),
            };
            tongue.say(format!(" ({part} of {whole} {en})"), format!("（{whole} 中 {part} {zh}）"))
        }
        _ => String::new(),
    }
}

/// What was folded, in brackets; empty where nothing was.
pub fn aside(steps: &[Step], tongue: Tongue) -> String {
    let word = |step: &Step| match step {
        Step::Invisible => tongue.say("invisible characters", "不可见字符"),
        Step::Width => tongue.say("width", "全半角"),
        Step::Composition => tongue.say("the encoding of accents", "组合字符编码"),
        Step::Twins => tongue.say("look-alike signs", "形近符号"),
        Step::Case => tongue.say("case", "大小写"),
        Step::Traditional => tongue.say("traditional characters", "繁简"),
        Step::Space => tongue.say("white space", "空白"),
        Step::Punctuation => tongue.say("punctuation at the ends", "首尾标点"),
    };
    let words: Vec<String> = steps.iter().map(word).collect();
    match steps {
        [] => String::new(),
        _ => tongue.say(format!(" ({} aside)", words.join(", ")), format!("（不计{}）", words.join("、"))),
    }
}

fn label(leaf: &Content, at: u8) -> String {
    let options: &[ChoiceOption] = match &leaf.task {
        Task::Matching(matching) => &matching.options,
        Task::Ordering(ordering) => &ordering.options,
        _ => &[],
    };
    options.get(usize::from(at)).map(|option| option.label.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::response::Response,
        bank::ordering::Ordering,
        points::{Points, Rounding},
        scoring::{
            policy::Policy,
            score::{Key, Terms},
            trace::explain,
        },
    };

    #[test]
    fn orders_say_what_the_rule_counts() {
        let options: Vec<ChoiceOption> =
            ('A'..='D').map(|label| ChoiceOption { label, text: label.to_string() }).collect();
        for (rule, en, zh) in [
            (OrderingRule::AllOrNothing, "", ""),
            (OrderingRule::PerPosition, " (2 of 4 items at their own place)", "（4 中 2 项位置正确）"),
            (OrderingRule::AdjacentPairs, " (1 of 3 neighbours kept)", "（3 中 1 处相邻正确）"),
            (OrderingRule::Kendall, " (5 of 6 pairs the right way round)", "（6 中 5 组先后正确）"),
        ] {
            let task = Task::Ordering(Ordering { options: options.clone(), key: vec![2, 0, 3, 1], rule });
            let leaf = Content { stem: "?".into(), task, notes: Default::default() };
            let terms = Terms { points: Points::from(6), rounding: Rounding::default(), floor: Points::ZERO };
            let given = Response::Order([0, 2, 3, 1].into());
            let trace = explain(&Key::of(&leaf.task).unwrap(), &Policy::AllOrNothing, &given, terms);
            assert_eq!(counts(&trace, Tongue::En), en);
            assert_eq!(counts(&trace, Tongue::Zh), zh);
            let seen = Seen { trace: &trace, leaf: &leaf, texts: &[] };
            assert_eq!(
                (found(seen, Tongue::En), right(seen, Tongue::Zh)),
                ("Ordered ACDB".into(), "答案 CADB".into())
            );
        }
    }
}
