//! Texts in other formats, and papers glued to other texts.

use super::super::{Answer, Code, Reading, Severity, read};

const GIFT: &[&str] = &[
    "::Animals:: Which one barks? {=dog ~cat ~hen}\n",
    "// animals\n$CATEGORY: animals/pets\n\nDogs bark. {T}\n",
    "Dogs bark. {T}\n\nCats bark. {FALSE}\n\nTwo and three are {#5:1}.\n",
    "哪种动物会汪汪叫?{\n=狗\n~猫#它会喵\n~鸡\n}\n\n::鸡::鸡会下蛋。{TRUE#对}\r\n\r\n::论::写一写鸡。{}\n",
    "::a::Who? {~%50%Tom ~%50%Ann}\n\n::b::Match. {=cat -> meow =dog -> bark}\n",
];

const AIKEN: &str = "Which animal barks?\nA. Cat\nB. Dog\nC. Hen\nANSWER: B\n\nWhat is 3.5 plus 2?\nA) 5.5\nB) 6\nANSWER: A\n\n哪种动物游泳\nA. 鱼\nB. 鸡\nANSWER: A\n";

fn foreign(reading: &Reading) -> Vec<&'static str> {
    let codes = [Code::LooksLikeGift, Code::LooksLikeAiken, Code::AikenMisread];
    reading.findings.iter().filter(|f| codes.contains(&f.code)).map(|f| f.code.as_str()).collect()
}

#[test]
fn gift_is_no_paper() {
    for text in GIFT {
        let reading = read(text);
        assert!(reading.documents.is_empty(), "{text}");
        assert_eq!(foreign(&reading), ["looks_like_gift"], "{text}");
        assert_eq!(reading.findings[0].severity, Severity::Error);
    }
}

#[test]
fn aiken_is_read_with_its_keys() {
    for text in [AIKEN.to_owned(), AIKEN.replace('\n', "\r\n"), AIKEN.replace("\n\n", "\n")] {
        let reading = read(&text);
        assert_eq!(foreign(&reading), ["looks_like_aiken"], "{text}\n{:?}", reading.findings);
        let keys: Vec<_> = reading.documents[0].questions.iter().map(|q| q.answer.clone()).collect();
        assert_eq!(keys, ['B', 'A', 'A'].map(|key| Answer::Letters(vec![key])));
    }
}

#[test]
fn a_question_of_aiken_that_was_read_otherwise_is_an_error() {
    let mut reading = read(AIKEN);
    reading.findings.clear();
    reading.documents[0].questions[1].answer = Answer::Letters(vec!['B']);
    super::super::foreign::aiken(AIKEN, &mut reading);
    assert_eq!(foreign(&reading), ["aiken_misread"; 2]);
    assert_eq!((reading.findings[0].question, reading.findings[1].line), (Some(1), 7));
}

#[test]
fn papers_are_not_taken_for_other_formats() {
    let programs = "1. std::vector<int> v{1}; 输出是?\nA. {T}\nB. {=1}\nANSWER: A\n\n2. struct S { int a = 1; };\nA. ::x::\nB. ~S(){}\nANSWER: B\n";
    let sets =
        "一、填空题\n1.集合{x|x=1}与{T}的交集是____。\n\n2.解集为{2}。\n\n二、简答题\n3.说明~与=的区别。\n";
    for text in super::all().map(|p| p.text).chain([programs, sets]) {
        assert_eq!(foreign(&read(text)), [""; 0], "{text}");
    }
    let folders = ["../shared/papers", "../shared/cases/papers"];
    for entry in folders.iter().filter_map(|f| std::fs::read_dir(f).ok()).flatten().flatten() {
        if entry.path().extension().is_some_and(|e| e == "txt") {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            assert_eq!(foreign(&read(&text)), [""; 0], "{:?}", entry.path());
        }
    }
    if folders.iter().any(|f| std::fs::metadata(f).is_err()) {
        eprintln!("skipped: the shared papers are not there");
    }
}

const PETS: &str =
    "一、单选题(共2题,每题1分)\n1.猫的叫声是( A )\nA.喵\nB.汪\n2.狗的叫声是( B )\nA.喵\nB.汪\n";
const HOMES: &str =
    "一、单选题(共2题,每题1分)\n1.鸡住在( A )\nA.地上\nB.水里\n2.鱼住在( B )\nA.地上\nB.水里\n";
const DUTIES: &str =
    "岗位职责\n一、负责设备巡检,做好记录。\n二、负责交接班工作。\n三、完成领导交办的其他任务。\n";

fn titles(reading: &Reading) -> Vec<(&str, usize)> {
    reading.documents.iter().map(|d| (d.title.as_deref().unwrap_or(""), d.questions.len())).collect()
}

#[test]
fn each_of_several_papers_has_its_own_title() {
    for gap in ["", "\n", "\n\n"] {
        let text = format!("测试卷一\n{gap}{PETS}{gap}测试卷二\n{gap}{HOMES}");
        assert_eq!(titles(&read(&text)), [("测试卷一", 2), ("测试卷二", 2)], "{text}");
        let text = format!("{DUTIES}{gap}设备巡检题库\n{gap}{PETS}");
        let reading = read(&text);
        assert_eq!(titles(&reading), [("设备巡检题库", 2)], "{text}");
        assert!(reading.findings.iter().any(|f| f.text.contains("负责设备巡检")), "{:?}", reading.findings);
    }
}

#[test]
fn a_question_cut_off_before_the_next_title_is_told() {
    for (cut, word) in [("3.鸟住在( )\nA.树\n", "鸟住在"), ("3.鸟的羽毛\n", "鸟的羽毛")] {
        for gap in ["", "\n"] {
            let text = format!("测试卷一\n{PETS}{cut}{gap}测试卷二\n{HOMES}");
            let reading = read(&text);
            assert_eq!(titles(&reading).last(), Some(&("测试卷二", 2)), "{text}");
            let told = |f: &&super::super::Finding| {
                matches!(f.code, Code::TruncatedQuestion | Code::UnreadText) && f.text.contains(word)
            };
            assert_eq!(reading.findings.iter().find(told).map(|f| f.document), Some(Some(0)), "{text}");
        }
    }
}
