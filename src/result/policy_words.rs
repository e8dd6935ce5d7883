//! Rules in a few words, in English and in Chinese: those by which responses are scored and those of regrades.

use crate::{
    bank::{matching::MatchingRule, ordering::OrderingRule},
    grading::regrade::Mode,
    scoring::{policy::Policy, trace::Rule},
};

use super::words::Tongue;

/// What a regrade did.
pub fn mode(mode: Mode, tongue: Tongue) -> String {
    let (en, zh) = match mode {
        Mode::NewKey => ("another version's key", "按新答案重评"),
        Mode::BothKeys => ("the better of both keys", "新旧答案取优"),
        Mode::FullMarks => ("full marks to everybody", "全体满分"),
        Mode::Drop => ("the question dropped", "取消本题"),
        Mode::DropAndRescale => ("the question dropped, the rest rescaled", "取消本题并按其余题折算"),
    };
    tongue.say(en, zh)
}

/// A rule in a few words.
pub fn rule(rule: &Rule, tongue: Tongue) -> String {
    match rule {
        Rule::Policy(policy) => tongue.say(policy_en(policy), policy_zh(policy)),
        Rule::BlankShares => tongue.say("every blank an equal share", "各空均分"),
        Rule::Tolerance => tongue.say("all points for a number within the tolerance", "在误差范围内得满分"),
        Rule::Matching(rule) => matching(*rule, tongue),
        Rule::Ordering(rule) => ordering(*rule, tongue),
        Rule::Person => tongue.say("by a person", "人工评分"),
    }
}

fn matching(rule: MatchingRule, tongue: Tongue) -> String {
    let (en, zh) = match rule {
        MatchingRule::PerPair => ("the share of pairs that are right", "按配对正确的比例得分"),
        MatchingRule::AllOrNothing => ("all points if every pair is right", "全部配对正确得满分"),
        MatchingRule::PerPairWithDeduction => {
            ("right pairs less wrong ones, by the number of prompts", "配对正确数减错误数，按总数折算")
        }
    };
    tongue.say(en, zh)
}

fn ordering(rule: OrderingRule, tongue: Tongue) -> String {
    let (en, zh) = match rule {
        OrderingRule::AllOrNothing => ("all points for exactly the right order", "顺序全对得满分"),
        OrderingRule::PerPosition => ("the share of items at their own place", "按位置正确的比例得分"),
        OrderingRule::AdjacentPairs => {
            ("the share of neighbours that still follow one another", "按相邻两项仍相接的比例得分")
        }
        OrderingRule::Kendall => {
            ("the share of pairs of items that are the right way round", "按先后正确的两两组合的比例得分")
        }
    };
    tongue.say(en, zh)
}

fn policy_en(policy: &Policy) -> String {
    match policy {
        Policy::AllOrNothing => "all points for exactly the key".into(),
        Policy::SubsetHalf => "half of the points if keys are missed, none with a wrong pick".into(),
        Policy::SubsetFixed { points } => format!("{points} if keys are missed, none with a wrong pick"),
        Policy::PerKeyFixed { points } => format!("{points} a picked key, none with a wrong pick"),
        Policy::PerOptionValue { .. } => "the values of the picked keys, none with a wrong pick".into(),
        Policy::SubsetProportional => "the share of keys picked, none with a wrong pick".into(),
        Policy::PerKeyWithDeduction { points } => {
            format!("{points} a picked key, less {points} a wrong pick")
        }
        Policy::OptionFractions { .. } => "the sum of the picked options' fractions, within 0 and 1".into(),
        Policy::CapToKeyCount => "the share of keys picked, less for every pick beyond their number".into(),
        Policy::NetCorrect => "right picks less wrong ones, by the number of keys".into(),
        Policy::EachDecision => "the share of options that were rightly picked or left".into(),
        Policy::Halves => "half with one error, a quarter with two, then none".into(),
        Policy::Coverage => "the share of keys picked times the share of picks that are keys".into(),
        Policy::HitsMinusWrongMinusMissed => {
            "right picks less wrong and missed ones, by the number of keys".into()
        }
        Policy::Map { lower, upper, .. } => {
            let low = lower.map(|l| format!(", at least {l}")).unwrap_or_default();
            let high = upper.map(|u| format!(", at most {u}")).unwrap_or_default();
            format!("the sum of the points of the picked options{low}{high}")
        }
        Policy::Negative { deduction } => format!("all points if right, {deduction} less if wrong"),
    }
}

fn policy_zh(policy: &Policy) -> String {
    match policy {
        Policy::AllOrNothing => "全对得分".into(),
        Policy::SubsetHalf => "少选得一半分，错选不得分".into(),
        Policy::SubsetFixed { points } => format!("漏选得 {points} 分，错选不得分"),
        Policy::PerKeyFixed { points } => format!("每选对一项得 {points} 分，错选不得分"),
        Policy::PerOptionValue { .. } => "选对的选项按各自分值计分，错选不得分".into(),
        Policy::SubsetProportional => "按选对比例得分，错选不得分".into(),
        Policy::PerKeyWithDeduction { points } => format!("每选对一项得 {points} 分，错选一项扣 {points} 分"),
        Policy::OptionFractions { .. } => "所选各项比例之和，限 0 至 1".into(),
        Policy::CapToKeyCount => "按选对比例得分，多选酌减".into(),
        Policy::NetCorrect => "选对数减错选数，按答案数折算".into(),
        Policy::EachDecision => "按判断正确的选项比例得分".into(),
        Policy::Halves => "错一处得一半，错两处得四分之一，再多不得分".into(),
        Policy::Coverage => "选对比例乘以所选中正确的比例".into(),
        Policy::HitsMinusWrongMinusMissed => "选对数减错选数再减漏选数，按答案数折算".into(),
        Policy::Map { lower, upper, .. } => {
            let low = lower.map(|l| format!("，不低于 {l} 分")).unwrap_or_default();
            let high = upper.map(|u| format!("，不高于 {u} 分")).unwrap_or_default();
            format!("所选各项分值之和{low}{high}")
        }
        Policy::Negative { deduction } => format!("答对得满分，答错扣 {deduction} 分"),
    }
}
