//! Checks a paper that was read and writes the report.
//!
//! Promises: every mismatch between what is printed and what was found is told, nothing is corrected; findings about
//! one question carry its index, findings about a section or paper do not.

use unicode_normalization::UnicodeNormalization;

use super::document::Build;
use super::duplicate;
use super::finding::{Code, Finding};
use super::fold::{LINE, Text};
use super::items::Page;
use super::question::{Draft, Place};
use super::title;
use super::{Answer, Kind, Missing, Reading};

/// Checks one paper; `d` is its index among `papers` of the text.
pub(super) fn paper(page: &Page, build: &mut Build, d: usize, papers: usize) -> Vec<Finding> {
    let text = page.text;
    let mut out: Vec<Finding> = Vec::new();
    head(text, build, d, papers, &mut out);
    sections(text, build, d, &mut out);
    questions(text, build, d, &mut out);
    dialect(text, build, d, &mut out);
    // A text that was cut by length ends anywhere; only the missing line end tells.
    if let (true, Some(last)) = (page.unended, build.drafts.last())
        && last.span.end == text.len()
        && !matches!(
            text.before(text.len()),
            '。' | '.' | '?' | '!' | ')' | '”' | '√' | '×' | '】' | 'A'..='H'
        )
        && !out.iter().any(|f| matches!(f.code, Code::TruncatedText | Code::TruncatedQuestion))
    {
        let words = last.question.stem.clone();
        out.push(
            Finding::new(
                Code::PaperIncomplete,
                last.question.line,
                words,
                "the text ends without an end mark or a line end; the last question may be cut off",
            )
            .on(d, Some(last.question.section), None),
        );
    }
    out
}

fn head(text: &Text, build: &Build, d: usize, papers: usize, out: &mut Vec<Finding>) {
    let start = build.head.start;
    if papers > 1 {
        let words = build.document.title.clone().unwrap_or_default();
        out.push(
            Finding::new(Code::DocumentBoundary, text.line(start), words, "a paper begins here")
                .on(d, None, None),
        );
    }
    if let Some(range) = title::fields(text, build.head.clone()) {
        out.push(
            Finding::new(
                Code::CandidateFields,
                text.line(range.start),
                text.show(range),
                "fields for the candidate were left out",
            )
            .on(d, None, None),
        );
    }
    let titles: Vec<String> = build.titles.iter().map(|t| text.folded(t.clone())).collect();
    if titles.windows(2).any(|w| w[0] == w[1] || w[1].starts_with(&w[0])) {
        out.push(
            Finding::new(
                Code::TitleRepeated,
                text.line(start),
                &titles[0],
                "the title is printed more than once",
            )
            .on(d, None, None),
        );
    }
    let letters: Vec<Option<char>> = titles.iter().map(|t| paper_letter(t)).collect();
    let numbers: Vec<&str> = titles.iter().filter_map(|t| paper_number(t)).collect();
    let differs = letters.iter().flatten().zip(letters.iter().flatten().skip(1)).any(|(a, b)| a != b)
        || numbers.windows(2).any(|w| w[0] != w[1]);
    if differs {
        let shown = titles.join(" / ");
        out.push(
            Finding::new(
                Code::TitleConflict,
                text.line(start),
                shown,
                "outer and inner title name different papers; the inner one was kept",
            )
            .on(d, None, None),
        );
    }
    if build.document.declared_total.is_none() && build.headers.iter().flatten().any(|h| h.points.any()) {
        out.push(
            Finding::new(Code::NoPaperTotal, text.line(start), "", "the paper prints no full marks")
                .on(d, None, None),
        );
    }
}

fn paper_letter(title: &str) -> Option<char> {
    let chars: Vec<char> = title.chars().collect();
    chars.windows(2).find_map(|w| match (w[0], w[1]) {
        (c @ ('A'..='D' | '甲' | '乙' | '丙' | '丁'), '卷')
        | ('卷', c @ ('A'..='D' | '甲' | '乙' | '丙' | '丁')) => Some(c),
        _ => None,
    })
}

/// The number in "…试卷(二)".
fn paper_number(title: &str) -> Option<&str> {
    let (_, rest) = title.split_once("卷(").or_else(|| title.split_once("题("))?;
    let (number, _) = rest.split_once(')')?;
    number.chars().all(|c| "一二三四五六七八九十".contains(c)).then_some(number).filter(|n| !n.is_empty())
}

fn sections(text: &Text, build: &mut Build, d: usize, out: &mut Vec<Finding>) {
    let document = &build.document;
    let printed = build.headers.iter().flatten().count();
    let mut push = |code, line, words: String, message: String, section| {
        out.push(Finding::new(code, line, words, message).on(d, section, None));
    };
    if printed == 0 {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(
            Code::NoSectionHeaders,
            line,
            String::new(),
            "no section headers are printed; kinds were inferred from keys and options".into(),
            None,
        );
    } else {
        for (s, section) in document.sections.iter().enumerate().filter(|(_, s)| s.inferred) {
            push(
                Code::SectionHeaderMissing,
                section.line,
                String::new(),
                "questions stand here without a header; their kind was inferred".into(),
                Some(s),
            );
        }
    }
    if printed == 0 && document.declared_total.is_none() {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(Code::NoPoints, line, String::new(), "nothing about points is printed".into(), None);
    }
    let mut declared = rust_decimal::Decimal::ZERO;
    let mut all_declared = printed > 0;
    let mut numbers: Vec<(u32, u32)> = Vec::new();
    let members = by_section(build);
    let ordinals = build.headers.iter().flatten().any(|h| h.ordinal.is_some());
    for (s, section) in document.sections.iter().enumerate() {
        let own: Vec<&Draft> = members[s].iter().map(|&i| &build.drafts[i]).collect();
        // Where a section holds several cases, it may count cases instead of questions.
        let mut cases: Vec<&str> = own.iter().filter_map(|q| q.question.material.as_deref()).collect();
        cases.dedup();
        let wanted = section.declared_count.or(section.implied_count);
        let by_case = !cases.is_empty() && u32::try_from(cases.len()).ok() == wanted;
        let found = if by_case { cases.len() } else { own.len() };
        if let (Some(a), Some(b)) = (own.first(), own.last()) {
            numbers.push((a.question.number, b.question.number));
        }
        let Some(Some(header)) = build.headers.get(s) else { continue };
        let line = section.line;
        let words = text.show(header.at..header.end);
        let points = &header.points;
        match section.declared_total.or(section.implied_total) {
            Some(total) => declared = declared.checked_add(total).unwrap_or(declared),
            None => all_declared = false,
        }
        if let Some(want) = section.declared_count.or(section.implied_count) {
            let how = if section.declared_count.is_some() { "declares" } else { "implies" };
            if (found as u64) < u64::from(want) {
                push(
                    Code::SectionShort,
                    line,
                    words.clone(),
                    format!("the header {how} {want} questions, the text holds {found}"),
                    Some(s),
                );
            } else if found as u64 > u64::from(want) {
                push(
                    Code::SectionLong,
                    line,
                    words.clone(),
                    format!("the header {how} {want} questions, the text holds {found}"),
                    Some(s),
                );
            }
        } else if found == 0 {
            push(
                Code::SectionShort,
                line,
                words.clone(),
                "the section has a header but no questions".into(),
                Some(s),
            );
            if s + 1 == document.sections.len() {
                push(
                    Code::TruncatedText,
                    line,
                    words.clone(),
                    "the text ends right behind this header".into(),
                    Some(s),
                );
            }
        }
        if points.mismatch() {
            push(Code::PointsMismatch, line, words.clone(), "number of questions times points each is not the printed total; the figures were kept as printed".into(), Some(s));
        }
        if section.points_per_blank
            && let (Some(each), Some(total)) = (section.points_each, section.declared_total)
        {
            let blanks: u32 = own.iter().map(|q| q.question.blanks.max(1)).sum();
            if each.checked_mul(blanks.into()) != Some(total) {
                push(
                    Code::PointsMismatch,
                    line,
                    words.clone(),
                    format!("{blanks} blanks were found, which do not give the printed total"),
                    Some(s),
                );
            }
        }
        if !points.any() {
            push(Code::NoPoints, line, words.clone(), "the header prints no figures".into(), Some(s));
        } else if points.total.is_none() {
            push(Code::NoSectionTotal, line, words.clone(), "the header prints no total".into(), Some(s));
        } else if points.each.is_none() {
            push(
                Code::PointsEachMissing,
                line,
                words.clone(),
                "the header prints no points per question".into(),
                Some(s),
            );
        }
        if header.lost_ordinal || (header.ordinal.is_none() && ordinals) {
            push(
                Code::SectionOrdinalMissing,
                line,
                words.clone(),
                "the ordinal of this section is missing".into(),
                Some(s),
            );
        }
        if header.unknown {
            push(
                Code::SectionKindUnknown,
                line,
                words.clone(),
                "the kind of this section is not known; its questions were read as short answers".into(),
                Some(s),
            );
        }
        if header.foreign.is_some() {
            push(
                Code::SectionHeaderInterleaved,
                line,
                words.clone(),
                "foreign text stands inside the bracket of this header; the figures around it were joined"
                    .into(),
                Some(s),
            );
        } else if header.wraps {
            push(
                Code::SectionTitleWraps,
                line,
                words.clone(),
                "the header is broken over lines; it was joined".into(),
                Some(s),
            );
        }
        if section.material.is_some() {
            push(
                Code::CaseMaterial,
                line,
                words.clone(),
                "the text before the first question was kept as material of the section".into(),
                Some(s),
            );
        }
    }
    if build.headers.iter().flatten().next().and_then(|h| h.number) == Some(3) && printed > 0 {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(
            Code::SectionOrdinalsStartAtThree,
            line,
            String::new(),
            "the first section is numbered three; one and two are not in the text".into(),
            None,
        );
    }
    if let Some(total) = document.declared_total
        && all_declared
        && total != declared
    {
        push(
            Code::PointsMismatch,
            text.line(build.head.start),
            String::new(),
            format!("the sections add up to {declared}, the paper declares {total}"),
            None,
        );
    }
    if numbers.len() > 1 {
        let continuous = numbers.windows(2).all(|w| w[1].0 > w[0].1);
        let restarts = numbers.windows(2).any(|w| w[1].0 == 1);
        let line = document.sections.get(1).map_or(1, |s| s.line);
        if continuous && printed > 0 {
            push(
                Code::NumberingContinuous,
                line,
                String::new(),
                "numbers run on over the sections".into(),
                None,
            );
        } else if restarts {
            push(
                Code::NumberingRestarts,
                line,
                String::new(),
                "numbers start again in each section".into(),
                None,
            );
        }
    }
}

/// The questions of each section, by index.
fn by_section(build: &Build) -> Vec<Vec<usize>> {
    let mut own = vec![Vec::new(); build.document.sections.len()];
    for (i, draft) in build.drafts.iter().enumerate() {
        if let Some(own) = own.get_mut(draft.question.section) {
            own.push(i);
        }
    }
    own
}

fn median(counts: impl Iterator<Item = usize>) -> usize {
    let mut counts: Vec<usize> = counts.collect();
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or(0)
}

fn questions(text: &Text, build: &mut Build, d: usize, out: &mut Vec<Finding>) {
    let objective = |k: Kind| k.is_choice() || k == Kind::TrueFalse;
    let keyed = build.drafts.iter().filter(|q| !q.question.answer.is_none()).count();
    let asked = build.drafts.iter().filter(|q| objective(q.question.kind)).count();
    let any_key = keyed > 0;
    if !any_key && asked > 0 {
        let promised = text.contains(build.head.clone(), &["答案", "解析"]);
        let why = if promised {
            "the title promises answers, but no key is printed"
        } else {
            "no key is printed in the paper"
        };
        let words = build.document.title.clone().unwrap_or_default();
        out.push(Finding::new(Code::NoAnswerKey, text.line(build.head.start), words, why).on(d, None, None));
    }
    let count = build.drafts.len();
    let explains = build.drafts.iter().filter(|q| q.question.explanation.is_some()).count() * 2 > count;
    let own = by_section(build);
    let keyed_of: Vec<(usize, usize)> = own
        .iter()
        .map(|o| (o.iter().filter(|&&i| !build.drafts[i].question.answer.is_none()).count(), o.len()))
        .collect();
    let mut previous: Option<(usize, u32)> = None;
    let last_of: Vec<usize> = own.iter().map(|o| o.last().copied().unwrap_or(usize::MAX)).collect();
    let first_of: Vec<usize> = own.iter().map(|o| o.first().copied().unwrap_or(usize::MAX)).collect();
    let usual: Vec<usize> =
        own.iter().map(|o| median(o.iter().map(|&i| build.drafts[i].question.options.len()))).collect();
    // The one item of a section that was just begun is measured by the paper.
    let common = median(build.drafts.iter().map(|q| q.question.options.len()).filter(|n| *n >= 2));
    for i in 0..count {
        let draft = &mut build.drafts[i];
        let section = draft.question.section;
        let (line, kind) = (draft.question.line, draft.question.kind);
        let stem = draft.question.stem.clone();
        let last = last_of.get(section) == Some(&i);
        let very_last = i + 1 == count;
        let mut push = |code, line, words: String, message: String| {
            out.push(Finding::new(code, line, words, message).on(d, Some(section), Some(i)));
        };
        for (code, range, message) in &draft.notes {
            if code.severity() != super::Severity::Info
                || matches!(code, Code::ThreeOptions | Code::LatinInBrackets)
            {
                push(*code, text.line(range.start), text.show(range.clone()), message.clone());
            }
        }
        if draft.question.stem.is_empty() {
            draft.question.missing.push(Missing::Stem);
        }
        let options = draft.question.options.len();
        let lacks_options = kind.is_choice() && options < 2;
        let alone = build.document.sections.len() > 1 && last_of[section] == i && first_of[section] == i;
        let half_label = kind.is_choice() && options >= 2 && half_label(&draft.question);
        let fewer = very_last
            && kind.is_choice()
            && options >= 2
            && (options < usual[section] || (alone && options < common) || half_label);
        if lacks_options || fewer {
            draft.question.missing.push(Missing::Options);
        }
        let (with_key, all) = keyed_of[section];
        let neighbours = with_key * 2 >= all.saturating_sub(1).max(1)
            || (all == 1 && keyed * 2 >= count.saturating_sub(1).max(1) && any_key);
        let announced = very_last && draft.marked && draft.question.answer.is_none();
        let keyless = announced
            || (draft.question.answer.is_none()
                && any_key
                && (objective(kind) || (neighbours && with_key > 0)));
        if keyless {
            draft.question.missing.push(Missing::Key);
        }
        let cut_explanation = very_last && draft.question.explanation.is_some() && unfinished(text, draft);
        let lacks_explanation = very_last && explains && draft.question.explanation.is_none();
        if cut_explanation || lacks_explanation {
            draft.question.missing.push(Missing::Explanation);
        }
        draft.question.complete = draft.question.missing.is_empty();
        let open_end = very_last && !draft.question.complete;
        if lacks_options
            || (fewer && keyless)
            || (very_last && keyless && (fewer || draft.marked || neighbours))
            || (very_last && fewer)
        {
            let what: Vec<&str> = draft.question.missing.iter().map(|m| missing(*m)).collect();
            let why =
                if last { "the question is cut off or incomplete" } else { "the question is incomplete" };
            push(
                Code::TruncatedQuestion,
                line,
                stem.clone(),
                format!("{why}: {} missing; kept as a draft", what.join(", ")),
            );
        } else if cut_explanation || lacks_explanation {
            push(
                Code::TruncatedText,
                line,
                stem.clone(),
                "the text ends within the explanation of this question; what is there was kept".into(),
            );
        } else if draft.question.stem.is_empty() {
            push(
                Code::TruncatedQuestion,
                line,
                draft.question.number_raw.clone(),
                "the question has no wording; kept as a draft".into(),
            );
        } else if keyless {
            push(
                Code::NoAnswerKey,
                line,
                stem.clone(),
                "no key is printed for this question, while others have one".into(),
            );
        } else if very_last && kind.is_free() && unclosed(&stem) && draft.words.is_none() && !open_end {
            draft.question.complete = false;
            draft.question.missing.push(Missing::Stem);
            push(
                Code::TruncatedText,
                line,
                stem.clone(),
                "the text ends in the middle of this question; what is there was kept".into(),
            );
        }
        key_checks(draft, very_last && fewer, &mut push);
        if let Some((p, number)) = previous
            && p == section
            && draft.question.number > number + 1
        {
            let from = number + 1;
            let to = draft.question.number - 1;
            push(
                Code::NumberingGap,
                line,
                draft.question.number_raw.clone(),
                format!("numbers {from} to {to} are missing before this question"),
            );
        }
        previous = Some((section, draft.question.number));
        let whole: String = std::iter::once(stem.as_str())
            .chain(draft.question.options.iter().map(|o| o.text.as_str()))
            .collect();
        if let Some(rubbish) = garbage(&whole) {
            push(
                Code::OcrGarbage,
                line,
                rubbish,
                "these characters look like failed recognition; the question was kept as a draft".into(),
            );
        }
        if kind == Kind::Picture || speaks_of_a_picture(&stem) {
            push(
                Code::PictureMissing,
                line,
                stem.clone(),
                "the question speaks of a picture that plain text does not hold".into(),
            );
        }
        if let Some(rare) = whole.chars().find(|c| duplicate::variant(*c).is_some()) {
            push(Code::VariantCharacter, line, rare.to_string(), "a rare variant of a usual character; kept in the wording, folded when looking for duplicates".into());
        }
    }
}

/// Whether a wording points at a picture: "如图所示", "下图", "图中", not "服务蓝图中", "线下图书馆".
fn speaks_of_a_picture(stem: &str) -> bool {
    let chars: Vec<char> = stem.nfkc().filter(|c| !c.is_whitespace()).collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    (0..chars.len()).filter(|&i| chars[i] == '图').any(|i| {
        let before = if i == 0 { '\0' } else { chars[i - 1] };
        let past = if i < 2 { '\0' } else { chars[i - 2] };
        let next = at(i + 1);
        // 图书, 图谋, 图章, 图文 are words of their own.
        if matches!(next, '书' | '谋' | '章' | '文' | '腾' | '案' | '像') {
            return false;
        }
        let points = match before {
            '下' | '上' | '右' | '左' | '附' => {
                !matches!(past, '线' | '网' | '路' | '墙' | '船' | '车' | '身' | '纸')
            }
            '如' => past != '假' && past != '例',
            '见' | '看' | '此' | '该' => true,
            _ => false,
        };
        let numbered = next.is_ascii_digit() && !before.is_alphabetic();
        let inside =
            matches!(next, '中' | '示') && (!before.is_alphanumeric() || "在据由从".contains(before));
        let sketch = before == '意' && past == '示' && next == ':';
        points || numbered || inside || sketch
    })
}

/// Whether the last option ends in the bare letter of the next label: "C.利润D".
fn half_label(question: &super::Question) -> bool {
    let Some(last) = question.options.last() else { return false };
    let next = char::from_u32(last.label as u32 + 1).unwrap_or('\0');
    let mut chars = last.text.chars().rev();
    chars.next() == Some(next) && chars.next().is_some_and(|c| !c.is_ascii_alphanumeric())
}

fn missing(what: Missing) -> &'static str {
    match what {
        Missing::Stem => "wording",
        Missing::Options => "options",
        Missing::Key => "key",
        Missing::Explanation => "explanation",
    }
}

/// Whether the last part of an explanation stops without an end mark.
fn unfinished(text: &Text, draft: &Draft) -> bool {
    let explained = &draft.explained;
    let parts = [&explained.body, &explained.knowledge, &explained.mistake, &explained.difficulty];
    let Some(last) = parts.into_iter().flatten().max_by_key(|r| r.end) else { return false };
    let end = text.before(last.end);
    let short = explained.difficulty.as_ref() == Some(last) || explained.knowledge.as_ref() == Some(last);
    !short && !matches!(end, '。' | '.' | '!' | '?' | ')' | '”' | ';' | '】')
}

fn unclosed(stem: &str) -> bool {
    stem.ends_with([',', '，', '、', ':', '：', '(', '（', '“', '《'])
}

fn key_checks(draft: &Draft, cut: bool, push: &mut impl FnMut(Code, u32, String, String)) {
    let question = &draft.question;
    let line = question.line;
    let raw = question.answer_raw.clone().unwrap_or_default();
    if let Answer::Letters(letters) = &question.answer {
        let lost: String =
            letters.iter().filter(|l| !question.options.iter().any(|o| o.label == **l)).collect();
        if !lost.is_empty() {
            let why = if cut { "which the cut text no longer holds" } else { "which no option has" };
            push(
                Code::KeyNamesMissingOption,
                line,
                raw.clone(),
                format!("the key names {lost}, {why}; the key was kept as printed"),
            );
        }
        let fits = match question.kind {
            Kind::SingleChoice => letters.len() == 1,
            Kind::MultipleChoice => letters.len() >= 2,
            _ => true,
        };
        if !fits {
            push(
                Code::KeyDoesNotFitKind,
                line,
                raw.clone(),
                format!(
                    "{} key letters do not fit a question of kind {}",
                    letters.len(),
                    question.kind.as_str()
                ),
            );
        }
        if let Some(claims) = &draft.explained.claims
            && claims != letters
        {
            let stated: String = claims.iter().collect();
            push(
                Code::KeyContradictsExplanation,
                line,
                raw.clone(),
                format!("the explanation states {stated}; the printed key was kept"),
            );
        }
    }
    if let (Answer::Truth(value), Some(claim)) = (&question.answer, draft.explained.claims_truth)
        && *value != claim
    {
        push(
            Code::KeyContradictsExplanation,
            line,
            raw,
            format!("the explanation says {claim}; the printed key was kept"),
        );
    }
}

/// Symbols that only failed recognition puts beside each other.
fn garbage(words: &str) -> Option<String> {
    let odd = |c: char| {
        matches!(
            c,
            '¥' | '§'
                | '¶'
                | '¤'
                | '†'
                | '‡'
                | '◊'
                | '□'
                | '■'
                | '\u{fffd}'
                | '|'
                | '^'
                | '~'
                | '¢'
                | '£'
                | '®'
                | '©'
                | '¬'
                | '¦'
        )
    };
    let chars: Vec<char> = words.chars().collect();
    for window in chars.windows(4) {
        if window.iter().filter(|c| odd(**c)).count() >= 2 {
            return Some(window.iter().collect());
        }
    }
    chars.contains(&'\u{fffd}').then(|| "\u{fffd}".to_owned())
}

/// How a paper prints its items, told once per paper.
fn dialect(text: &Text, build: &Build, d: usize, out: &mut Vec<Finding>) {
    let mut once = |code: Code, draft: Option<&Draft>, message: &str| {
        if let Some(draft) = draft {
            out.push(Finding::new(code, draft.question.line, draft.question.number_raw.clone(), message).on(
                d,
                Some(draft.question.section),
                None,
            ));
        }
    };
    let place = |place: Place| build.drafts.iter().find(|q| q.key.as_ref().is_some_and(|k| k.1 == place));
    once(
        Code::KeyGluedToOptionLabel,
        place(Place::Glued),
        "keys stand directly before the label of option A; they were taken because the section agrees",
    );
    once(Code::KeyBeforeStem, place(Place::Before), "keys stand before the wording");
    once(Code::KeyInsideStem, place(Place::Inside), "keys stand inside the wording");
    once(
        Code::NumberAfterAnswerBracket,
        build.drafts.iter().find(|q| q.prefixed),
        "the answer bracket stands before the number",
    );
    once(
        Code::NumberGluedToDigits,
        build.drafts.iter().find(|q| q.number_glued),
        "a question number stands directly behind other digits",
    );
    once(Code::NumberingOdd, build.drafts.iter().find(|q| q.number_odd), "numbers are punctuated oddly");
    let glued = build.drafts.windows(3).find(|w| w[0].question.line == w[2].question.line).map(|w| &w[0]);
    once(Code::GluedLine, glued, "several questions stand in one line");
    let next = build.drafts.windows(2).find(|w| {
        w[0].marked
            && w[0].span.end == w[1].span.start
            && !text.has(w[1].span.start, LINE)
            && w[0].explained.body.is_none()
    });
    once(Code::KeyGluedToNextNumber, next.map(|w| &w[1]), "the key is followed directly by the next number");
    let lined = build.drafts.iter().find(|q| q.question.kind.is_choice() && q.question.stem.contains("__"));
    once(Code::UnderscoreBlanks, lined, "choice questions use underscores for blanks");
    for code in [Code::OptionsSpacedSeparator, Code::LatinAtOptionEnd] {
        let noted = build.drafts.iter().find(|q| q.notes.iter().any(|n| n.0 == code));
        once(
            code,
            noted,
            if code == Code::LatinAtOptionEnd {
                "options end in Latin letters right before the next label"
            } else {
                "a blank stands between label and punctuation"
            },
        );
    }
}

/// Tells why a text gave no questions.
pub(super) fn prose(page: &Page, reading: &mut Reading) {
    if let Some(mark) = page.marks.iter().find(|m| m.hard && !m.doubtful && !m.glued) {
        let text = page.text;
        reading.findings.push(Finding::new(
            Code::FalsePositiveRisk,
            text.line(mark.at),
            text.show(mark.at..(mark.end + 30).min(text.len())),
            "numbered prose without options, keys or blanks; nothing was read as a question",
        ));
    }
}
