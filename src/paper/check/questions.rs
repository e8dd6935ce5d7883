//! Each question beside its neighbours: what is missing of it, whether its key fits, and what reads like a mistake of
//! recognition.

use unicode_normalization::UnicodeNormalization;

use super::{
    super::{
        Answer, Kind, Missing, Question, Severity,
        document::Build,
        duplicate,
        finding::{Code, Finding},
        fold::{CUT, Text},
        kinds,
        question::Draft,
    },
    by_section,
};

fn median(counts: impl Iterator<Item = usize>) -> usize {
    let mut counts: Vec<usize> = counts.collect();
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or(0)
}

pub(super) fn questions(text: &Text, build: &mut Build, d: usize, unended: bool, out: &mut Vec<Finding>) {
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
    // Writers leave the last full stop out; that alone is no sign of a cut, unless nobody else did.
    let closed = {
        let ended = build.drafts.iter().rev().skip(1).filter(|q| q.question.explanation.is_some());
        let (all, open) =
            ended.fold((0, 0), |(all, open), q| (all + 1, open + usize::from(unfinished(text, q))));
        all >= 3 && open == 0
    };
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
            if code.severity() != Severity::Info || matches!(code, Code::ThreeOptions | Code::LatinInBrackets)
            {
                push(*code, text.line(range.start), text.show(range.clone()), message.clone());
            }
        }
        // A gap of a cloze text has its wording there.
        let gap = draft.question.stem.is_empty()
            && build.document.sections.get(section).is_some_and(|s| s.material.is_some())
            && draft.question.options.len() >= 2;
        if draft.question.stem.is_empty() && !gap {
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
        let cut_explanation = very_last
            && draft.question.explanation.is_some()
            && unfinished(text, draft)
            && cut_there(text, draft, unended, closed);
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
        } else if draft.question.stem.is_empty() && !gap {
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
        let empty: String =
            draft.question.options.iter().filter(|o| o.text.is_empty()).map(|o| o.label).collect();
        if !empty.is_empty() {
            push(
                Code::OptionMissing,
                line,
                stem.clone(),
                format!("no text is printed for option {empty}; it was kept empty"),
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
fn half_label(question: &Question) -> bool {
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

/// Where the last part of an explanation stands.
fn last_part(draft: &Draft) -> Option<&std::ops::Range<usize>> {
    let explained = &draft.explained;
    let parts = [&explained.body, &explained.knowledge, &explained.mistake, &explained.difficulty];
    parts.into_iter().flatten().max_by_key(|r| r.end)
}

/// Whether an explanation without an end mark was cut off: the text stops, or furniture follows, or it stops at a word
/// that goes on.
fn cut_there(text: &Text, draft: &Draft, unended: bool, closed: bool) -> bool {
    let Some(last) = last_part(draft) else { return false };
    let goes_on = matches!(text.before(last.end), ',' | '、' | ':' | '(' | '“' | '《' | '-');
    let stops = text.has(last.end, CUT) || (last.end >= text.len() && unended);
    goes_on || (stops && closed)
}

/// Whether the last part of an explanation stops without an end mark.
fn unfinished(text: &Text, draft: &Draft) -> bool {
    let explained = &draft.explained;
    let Some(last) = last_part(draft) else { return false };
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
    if let Some(piece) = holds_question(question) {
        push(
            Code::KeyHoldsQuestion,
            line,
            piece,
            "the key holds what reads like the head of a section or another question; look before it is used"
                .into(),
        );
    }
    if let Some(piece) = visible(question) {
        push(
            Code::KeyVisible,
            line,
            piece,
            "words that tell the answer are still in the wording or in an option".into(),
        );
    }
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

/// The head of a section, or the number of a question, within a key in words.
fn holds_question(question: &Question) -> Option<String> {
    let texts: Vec<&String> = match &question.answer {
        Answer::Texts(texts) => texts.iter().collect(),
        Answer::Text(text) => vec![text],
        _ => return None,
    };
    let fill = question.kind == Kind::FillBlank;
    texts.into_iter().find_map(|text| {
        let chars: Vec<char> = text.nfkc().collect();
        let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
        let found = (0..chars.len()).find(|&i| {
            let before = if i == 0 { '\0' } else { chars[i - 1] };
            // "【判断题】", "二、单选题", "◆多选题1."
            if let Some(length) = kinds::named(&chars[i..]) {
                let after = at(i + length);
                return !before.is_alphanumeric() && before != '\0' && !after.is_alphabetic()
                    || after.is_ascii_digit();
            }
            // "100 2.茶要…": digits, a point and words, behind other words.
            let figures = (i..chars.len().min(i + 4)).take_while(|&k| chars[k].is_ascii_digit()).count();
            fill && i > 0
                && figures > 0
                && !before.is_ascii_digit()
                && matches!(at(i + figures), '.' | '、')
                && at(i + figures + 1).is_alphabetic()
                && chars.len() - i > figures + 4
        });
        found.map(|i| chars[i.saturating_sub(1)..].iter().collect())
    })
}

/// Words that tell the answer, left in what a candidate sees.
fn visible(question: &Question) -> Option<String> {
    let tells = |text: &str| -> bool {
        let folded: String =
            text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        [
            "(正确答案)",
            "(答案)",
            "[正确答案]",
            "【正确答案】",
            "(correctanswer)",
            "(correct)",
            "正确答案:",
            "参考答案:",
            "标准答案:",
            "我的答案:",
            "correctanswer:",
        ]
        .iter()
        .any(|w| folded.contains(w))
            || ["答案:", "answer:", "ans:"].iter().any(|w| {
                folded.find(w).is_some_and(|at| {
                    let rest = &folded[at + w.len()..];
                    rest.starts_with(|c: char| ('a'..='h').contains(&c) || "√×对错正".contains(c))
                })
            })
    };
    std::iter::once(&question.stem)
        .chain(question.options.iter().map(|o| &o.text))
        .find(|text| tells(text))
        .cloned()
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
