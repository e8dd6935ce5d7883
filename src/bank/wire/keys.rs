//! The keys of numeric, matching and ordering questions on the wire. Every bad field is named by its path.

use crate::{door::Fields, glyphs::bare, pb, scoring::numeric::Number};

use super::super::{
    content::{ChoiceOption, OptionSet},
    matching::{Matching, MatchingRule},
    numeric::{Forms, Margin, NamedUnit, Numeric},
    ordering::{Ordering, OrderingRule},
};

/// The most characters of a number in a key.
const MAX_NUMBER: usize = 64;
/// The most units of one question.
const MAX_UNITS: usize = 20;
/// The most significant digits that can be asked for.
const MAX_DIGITS: i32 = 30;

/// A numeric key; `at` is the path of the question's fields.
pub(super) fn read_numeric(key: &pb::AnswerKey, at: &str, fields: &mut Fields) -> Numeric {
    use pb::numeric_key::Tolerance;
    let Some(number) = &key.number else { return Numeric::default() };
    let at = format!("{at}key.number");
    let value = read_number(&number.value, &format!("{at}.value"), fields);
    let mut amount = |field: &str, text: &str| {
        let at = format!("{at}.{field}");
        let read = read_number(text, &at, fields);
        if read.as_ref().is_some_and(Number::is_negative) {
            fields.bad(at, "must not be negative");
        }
        text.to_owned()
    };
    let margin = match &number.tolerance {
        None => Margin::Exact,
        Some(Tolerance::Absolute(t)) => Margin::Absolute(amount("absolute", t)),
        Some(Tolerance::Relative(t)) => Margin::Relative(amount("relative", t)),
        Some(Tolerance::Geometric(t)) => Margin::Geometric(amount("geometric", t)),
        Some(Tolerance::SignificantDigits(digits @ 1..=MAX_DIGITS)) => {
            Margin::SignificantDigits(*digits as u8)
        }
        Some(Tolerance::SignificantDigits(_)) => {
            fields.bad(format!("{at}.significant_digits"), format!("must be 1 to {MAX_DIGITS}"));
            Margin::Exact
        }
    };
    if number.units.len() > MAX_UNITS {
        fields.bad(format!("{at}.units"), format!("at most {MAX_UNITS} units are possible"));
    }
    let mut units: Vec<NamedUnit> = Vec::new();
    for (i, unit) in number.units.iter().take(MAX_UNITS).enumerate() {
        units.push(read_unit(unit, &units, &format!("{at}.units[{i}]"), fields));
    }
    if number.unit_required && number.units.is_empty() {
        fields.bad(format!("{at}.unit_required"), "requires a unit, but there are none");
    }
    let forms = number.forms.unwrap_or_default();
    Numeric {
        value: value.map(|_| number.value.clone()).unwrap_or_default(),
        margin,
        forms: Forms {
            thousands: !forms.refuse_thousands,
            full_width: !forms.refuse_full_width,
            exponent: !forms.refuse_exponent,
            fraction: forms.accept_fraction,
            percent: forms.accept_percent,
            look_alikes: !forms.refuse_look_alikes,
        },
        units,
        unit_required: number.unit_required,
    }
}

fn read_number(text: &str, at: &str, fields: &mut Fields) -> Option<Number> {
    let before = fields.count();
    fields.text(at, text, 1, MAX_NUMBER);
    if fields.count() > before {
        return None;
    }
    let number = Number::parse(text, Forms::ALL);
    if number.is_none() {
        fields.bad(at, format!("{text:?} is no number; write it as 45.8, 1/3, 5e3 or 50%"));
    }
    number
}

fn read_unit(unit: &pb::NumericUnit, before: &[NamedUnit], at: &str, fields: &mut Fields) -> NamedUnit {
    let name = fields.text(format!("{at}.name"), &unit.name, 1, 32);
    let bare = |name: &str| bare(name, true);
    if Number::parse(&bare(&name), Forms::ALL).is_some() {
        fields.bad(format!("{at}.name"), "is a number itself");
    } else if !name.is_empty() && before.iter().any(|u| bare(&u.name) == bare(&name)) {
        fields.bad(format!("{at}.name"), format!("the unit {name:?} is there twice"));
    }
    if !unit.factor.is_empty() {
        let at = format!("{at}.factor");
        if read_number(&unit.factor, &at, fields).is_some_and(|f| !f.is_positive()) {
            fields.bad(at, "must be above 0");
        }
    }
    NamedUnit { name, factor: unit.factor.clone() }
}

/// A numeric key for the wire.
pub(super) fn show_numeric(numeric: &Numeric) -> Option<pb::NumericKey> {
    use pb::numeric_key::Tolerance;
    let tolerance = match &numeric.margin {
        Margin::Exact => None,
        Margin::Absolute(t) => Some(Tolerance::Absolute(t.clone())),
        Margin::Relative(t) => Some(Tolerance::Relative(t.clone())),
        Margin::Geometric(t) => Some(Tolerance::Geometric(t.clone())),
        Margin::SignificantDigits(digits) => Some(Tolerance::SignificantDigits(i32::from(*digits))),
    };
    let forms = numeric.forms;
    let unit = |u: &NamedUnit| pb::NumericUnit { name: u.name.clone(), factor: u.factor.clone() };
    (!numeric.value.is_empty()).then(|| pb::NumericKey {
        value: numeric.value.clone(),
        tolerance,
        forms: (forms != Forms::default()).then_some(pb::NumberForms {
            refuse_thousands: !forms.thousands,
            refuse_full_width: !forms.full_width,
            refuse_exponent: !forms.exponent,
            accept_fraction: forms.fraction,
            accept_percent: forms.percent,
            refuse_look_alikes: !forms.look_alikes,
        }),
        units: numeric.units.iter().map(unit).collect(),
        unit_required: numeric.unit_required,
    })
}

/// A matching key, with the prompts and options that it joins.
pub(super) fn read_matching(
    prompts: &[String],
    options: Vec<ChoiceOption>,
    key: &pb::AnswerKey,
    at: &str,
    fields: &mut Fields,
) -> Matching {
    if prompts.len() > Matching::MAX {
        fields.bad(format!("{at}prompts"), format!("at most {} prompts are possible", Matching::MAX));
    }
    let prompt = |(i, text): (usize, &String)| fields.text(format!("{at}prompts[{i}]"), text, 1, 4000);
    let prompts: Vec<String> = prompts.iter().take(Matching::MAX).enumerate().map(prompt).collect();
    let mut right: Vec<Option<u8>> = vec![None; prompts.len()];
    for (i, pair) in key.pairs.iter().enumerate() {
        let at = format!("{at}key.pairs[{i}]");
        let option = index_of(&options, &pair.option, &format!("{at}.option"), fields);
        let place = usize::try_from(pair.prompt).ok().and_then(|n| right.get_mut(n.checked_sub(1)?));
        match (place, option) {
            (None, _) => fields.bad(
                format!("{at}.prompt"),
                format!("names prompt {}, but there are {}", pair.prompt, prompts.len()),
            ),
            (Some(Some(_)), _) => {
                fields.bad(format!("{at}.prompt"), format!("names prompt {} twice", pair.prompt));
            }
            (Some(place), option) => *place = Some(option.unwrap_or_default()),
        }
    }
    let found = right.iter().flatten().count();
    if found > 0 && found < prompts.len() {
        let what = format!("pairs {found} of the {} prompts; the key is all of them or none", prompts.len());
        fields.bad(format!("{at}key.pairs"), what);
    }
    let rule = match pb::MatchingRule::try_from(key.matching_rule) {
        Ok(pb::MatchingRule::Unspecified) => MatchingRule::default(),
        Ok(given) => {
            let same = |rule: &MatchingRule| pb::MatchingRule::from(*rule) == given;
            MatchingRule::ALL.into_iter().find(same).unwrap_or_default()
        }
        Err(_) => {
            fields.bad(format!("{at}key.matching_rule"), "is no rule of matching questions");
            MatchingRule::default()
        }
    };
    Matching { prompts, options, key: right.into_iter().flatten().collect(), rule }
}

/// An ordering key, with the options that it orders.
pub(super) fn read_ordering(
    options: Vec<ChoiceOption>,
    key: &pb::AnswerKey,
    at: &str,
    fields: &mut Fields,
) -> Ordering {
    let before = fields.count();
    let mut order: Vec<u8> = Vec::new();
    for (i, label) in key.order.iter().enumerate() {
        let path = format!("{at}key.order[{i}]");
        match index_of(&options, label, &path, fields) {
            Some(index) if order.contains(&index) => fields.bad(path, format!("names option {label} twice")),
            Some(index) => order.push(index),
            None => {}
        }
    }
    let rule = match pb::OrderingRule::try_from(key.ordering_rule) {
        Ok(pb::OrderingRule::Unspecified) => OrderingRule::default(),
        Ok(given) => {
            let same = |rule: &OrderingRule| pb::OrderingRule::from(*rule) == given;
            OrderingRule::ALL.into_iter().find(same).unwrap_or_default()
        }
        Err(_) => {
            fields.bad(format!("{at}key.ordering_rule"), "is no rule of ordering questions");
            OrderingRule::default()
        }
    };
    let ordering = Ordering { options, key: order, rule };
    if fields.count() == before && !ordering.key.is_empty() {
        let (given, items) = (ordering.key.len(), ordering.options.len());
        if given < items {
            let what = format!("orders {given} of the {items} options; the key is all of them or none");
            fields.bad(format!("{at}key.order"), what);
        } else if ordering.tells_its_key() {
            let what = "is the order in which the options are printed, so the paper would tell it; print them in another";
            fields.bad(format!("{at}key.order"), what);
        }
    }
    ordering
}

fn index_of(options: &[ChoiceOption], label: &str, at: &str, fields: &mut Fields) -> Option<u8> {
    let found =
        options.iter().take(OptionSet::MAX).position(|o| label.len() == 1 && label.starts_with(o.label));
    if found.is_none() {
        let labels: Vec<String> = options.iter().map(|o| o.label.to_string()).collect();
        fields.bad(at, format!("names option {label:?}, but there are {}", labels.join(", ")));
    }
    found.and_then(|index| u8::try_from(index).ok())
}

/// The pairs and the rule of a matching question, put into a key; none where both are absent.
pub(super) fn show_matching(matching: &Matching) -> Option<pb::AnswerKey> {
    let pair = |(option, prompt): (&u8, i32)| {
        let option = matching.options.get(usize::from(*option))?;
        Some(pb::MatchedPair { prompt, option: option.label.to_string() })
    };
    let rule = matching.rule != MatchingRule::default();
    (rule || !matching.key.is_empty()).then(|| pb::AnswerKey {
        pairs: matching.key.iter().zip(1..).filter_map(pair).collect(),
        matching_rule: if rule { pb::MatchingRule::from(matching.rule) as i32 } else { 0 },
        ..Default::default()
    })
}

/// The order and the rule of an ordering question, put into a key; none where both are absent.
pub(super) fn show_ordering(ordering: &Ordering) -> Option<pb::AnswerKey> {
    let rule = ordering.rule != OrderingRule::default();
    (rule || !ordering.key.is_empty()).then(|| pb::AnswerKey {
        order: ordering.shown(),
        ordering_rule: if rule { pb::OrderingRule::from(ordering.rule) as i32 } else { 0 },
        ..Default::default()
    })
}

impl From<MatchingRule> for pb::MatchingRule {
    fn from(rule: MatchingRule) -> Self {
        match rule {
            MatchingRule::PerPair => Self::PerPair,
            MatchingRule::AllOrNothing => Self::AllOrNothing,
            MatchingRule::PerPairWithDeduction => Self::PerPairWithDeduction,
        }
    }
}

impl From<OrderingRule> for pb::OrderingRule {
    fn from(rule: OrderingRule) -> Self {
        match rule {
            OrderingRule::AllOrNothing => Self::AllOrNothing,
            OrderingRule::PerPosition => Self::PerPosition,
            OrderingRule::AdjacentPairs => Self::AdjacentPairs,
            OrderingRule::Kendall => Self::Kendall,
        }
    }
}
