//! The names that sections bear, Chinese and English, and what their questions are.

use super::Kind;
use super::fold::Text;

/// What a name says about the questions under it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Named {
    /// What they are.
    pub(super) kind: Kind,
    /// A short form, which needs an ordinal, a line of its own or figures to be a header.
    pub(super) short: bool,
    /// A name the reader takes for short answers for want of a kind.
    pub(super) unknown: bool,
    /// Questions about a text that stands before them.
    pub(super) reading: bool,
    /// Questions that share one list of options.
    pub(super) shared: bool,
}

const fn name(kind: Kind) -> Named {
    Named { kind, short: false, unknown: false, reading: false, shared: false }
}

const fn short(kind: Kind) -> Named {
    Named { short: true, ..name(kind) }
}

const OTHER: Named = Named { unknown: true, short: true, ..name(Kind::ShortAnswer) };
const READING: Named = Named { reading: true, ..name(Kind::SingleChoice) };
const SHARED: Named = Named { shared: true, ..name(Kind::SingleChoice) };

/// Longer names first where one begins another.
const NAMES: &[(&str, Named)] = &[
    ("单项选择题", name(Kind::SingleChoice)),
    ("单项选择", short(Kind::SingleChoice)),
    ("单选题", name(Kind::SingleChoice)),
    ("单选", short(Kind::SingleChoice)),
    ("最佳选择题", name(Kind::SingleChoice)),
    ("不定项选择题", name(Kind::IndeterminateChoice)),
    ("不定项选择", short(Kind::IndeterminateChoice)),
    ("不定项题", name(Kind::IndeterminateChoice)),
    ("不定项", short(Kind::IndeterminateChoice)),
    ("多项选择题", name(Kind::MultipleChoice)),
    ("多项选择", short(Kind::MultipleChoice)),
    ("多选题", name(Kind::MultipleChoice)),
    ("多选", short(Kind::MultipleChoice)),
    ("选择题", name(Kind::SingleChoice)),
    ("判断正误题", name(Kind::TrueFalse)),
    ("判断正误", short(Kind::TrueFalse)),
    ("判断对错题", name(Kind::TrueFalse)),
    ("判断对错", short(Kind::TrueFalse)),
    ("判断改错题", name(Kind::TrueFalse)),
    ("判断说明题", name(Kind::TrueFalse)),
    ("判断题", name(Kind::TrueFalse)),
    ("判断", short(Kind::TrueFalse)),
    ("是非题", name(Kind::TrueFalse)),
    ("是非判断题", name(Kind::TrueFalse)),
    ("填空题", name(Kind::FillBlank)),
    ("填空", short(Kind::FillBlank)),
    ("程序填空题", name(Kind::FillBlank)),
    ("名句默写", short(Kind::FillBlank)),
    ("默写题", name(Kind::FillBlank)),
    ("简答题", name(Kind::ShortAnswer)),
    ("简答", short(Kind::ShortAnswer)),
    ("问答题", name(Kind::ShortAnswer)),
    ("论述题", name(Kind::ShortAnswer)),
    ("简述题", name(Kind::ShortAnswer)),
    ("名词解释题", name(Kind::ShortAnswer)),
    ("名词解释", short(Kind::ShortAnswer)),
    ("计算题", name(Kind::ShortAnswer)),
    ("解答题", name(Kind::ShortAnswer)),
    ("证明题", name(Kind::ShortAnswer)),
    ("实验题", name(Kind::ShortAnswer)),
    ("实验探究题", name(Kind::ShortAnswer)),
    ("探究题", name(Kind::ShortAnswer)),
    ("辨析题", name(Kind::ShortAnswer)),
    ("编程题", name(Kind::ShortAnswer)),
    ("程序设计题", name(Kind::ShortAnswer)),
    ("程序题", name(Kind::ShortAnswer)),
    ("程序阅读题", name(Kind::ShortAnswer)),
    ("作文题", name(Kind::ShortAnswer)),
    ("作文", short(Kind::ShortAnswer)),
    ("书面表达", short(Kind::ShortAnswer)),
    ("写作题", name(Kind::ShortAnswer)),
    ("写作", short(Kind::ShortAnswer)),
    ("翻译题", name(Kind::ShortAnswer)),
    ("翻译", short(Kind::ShortAnswer)),
    ("连线题", name(Kind::ShortAnswer)),
    ("排序题", name(Kind::ShortAnswer)),
    ("改错题", name(Kind::ShortAnswer)),
    ("短文改错", short(Kind::ShortAnswer)),
    ("作图题", name(Kind::ShortAnswer)),
    ("画图题", name(Kind::ShortAnswer)),
    ("识图题", name(Kind::Picture)),
    ("开放题", name(Kind::ShortAnswer)),
    ("推断题", name(Kind::ShortAnswer)),
    ("阅读理解题", READING),
    ("阅读理解", Named { short: true, ..READING }),
    ("完形填空题", READING),
    ("完形填空", Named { short: true, ..READING }),
    ("完型填空", Named { short: true, ..READING }),
    ("阅读选择题", READING),
    ("配伍选择题", SHARED),
    ("配伍题", SHARED),
    ("匹配题", SHARED),
    ("配对题", SHARED),
    ("A1型题", name(Kind::SingleChoice)),
    ("A2型题", name(Kind::SingleChoice)),
    ("A3型题", READING),
    ("A4型题", READING),
    ("A1/A2型题", name(Kind::SingleChoice)),
    ("A3/A4型题", READING),
    ("A型题", name(Kind::SingleChoice)),
    ("B1型题", SHARED),
    ("B型题", SHARED),
    ("C型题", SHARED),
    ("X型题", name(Kind::MultipleChoice)),
    ("看图回答问题", short(Kind::Picture)),
    ("看图回答", short(Kind::Picture)),
    ("看图分析题", name(Kind::Picture)),
    ("看图题", name(Kind::Picture)),
    ("情景分析题", name(Kind::Scenario)),
    ("情景分析", short(Kind::Scenario)),
    ("情境分析题", name(Kind::Scenario)),
    ("情境分析", short(Kind::Scenario)),
    ("情景模拟题", name(Kind::Scenario)),
    ("情景题", name(Kind::Scenario)),
    ("情境题", name(Kind::Scenario)),
    ("案例分析题", name(Kind::CaseAnalysis)),
    ("案例分析", short(Kind::CaseAnalysis)),
    ("案例题", name(Kind::CaseAnalysis)),
    ("综合分析题", OTHER),
    ("综合应用题", OTHER),
    ("综合题", OTHER),
    ("应用题", OTHER),
    ("实操题", OTHER),
    ("操作题", OTHER),
    ("材料分析题", OTHER),
    ("材料题", OTHER),
    ("分析题", OTHER),
    ("思考题", OTHER),
    ("设计题", OTHER),
    ("论证题", OTHER),
    ("主观题", OTHER),
];

/// The name at `i` with its length in characters.
pub(super) fn at(text: &Text, i: usize) -> Option<(usize, Named)> {
    // Every name opens with one of few characters.
    if !"单不多选判是填简问论名计看情案综应实操材分思写翻连改设最程默解证探辨编作书排短画识开推阅完配匹ABCX主"
        .contains(text.at(i))
    {
        return None;
    }
    let (word, named) = NAMES.iter().find(|(word, _)| text.starts(i, word))?;
    if word.starts_with(|c: char| c.is_ascii()) && text.before(i).is_ascii_alphanumeric() {
        return None;
    }
    Some((word.chars().count(), *named))
}

/// The length of a full name, as 判断题, that `chars` begin with.
pub(super) fn named(chars: &[char]) -> Option<usize> {
    let full = NAMES.iter().filter(|(word, named)| !named.short && word.ends_with('题'));
    full.map(|(word, _)| word)
        .find(|word| word.chars().zip(0..).all(|(c, i)| chars.get(i) == Some(&c)))
        .map(|word| word.chars().count())
}

/// English names in the folded stream: small letters, without blanks.
const ENGLISH: &[(&str, Named)] = &[
    ("multiplechoice", name(Kind::SingleChoice)),
    ("singlechoice", name(Kind::SingleChoice)),
    ("single-choice", name(Kind::SingleChoice)),
    ("multiple-choice", name(Kind::SingleChoice)),
    ("objectivequestions", name(Kind::SingleChoice)),
    ("mcqs", name(Kind::SingleChoice)),
    ("mcq", name(Kind::SingleChoice)),
    ("multipleanswers", name(Kind::MultipleChoice)),
    ("multipleanswer", name(Kind::MultipleChoice)),
    ("multipleresponse", name(Kind::MultipleChoice)),
    ("multipleselect", name(Kind::MultipleChoice)),
    ("selectallthatapply", name(Kind::MultipleChoice)),
    ("trueorfalse", name(Kind::TrueFalse)),
    ("true/false", name(Kind::TrueFalse)),
    ("true-false", name(Kind::TrueFalse)),
    ("truefalse", name(Kind::TrueFalse)),
    ("true&false", name(Kind::TrueFalse)),
    ("t/f", name(Kind::TrueFalse)),
    ("fillintheblanks", name(Kind::FillBlank)),
    ("fillintheblank", name(Kind::FillBlank)),
    ("fill-in-the-blanks", name(Kind::FillBlank)),
    ("fill-in-the-blank", name(Kind::FillBlank)),
    ("fillinblanks", name(Kind::FillBlank)),
    ("fillintheGaps", name(Kind::FillBlank)),
    ("fillinthegaps", name(Kind::FillBlank)),
    ("completion", name(Kind::FillBlank)),
    ("completethesentences", name(Kind::FillBlank)),
    ("shortanswers", name(Kind::ShortAnswer)),
    ("shortanswer", name(Kind::ShortAnswer)),
    ("short-answer", name(Kind::ShortAnswer)),
    ("longanswer", name(Kind::ShortAnswer)),
    ("structuredquestions", name(Kind::ShortAnswer)),
    ("essayquestions", name(Kind::ShortAnswer)),
    ("essays", name(Kind::ShortAnswer)),
    ("essay", name(Kind::ShortAnswer)),
    ("openquestions", name(Kind::ShortAnswer)),
    ("openended", name(Kind::ShortAnswer)),
    ("open-ended", name(Kind::ShortAnswer)),
    ("problems", name(Kind::ShortAnswer)),
    ("calculations", name(Kind::ShortAnswer)),
    ("definitions", name(Kind::ShortAnswer)),
    ("programming", name(Kind::ShortAnswer)),
    ("translation", name(Kind::ShortAnswer)),
    ("writing", name(Kind::ShortAnswer)),
    ("composition", name(Kind::ShortAnswer)),
    ("casestudies", name(Kind::CaseAnalysis)),
    ("casestudy", name(Kind::CaseAnalysis)),
    ("readingcomprehension", READING),
    ("reading", READING),
    ("clozetest", READING),
    ("cloze", READING),
    ("matching", SHARED),
];

/// The English name at `i` with its length.
pub(super) fn english(text: &Text, i: usize) -> Option<(usize, Named)> {
    if !text.at(i).is_ascii_alphabetic() {
        return None;
    }
    let words: String = text.chars[i..text.len().min(i + 24)].iter().collect::<String>().to_ascii_lowercase();
    let (word, named) = ENGLISH.iter().find(|(word, _)| words.starts_with(word))?;
    let mut length = word.chars().count();
    for more in ["questions", "question", "items", "exercises", "section", "test"] {
        if words[length..].starts_with(more) {
            length += more.len();
            break;
        }
    }
    Some((length, *named))
}
