//! From a paper to drafts: what the reader found becomes questions of a bank, in one transaction.
//!
//! A question that the bank already has (equal in folded stem, options and key) is not added again, so importing a
//! file twice adds nothing. One that the bank has with another key is added as a draft and reported as a conflict:
//! never merged, never published by itself.

mod report;

use std::{collections::HashMap, mem};

use serde_json::json;
use uuid::Uuid;

use crate::{
    assembly::{self, blueprint::Blueprint, declared::DeclaredSection},
    auth::Caller,
    db::{Begun, Db, digest},
    door::Fields,
    error::{Error, Result},
    ids::{BankName, BlueprintId, BlueprintName, QuestionId},
    lifecycle::archived,
    paper, pb,
    points::Points,
};

use report::report;

use super::{
    content::{
        Accepted, Blank, Choice, ChoiceKind, ChoiceOption, Content, FillBlank, Kind, Notes, OptionSet, Part,
        Task, TextMatching,
    },
    fingerprint::{Fingerprint, exact},
    sql::{self, Draft, Source},
    wire,
};

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// Questions that are stored by one statement: what a statement carries is in memory three times on its way.
const BATCH: usize = 1000;

/// A topic: names joined by `/`, each without blanks at its ends; bad ones are noted.
pub fn topic(field: &str, value: &str, fields: &mut Fields) -> String {
    let text = fields.text(field, value, 0, 200);
    if !text.is_empty() && text.split('/').any(|name| name.is_empty() || name.trim() != name) {
        fields.bad(field, "must be names joined by \"/\", none of them empty or with blanks at its ends");
    }
    text
}

/// Tags: up to 32 distinct ones of up to 64 characters; bad ones are noted.
pub fn tags(field: &str, values: &[String], fields: &mut Fields) -> Vec<String> {
    if values.len() > 32 {
        fields.bad(field, format!("has {} tags; at most 32 are allowed", values.len()));
    }
    for (i, tag) in values.iter().enumerate() {
        fields.text(format!("{field}[{i}]"), tag, 1, 64);
        if values[..i].contains(tag) {
            fields.bad(format!("{field}[{i}]"), "is there twice");
        }
    }
    values.to_vec()
}

/// What an import is to do, checked.
struct Import {
    bank: BankName,
    file_name: String,
    publish: bool,
    topic: String,
    tags: Vec<String>,
    blueprint: Option<BlueprintName>,
    validate_only: bool,
    create_bank: bool,
    request_id: String,
}

/// One question that the reader found, on its way into the bank.
struct Found {
    document: usize,
    /// Indices of the reader's questions in that document; several where they are the parts of one case.
    members: Vec<usize>,
    number: String,
    line: u32,
    draft: Draft,
    print: Fingerprint,
    complete: bool,
    outcome: Outcome,
}

enum Outcome {
    /// To be stored as a draft; why it is not published, if that was asked for.
    Draft(Option<String>),
    Publish,
    Unchanged(QuestionId),
    Refused(String),
}

/// Runs an import to its report. Reading is done off the async threads: a large file takes its time.
pub async fn run(
    db: &Db,
    caller: &Caller,
    header: pb::ImportHeader,
    file: Vec<u8>,
) -> Result<pb::ImportQuestionsResponse> {
    let import = parse_header(&header, caller)?;
    let text = match String::from_utf8(file) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            return Err(Error::invalid(
                "chunk",
                format!("is not UTF-8: byte {at} of the file begins no character"),
            ));
        }
    };
    if let Some(at) = text.find('\0') {
        let what = format!("byte {at} of the file is a NUL character; it is no plain text");
        return Err(Error::invalid("chunk", what));
    }
    let body = digest(&pb::ImportQuestionsRequest {
        message: Some(pb::import_questions_request::Message::Chunk(
            [digest(&header).as_slice(), text.as_bytes()].concat(),
        )),
    });
    // Imports into one bank come one after the other, and wait before they hold anything.
    let turn = match import.validate_only {
        true => None,
        false => {
            let tenant = caller.tenant.id;
            Some(db.admission().turn(tenant, import.bank.to_string(), caller.deadline).await?)
        }
    };
    let read = move || {
        let mut reading = paper::read(&text);
        let found = collect(&mut reading, &import);
        (import, reading, found)
    };
    let (import, reading, mut found) = db.aside(caller, read).await?;
    if import.validate_only {
        let mut tx = db.read(caller).await?;
        let bank = sql::bank(&mut tx, caller.tenant.id, &import.bank.bank).await?;
        if bank.is_some() || !import.create_bank {
            usable_bank(bank.map(|(row, ..)| row), &import)?;
        }
        let conflicts = settle(&mut tx, caller, &import, &mut found, &reading).await?;
        tx.commit().await?;
        return Ok(report(&reading, &import, &found, conflicts, None));
    }

    let mut unit = match db.write(caller, &import.request_id, body).await? {
        Begun::New(unit) => unit,
        Begun::Done(first) => return Ok(first),
    };
    let by = unit.actor().to_owned();
    if import.create_bank && sql::ensure_bank(unit.conn(), caller.tenant.id, &import.bank.bank, &by).await? {
        unit.changed("bank.created", &import.bank, json!({}));
    }
    // Two imports of one file at once must not both find the bank empty.
    usable_bank(sql::lock_bank(unit.conn(), caller.tenant.id, &import.bank.bank).await?, &import)?;
    let conflicts = settle(unit.conn(), caller, &import, &mut found, &reading).await?;
    let new: Vec<&Found> =
        found.iter().filter(|f| matches!(f.outcome, Outcome::Draft(_) | Outcome::Publish)).collect();
    let mut published = 0;
    for batch in new.chunks(BATCH) {
        let drafts: Vec<&Draft> = batch.iter().map(|f| &f.draft).collect();
        let frozen: Vec<Option<[u8; 16]>> = batch
            .iter()
            .map(|f| match f.outcome {
                Outcome::Publish => {
                    let draft = &f.draft;
                    Some(exact(&draft.content, &draft.topic, &draft.tags, draft.difficulty))
                }
                _ => None,
            })
            .collect();
        published += frozen.iter().flatten().count();
        sql::insert_questions(unit.conn(), caller.tenant.id, &import.bank.bank, &drafts, &frozen, &by)
            .await?;
    }
    let mut blueprint = None;
    if let (Some(name), Some((title, made))) = (&import.blueprint, declared_blueprint(&reading, &found)) {
        assembly::rpc::insert_declared(&mut unit, caller, name, &import.bank, &title, made).await?;
        blueprint = Some(name.to_string());
    }
    // One change for the whole file: a bank of a hundred thousand questions is not a hundred thousand events.
    unit.changed(
        "questions.imported",
        &import.bank,
        json!({ "file": import.file_name, "created": new.len(), "published": published }),
    );
    let answer = report(&reading, &import, &found, conflicts, blueprint);
    let answer = unit.commit(answer).await;
    drop(turn);
    answer
}

/// Refuses a bank that is not there or takes nothing new.
fn usable_bank(bank: Option<sql::BankRow>, import: &Import) -> Result<()> {
    match bank.filter(|row| row.delete_time.is_none()) {
        None => Err(Error::NotFound(import.bank.to_string())),
        Some(row) if row.archive_time.is_some() => Err(archived(&import.bank.to_string())),
        Some(_) => Ok(()),
    }
}

fn parse_header(header: &pb::ImportHeader, caller: &Caller) -> Result<Import> {
    let mut fields = Fields::under("header");
    let import = Import {
        bank: fields.take("parent", header.parent.parse()),
        file_name: fields.text("file_name", &header.file_name, 0, 200),
        publish: header.publish,
        topic: topic("topic", &header.topic, &mut fields),
        tags: tags("tags", &header.tags, &mut fields),
        blueprint: match header.blueprint_id.as_str() {
            "" => None,
            id => Some(BlueprintName { blueprint: fields.take("blueprint_id", id.parse::<BlueprintId>()) }),
        },
        validate_only: header.validate_only,
        create_bank: header.create_bank,
        request_id: fields.request_id(&header.request_id),
    };
    if header.format != pb::ImportFormat::PaperText as i32 {
        fields.bad("format", "must be IMPORT_FORMAT_PAPER_TEXT");
    }
    fields.done()?;
    if header.publish {
        caller.check_beside("header.publish")?;
    }
    if import.create_bank {
        caller.check_beside("header.create_bank")?;
    }
    if import.blueprint.is_some() {
        caller.check_beside("header.blueprint_id")?;
    }
    Ok(import)
}

/// The questions of a reading, before the bank is asked. Their texts are taken out of the reading: a large file is in
/// memory often enough without a copy of each.
fn collect(reading: &mut paper::Reading, import: &Import) -> Vec<Found> {
    let mut all = Vec::new();
    for (document, doc) in reading.documents.iter_mut().enumerate() {
        let mut index = 0;
        while index < doc.questions.len() {
            let end = end_of_question(doc, index);
            let members: Vec<usize> = (index..end).collect();
            let material = material_of(doc, &doc.questions[index]).map(str::to_owned);
            let section = doc.sections.get(doc.questions[index].section);
            let source = Source {
                file: import.file_name.clone(),
                document: shorten(doc.title.as_deref().unwrap_or_default(), 200),
                section: shorten(section.and_then(|s| s.title.as_deref()).unwrap_or_default(), 200),
                number: shorten(&doc.questions[index].number_raw, 32),
                line: doc.questions[index].line,
            };
            let questions = &mut doc.questions[index..end];
            let complete = questions.iter().all(|q| q.complete);
            let topic = topic_of(&import.topic, questions[0].chapter.as_deref());
            let (number, line) = (questions[0].number_raw.clone(), questions[0].line);
            let content = match material {
                Some(stem) => Content {
                    stem,
                    task: Task::Case {
                        parts: questions.iter_mut().map(|q| Part { weight: 1, content: leaf(q) }).collect(),
                    },
                    notes: Notes::default(),
                },
                None => leaf(&mut questions[0]),
            };
            let draft = Draft {
                id: QuestionId::stored(Uuid::now_v7().to_string()),
                topic,
                tags: import.tags.clone(),
                difficulty: None,
                source: Some(source),
                content,
            };
            let mut fields = Fields::default();
            wire::content(&wire::show(&draft.content), &mut fields);
            let outcome = match fields.done() {
                Ok(()) => Outcome::Draft(None),
                Err(Error::Invalid(bad)) => Outcome::Refused(
                    bad.iter()
                        .map(|v| format!("{}: {}", v.field, v.description))
                        .collect::<Vec<_>>()
                        .join("; "),
                ),
                Err(_) => Outcome::Refused("cannot be kept".to_owned()),
            };
            let print = Fingerprint::of(&draft.content);
            all.push(Found { document, members, number, line, print, draft, complete, outcome });
            index = end;
        }
    }
    all
}

/// Where the question that begins at an index ends: items that share their material are the parts of one case.
fn end_of_question(doc: &paper::Document, index: usize) -> usize {
    let first = &doc.questions[index];
    let Some(material) = material_of(doc, first) else { return index + 1 };
    let belongs = |q: &&paper::Question| q.section == first.section && material_of(doc, q) == Some(material);
    index + 1 + doc.questions[index + 1..].iter().take_while(belongs).count()
}

/// The shared text that a question belongs to: only sections that are about a case have one.
fn material_of<'a>(doc: &'a paper::Document, question: &'a paper::Question) -> Option<&'a str> {
    let of_section = doc.sections.get(question.section).and_then(|s| s.material.as_deref());
    question.material.as_deref().or(of_section).filter(|m| !m.trim().is_empty())
}

fn topic_of(prefix: &str, chapter: Option<&str>) -> String {
    let chapter = chapter.unwrap_or_default().replace('/', "／");
    let chapter = chapter.trim();
    let joined = match (prefix.is_empty(), chapter.is_empty()) {
        (_, true) => prefix.to_owned(),
        (true, false) => chapter.to_owned(),
        (false, false) => format!("{prefix}/{chapter}"),
    };
    shorten(&joined, 200).trim_end_matches('/').to_owned()
}

fn shorten(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}

/// A question of the reader as content; its texts are taken. A key that does not fit what is there is left out, never
/// bent.
fn leaf(question: &mut paper::Question) -> Content {
    let text = |t: &mut Option<String>| t.take().unwrap_or_default();
    let notes = Notes {
        explanation: text(&mut question.explanation),
        knowledge_point: shorten(&text(&mut question.knowledge_point), 200),
        common_mistake: text(&mut question.common_mistake),
    };
    let mut stem = mem::take(&mut question.stem);
    let options: Vec<ChoiceOption> = question
        .options
        .iter_mut()
        .map(|o| ChoiceOption { label: o.label, text: mem::take(&mut o.text) })
        .collect();
    let choice = |kind: ChoiceKind, options: Vec<ChoiceOption>| {
        let key = match &question.answer {
            paper::Answer::Letters(letters) => {
                let found: Option<OptionSet> =
                    letters.iter().map(|l| options.iter().position(|o| o.label == *l)).collect();
                found.filter(|set| kind != ChoiceKind::Single || set.len() == 1).unwrap_or_default()
            }
            _ => OptionSet::EMPTY,
        };
        Task::Choice(Choice { kind, options, key, policy: None })
    };
    let task = match question.kind {
        paper::Kind::SingleChoice => choice(ChoiceKind::Single, options),
        paper::Kind::MultipleChoice => choice(ChoiceKind::Multiple, options),
        paper::Kind::IndeterminateChoice => choice(ChoiceKind::Indeterminate, options),
        paper::Kind::TrueFalse => {
            let key = match question.answer {
                paper::Answer::Truth(truth) => Some(truth),
                _ => None,
            };
            Task::TrueFalse { key, policy: None }
        }
        paper::Kind::FillBlank => {
            let texts = match &question.answer {
                paper::Answer::Texts(texts) => texts.as_slice(),
                paper::Answer::Text(text) => std::slice::from_ref(text),
                _ => &[],
            };
            // One text for several blanks is no key: which part fills which blank would be a guess.
            let fits = question.blanks == 0 || question.blanks as usize == texts.len();
            let blanks = texts.iter().enumerate().filter(|_| fits).map(|(i, text)| {
                let all = question.accepted.get(i).filter(|all| !all.is_empty());
                let all = all.map_or(std::slice::from_ref(text), Vec::as_slice);
                let full = |text: &String| Accepted { text: text.clone(), percent: 100 };
                Blank { accepted: all.iter().map(full).collect() }
            });
            Task::FillBlank(FillBlank {
                blanks: blanks.collect(),
                unordered: false,
                matching: TextMatching::default(),
            })
        }
        paper::Kind::ShortAnswer
        | paper::Kind::Picture
        | paper::Kind::Scenario
        | paper::Kind::CaseAnalysis => {
            for (i, part) in question.sub_questions.iter().enumerate() {
                if !stem.contains(part.as_str()) {
                    stem.push_str(&format!("\n({}) {part}", i + 1));
                }
            }
            let reference = match &question.answer {
                paper::Answer::Text(text) => text.clone(),
                paper::Answer::Texts(texts) => texts.join("；"),
                paper::Answer::Letters(letters) => letters.iter().collect(),
                paper::Answer::Truth(true) => "√".to_owned(),
                paper::Answer::Truth(false) => "×".to_owned(),
                paper::Answer::None => String::new(),
            };
            // A choice that stands in a section of cases is still a choice.
            if options.len() >= 2 {
                let kind = match &question.answer {
                    paper::Answer::Letters(letters) if letters.len() > 1 => ChoiceKind::Multiple,
                    paper::Answer::Letters(_) => ChoiceKind::Single,
                    _ => ChoiceKind::Indeterminate,
                };
                choice(kind, options)
            } else {
                Task::ShortAnswer { reference }
            }
        }
    };
    Content { stem, task, notes }
}

/// A conflict of keys with the bank, as a finding.
struct Conflict {
    found: usize,
    with: QuestionId,
}

/// Decides what becomes of each question: the bank is asked once.
async fn settle(
    conn: &mut sqlx::PgConnection,
    caller: &Caller,
    import: &Import,
    found: &mut [Found],
    reading: &paper::Reading,
) -> Result<Vec<Conflict>> {
    let bodies: Vec<[u8; 16]> = found.iter().map(|f| f.print.body).collect();
    let stored = sql::doubles(conn, caller.tenant.id, &import.bank.bank, &bodies).await?;
    let mut known: HashMap<[u8; 16], Vec<(Fingerprint, QuestionId)>> = HashMap::new();
    for double in stored {
        known.entry(double.print.body).or_default().push((double.print, double.id));
    }
    let held: std::collections::HashSet<(usize, usize)> = reading
        .findings
        .iter()
        .filter(|f| f.severity == paper::Severity::Error)
        .filter_map(|f| Some((f.document?, f.question?)))
        .collect();
    let mut conflicts = Vec::new();
    for (index, item) in found.iter_mut().enumerate() {
        if matches!(item.outcome, Outcome::Refused(_)) {
            continue;
        }
        let same_body = known.entry(item.print.body).or_default();
        let keyless = item.draft.content.without_key();
        let unkeyed = Fingerprint::of(&keyless).item;
        let is_unkeyed = item.print.item == unkeyed;
        // A copy without a key adds nothing to a question that the bank has.
        let double = same_body.iter().find(|(print, _)| is_unkeyed || print.item == item.print.item);
        if let Some((_, id)) = double {
            item.outcome = Outcome::Unchanged(id.clone());
            continue;
        }
        let conflict = same_body.iter().find(|(print, _)| print.item != unkeyed).map(|(_, id)| id.clone());
        let flagged = item.members.iter().any(|m| held.contains(&(item.document, *m)));
        let lacks = wire::unfinished(&item.draft.content);
        item.outcome = if !import.publish {
            Outcome::Draft(None)
        } else if conflict.is_some() {
            Outcome::Draft(Some("the bank has this question with another key".to_owned()))
        } else if flagged {
            Outcome::Draft(Some("a finding of severity error touches it".to_owned()))
        } else if !item.complete {
            Outcome::Draft(Some("the file does not have all of it".to_owned()))
        } else if let Some(lack) = lacks.first() {
            Outcome::Draft(Some(format!("{}: {}", lack.field, lack.description)))
        } else {
            Outcome::Publish
        };
        same_body.push((item.print, item.draft.id.clone()));
        if let Some(with) = conflict {
            conflicts.push(Conflict { found: index, with });
        }
    }
    Ok(conflicts)
}

/// The blueprint that the first document with usable section heads declares, with the document's title.
fn declared_blueprint(reading: &paper::Reading, found: &[Found]) -> Option<(String, Blueprint)> {
    reading.documents.iter().enumerate().find_map(|(d, doc)| {
        let heads: Vec<DeclaredSection> = doc
            .sections
            .iter()
            .enumerate()
            .map(|(s, section)| declared_section(doc, d, s, section, found))
            .collect();
        let title = doc.title.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| "试卷".to_owned());
        Blueprint::from_declared(&heads).0.map(|blueprint| (shorten(&title, 200), blueprint))
    })
}

fn declared_section(
    doc: &paper::Document,
    document: usize,
    index: usize,
    section: &paper::Section,
    found: &[Found],
) -> DeclaredSection {
    let in_section = |f: &&Found| {
        f.document == document && f.members.first().is_some_and(|m| doc.questions[*m].section == index)
    };
    let cases =
        found.iter().filter(in_section).filter(|f| f.draft.content.kind() == Kind::Case).count() as u32;
    let mut head = DeclaredSection {
        title: shorten(section.title.as_deref().unwrap_or_default(), 200),
        kind: match section.kind {
            paper::Kind::SingleChoice => Kind::SingleChoice,
            paper::Kind::MultipleChoice => Kind::MultipleChoice,
            paper::Kind::IndeterminateChoice => Kind::IndeterminateChoice,
            paper::Kind::TrueFalse => Kind::TrueFalse,
            paper::Kind::FillBlank => Kind::FillBlank,
            _ if cases > 0 => Kind::Case,
            _ => Kind::ShortAnswer,
        },
        declared_count: section.declared_count,
        implied_count: section.implied_count,
        points_each: section.points_each.map(Points::new),
        declared_total: section.declared_total.map(Points::new),
        found: found.iter().filter(in_section).count() as u32,
    };
    // A paper counts the items below a case, a bank the case: the section's points stay what they are.
    if head.kind == Kind::Case {
        let items = head.declared_count.or(head.implied_count);
        head.declared_total =
            head.declared_total.or(items.zip(head.points_each).map(|(n, each)| each.times(n)));
        head.declared_count = Some(cases);
        head.implied_count = None;
        head.points_each = None;
    }
    head
}
