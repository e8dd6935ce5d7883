//! Papers and answers on the wire: a form as a candidate may see it, and responses as typed values by position. The
//! types that candidates get have no field for a key or an explanation, so none can slip in.

use std::collections::HashMap;

use crate::{
    bank::content::{Content, Kind, OptionSet, Task},
    door::Fields,
    ids::QuestionRef,
    pb,
    points::Points,
    scoring::plan::Slot,
};

use super::{
    plans::CompiledForm,
    response::{Mark, NONE, Response},
};

/// The most characters of one text in a fill-blank response.
const MAX_BLANK: usize = 2_000;
/// The most characters of a free text.
const MAX_TEXT: usize = 100_000;
/// The most characters of an essay.
const MAX_ESSAY: usize = 200_000;
/// The most characters of a number.
const MAX_NUMBER: usize = 128;

/// A form as a candidate sees it.
pub fn paper(form: &CompiledForm) -> pb::Paper {
    let mut sections: Vec<pb::PaperSection> = form
        .form
        .sections
        .iter()
        .zip(form.plan.sections())
        .map(|(section, planned)| pb::PaperSection {
            title: section.title.clone(),
            instructions: section.instructions.clone(),
            points: planned.max.to_string(),
            questions: Vec::new(),
        })
        .collect();
    let slots = form.plan.slots();
    for item in &form.form.items {
        let first = item.position as usize - 1;
        let points = |at: usize| slots.get(first + at).map_or(Points::ZERO, |s| s.points);
        let question = match &item.content.task {
            Task::Case { parts } => pb::PaperQuestion {
                number: item.number as i32,
                position: 0,
                kind: pb::QuestionKind::Case as i32,
                points: item.points.to_string(),
                stem: item.content.stem.clone(),
                parts: parts
                    .iter()
                    .enumerate()
                    .map(|(i, part)| pb::PaperPart {
                        number: i as i32 + 1,
                        position: item.position as i32 + i as i32,
                        kind: pb::QuestionKind::from(part.content.kind()) as i32,
                        points: points(i).to_string(),
                        stem: part.content.stem.clone(),
                        options: options(&part.content),
                        blank_count: blanks(&part.content),
                        prompts: prompts(&part.content),
                    })
                    .collect(),
                ..Default::default()
            },
            _ => pb::PaperQuestion {
                number: item.number as i32,
                position: item.position as i32,
                kind: pb::QuestionKind::from(item.content.kind()) as i32,
                points: item.points.to_string(),
                stem: item.content.stem.clone(),
                options: options(&item.content),
                blank_count: blanks(&item.content),
                parts: Vec::new(),
                prompts: prompts(&item.content),
            },
        };
        if let Some(section) = sections.get_mut(item.section) {
            section.questions.push(question);
        }
    }
    pb::Paper {
        title: form.form.title.clone(),
        label: form.form.label.clone(),
        total_points: form.form.total.to_string(),
        sections,
    }
}

fn options(content: &Content) -> Vec<pb::PaperOption> {
    let options = match &content.task {
        Task::Choice(choice) => &choice.options,
        Task::Matching(matching) => &matching.options,
        Task::Ordering(ordering) => &ordering.options,
        _ => return Vec::new(),
    };
    options.iter().map(|o| pb::PaperOption { label: o.label.to_string(), text: o.text.clone() }).collect()
}

fn prompts(content: &Content) -> Vec<String> {
    if let Task::Matching(matching) = &content.task { matching.prompts.clone() } else { Vec::new() }
}

fn blanks(content: &Content) -> i32 {
    match &content.task {
        Task::FillBlank(fill) => fill.blanks.len() as i32,
        _ => 0,
    }
}

/// Responses by position, each at most once; bad ones are noted.
pub fn responses(form: &CompiledForm, given: &[pb::Response], fields: &mut Fields) -> Vec<(usize, Response)> {
    let slots = form.plan.slots();
    let mut by_question: Option<HashMap<&str, (usize, u32)>> = None;
    let mut seen = vec![false; slots.len()];
    let mut read = Vec::with_capacity(given.len());
    if given.len() > 2 * slots.len() + 16 {
        fields
            .bad("responses", format!("has {} entries, the form has {} positions", given.len(), slots.len()));
        return read;
    }
    for (i, response) in given.iter().enumerate() {
        let index = match (response.position, response.question.as_str()) {
            (0, "") => {
                fields.bad(format!("responses[{i}].position"), "is required, or else question");
                continue;
            }
            (0, question) => {
                let known = by_question.get_or_insert_with(|| questions(form));
                match by_name(form, known, question, response.part) {
                    Ok(index) => index,
                    Err((field, what)) => {
                        fields.bad(format!("responses[{i}].{field}"), what);
                        continue;
                    }
                }
            }
            (position, question) => {
                let Some(index) = usize::try_from(position)
                    .ok()
                    .and_then(|p| p.checked_sub(1))
                    .filter(|p| *p < slots.len())
                else {
                    let what = format!("the form has positions 1 to {}", slots.len());
                    fields.bad(format!("responses[{i}].position"), what);
                    continue;
                };
                if !question.is_empty() {
                    let known = by_question.get_or_insert_with(|| questions(form));
                    if by_name(form, known, question, response.part) != Ok(index) {
                        let what = format!("does not stand at position {position}");
                        fields.bad(format!("responses[{i}].question"), what);
                        continue;
                    }
                } else if response.part != 0 && response.part as u32 != slots[index].part {
                    fields.bad(
                        format!("responses[{i}].part"),
                        format!("does not stand at position {position}"),
                    );
                    continue;
                }
                index
            }
        };
        if std::mem::replace(&mut seen[index], true) {
            fields.bad(format!("responses[{i}]"), format!("position {} is answered twice", index + 1));
            continue;
        }
        let before = fields.count();
        let value = answer(form, index, response, i, fields);
        if fields.count() == before
            && let Err(what) = slots[index].key.check(&value)
        {
            fields.bad(format!("responses[{i}]"), what);
        }
        read.push((index, value));
    }
    read
}

/// Per question its first position, as an index, and its number of parts (0 for a plain question).
fn questions(form: &CompiledForm) -> HashMap<&str, (usize, u32)> {
    let mut known: HashMap<&str, (usize, u32)> = HashMap::new();
    for (index, slot) in form.plan.slots().iter().enumerate() {
        let entry = known.entry(&slot.question).or_insert((index, 0));
        entry.1 = entry.1.max(slot.part);
    }
    known
}

fn by_name(
    form: &CompiledForm,
    known: &HashMap<&str, (usize, u32)>,
    name: &str,
    part: i32,
) -> Result<usize, (&'static str, String)> {
    let parsed: QuestionRef = name.parse().map_err(|e: crate::ids::IdError| ("question", e.to_string()))?;
    let question = parsed.question.to_string();
    let (first, parts) =
        *known.get(question.as_str()).ok_or(("question", "is not on the form".to_owned()))?;
    let stands = form.plan.slots().get(first).map_or(0, |s| s.version);
    if parsed.version.is_some_and(|v| v as u32 != stands) {
        return Err(("question", format!("stands on the form in version {stands}")));
    }
    match (parts, u32::try_from(part)) {
        (0, Ok(0)) => Ok(first),
        (0, _) => Err(("part", "the question has no parts".to_owned())),
        (n, Ok(part)) if (1..=n).contains(&part) => Ok(first + part as usize - 1),
        (n, _) => Err(("part", format!("the case has parts 1 to {n}"))),
    }
}

fn answer(
    form: &CompiledForm,
    index: usize,
    given: &pb::Response,
    nth: usize,
    fields: &mut Fields,
) -> Response {
    use crate::scoring::score::Key;
    // Paths are made only for what is bad: fifty texts a submission that nobody reads would cost more than scoring.
    let at = format_args!("responses[{nth}]");
    let key = &form.plan.slots()[index].key;
    let wrong = [
        (!given.choices.is_empty() && !matches!(key, Key::Choice { .. }), "choices", "a choice question"),
        (given.truth.is_some() && !matches!(key, Key::Truth(_)), "truth", "a true/false question"),
        (!given.texts.is_empty() && !matches!(key, Key::Texts(_)), "texts", "a fill-blank question"),
        (!given.text.is_empty() && !matches!(key, Key::Person(_)), "text", "a short answer or an essay"),
        (!given.number.is_empty() && !matches!(key, Key::Numeric(_)), "number", "a numeric question"),
        (!given.pairs.is_empty() && !matches!(key, Key::Matching(_)), "pairs", "a matching question"),
        (!given.order.is_empty() && !matches!(key, Key::Ordering(_)), "order", "an ordering question"),
    ];
    let mut fits = true;
    for (bad, field, kind) in wrong {
        if bad {
            let what = format!("answers {kind}; position {} is none", index + 1);
            fields.bad(format!("{at}.{field}"), what);
            fits = false;
        }
    }
    if !fits {
        return Response::Blank;
    }
    if !given.choices.is_empty() {
        let labels = &form.labels[index];
        let mut picked = OptionSet::EMPTY;
        for (i, label) in given.choices.iter().enumerate() {
            let mut letters = label.chars();
            let option = match (letters.next(), letters.next()) {
                (Some(letter), None) => labels.iter().position(|l| *l == letter),
                _ => None,
            };
            match option {
                Some(option) => picked = picked.with(option),
                None => {
                    let known: Vec<String> = labels.iter().map(char::to_string).collect();
                    let what = format!("there is no option {label:?}; there are {}", known.join(", "));
                    fields.bad(format!("{at}.choices[{i}]"), what);
                }
            }
        }
        return Response::Choice(picked);
    }
    if let Some(truth) = given.truth {
        return Response::Truth(truth);
    }
    if !given.texts.is_empty() {
        for (i, text) in given.texts.iter().enumerate() {
            check_text(text, MAX_BLANK, format_args!("{at}.texts[{i}]"), fields);
        }
        return Response::Texts(given.texts.clone());
    }
    if !given.text.is_empty() {
        let most = if key.kind() == Kind::Essay { MAX_ESSAY } else { MAX_TEXT };
        check_text(&given.text, most, format_args!("{at}.text"), fields);
        return Response::Text(given.text.clone());
    }
    match key {
        Key::Numeric(_) if !given.number.is_empty() => {
            check_text(&given.number, MAX_NUMBER, format_args!("{at}.number"), fields);
            Response::Number(given.number.as_str().into())
        }
        Key::Matching(key) if !given.pairs.is_empty() => {
            pairs(&given.pairs, key.prompts(), &form.labels[index], at, fields)
        }
        Key::Ordering(_) if !given.order.is_empty() => order(&given.order, &form.labels[index], at, fields),
        _ => Response::Blank,
    }
}

fn pairs(
    given: &[pb::MatchedPair],
    prompts: usize,
    labels: &[char],
    at: std::fmt::Arguments<'_>,
    fields: &mut Fields,
) -> Response {
    let mut options = vec![NONE; prompts];
    // Of more pairs than prompts some are bad already, and a message may hold many more.
    for (i, pair) in given.iter().enumerate().take(2 * prompts) {
        let option = option_of(labels, &pair.option);
        if let Err(what) = &option {
            fields.bad(format!("{at}.pairs[{i}].option"), what);
        }
        let place = usize::try_from(pair.prompt).ok().and_then(|n| options.get_mut(n.checked_sub(1)?));
        let bad = match place {
            None => format!("there is no prompt {}; there are {prompts}", pair.prompt),
            Some(place) if *place != NONE => format!("prompt {} has a pair already", pair.prompt),
            Some(place) => {
                *place = option.unwrap_or_default();
                continue;
            }
        };
        fields.bad(format!("{at}.pairs[{i}].prompt"), bad);
    }
    Response::Pairs(options.into())
}

fn order(given: &[String], labels: &[char], at: std::fmt::Arguments<'_>, fields: &mut Fields) -> Response {
    let mut placed: Vec<u8> = Vec::with_capacity(given.len().min(labels.len()));
    for (i, label) in given.iter().enumerate().take(2 * labels.len()) {
        match option_of(labels, label) {
            Ok(option) if placed.contains(&option) => {
                fields.bad(format!("{at}.order[{i}]"), format!("option {label} is placed already"));
            }
            Ok(option) => placed.push(option),
            Err(what) => fields.bad(format!("{at}.order[{i}]"), what),
        }
    }
    Response::Order(placed.into())
}

fn option_of(labels: &[char], label: &str) -> std::result::Result<u8, String> {
    let mut letters = label.chars();
    let found = match (letters.next(), letters.next()) {
        (Some(letter), None) => labels.iter().position(|l| *l == letter),
        _ => None,
    };
    found.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
        let known: Vec<String> = labels.iter().map(char::to_string).collect();
        format!("there is no option {label:?}; there are {}", known.join(", "))
    })
}

fn check_text(text: &str, max: usize, at: std::fmt::Arguments<'_>, fields: &mut Fields) {
    // Bytes first: counting the characters of ten megabytes is work that nobody asked for.
    if text.len() > 4 * max || text.chars().count() > max {
        fields.bad(at.to_string(), format!("is longer than {max} characters"));
    } else if text.contains('\0') {
        fields.bad(at.to_string(), "contains a NUL character");
    }
}

/// A mark for the wire: of a position whose question's version has that name, and whose points are that text.
pub fn mark(slot: &Slot, version: &str, max: &str, mark: &Mark) -> pb::Mark {
    pb::Mark {
        position: slot.position as i32,
        question_version: version.to_owned(),
        part: slot.part as i32,
        state: mark_state(mark) as i32,
        points: mark.points().to_string(),
        max_points: max.to_owned(),
    }
}

/// How a mark came to be, on the wire.
pub fn mark_state(mark: &Mark) -> pb::MarkState {
    match mark {
        Mark::NotAnswered => pb::MarkState::NotAnswered,
        Mark::Scored(_) => pb::MarkState::Scored,
        Mark::Awaiting => pb::MarkState::AwaitingGrading,
    }
}

/// Saved responses for the wire; blank ones are left out.
pub fn show_responses(form: &CompiledForm, responses: &[Response]) -> Vec<pb::Response> {
    let shown = responses.iter().enumerate().filter(|(_, r)| !r.is_blank()).map(|(index, response)| {
        let slot = form.plan.slots().get(index);
        let mut shown = pb::Response {
            position: index as i32 + 1,
            part: slot.map_or(0, |s| s.part as i32),
            ..Default::default()
        };
        match response {
            Response::Blank => {}
            Response::Choice(picked) => {
                let labels = form.labels.get(index).map(|l| &**l).unwrap_or_default();
                shown.choices = picked.iter().filter_map(|i| labels.get(i)).map(char::to_string).collect();
            }
            Response::Truth(truth) => shown.truth = Some(*truth),
            Response::Texts(texts) => shown.texts.clone_from(texts),
            Response::Text(text) => shown.text.clone_from(text),
            Response::Number(text) => shown.number = text.to_string(),
            Response::Pairs(options) => {
                let pairs = options.iter().zip(1..).filter(|(option, _)| **option != NONE);
                let label = |option: &u8| form.labels.get(index)?.get(usize::from(*option));
                shown.pairs = pairs
                    .filter_map(|(option, prompt)| {
                        Some(pb::MatchedPair { prompt, option: label(option)?.to_string() })
                    })
                    .collect();
            }
            Response::Order(options) => {
                let label = |option: &u8| form.labels.get(index)?.get(usize::from(*option));
                shown.order = options.iter().filter_map(label).map(char::to_string).collect();
            }
        }
        shown
    });
    shown.collect()
}
