//! From printed keys to answers: which letters are keys, which question a table entry names, what an answer is.
//!
//! Promises: glued letters become keys only when the neighbours agree; an entry of a table is used only where section
//! and number name one question; a key that does not fit the kind of its question is told and not taken.

use super::document::Build;
use super::explain;
use super::fill;
use super::finding::{Code, Finding};
use super::fold::Text;
use super::items::Page;
use super::keys::{self, Key};
use super::question::{self, Draft, Place};
use super::table::{Says, Table};
use super::{Answer, Kind};

/// What a question without a header is, by its key, options and wording.
pub(super) fn infer_kind(text: &Text, draft: &Draft, last: Option<Kind>) -> Option<Kind> {
    if draft.tag.is_some() {
        return draft.tag;
    }
    let stem = question::stem_text(text, &draft.stem);
    match &draft.key {
        Some((Key::Truth(_), _)) => return Some(Kind::TrueFalse),
        Some((Key::Letters(l), _)) if l.len() > 1 => return Some(Kind::MultipleChoice),
        Some((Key::Letters(_), _)) => return Some(Kind::SingleChoice),
        None => {}
    }
    if !draft.question.options.is_empty() {
        return None;
    }
    if stem.contains("__") {
        return Some(Kind::FillBlank);
    }
    if draft.words.is_some() {
        return Some(if draft.blank { Kind::FillBlank } else { Kind::ShortAnswer });
    }
    // Among choice questions a bare question lost its options.
    if stem.ends_with(['?', '？']) {
        return if last.is_some_and(Kind::is_choice) { None } else { Some(Kind::ShortAnswer) };
    }
    let open = stem.trim_end_matches(['(', ')', '（', '）', ' ']);
    if draft.blank {
        return Some(
            if open.len() < stem.len() && open.ends_with(['。', '.'])
                || stem.ends_with('。') && stem.contains("()。")
            {
                Kind::TrueFalse
            } else {
                Kind::FillBlank
            },
        );
    }
    stem.ends_with(['。', '.', '．']).then_some(Kind::TrueFalse)
}

/// The same for the questions of a stretch without a header.
pub(super) fn settle_glued(drafts: &mut [Draft]) {
    let mut refs: Vec<&mut Draft> = drafts.iter_mut().collect();
    settle_glued_refs(&mut refs);
}

/// Letters glued to option A are keys when the neighbours print theirs so too.
pub(super) fn settle_glued_refs(drafts: &mut [&mut Draft]) {
    let fits = |d: &Draft, letters: &[char]| match d.question.kind {
        Kind::MultipleChoice => letters.len() >= 2,
        _ => true,
    };
    let clear = |d: &Draft| d.glued.as_ref().is_some_and(|g| g.alone && fits(d, &g.letters));
    let with = drafts.iter().filter(|d| clear(d)).count();
    let all = drafts.iter().filter(|d| !d.question.options.is_empty() || d.glued.is_some()).count();
    for draft in drafts.iter_mut() {
        let own = clear(draft);
        let Some(keys::Glued { letters, start, alone }) = draft.glued.take() else { continue };
        let others = with - usize::from(own);
        let rest = all - 1;
        let headed = draft.question.section != usize::MAX;
        let single = draft.question.kind == Kind::SingleChoice && letters.len() > 1 && headed;
        let agreed = own && (rest == 0 || others * 2 >= rest) && !(single && others == 0 && rest > 0);
        // "…CRMB" + A among many with clear keys: the last letter, and only for a single choice.
        let tail = !alone
            && others >= 3
            && others * 4 >= rest * 3
            && draft.question.kind == Kind::SingleChoice
            && headed
            && letters.len() == 1;
        if agreed || tail {
            if let Some(last) = draft.stem.last_mut() {
                last.end = start.max(last.start);
            }
            draft.question.answer_raw = Some(letters.iter().collect());
            draft.key = Some((Key::Letters(letters), Place::Glued));
        } else if alone || with > 0 {
            let stem_end = draft.stem.last().map_or(start, |r| r.end);
            draft.notes.push((
                Code::KeyAmbiguous,
                start..stem_end,
                "letters stand right before option A, but the other questions print no key there; they were left in the wording and no key was taken".into(),
            ));
        }
    }
}

/// Answers printed in the blanks of a fill-in section are taken where none of its questions has an empty blank.
pub(super) fn settle_filled(text: &Text, drafts: &mut [&mut Draft]) {
    let fills = |d: &Draft| d.question.kind == Kind::FillBlank;
    let open = |d: &Draft| d.words.is_some() || d.filled.is_empty();
    let empty = drafts.iter().any(|d| fills(d) && open(d) && (d.blank || d.words.is_some()));
    let lone = drafts.iter().filter(|d| fills(d)).count() == 1;
    for draft in drafts.iter_mut().filter(|d| fills(d) && !d.filled.is_empty()) {
        let filled = &draft.filled;
        let lines = filled.iter().any(|f| text.before(f.words.start) == '_');
        if draft.words.is_some() || draft.key.is_some() {
            draft.filled.clear();
        } else if empty || (lines && lone) {
            let place = filled[0].hole.clone();
            draft.filled.clear();
            draft.notes.push((
                Code::KeyAmbiguous,
                place,
                "words in brackets or between underscores may be the answer of a blank; they were left in the wording and no key was taken".into(),
            ));
        } else {
            let mut stem = Vec::new();
            let mut from = draft.plain.start;
            for one in filled {
                stem.push(from..one.hole.start);
                from = one.hole.end;
            }
            stem.push(from..draft.plain.end);
            draft.stem = stem;
            draft.blank = true;
            draft.question.blanks = u32::try_from(filled.len()).unwrap_or(0);
        }
    }
}

/// A lone letter in brackets amid the wording, "维生素(A)的作用", where no other question prints a key, is wording.
pub(super) fn settle_inside(drafts: &mut [&mut Draft]) {
    let asks = |d: &Draft| !d.question.options.is_empty();
    let keyed = drafts.iter().filter(|d| asks(d) && d.key.is_some()).count();
    let all = drafts.iter().filter(|d| asks(d)).count();
    if keyed != 1 || all < 3 {
        return;
    }
    for draft in drafts.iter_mut().filter(|d| asks(d)) {
        if matches!(draft.key, Some((Key::Letters(_), Place::Inside))) {
            draft.key = None;
            draft.question.answer_raw = None;
            draft.stem = vec![draft.plain.clone()];
            draft.notes.push((
                Code::KeyAmbiguous,
                draft.plain.clone(),
                "a letter stands in brackets amid the wording, but no other question prints a key so; it was left there and no key was taken".into(),
            ));
        }
    }
}

/// The finding for a table of which no key was taken.
pub(super) fn unmapped(text: &Text, table: &Table, why: &str) -> Finding {
    Finding::new(
        Code::KeyTableUnmapped,
        text.line(table.range.start),
        text.show(table.range.clone()),
        format!("the answer table was taken out of the text, but {why}; no key was taken from it"),
    )
}

/// Whether a section of this kind can have these keys.
fn suits(kind: Kind, table: &Table) -> bool {
    table.entries.iter().all(|entry| match (&entry.says, kind) {
        (Says::Words(_), kind) => !kind.is_choice(),
        (Says::Key(Key::Truth(_)), Kind::TrueFalse) => true,
        (Says::Key(Key::Truth(_)), _) => false,
        (Says::Key(Key::Letters(l)), Kind::SingleChoice) => l.len() == 1,
        (Says::Key(Key::Letters(l)), Kind::MultipleChoice) => l.len() > 1,
        (Says::Key(Key::Letters(l)), Kind::TrueFalse) => l.len() == 1,
        (Says::Key(Key::Letters(_)), _) => true,
    })
}

/// The section a table belongs to, `usize::MAX` for the whole paper; none when that is not certain.
fn owner(table: &Table, build: &Build, current: usize) -> Option<usize> {
    let sections = &build.document.sections;
    let chapter = sections.get(current).and_then(|s| s.chapter.as_deref());
    if let Some(header) = &table.header {
        let mut fits: Vec<usize> = (0..sections.len())
            .filter(|&s| {
                let same = sections[s].kind == header.kind;
                let ordinal = build.headers.get(s).and_then(Option::as_ref).and_then(|h| h.number);
                same && header.number.zip(ordinal).is_none_or(|(a, b)| a == b)
            })
            .collect();
        if let (Some(chapter), true) = (&table.chapter, fits.len() > 1) {
            fits.retain(|&s| same_chapter(sections[s].chapter.as_deref(), chapter));
        }
        if fits.len() > 1 {
            // A table closes the chapter it stands in.
            fits.retain(|&s| s <= current && sections[s].chapter.as_deref() == chapter);
        }
        return match fits.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
    }
    if let Some(ordinal) = table.ordinal {
        let mut fits: Vec<usize> = (0..sections.len())
            .filter(|&s| {
                build.headers.get(s).and_then(Option::as_ref).and_then(|h| h.number) == Some(ordinal)
                    && table
                        .chapter
                        .as_deref()
                        .is_none_or(|c| same_chapter(sections[s].chapter.as_deref(), c))
            })
            .collect();
        if fits.len() > 1 {
            fits.retain(|&s| suits(sections[s].kind, table));
        }
        return match fits.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
    }
    if sections.len() == 1 {
        return Some(0);
    }
    if build.unique {
        return Some(usize::MAX);
    }
    // Without a name: the one section before it that lacks keys, has these numbers and suits these keys.
    let mut named: Vec<u32> = table.entries.iter().map(|e| e.number).collect();
    named.sort_unstable();
    let open = |s: usize| {
        let mut numbers: Vec<u32> = Vec::new();
        let mut lacks = false;
        for draft in build.drafts.iter().filter(|d| d.question.section == s) {
            numbers.push(draft.question.number);
            lacks |= draft.key.is_none();
        }
        numbers.sort_unstable();
        lacks && numbers == named && suits(sections[s].kind, table)
    };
    let fits: Vec<usize> = (0..=current.min(sections.len().saturating_sub(1)))
        .filter(|&s| sections[s].chapter.as_deref() == chapter && open(s))
        .collect();
    let closes = current + 1 < sections.len() && sections[current + 1].chapter.as_deref() == chapter;
    match fits.as_slice() {
        [one] => Some(*one),
        // A table in its section, before the next header.
        [.., last] if *last == current && closes => Some(current),
        _ => None,
    }
}

/// Whether two names of a chapter open with the same ordinal, `第一章`.
fn same_chapter(own: Option<&str>, named: &str) -> bool {
    let bare = |words: &str| words.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let ordinal = |words: &str| {
        let words = bare(words);
        match words.split_once(['章', '讲', '课', '元']) {
            Some((ordinal, _)) if ordinal.chars().count() <= 4 => ordinal.to_owned(),
            _ => words,
        }
    };
    own.is_some_and(|own| ordinal(own) == ordinal(named))
}

/// Gives the entries of a table to the questions they name.
pub(super) fn apply(text: &Text, table: &Table, build: &mut Build, current: usize) {
    if table.unreadable || table.entries.is_empty() {
        build.findings.push(unmapped(text, table, "its numbers and letters do not tally"));
        return;
    }
    let Some(section) = owner(table, build, current) else {
        build.findings.push(unmapped(text, table, "it fits more than one section or none"));
        return;
    };
    let mut used = 0;
    let mut lost = Vec::new();
    // Letters in brackets amid the wording: keys that the table repeats, or words like "维生素(A)".
    let (mut agree, mut differ, mut letters) = (0, 0, Vec::new());
    for entry in &table.entries {
        let mut named = build.drafts.iter_mut().filter(|d| {
            d.question.number == entry.number && (section == usize::MAX || d.question.section == section)
        });
        let (Some(draft), None) = (named.next(), named.next()) else {
            lost.push(entry.number);
            continue;
        };
        used += 1;
        if let Some(why) = &entry.why
            && draft.question.explanation.is_none()
        {
            draft.explained = explain::read(text, why.clone());
            question::explain(text, draft);
        }
        match &entry.says {
            Says::Key(key) => {
                let key = match (key, draft.question.kind) {
                    (Key::Letters(l), Kind::TrueFalse) if l == &['F'] => Key::Truth(false),
                    (key, _) => key.clone(),
                };
                match &draft.key {
                    Some((printed, Place::Inside)) => {
                        differ += u32::from(*printed != key);
                        agree += u32::from(*printed == key);
                        letters.push((draft.span.start, key, entry.at.clone()));
                    }
                    Some((printed, _)) if *printed != key => draft.notes.push((
                        Code::KeyConflict,
                        entry.at.clone(),
                        "the answer table and the key beside the question differ; the key beside the question was kept".into(),
                    )),
                    Some(_) => {}
                    None if draft.words.is_some() => draft.notes.push((
                        Code::KeyConflict,
                        entry.at.clone(),
                        "the answer table gives a key and the question an answer in words; the words were kept".into(),
                    )),
                    None => {
                        draft.key = Some((key, Place::Table));
                        draft.question.answer_raw = Some(text.show(entry.at.clone()));
                        draft.notes.retain(|n| n.0 != Code::KeyAmbiguous);
                    }
                }
            }
            Says::Words(range) => {
                if draft.words.is_none() {
                    draft.words = Some(range.clone());
                    draft.question.answer_raw = Some(text.show(entry.at.clone()));
                }
            }
        }
    }
    for (at, key, entry) in letters {
        let Some(draft) = build.drafts.iter_mut().find(|d| d.span.start == at) else { continue };
        let same = draft.key.as_ref().is_some_and(|k| k.0 == key);
        if differ >= agree && differ > 0 {
            draft.stem = vec![draft.plain.clone()];
            draft.question.answer_raw = Some(text.show(entry));
            draft.key = Some((key, Place::Table));
        } else if !same {
            draft.notes.push((
                Code::KeyConflict,
                entry,
                "the answer table and the key beside the question differ; the key beside the question was kept".into(),
            ));
        }
    }
    if used > 0 {
        build.findings.push(Finding::new(
            Code::KeyTable,
            text.line(table.range.start),
            text.show(table.range.clone()),
            format!("{used} keys were taken from this answer table, which was taken out of the text"),
        ));
    }
    if !lost.is_empty() {
        build.findings.push(unmapped(text, table, &format!("its numbers {lost:?} name no question")));
    }
}

/// Turns stretches into words and the key into an answer.
pub(super) fn finish_draft(page: &Page, draft: &mut Draft) {
    let text = page.text;
    let question = &mut draft.question;
    question.stem = question::stem_text(text, &draft.stem);
    let kind = question.kind;
    let mut unreadable = None;
    question.answer = match (&draft.key, kind) {
        (Some((Key::Letters(letters), _)), Kind::TrueFalse) => {
            let chosen = match letters.as_slice() {
                [one] => question.options.iter().find(|o| o.label == *one).map(|o| o.text.as_str()),
                _ => None,
            };
            match chosen.map(|c| c.trim_end_matches(['。', '.', ' '])) {
                Some("正确" | "对" | "√" | "是" | "T" | "True") => Answer::Truth(true),
                Some("错误" | "错" | "×" | "否" | "F" | "False" | "不正确" | "不对") => {
                    Answer::Truth(false)
                }
                _ => {
                    unreadable = Some(
                        "the key is a letter, but no option says which letter means right; none was taken",
                    );
                    Answer::None
                }
            }
        }
        (Some((Key::Letters(letters), _)), _) => Answer::Letters(letters.clone()),
        (Some((Key::Truth(value), _)), kind) if kind.is_choice() => {
            let word = if *value { ["正确", "对", "√"] } else { ["错误", "错", "×"] };
            match question.options.iter().find(|o| word.contains(&o.text.as_str())) {
                Some(option) => Answer::Letters(vec![option.label]),
                None => {
                    unreadable =
                        Some("the key says right or wrong, but the question has options; none was taken");
                    Answer::None
                }
            }
        }
        (Some((Key::Truth(value), _)), _) => Answer::Truth(*value),
        (None, Kind::FillBlank) => match &draft.words {
            Some(range) => {
                let key = fill::key(&text.show(range.clone()), question.blanks);
                question.accepted = key.accepted;
                if let Some(doubtful) = key.doubtful {
                    draft.notes.push((
                        Code::KeyAlternatives,
                        range.clone(),
                        format!(
                            "\"{doubtful}\" may be one answer or several alternatives; it was kept as one"
                        ),
                    ));
                }
                if key.texts.is_empty() { Answer::None } else { Answer::Texts(key.texts) }
            }
            None if draft.filled.is_empty() => Answer::None,
            None => {
                let texts: Vec<String> = draft.filled.iter().map(|f| text.show(f.words.clone())).collect();
                question.answer_raw = Some(texts.join(";"));
                question.accepted = texts.iter().map(|t| fill::alternatives(t).0).collect();
                Answer::Texts(texts)
            }
        },
        (None, kind) if kind.is_free() => match &draft.words {
            Some(range) => {
                let words = text.show(range.clone());
                if words.trim().is_empty() { Answer::None } else { Answer::Text(words) }
            }
            None => Answer::None,
        },
        (None, _) => Answer::None,
    };
    if let Some(why) = unreadable {
        draft.notes.push((Code::KeyUnreadable, draft.span.start..draft.span.start + 1, why.into()));
    }
    if kind.is_free()
        && let Some(stem) = draft.stem.first()
    {
        let (parts, scrambled) = question::parts(page, stem.clone());
        question.sub_questions = parts;
        if scrambled {
            draft.notes.push((
                Code::ReadingOrderScrambled,
                stem.clone(),
                "parts of the task stand out of order; they were sorted by their numbers".into(),
            ));
        }
    }
}
