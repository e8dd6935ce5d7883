//! What an examinee answered, as learning platforms print it beside the key: `我的答案:A 正确答案:B`, `Your answer: C`.
//!
//! Promises: an answer of an examinee, its points and its mark of right or wrong are taken out of the text before a
//! key is looked for, so none of them ever becomes one; that they were left out is told once.

use std::ops::Range;

use super::finding::{Code, Finding};
use super::fold::{BLANK, LINE, Text};
use super::keys;

/// Who answered, longer words first.
const WORDS: &[&str] = &[
    "我的答案",
    "我的作答",
    "我的选择",
    "我的回答",
    "你的答案",
    "你的作答",
    "你的选择",
    "你的回答",
    "您的答案",
    "您的作答",
    "您的选择",
    "您的回答",
    "考生答案",
    "考生作答",
    "考生回答",
    "考生选择",
    "学生答案",
    "学生作答",
    "学生回答",
    "学员答案",
    "学员作答",
    "用户答案",
    "用户作答",
    "本人答案",
    "个人答案",
    "作答答案",
    "作答内容",
    "作答结果",
    "所选答案",
    "已选答案",
    "已选选项",
    "提交的答案",
    "提交答案",
    "你选择的答案",
    "您选择的答案",
    "你选择的是",
    "您选择的是",
    "你选择了",
    "您选择了",
    "你选的是",
    "您选的是",
    "我选的是",
    "我选了",
    "你选了",
];

/// Words that say so only at the start of a line.
const SHORT: &[&str] = &["作答", "回答", "已选", "选择答案", "我答", "我选"];

/// The same in English, in small letters and without blanks.
const ENGLISH: &[&str] = &[
    "myanswer",
    "myresponse",
    "mychoice",
    "youranswer(s)",
    "youranswers",
    "youranswer",
    "yourresponse",
    "yourchoice",
    "yourselection",
    "youanswered",
    "youchose",
    "youselected",
    "studentanswer",
    "student'sanswer",
    "studentresponse",
    "useranswer",
    "candidateanswer",
    "candidate'sanswer",
    "selectedanswer",
    "selectedoption",
    "givenanswer",
    "submittedanswer",
];

/// Whether the answer was right, and what it earned.
const STATES: &[&str] = &[
    "答案状态",
    "作答状态",
    "答题状态",
    "回答状态",
    "作答情况",
    "答题情况",
    "批改结果",
    "判题结果",
    "是否正确",
];
const SCORES: &[&str] =
    &["本题得分", "题目得分", "我的得分", "你的得分", "您的得分", "考生得分", "学生得分", "得分"];
const VERDICTS: &[&str] = &[
    "回答正确",
    "回答错误",
    "作答正确",
    "作答错误",
    "答题正确",
    "答题错误",
    "答案正确",
    "答案错误",
    "你答对了",
    "你答错了",
    "您答对了",
    "您答错了",
    "未作答",
    "部分正确",
];
const MARKS: &[&str] = &["正确", "错误", "√", "×", "对", "错"];

/// Takes them out of `text`.
pub(super) fn strip(text: Text, findings: &mut Vec<Finding>) -> Text {
    let mut gone: Vec<(Range<usize>, bool)> = Vec::new();
    let mut i = 0;
    let mut answered = false;
    while i < text.len() {
        if let Some(from) = mark_at(&text, i) {
            let end = value_end(&text, from);
            let end = verdict(&text, end, true).unwrap_or(end);
            gone.push((i..end, false));
            answered = true;
            i = end.max(i + 1);
        } else if let Some(end) = score(&text, i, answered && gone.last().is_some_and(|g| g.0.end == i)) {
            gone.push((i..end, false));
            i = end;
        } else if answered && let Some(end) = verdict(&text, i, gone.last().is_some_and(|g| g.0.end == i)) {
            gone.push((i..end, false));
            i = end;
        } else {
            i += 1;
        }
    }
    if let Some((first, _)) = gone.first() {
        findings.push(Finding::new(
            Code::ExamineeAnswer,
            text.line(first.start),
            text.show(first.clone()),
            format!(
                "{} answers or marks of an examinee were left out, beginning here; they are no keys",
                gone.len()
            ),
        ));
    }
    text.without(&gone)
}

/// Where the answer begins that the mark at `i` announces.
fn mark_at(text: &Text, i: usize) -> Option<usize> {
    let bracket = matches!(text.at(i), '【' | '[' | '〔' | '(');
    let from = i + usize::from(bracket);
    let opens = keys::opens_line(text, i) || text.has(i, BLANK) || bracket;
    let (end, short) = if text.at(from).is_ascii_alphabetic() {
        let word = ENGLISH.iter().find(|w| text.starts_small(from, w))?;
        let camel = text.before(from).is_ascii_lowercase() && text.at(from).is_ascii_uppercase();
        if !opens && text.before(i).is_ascii_alphabetic() && !camel {
            return None;
        }
        (from + word.chars().count(), false)
    } else if let Some((_, length)) = text.one_of(from, WORDS) {
        (from + length, false)
    } else {
        let (_, length) = text.one_of(from, SHORT)?;
        (from + length, true)
    };
    if bracket && matches!(text.at(end), '】' | ']' | '〕' | ')') {
        return Some(end + 1 + usize::from(text.at(end + 1) == ':'));
    }
    let linked = ["是:", "为:", "was:", "is:", ":", "是", "为", "was", "is"]
        .iter()
        .find(|w| text.starts_small(end, w));
    let value = end + linked.map_or(0, |w| w.chars().count());
    let colon = text.before(value) == ':';
    let keyed = keys::announced(text, value..text.len().min(value + 40))
        .is_some_and(|(_, e)| text.breaks(e) || label_at(text, e) || number_at(text, e));
    // "请写出你的答案:" asks for one.
    let asks = matches!(
        text.before(i),
        '出' | '写' | '入' | '择' | '把' | '将' | '与' | '和' | '由' | '明' | '在' | '据'
    );
    let fits = match () {
        () if asks => keyed && colon,
        () if short => keys::opens_line(text, i) && colon,
        () => colon || (keyed && opens),
    };
    fits.then_some(value)
}

/// Where an answer ends: behind its key, at the next label, or with its line.
fn value_end(text: &Text, from: usize) -> usize {
    let limit = text.len().min(from + 2000);
    if from >= limit || label_at(text, from) {
        return from;
    }
    // On the lines below only up to a label; a number at a line start is the next question.
    if text.has(from, LINE) {
        if let Some((_, end)) = keys::announced(text, from..limit).filter(|a| text.breaks(a.1)) {
            return end;
        }
        if number_at(text, from) {
            return from;
        }
        let stop =
            (from + 1..limit).find(|&i| label_at(text, i) || (text.has(i, LINE) && number_at(text, i)));
        return stop.filter(|&s| s - from <= 400 && label_at(text, s)).unwrap_or(from);
    }
    let stop = (from + 1..limit).find(|&i| text.breaks(i) || label_at(text, i)).unwrap_or(limit);
    match keys::announced(text, from..stop) {
        Some((_, end)) if end < stop && (end..stop).any(|i| number_at(text, i)) => end,
        _ => stop,
    }
}

/// Whether something begins at `i` that is not part of an answer: a key, a reason, points, another answer.
fn label_at(text: &Text, i: usize) -> bool {
    matches!(
        text.at(i),
        '正' | '参'
            | '标'
            | '答'
            | '解'
            | '得'
            | '本'
            | '题'
            | '知'
            | '考'
            | '难'
            | '【'
            | '['
            | '〔'
            | '作'
            | '批'
            | '是'
            | 'C'
            | 'T'
            | 'A'
            | 'E'
            | 'S'
            | 'c'
            | 't'
            | 'a'
            | 'e'
            | 's'
    ) && (keys::mark_at(text, i).is_some()
        || keys::explanation_at(text, i).is_some()
        || text.one_of(i, STATES).is_some()
        || text.one_of(i, SCORES).is_some_and(|(_, n)| text.at(i + n) == ':')
        || text.one_of(i, &["知识点:", "考点:", "难度:", "难易度:"]).is_some())
}

fn number_at(text: &Text, i: usize) -> bool {
    let digits = (i..i + 4).take_while(|&k| text.at(k).is_ascii_digit()).count();
    digits > 0 && !text.before(i).is_ascii_digit() && matches!(text.at(i + digits), '.' | '、')
}

/// `得分:1.0分`, `答案状态:正确`.
fn score(text: &Text, i: usize, follows: bool) -> Option<usize> {
    if !matches!(
        text.at(i),
        '得' | '本' | '题' | '我' | '你' | '您' | '考' | '学' | '答' | '作' | '回' | '批' | '判' | '是'
    ) {
        return None;
    }
    let opens = follows || text.breaks(i) || text.has(i, BLANK);
    if let Some((_, length)) = text.one_of(i, STATES)
        && text.at(i + length) == ':'
    {
        return verdict(text, i + length + 1, true);
    }
    let (word, length) = text.one_of(i, SCORES)?;
    let mut end = i + length;
    let colon = text.at(end) == ':';
    end += usize::from(colon);
    let digits = end;
    while text.at(end).is_ascii_digit()
        || (matches!(text.at(end), '.' | '/') && text.at(end + 1).is_ascii_digit())
    {
        end += 1;
    }
    if end == digits || !colon || (!opens && word == "得分") {
        return None;
    }
    end += usize::from(text.at(end) == '分');
    // A number right behind on its own line is the next question's.
    (!matches!(text.at(end), '、') || text.breaks(end)).then_some(end)
}

/// "回答正确", or "正确" alone on its line behind an answer.
fn verdict(text: &Text, i: usize, follows: bool) -> Option<usize> {
    if let Some((_, length)) = text.one_of(i, VERDICTS) {
        let end = i + length;
        let end = end + usize::from(matches!(text.at(end), '。' | '!' | ','));
        return (follows || (text.breaks(i) && text.breaks(end))).then_some(end);
    }
    let (_, length) = text.one_of(i, MARKS)?;
    let end = i + length;
    (follows && (text.breaks(end) || label_at(text, end)) && keys::mark_at(text, i).is_none()).then_some(end)
}
