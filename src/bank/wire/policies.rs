//! Scoring policies on the wire, of questions and of the sections of blueprints.

use std::collections::BTreeMap;

use crate::{
    door::Fields,
    pb,
    scoring::{amount::Amount, policy::Policy},
};

/// A scoring policy from the wire. `labels` are those of the question's options, in order; a policy of a section has
/// none (`None`) and so can name none. UNSPECIFIED is no policy.
pub fn policy(
    given: &pb::ScoringPolicy,
    labels: Option<&[char]>,
    at: &str,
    fields: &mut Fields,
) -> Option<Policy> {
    use pb::ScoringRule as Rule;
    let Ok(rule) = Rule::try_from(given.rule) else {
        fields.bad(format!("{at}.rule"), "is no scoring rule");
        return None;
    };
    let takes_points =
        matches!(rule, Rule::SubsetFixed | Rule::PerKeyFixed | Rule::PerKeyWithDeduction | Rule::Negative);
    let takes_values = matches!(rule, Rule::PerOptionValue | Rule::OptionFractions | Rule::Map);
    if !takes_points && !given.points.is_empty() {
        fields.bad(format!("{at}.points"), "is no parameter of this rule");
    }
    if !takes_values && !given.option_values.is_empty() {
        fields.bad(format!("{at}.option_values"), "is no parameter of this rule");
    }
    if rule != Rule::Map {
        for (field, value) in [
            ("unmapped_value", &given.unmapped_value),
            ("lower_bound", &given.lower_bound),
            ("upper_bound", &given.upper_bound),
        ] {
            if !value.is_empty() {
                fields.bad(format!("{at}.{field}"), "is a parameter of MAP only");
            }
        }
    }
    let mut points = || fields.amount(format!("{at}.points"), &given.points);
    Some(match rule {
        Rule::Unspecified => return None,
        Rule::AllOrNothing => Policy::AllOrNothing,
        Rule::SubsetHalf => Policy::SubsetHalf,
        Rule::SubsetFixed => Policy::SubsetFixed { points: points() },
        Rule::PerKeyFixed => Policy::PerKeyFixed { points: points() },
        Rule::SubsetProportional => Policy::SubsetProportional,
        Rule::PerKeyWithDeduction => Policy::PerKeyWithDeduction { points: points() },
        Rule::CapToKeyCount => Policy::CapToKeyCount,
        Rule::NetCorrect => Policy::NetCorrect,
        Rule::EachDecision => Policy::EachDecision,
        Rule::Halves => Policy::Halves,
        Rule::Coverage => Policy::Coverage,
        Rule::HitsMinusWrongMinusMissed => Policy::HitsMinusWrongMinusMissed,
        Rule::Negative => Policy::Negative { deduction: points() },
        Rule::PerOptionValue => Policy::PerOptionValue { values: all_values(given, labels, at, fields) },
        Rule::OptionFractions => Policy::OptionFractions { fractions: all_values(given, labels, at, fields) },
        Rule::Map => {
            let optional = |field: &str, text: &str, fields: &mut Fields| {
                (!text.is_empty()).then(|| fields.amount(format!("{at}.{field}"), text))
            };
            Policy::Map {
                values: option_values(given, labels, at, fields),
                default: optional("unmapped_value", &given.unmapped_value, fields).unwrap_or_default(),
                lower: optional("lower_bound", &given.lower_bound, fields),
                upper: optional("upper_bound", &given.upper_bound, fields),
            }
        }
    })
}

fn option_values(
    given: &pb::ScoringPolicy,
    labels: Option<&[char]>,
    at: &str,
    fields: &mut Fields,
) -> Vec<Option<Amount>> {
    let Some(labels) = labels else {
        fields.bad(format!("{at}.rule"), "names options, so it belongs on a question, not on a section");
        return Vec::new();
    };
    let mut values = vec![None; labels.len()];
    for (label, value) in &given.option_values {
        let path = format!("{at}.option_values[{label}]");
        match labels.iter().position(|l| label.len() == l.len_utf8() && label.starts_with(*l)) {
            Some(index) => values[index] = Some(fields.amount(path, value)),
            None => fields.bad(path, "there is no option of that label"),
        }
    }
    values
}

fn all_values(
    given: &pb::ScoringPolicy,
    labels: Option<&[char]>,
    at: &str,
    fields: &mut Fields,
) -> Vec<Amount> {
    option_values(given, labels, at, fields).into_iter().map(Option::unwrap_or_default).collect()
}

/// A scoring policy for the wire; `labels` as in [`policy`].
pub fn show_policy(policy: &Policy, labels: &[char]) -> pb::ScoringPolicy {
    use pb::ScoringRule as Rule;
    let with = |rule: Rule| pb::ScoringPolicy { rule: rule as i32, ..Default::default() };
    let points = |rule: Rule, p: &Amount| pb::ScoringPolicy { points: p.to_string(), ..with(rule) };
    let values = |values: &mut dyn Iterator<Item = Option<&Amount>>| -> BTreeMap<String, String> {
        labels.iter().zip(values).filter_map(|(l, v)| Some((l.to_string(), v?.to_string()))).collect()
    };
    match policy {
        Policy::AllOrNothing => with(Rule::AllOrNothing),
        Policy::SubsetHalf => with(Rule::SubsetHalf),
        Policy::SubsetFixed { points: p } => points(Rule::SubsetFixed, p),
        Policy::PerKeyFixed { points: p } => points(Rule::PerKeyFixed, p),
        Policy::PerOptionValue { values: v } => {
            pb::ScoringPolicy { option_values: values(&mut v.iter().map(Some)), ..with(Rule::PerOptionValue) }
        }
        Policy::SubsetProportional => with(Rule::SubsetProportional),
        Policy::PerKeyWithDeduction { points: p } => points(Rule::PerKeyWithDeduction, p),
        Policy::OptionFractions { fractions } => pb::ScoringPolicy {
            option_values: values(&mut fractions.iter().map(Some)),
            ..with(Rule::OptionFractions)
        },
        Policy::CapToKeyCount => with(Rule::CapToKeyCount),
        Policy::NetCorrect => with(Rule::NetCorrect),
        Policy::EachDecision => with(Rule::EachDecision),
        Policy::Halves => with(Rule::Halves),
        Policy::Coverage => with(Rule::Coverage),
        Policy::HitsMinusWrongMinusMissed => with(Rule::HitsMinusWrongMinusMissed),
        Policy::Map { values: v, default, lower, upper } => pb::ScoringPolicy {
            option_values: values(&mut v.iter().map(Option::as_ref)),
            unmapped_value: default.to_string(),
            lower_bound: lower.map(|p| p.to_string()).unwrap_or_default(),
            upper_bound: upper.map(|p| p.to_string()).unwrap_or_default(),
            ..with(Rule::Map)
        },
        Policy::Negative { deduction } => points(Rule::Negative, deduction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_survives_the_wire() {
        let labels = ['A', 'B', 'C'];
        let mut seen = 0;
        for number in 1.. {
            let Ok(rule) = pb::ScoringRule::try_from(number) else { break };
            let named = matches!(
                rule,
                pb::ScoringRule::PerOptionValue | pb::ScoringRule::OptionFractions | pb::ScoringRule::Map
            );
            let pointed = matches!(
                rule,
                pb::ScoringRule::SubsetFixed
                    | pb::ScoringRule::PerKeyFixed
                    | pb::ScoringRule::PerKeyWithDeduction
                    | pb::ScoringRule::Negative
            );
            let given = pb::ScoringPolicy {
                rule: number,
                points: if pointed { "0.5".to_owned() } else { String::new() },
                option_values: if named {
                    labels.iter().map(|l| (l.to_string(), "0.25".to_owned())).collect()
                } else {
                    BTreeMap::new()
                },
                unmapped_value: if rule == pb::ScoringRule::Map { "-1".to_owned() } else { String::new() },
                upper_bound: if rule == pb::ScoringRule::Map { "2".to_owned() } else { String::new() },
                ..Default::default()
            };
            let mut fields = Fields::default();
            let policy = policy(&given, Some(&labels), "policy", &mut fields).unwrap();
            assert!(fields.is_clean(), "{rule:?}: {fields:?}");
            assert_eq!(show_policy(&policy, &labels), given);
            seen += 1;
        }
        assert_eq!(seen, 16);
    }
}
