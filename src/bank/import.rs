//! From a paper to drafts: what the reader found becomes questions of a bank, in one transaction.
//!
//! A question that the bank already has (equal in folded stem, options and key) is not added again, so importing a
//! file twice adds nothing. One that the bank has with another key is added as a draft and reported as a conflict:
//! never merged, never published by itself.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use crate::{
    assembly::{self, blueprint::Blueprint, declared::DeclaredSection},
    auth::Caller,
    db::{Begun, Db, digest},
    door::Fields,
    error::{Error, Result},
    ids::{BankName, BlueprintId, BlueprintName, QuestionId},
    paper, pb,
    points::Points,
};

use super::{
    content::{
        Accepted, Blank, Choice, ChoiceKind, ChoiceOption, Content, FillBlank, Kind, Notes, OptionSet, Part,
        Task, TextMatching,
    },
    fingerprint::{Fingerprint, exact},
    sql::{self, Draft, Freeze, Source},
    unfinished::said_twice,
    wire,
};

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

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
        let reading = paper::read(&text);
        let found = collect(&reading, &import);
        (import, reading, found)
    };
    let (import, reading, mut found) = db.aside(caller, read).await?;
    if import.validate_only {
        let mut tx = db.read(caller).await?;
        if sql::bank(&mut tx, caller.tenant.id, &import.bank.bank).await?.is_none() {
            return Err(Error::NotFound(import.bank.to_string()));
        }
        let conflicts = settle(&mut tx, caller, &import, &mut found, &reading).await?;
        tx.commit().await?;
        return Ok(report(&reading, &import, &found, conflicts, None));
    }

    let mut unit = match db.write(caller, &import.request_id, body).await? {
        Begun::New(unit) => unit,
        Begun::Done(first) => return Ok(first),
    };
    // Two imports of one file at once must not both find the bank empty.
    if sql::lock_bank(unit.conn(), caller.tenant.id, &import.bank.bank).await?.is_none() {
        return Err(Error::NotFound(import.bank.to_string()));
    }
    let conflicts = settle(unit.conn(), caller, &import, &mut found, &reading).await?;
    let new: Vec<&Found> =
        found.iter().filter(|f| matches!(f.outcome, Outcome::Draft(_) | Outcome::Publish)).collect();
    let drafts: Vec<Draft> = new.iter().map(|f| f.draft.clone()).collect();
    let freezes: Vec<Freeze> = new
        .iter()
        .filter(|f| matches!(f.outcome, Outcome::Publish))
        .map(|f| Freeze {
            id: f.draft.id.clone(),
            version: 1,
            content: f.draft.content.clone(),
            hash: exact(&f.draft.content, &f.draft.topic, &f.draft.tags, f.draft.difficulty),
        })
        .collect();
    if !drafts.is_empty() {
        sql::insert_questions(unit.conn(), caller.tenant.id, &import.bank.bank, &drafts).await?;
    }
    if !freezes.is_empty() {
        sql::freeze(unit.conn(), caller.tenant.id, &import.bank.bank, &freezes).await?;
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
        json!({ "file": import.file_name, "created": drafts.len(), "published": freezes.len() }),
    );
    let answer = report(&reading, &import, &found, conflicts, blueprint);
    let answer = unit.commit(answer).await;
    drop(turn);
    answer
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
        request_id: fields.request_id(&header.request_id),
    };
    if header.format != pb::ImportFormat::PaperText as i32 {
        fields.bad("format", "must be IMPORT_FORMAT_PAPER_TEXT");
    }
    fields.done()?;
    if header.publish && !caller.may("QuestionBankService/PublishQuestion") {
        return Err(Error::Forbidden(
            "publishing on import needs one of the roles reviewer, admin".to_owned(),
        ));
    }
    if import.blueprint.is_some() && !caller.may("AssemblyService/CreateBlueprint") {
        return Err(Error::Forbidden(
            "making a blueprint on import needs one of the roles assembler, admin".to_owned(),
        ));
    }
    Ok(import)
}

/// The questions of a reading, before the bank is asked.
fn collect(reading: &paper::Reading, import: &Import) -> Vec<Found> {
    let mut all = Vec::new();
    for (document, doc) in reading.documents.iter().enumerate() {
        let mut index = 0;
        while index < doc.questions.len() {
            let first = &doc.questions[index];
            let material = material_of(doc, first);
            // Items that share their material are the parts of one case.
            let mut end = index + 1;
            if material.is_some() {
                while doc
                    .questions
                    .get(end)
                    .is_some_and(|q| q.section == first.section && material_of(doc, q) == material)
                {
                    end += 1;
                }
            }
            let members: Vec<usize> = (index..end).collect();
            let content = match material {
                Some(material) => Content {
                    stem: material.to_owned(),
                    task: Task::Case {
                        parts: doc.questions[index..end]
                            .iter()
                            .map(|q| Part { weight: 1, content: leaf(q) })
                            .collect(),
                    },
                    notes: Notes::default(),
                },
                None => leaf(first),
            };
            let section = doc.sections.get(first.section);
            let draft = Draft {
                id: QuestionId::stored(Uuid::now_v7().to_string()),
                topic: topic_of(&import.topic, first.chapter.as_deref()),
                tags: import.tags.clone(),
                difficulty: None,
                source: Some(Source {
                    file: import.file_name.clone(),
                    document: shorten(doc.title.as_deref().unwrap_or_default(), 200),
                    section: shorten(section.and_then(|s| s.title.as_deref()).unwrap_or_default(), 200),
                    number: shorten(&first.number_raw, 32),
                    line: first.line,
                }),
                content,
            };
            let complete = doc.questions[index..end].iter().all(|q| q.complete);
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
            all.push(Found {
                document,
                members,
                number: first.number_raw.clone(),
                line: first.line,
                print: Fingerprint::of(&draft.content),
                draft,
                complete,
                outcome,
            });
            index = end;
        }
    }
    all
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

/// A question of the reader as content. A key that does not fit what is there is left out, never bent.
fn leaf(question: &paper::Question) -> Content {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let notes = Notes {
        explanation: text(&question.explanation),
        knowledge_point: shorten(&text(&question.knowledge_point), 200),
        common_mistake: text(&question.common_mistake),
    };
    let choice = |kind: ChoiceKind| {
        let options: Vec<ChoiceOption> =
            question.options.iter().map(|o| ChoiceOption { label: o.label, text: o.text.clone() }).collect();
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
    let mut stem = question.stem.clone();
    let task = match question.kind {
        paper::Kind::SingleChoice => choice(ChoiceKind::Single),
        paper::Kind::MultipleChoice => choice(ChoiceKind::Multiple),
        paper::Kind::IndeterminateChoice => choice(ChoiceKind::Indeterminate),
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
            if question.options.len() >= 2 {
                let kind = match &question.answer {
                    paper::Answer::Letters(letters) if letters.len() > 1 => ChoiceKind::Multiple,
                    paper::Answer::Letters(_) => ChoiceKind::Single,
                    _ => ChoiceKind::Indeterminate,
                };
                choice(kind)
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

fn report(
    reading: &paper::Reading,
    import: &Import,
    found: &[Found],
    conflicts: Vec<Conflict>,
    blueprint: Option<String>,
) -> pb::ImportQuestionsResponse {
    let place: HashMap<(usize, usize), usize> = found
        .iter()
        .enumerate()
        .flat_map(|(i, f)| f.members.iter().map(move |m| ((f.document, *m), i)))
        .collect();
    let count = |wanted: fn(&Outcome) -> bool| found.iter().filter(|f| wanted(&f.outcome)).count() as i32;
    let mut findings: Vec<pb::ImportFinding> = reading
        .findings
        .iter()
        .map(|f| pb::ImportFinding {
            code: f.code.as_str().to_owned(),
            severity: severity(f.severity) as i32,
            document: f.document.unwrap_or(0) as i32,
            question: f.document.zip(f.question).and_then(|key| place.get(&key)).map(|i| *i as i32),
            line: f.line as i32,
            text: f.text.clone(),
            message: f.message.clone(),
        })
        .collect();
    findings.extend(conflicts.into_iter().map(|c| {
        let item = &found[c.found];
        pb::ImportFinding {
            code: "key_conflict".to_owned(),
            severity: pb::FindingSeverity::Error as i32,
            document: item.document as i32,
            question: Some(c.found as i32),
            line: item.line as i32,
            text: shorten(&item.draft.content.stem, 120),
            message: format!(
                "{}/questions/{} has the same stem and options with another key; this one stays a draft",
                import.bank, c.with
            ),
        }
    }));
    let stored = |f: &&Found| matches!(f.outcome, Outcome::Draft(_) | Outcome::Publish);
    for (at, item) in found.iter().enumerate().filter(|(_, f)| stored(f)) {
        findings.extend(said_twice(&item.draft.content).into_iter().map(|twin| pb::ImportFinding {
            code: "same_text_twice".to_owned(),
            severity: pb::FindingSeverity::Error as i32,
            document: item.document as i32,
            question: Some(at as i32),
            line: item.line as i32,
            text: shorten(&item.draft.content.stem, 120),
            message: format!("{}: {}; it stays a draft", twin.field, twin.description),
        }));
    }
    pb::ImportQuestionsResponse {
        documents: reading.documents.iter().map(show_document).collect(),
        found_count: found.len() as i32,
        created_count: count(|o| matches!(o, Outcome::Draft(_) | Outcome::Publish)),
        published_count: count(|o| matches!(o, Outcome::Publish)),
        unchanged_count: count(|o| matches!(o, Outcome::Unchanged(_))),
        held_count: count(|o| matches!(o, Outcome::Draft(Some(_)))),
        questions: found.iter().map(|f| show_found(f, import)).collect(),
        findings,
        blueprint: blueprint.unwrap_or_default(),
        validated_only: import.validate_only,
    }
}

fn severity(severity: paper::Severity) -> pb::FindingSeverity {
    match severity {
        paper::Severity::Info => pb::FindingSeverity::Info,
        paper::Severity::Warning => pb::FindingSeverity::Warning,
        paper::Severity::Error => pb::FindingSeverity::Error,
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
        reason,
    }
}

fn show_document(doc: &paper::Document) -> pb::ImportedDocument {
    let decimal = |d: Option<rust_decimal::Decimal>| d.map(|d| d.normalize().to_string()).unwrap_or_default();
    pb::ImportedDocument {
        title: doc.title.clone().unwrap_or_default(),
        duration_minutes: doc.duration_minutes.unwrap_or(0) as i32,
        declared_total: decimal(doc.declared_total),
        sections: doc
            .sections
            .iter()
            .enumerate()
            .map(|(i, s)| pb::ImportedSection {
                title: s.title.clone().unwrap_or_default(),
                kind: s.kind.as_str().to_owned(),
                declared_count: s.declared_count.unwrap_or(0) as i32,
                points_each: decimal(s.points_each),
                declared_total: decimal(s.declared_total),
                found_count: doc.questions.iter().filter(|q| q.section == i).count() as i32,
                inferred: s.inferred,
            })
            .collect(),
    }
}
