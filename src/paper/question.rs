//! Reads one item: wording, options, key, explanation, parts.
//!
//! Promises: the key is taken out of the wording and an empty bracket is left where it stood; explicit marks outrank
//! brackets, brackets outrank glued letters; two readings of a key give none. Everything odd is noted.

use std::ops::Range;

use super::account;
use super::explain::{self, Explained};
use super::fill::{self, Filled};
use super::finding::Code;
use super::fold::{BLANK, LINE, RIGHT, Text, WRAP};
use super::items::{Item, Page};
use super::keys::{self, Held, Key};
use super::options::{Chain, Form, letter_index};
use super::tag;
use super::{Answer, Choice, Kind, Question};

/// Where a key stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind `答案:` and its like.
    Mark,
    /// In a bracket at the end of the wording.
    Bracket,
    /// In a bracket inside the wording.
    Inside,
    /// Before the wording.
    Before,
    /// Directly before the label of option A.
    Glued,
    /// A mark on the option itself.
    Option,
    /// In an answer table.
    Table,
}

/// A question as read, before its section has had its say.
#[derive(Debug)]
pub(super) struct Draft {
    /// What is certain so far.
    pub(super) question: Question,
    /// The stretches of the wording.
    pub(super) stem: Vec<Range<usize>>,
    /// The key and where it stood.
    pub(super) key: Option<(Key, Place)>,
    /// Letters glued to the label of option A that may be a key.
    pub(super) glued: Option<keys::Glued>,
    /// The key in words.
    pub(super) words: Option<Range<usize>>,
    /// The parts of its explanation.
    pub(super) explained: Explained,
    /// Notes for the report: code, place, message.
    pub(super) notes: Vec<(Code, Range<usize>, String)>,
    /// An empty bracket or underscores are in the wording.
    pub(super) blank: bool,
    /// A key mark is printed.
    pub(super) marked: bool,
    /// Where it stands in the stream.
    pub(super) span: Range<usize>,
    /// Answer bracket before the number.
    pub(super) prefixed: bool,
    /// Glued digits before its number.
    pub(super) number_glued: bool,
    /// Its number is punctuated oddly.
    pub(super) number_odd: bool,
    /// What a tag of its own says that it is.
    pub(super) tag: Option<Kind>,
    /// The wording with the key in it.
    pub(super) plain: Range<usize>,
    /// Answers that may be printed in the blanks.
    pub(super) filled: Vec<Filled>,
}

/// Reads an item of a section of the given kind, or of none.
pub(super) fn read(page: &Page, item: &Item, kind: Option<Kind>) -> Draft {
    let text = page.text;
    let mut body = item.body.clone();
    let mut tagged = None;
    while let Some((end, kind)) = tag::at(text, body.start).filter(|t| t.0 < body.end) {
        body.start = end;
        tagged = Some(kind);
    }
    let kind = kind.or(tagged);
    let mut notes: Vec<(Code, Range<usize>, String)> = Vec::new();
    let explanation = page.explanation_in(body.clone());
    let label = explain::first_label(text, body.clone()).filter(|_| explanation.is_none());
    let wall = explanation.map(|e| e.0).or(label).unwrap_or(body.end);
    let free = kind.is_some_and(Kind::is_free) || kind == Some(Kind::FillBlank);

    // The mark that announces the key; `【答案】` may also stand behind the explanation.
    let mut mark = page.key_in(body.start..wall).filter(|k| !k.free || free || kind.is_none());
    let mut value_end = wall;
    let mut explanation_end = body.end;
    if mark.is_none()
        && explanation.is_some()
        && let Some(late) =
            page.key_in(wall..body.end).filter(|k| !k.free && matches!(text.at(k.at), '【' | '['))
    {
        mark = Some(late);
        value_end = body.end;
        explanation_end = late.at;
    }
    let mut front = mark.map_or(wall, |m| m.at.min(wall));
    let mut chain: Option<Chain> = None;
    if !kind.is_some_and(|k| k == Kind::FillBlank || k == Kind::ShortAnswer) {
        chain = page.labels.chain(text, body.start..front);
        if chain.is_none()
            && let Some(m) = mark.filter(|m| m.at < wall)
            && let Some(behind) = page.labels.chain(text, m.end..wall)
        {
            let first = behind.labels.first().map_or(wall, |l| l.at);
            // "写出答案:A.… B.…": the colon belongs to the wording; "答案:B A.… B.…": the key stands first.
            if first == m.end {
                mark = None;
                front = wall;
            } else {
                value_end = first;
            }
            chain = Some(behind);
        }
    }
    // An option list that was cut behind A.
    if chain.is_none() && mark.is_none() && kind.is_none_or(Kind::is_choice) {
        chain = page.lone_label(body.start..front).map(|label| Chain { labels: vec![label], end: front });
    }
    let stem_end = match (&chain, mark) {
        (Some(c), Some(m)) => c.labels.first().map_or(front, |l| l.at).min(m.at.max(body.start)),
        (Some(c), None) => c.labels.first().map_or(front, |l| l.at),
        (None, _) => front,
    };

    let stem_end = match tag::before(text, body.start, stem_end) {
        Some((start, kind)) => {
            tagged = tagged.or(Some(kind));
            start
        }
        None => stem_end,
    };

    let mut options = Vec::new();
    if let Some(chain) = &chain {
        read_options(text, chain, &mut options, &mut notes);
    }
    let choice = chain.is_some() && !kind.is_some_and(|k| k == Kind::TrueFalse);

    // Keys, the firmest first.
    let mut key: Option<(Key, Place)> = None;
    let mut raw: Option<Range<usize>> = None;
    let mut words = None;
    let mut after_key = None;
    if let Some(m) = mark {
        let value = m.end..value_end.max(m.end);
        let read = keys::announced(text, value.clone())
            .filter(|(k, _)| !free || (choice && matches!(k, Key::Letters(_))));
        match read {
            Some((k, end)) if sound(text, &k, end, &value) => {
                let end = repeated(text, &k, end, chain.as_ref(), &value);
                raw = Some(m.at..end);
                after_key = Some(end);
                key = Some((k, Place::Mark));
            }
            _ if value.is_empty() => {}
            _ if free || (kind.is_none() && chain.is_none()) => {
                words = Some(value.clone());
                raw = Some(m.at..value.end);
            }
            _ => notes.push((
                Code::KeyUnreadable,
                m.at..value.end.min(m.end + 40),
                "a key is announced here but could not be read; none was taken".into(),
            )),
        }
    }
    let found = keys::brackets(text, body.start..stem_end);
    let wanted = |held: &Held| match held {
        Held::Key(Key::Letters(l)) => {
            // Among free tasks an item that has options is a choice question.
            (!free || choice)
                && (kind != Some(Kind::TrueFalse) || l == &['F'] || l == &['A'] || l == &['B'])
                && (kind.is_some() || choice)
        }
        Held::Key(Key::Truth(_)) => !free && !choice,
        _ => false,
    };
    // "一氧化氮(NO)", "元素(F)": Latin truth marks are keys only at an end of the statement.
    let told = |b: &keys::Bracket| {
        let latin = (b.open + 1..b.close).all(|i| text.at(i).is_ascii_alphabetic());
        !latin || choice || b.open == body.start || ends_stem(text, b.close, stem_end)
    };
    let holding: Vec<_> = found.iter().filter(|b| wanted(&b.held) && told(b)).collect();
    let blanks_in_brackets = found.iter().filter(|b| b.held == Held::Blank).count();
    let mut cut: Option<Range<usize>> = None;
    if key.is_none() {
        match holding.as_slice() {
            [one] if blanks_in_brackets == 0 => {
                if let Held::Key(k) = &one.held {
                    let place = match () {
                        () if one.open == body.start => Place::Before,
                        () if one.close + 2 >= stem_end => Place::Bracket,
                        () => Place::Inside,
                    };
                    key = Some((k.clone(), place));
                    raw = Some(one.open..one.close + 1);
                    cut = Some(hole(text, one));
                }
            }
            [] => {}
            _ => notes.push((
                Code::KeyAmbiguous,
                body.start..stem_end,
                "more than one bracket of the wording could hold the key; none was taken".into(),
            )),
        }
    } else if let [one] = holding.as_slice()
        && let (Held::Key(k), Some((printed, _))) = (&one.held, &key)
    {
        // The same key twice is taken out twice; a different one is a conflict for the reviewer.
        if k == printed {
            cut = Some(hole(text, one));
        } else if one.close + 2 >= stem_end {
            notes.push((
                Code::KeyConflict,
                one.open..one.close + 1,
                "the bracket of the wording and the printed answer differ; the printed answer was kept"
                    .into(),
            ));
            cut = Some(hole(text, one));
        }
    }
    if item.prefixed
        && let Some(open) = item.mark.bracket
        && let Some(bracket) = keys::brackets(text, open..item.mark.at).into_iter().next()
        && let Held::Key(k) = bracket.held
    {
        let k = fit_truth(k, kind, choice);
        match &key {
            None => {
                key = Some((k, Place::Before));
                raw = Some(bracket.open..bracket.close + 1);
            }
            Some((printed, _)) if *printed != k => notes.push((
                Code::KeyConflict,
                bracket.open..bracket.close + 1,
                "the bracket before the number and the printed answer differ; the printed answer was kept"
                    .into(),
            )),
            Some(_) => {}
        }
    }
    let mut stem_stop = stem_end;
    if key.is_none() && !choice && !free && stem_stop > body.start {
        // "…。√" without a bracket.
        let mut last = stem_stop;
        while last > body.start && matches!(text.before(last), '。' | '.') {
            last -= 1;
        }
        if matches!(text.before(last), '√' | '×') {
            key = Some((Key::Truth(text.before(last) == '√'), Place::Bracket));
            raw = Some(last - 1..last);
            stem_stop = last - 1;
        }
    }
    key = key.map(|(k, p)| (fit_truth(k, kind, choice), p));
    // An option that is marked as right, when nothing else states the key.
    let right = chain.as_ref().map(|c| marked(text, c)).unwrap_or_default();
    let mut named = None;
    if !right.is_empty() && (!free || choice) {
        match &key {
            None => {
                named = Some(right.iter().collect::<String>());
                key = Some((Key::Letters(right), Place::Option));
            }
            Some((Key::Letters(printed), _)) if *printed != right => notes.push((
                Code::KeyConflict,
                body.start..stem_end,
                "the options marked as right and the printed answer differ; the printed answer was kept"
                    .into(),
            )),
            Some(_) => {}
        }
    }
    let glued = match &chain {
        Some(c)
            if key.is_none()
                && mark.is_none()
                && holding.is_empty()
                && blanks_in_brackets == 0
                && !item_prefixed(item) =>
        {
            c.labels
                .first()
                .filter(|l| text.at(l.at) != '(')
                .and_then(|l| keys::glued(text, body.start, l.at))
        }
        _ => None,
    };

    let stem: Vec<Range<usize>> = match &cut {
        Some(cut) => vec![body.start..cut.start, cut.end..stem_stop],
        None => std::iter::once(body.start..stem_stop).collect(),
    };
    // Behind the key, without a mark, may stand the explanation.
    let mut explained = Explained::default();
    if let Some((_, from)) = explanation {
        explained = explain::read(text, from.min(explanation_end)..explanation_end);
    } else if let Some(from) = label {
        explained = explain::read(text, from..body.end);
    } else if let Some(from) = after_key.filter(|&e| {
        e < value_end && chain.as_ref().is_none_or(|c| c.labels.first().is_none_or(|l| l.at < e))
    }) {
        let rest = (from..value_end)
            .find(|&i| !matches!(text.at(i), '。' | '.' | ';' | ',' | '、' | ')' | ':'))
            .unwrap_or(value_end);
        if value_end - rest >= 4 {
            explained = explain::read(text, rest..value_end);
        }
    }
    let underscores = count_underscores(text, &stem);
    let blanks = underscores + u32::try_from(blanks_in_brackets + usize::from(cut.is_some())).unwrap_or(0);
    notice(text, &found, &mut notes, stem_end, choice);

    let filled = if kind == Some(Kind::FillBlank) && words.is_none() {
        fill::filled(text, body.start..stem_stop)
    } else {
        Vec::new()
    };
    let mut parts: Vec<Range<usize>> = stem.clone();
    parts.extend([
        item.at..item.mark.end.max(body.start),
        cut.clone().unwrap_or(0..0),
        raw.clone().unwrap_or(0..0),
    ]);
    parts.extend(words.clone());
    parts.extend(chain.as_ref().and_then(|c| Some(c.labels.first()?.at..c.end)));
    parts.extend(mark.map(|m| m.at..m.end));
    parts.extend(explanation.map(|e| e.0..explanation_end));
    let explained_parts = [&explained.body, &explained.knowledge, &explained.mistake, &explained.difficulty];
    parts.extend(explained_parts.into_iter().flatten().cloned());
    if explanation.is_none() {
        parts.extend(label.map(|l| l..body.end));
    }
    for left in account::rest(text, item.at..body.end, parts) {
        notes.push((
            Code::TextLeftOut,
            left,
            "these words of the question belong to no part of it; they were left out".into(),
        ));
    }
    let number_range = item.at..item.mark.end;
    let question = Question {
        number: item.mark.value,
        number_raw: text.show(number_range),
        options,
        answer_raw: named.or_else(|| raw.map(|r| text.show(r))),
        explanation: explained.body.clone().map(|r| text.show(r)).filter(|s| !s.is_empty()),
        knowledge_point: explained
            .knowledge
            .clone()
            .map(|r| trim_end(text.show(r)))
            .filter(|s| !s.is_empty()),
        common_mistake: explained.mistake.clone().map(|r| text.show(r)).filter(|s| !s.is_empty()),
        difficulty: explained.difficulty.clone().map(|r| trim_end(text.show(r))).filter(|s| !s.is_empty()),
        blanks,
        line: text.line(item.at),
        column: text.column(item.at),
        answer: Answer::None,
        ..Question::default()
    };
    Draft {
        question,
        stem,
        key,
        glued,
        words,
        explained,
        notes,
        blank: blanks > 0,
        marked: mark.is_some(),
        span: item.at..body.end,
        prefixed: item.prefixed,
        number_glued: item.mark.glued,
        number_odd: item.mark.odd,
        tag: tagged,
        plain: body.start..stem_stop,
        filled,
    }
}

/// The letters of the options that are marked as right.
fn marked(text: &Text, chain: &Chain) -> Vec<char> {
    let flagged = |l: &super::options::Label| (l.at..l.end).any(|i| text.has(i, RIGHT));
    let letters = chain.labels.iter().zip('A'..).filter(|(label, _)| flagged(label));
    letters.map(|(_, letter)| letter).collect()
}

/// What is taken out of a wording with the key: the inside of round brackets and underscores, other brackets whole.
fn hole(text: &Text, bracket: &keys::Bracket) -> Range<usize> {
    match text.at(bracket.open) {
        '(' | '_' => bracket.open + 1..bracket.close,
        _ => bracket.open..bracket.close + 1,
    }
}

/// Whether nothing but an end mark stands between a bracket and the end of the wording.
fn ends_stem(text: &Text, close: usize, stem_end: usize) -> bool {
    (close + 1..stem_end).all(|i| matches!(text.at(i), '。' | '.' | ';' | '?' | '!'))
}

/// Where a key ends that repeats the text of its option: "B) Green tea", "A:温杯;".
fn repeated(text: &Text, key: &Key, end: usize, chain: Option<&Chain>, value: &Range<usize>) -> usize {
    let (Key::Letters(letters), Some(chain)) = (key, chain) else { return end };
    let [letter] = letters.as_slice() else { return end };
    let n = letter_index(*letter);
    let Some(label) = chain.labels.get(n) else { return end };
    let stop = chain.labels.get(n + 1).map_or(chain.end, |next| next.at);
    let words = text.folded(label.end..stop);
    let from = end + usize::from(matches!(text.at(end), '.' | ')' | ':' | '、'));
    let words = words.trim_end_matches(['。', '.', ';']);
    let length = words.chars().count();
    if length == 0 || from + length > value.end || text.folded(from..from + length) != words {
        return end;
    }
    let past = from + length;
    past + usize::from(past < value.end && matches!(text.at(past), '。' | '.' | ';'))
}

/// Gives a question the reason that was found elsewhere.
pub(super) fn explain(text: &Text, draft: &mut Draft) {
    let show = |part: &Option<Range<usize>>| part.clone().map(|r| text.show(r)).filter(|s| !s.is_empty());
    let explained = &draft.explained;
    draft.question.explanation = show(&explained.body);
    draft.question.knowledge_point = show(&explained.knowledge).map(trim_end);
    draft.question.common_mistake = show(&explained.mistake);
    draft.question.difficulty = show(&explained.difficulty).map(trim_end);
}

fn item_prefixed(item: &Item) -> bool {
    item.prefixed
}

/// A key must end where it ends: "答案:A类产品" announces words, not the letter A.
fn sound(text: &Text, key: &Key, end: usize, value: &Range<usize>) -> bool {
    if end >= value.end {
        return true;
    }
    match key {
        Key::Letters(_) => !matches!(text.at(end), '类' | '级' | '型' | '股' | '轮' | '卷'),
        Key::Truth(_) => {
            matches!(text.at(end), '。' | '.' | ',' | ';' | ')' | '(' | '【' | '!' | ':')
                || text.has(end, LINE | BLANK | WRAP)
        }
    }
}

/// In a true/false section F is false and, beside options 正确/错误, A is true.
fn fit_truth(key: Key, kind: Option<Kind>, choice: bool) -> Key {
    match key {
        Key::Letters(l) if kind == Some(Kind::TrueFalse) && !choice && l == ['F'] => Key::Truth(false),
        other => other,
    }
}

pub(super) fn read_options(
    text: &Text,
    chain: &Chain,
    options: &mut Vec<Choice>,
    notes: &mut Vec<(Code, Range<usize>, String)>,
) {
    for (i, label) in chain.labels.iter().enumerate() {
        let end = chain.labels.get(i + 1).map_or(chain.end, |n| n.at);
        let letter = char::from(b'A' + u8::try_from(i).unwrap_or(0));
        options.push(Choice { label: letter, text: trim_option(text.show(label.end..end.max(label.end))) });
        let last = if end > label.end { text.at(end - 1) } else { '\0' };
        if i + 1 < chain.labels.len() && last.is_ascii_alphabetic() {
            notes.push((
                Code::LatinAtOptionEnd,
                label.at..end + 2,
                "the option ends in Latin letters right before the next label".into(),
            ));
        }
    }
    let Some(first) = chain.labels.first() else { return };
    if first.form == Form::Bare {
        notes.push((
            Code::OptionsWithoutSeparator,
            first.at..chain.end,
            "labels carry no punctuation; they were taken because A, B, C follow in order".into(),
        ));
    } else if text.has(first.end - 1, BLANK) && !matches!(first.form, Form::Paren | Form::Lens) {
        notes.push((
            Code::OptionsSpacedSeparator,
            first.at..first.end,
            "a blank stands between label and punctuation".into(),
        ));
    }
    if options.len() == 3 {
        notes.push((Code::ThreeOptions, first.at..chain.end, "the question has three options".into()));
    }
}

fn notice(
    text: &Text,
    found: &[keys::Bracket],
    notes: &mut Vec<(Code, Range<usize>, String)>,
    stem_end: usize,
    choice: bool,
) {
    for bracket in found {
        let quote = bracket.open..bracket.close + 1;
        match bracket.held {
            Held::Latin if (quote.start + 1..quote.end - 1).any(|i| text.at(i).is_ascii_alphabetic()) => {
                notes.push((
                    Code::LatinInBrackets,
                    quote,
                    "Latin letters in brackets are wording, not a key".into(),
                ));
            }
            Held::Blank if choice && bracket.close + 3 < stem_end => {
                notes.push((
                    Code::BracketInStem,
                    quote,
                    "an empty bracket inside the wording is its blank".into(),
                ));
            }
            _ => {}
        }
    }
}

/// Runs of underscores; a run broken by a wrap is one, runs with a blank between are two.
fn count_underscores(text: &Text, stem: &[Range<usize>]) -> u32 {
    let mut count = 0;
    for i in stem.iter().flat_map(Clone::clone) {
        if text.at(i) == '_' && (text.before(i) != '_' || (text.has(i, BLANK) && !text.has(i, LINE | WRAP))) {
            count += 1;
        }
    }
    count
}

/// The stretches of a wording as one text.
pub(super) fn stem_text(text: &Text, stem: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut last: Option<usize> = None;
    for range in stem {
        // Where a bracket was taken out whole, its blank is left.
        if last.is_some_and(|end| end < range.start && matches!(text.at(end), '【' | '[' | '〔')) {
            out.push_str("()");
        }
        out.push_str(&text.show(range.clone()));
        last = Some(range.end);
    }
    out.trim().to_owned()
}

fn trim_option(words: String) -> String {
    words.trim().to_owned()
}

fn trim_end(words: String) -> String {
    words.trim_end_matches(['。', '.', ' ', ';', '；', '．']).to_owned()
}

/// Parts of a task, `1)…2)…` or `(1)…(2)…`, sorted; the flag tells that they stood out of order.
pub(super) fn parts(page: &Page, range: Range<usize>) -> (Vec<String>, bool) {
    let text = page.text;
    let mut places: Vec<(u32, usize, usize)> = Vec::new();
    let mut i = range.start;
    while i < range.end {
        if text.at(i) == ')' && i > range.start && text.before(i).is_ascii_digit() {
            let start = (range.start..i)
                .rev()
                .take(2)
                .take_while(|&k| text.at(k).is_ascii_digit())
                .last()
                .unwrap_or(i - 1);
            let value = text.folded(start..i).parse().unwrap_or(0);
            let open = usize::from(start > range.start && text.before(start) == '(');
            if value > 0 {
                places.push((value, start - open, i + 1));
            }
        }
        i += 1;
    }
    let mut values: Vec<u32> = places.iter().map(|p| p.0).collect();
    let scrambled = values.windows(2).any(|w| w[0] > w[1]);
    values.sort_unstable();
    if values.len() < 2 || values.iter().zip(1..).any(|(v, n)| *v != n) {
        return (Vec::new(), false);
    }
    let mut parts: Vec<(u32, String)> = places
        .iter()
        .enumerate()
        .map(|(n, p)| (p.0, text.show(p.2..places.get(n + 1).map_or(range.end, |next| next.1).max(p.2))))
        .collect();
    parts.sort_by_key(|p| p.0);
    (parts.into_iter().map(|p| p.1).collect(), scrambled)
}
