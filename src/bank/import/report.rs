//! What is told of an import. However large the file, the answer is a few megabytes at most: what is many is counted, and
//! the first ones are told.

use std::collections::{BTreeMap, HashMap};

use super::{Conflict, Found, Import, Outcome, shorten};
use crate::{bank::unfinished::said_twice, paper, pb};

/// Questions told one by one; of a larger file only those that were refused or held back are.
const QUESTIONS: usize = 1000;
/// Findings told of each code.
const OF_CODE: usize = 100;
/// Findings told in all.
const FINDINGS: usize = 1000;
/// Documents told.
const DOCUMENTS: usize = 1000;
/// Sections told of a document.
const SECTIONS: usize = 200;
/// Characters of a text that is quoted.
const QUOTED: usize = 120;
/// Characters of a sentence.
const SENTENCE: usize = 300;

/// The answer to an import.
pub(super) fn report(
    reading: &paper::Reading,
    import: &Import,
    found: &[Found],
    conflicts: Vec<Conflict>,
    blueprint: Option<String>,
) -> pb::ImportQuestionsResponse {
    let told = told_of(found);
    let place: HashMap<usize, i32> = told.iter().zip(0..).map(|(index, place)| (*index, place)).collect();
    let count = |wanted: fn(&Outcome) -> bool| found.iter().filter(|f| wanted(&f.outcome)).count() as i32;
    let (findings, finding_counts) = findings(reading, import, found, conflicts, &place);
    let items = reading.documents.iter().map(|d| d.questions.len()).sum::<usize>();
    pb::ImportQuestionsResponse {
        documents: reading.documents.iter().take(DOCUMENTS).map(show_document).collect(),
        found_count: found.len() as i32,
        created_count: count(|o| matches!(o, Outcome::Draft(_) | Outcome::Publish)),
        published_count: count(|o| matches!(o, Outcome::Publish)),
        unchanged_count: count(|o| matches!(o, Outcome::Unchanged(_))),
        held_count: count(|o| matches!(o, Outcome::Draft(Some(_)))),
        omitted_question_count: (found.len() - told.len()) as i32,
        questions: told.iter().map(|index| show_found(&found[*index], import)).collect(),
        findings,
        finding_counts,
        blueprint: blueprint.unwrap_or_default(),
        validated_only: import.validate_only,
        item_count: items as i32,
        document_count: reading.documents.len() as i32,
    }
}

/// The questions that are told one by one, as indices in the order of the file.
fn told_of(found: &[Found]) -> Vec<usize> {
    if found.len() <= QUESTIONS {
        return (0..found.len()).collect();
    }
    let odd = |index: &usize| matches!(found[*index].outcome, Outcome::Draft(Some(_)) | Outcome::Refused(_));
    (0..found.len()).filter(odd).take(QUESTIONS).collect()
}

/// The findings that are told, in the order of the file, what the bank itself found behind them; and how many there are
/// of each.
fn findings(
    reading: &paper::Reading,
    import: &Import,
    found: &[Found],
    conflicts: Vec<Conflict>,
    place: &HashMap<usize, i32>,
) -> (Vec<pb::ImportFinding>, Vec<pb::ImportFindingCount>) {
    let mut counts: BTreeMap<(u8, &'static str), pb::ImportFindingCount> = BTreeMap::new();
    let mut room = FINDINGS;
    let mut is_told = |severity: pb::FindingSeverity, code: &'static str| {
        let count = counts.entry((rank(severity), code)).or_insert_with(|| pb::ImportFindingCount {
            code: code.to_owned(),
            severity: severity as i32,
            ..Default::default()
        });
        count.count += 1;
        let told = room > 0 && (count.shown_count as usize) < OF_CODE;
        if told {
            count.shown_count += 1;
            room -= 1;
        }
        told
    };

    // The gravest take their room first, whatever the order in the file: what holds a question back.
    let mut own = holding(import, found, conflicts);
    own.retain(|(_, code, _)| is_told(pb::FindingSeverity::Error, code));
    let mut order: Vec<usize> = (0..reading.findings.len()).collect();
    order.sort_by_key(|i| rank(severity(reading.findings[*i].severity)));
    order.retain(|i| {
        let finding = &reading.findings[*i];
        is_told(severity(finding.severity), finding.code.as_str())
    });
    order.sort_unstable();

    // Of the questions only those that are told can be cited.
    let mut cited: HashMap<(usize, usize), i32> = HashMap::new();
    for (index, at) in place {
        cited.extend(found[*index].members.iter().map(|m| ((found[*index].document, *m), *at)));
    }
    let of_reader = order.iter().map(|i| {
        let f = &reading.findings[*i];
        pb::ImportFinding {
            code: f.code.as_str().to_owned(),
            severity: severity(f.severity) as i32,
            document: f.document.unwrap_or(0) as i32,
            question: f.document.zip(f.question).and_then(|key| cited.get(&key)).copied(),
            line: f.line as i32,
            text: shorten(&f.text, QUOTED),
            message: shorten(&f.message, SENTENCE),
        }
    });
    let of_bank = own.into_iter().map(|(index, code, message)| {
        let item = &found[index];
        pb::ImportFinding {
            code: code.to_owned(),
            severity: pb::FindingSeverity::Error as i32,
            document: item.document as i32,
            question: place.get(&index).copied(),
            line: item.line as i32,
            text: shorten(&item.draft.content.stem, QUOTED),
            message: shorten(&message, SENTENCE),
        }
    });
    (of_reader.chain(of_bank).collect(), counts.into_values().collect())
}

/// What the bank's own look at the questions found, each with the question's index, a code and a sentence: another key
/// than a question of the bank has, and texts that say the same twice.
fn holding(import: &Import, found: &[Found], conflicts: Vec<Conflict>) -> Vec<(usize, &'static str, String)> {
    let conflicts = conflicts.into_iter().map(|c| {
        let with = format!("{}/questions/{}", import.bank, c.with);
        let told = format!("{with} has the same stem and options with another key; this one stays a draft");
        (c.found, "key_conflict", told)
    });
    let stored = |f: &Found| matches!(f.outcome, Outcome::Draft(_) | Outcome::Publish);
    let twins = found.iter().enumerate().filter(|(_, f)| stored(f)).flat_map(|(index, f)| {
        let each = said_twice(&f.draft.content).into_iter();
        each.map(move |twin| {
            (index, "same_text_twice", format!("{}: {}; it stays a draft", twin.field, twin.description))
        })
    });
    conflicts.chain(twins).collect()
}

fn severity(severity: paper::Severity) -> pb::FindingSeverity {
    match severity {
        paper::Severity::Info => pb::FindingSeverity::Info,
        paper::Severity::Warning => pb::FindingSeverity::Warning,
        paper::Severity::Error => pb::FindingSeverity::Error,
    }
}

/// The gravest first.
fn rank(severity: pb::FindingSeverity) -> u8 {
    match severity {
        pb::FindingSeverity::Error => 0,
        pb::FindingSeverity::Warning => 1,
        pb::FindingSeverity::Info => 2,
        pb::FindingSeverity::Unspecified => 3,
    }
}

fn show_found(found: &Found, import: &Import) -> pb::ImportedQuestion {
    let (action, id, reason) = match &found.outcome {
        Outcome::Publish => (pb::ImportAction::Published, Some(&found.draft.id), String::new()),
        Outcome::Draft(why) => {
            (pb::ImportAction::Drafted, Some(&found.draft.id), why.clone().unwrap_or_default())
        }
        Outcome::Unchanged(id) => (pb::ImportAction::Unchanged, Some(id), String::new()),
        Outcome::Refused(why) => (pb::ImportAction::Refused, None, why.clone()),
    };
    pb::ImportedQuestion {
        document: found.document as i32,
        number: found.number.clone(),
        line: found.line as i32,
        question: id
            .filter(|_| !import.validate_only)
            .map(|id| format!("{}/questions/{id}", import.bank))
            .unwrap_or_default(),
        action: action as i32,
        reason: shorten(&reason, SENTENCE),
    }
}

fn show_document(doc: &paper::Document) -> pb::ImportedDocument {
    let mut found = vec![0; doc.sections.len()];
    for question in &doc.questions {
        if let Some(count) = found.get_mut(question.section) {
            *count += 1;
        }
    }
    let decimal = |d: Option<rust_decimal::Decimal>| d.map(|d| d.normalize().to_string()).unwrap_or_default();
    pb::ImportedDocument {
        title: shorten(doc.title.as_deref().unwrap_or_default(), QUOTED),
        duration_minutes: doc.duration_minutes.unwrap_or(0) as i32,
        declared_total: decimal(doc.declared_total),
        sections: doc
            .sections
            .iter()
            .zip(found)
            .take(SECTIONS)
            .map(|(s, found_count)| pb::ImportedSection {
                title: shorten(s.title.as_deref().unwrap_or_default(), QUOTED),
                kind: s.kind.as_str().to_owned(),
                declared_count: s.declared_count.unwrap_or(0) as i32,
                points_each: decimal(s.points_each),
                declared_total: decimal(s.declared_total),
                found_count,
                inferred: s.inferred,
            })
            .collect(),
    }
}
