//! A tenant that has some of everything, always with the same ids: two tenants of this kind differ in nothing but whose
//! they are.

use assessd::pb;

use super::{
    build::{self, blanks, case, multiple, pick, section, short, single, truth},
    world::As,
};

/// Words that stand in keys, explanations, knowledge points and common mistakes of the populated bank, and nowhere
/// else: who finds one in what a candidate gets has found a leak.
pub const SECRETS: [&str; 5] = ["SECRET-KEY", "SECRET-WHY", "SECRET-POINT", "SECRET-MISTAKE", "SECRET-PART"];

fn noted(mut q: pb::Question) -> pb::Question {
    q.explanation = "SECRET-WHY".to_owned();
    q.knowledge_point = "SECRET-POINT".to_owned();
    q.common_mistake = "SECRET-MISTAKE".to_owned();
    for part in &mut q.parts {
        part.explanation = "SECRET-PART SECRET-WHY".to_owned();
        part.knowledge_point = "SECRET-PART SECRET-POINT".to_owned();
        part.common_mistake = "SECRET-PART SECRET-MISTAKE".to_owned();
    }
    q
}

impl As {
    /// Bank `crm` with every kind of question, each published; the single choices s1 to s4 have three versions (s1) or
    /// one.
    pub async fn populate_bank(&self) {
        self.new_bank("crm").await;
        for i in 1..=4 {
            let mut q = noted(single(&format!("单选第{i}题?"), "B"));
            q.topic = format!("课题{i}");
            q.difficulty = Some(f64::from(i) / 10.0);
            self.publish("banks/crm", &format!("s{i}"), q).await;
        }
        for i in 2..=3 {
            let mut q = noted(single(&format!("单选第1题,第{i}版?"), "B"));
            q.name = "banks/crm/questions/s1".to_owned();
            q.topic = "课题1".to_owned();
            let request = pb::UpdateQuestionRequest { question: Some(q), ..Default::default() };
            self.bank().update_question(request).await.unwrap();
            let request = pb::PublishQuestionRequest {
                name: "banks/crm/questions/s1".to_owned(),
                ..Default::default()
            };
            self.bank().publish_question(request).await.unwrap();
        }
        self.publish("banks/crm", "m1", noted(multiple("多选题?", "AC"))).await;
        self.publish("banks/crm", "i1", noted(build::indeterminate("不定项?", "ABD"))).await;
        self.publish("banks/crm", "t1", noted(truth("判断。", true))).await;
        self.publish("banks/crm", "f1", noted(blanks("填 __ 与 __。", &["SECRET-KEY-1", "SECRET-KEY-2"])))
            .await;
        self.publish("banks/crm", "a1", noted(short("简答?", "SECRET-KEY"))).await;
        let parts = vec![
            single("案例一问?", "D"),
            blanks("案例二问 __", &["SECRET-KEY"]),
            short("案例三问?", "SECRET-KEY"),
        ];
        self.publish("banks/crm", "c1", noted(case("案例材料", parts))).await;
        self.draft("banks/crm", "d1", noted(single("草稿?", "A"))).await;
    }

    /// The bank, the blueprint `standard` and its forms `a`, `b` and `c`: four single choices of 2 points, one question
    /// of 4 points of every other kind but the short answers, which have 6; the case has 9.
    pub async fn populate_forms(&self) {
        use pb::QuestionKind as K;
        self.populate_bank().await;
        let sections = vec![
            section("一、单选", K::SingleChoice, 4, "2"),
            section("二、多选", K::MultipleChoice, 1, "4"),
            section("三、不定项", K::IndeterminateChoice, 1, "4"),
            section("四、判断", K::TrueFalse, 1, "4"),
            section("五、填空", K::FillBlank, 1, "4"),
            section("六、简答", K::ShortAnswer, 1, "6"),
            section("七、案例", K::Case, 1, "9"),
        ];
        self.blueprint("standard", "banks/crm", sections).await;
        self.blueprint("choices", "banks/crm", vec![section("单选", K::SingleChoice, 4, "2")]).await;
        self.blueprint("spare", "banks/crm", vec![section("判断", K::TrueFalse, 1, "1")]).await;
        self.forms("blueprints/standard", &["a", "b", "c"], 7).await;
        self.forms("blueprints/choices", &["x"], 7).await;
    }

    /// The exam `written` with two submissions of two responses that people mark, one of them marked; and three regrades of
    /// `choices` that change nothing.
    async fn populate_grading(&self) {
        self.exam_of("written", &["blueprints/standard/forms/a"], |_| {}).await;
        let written = |position| pb::Response { position, text: "写了".to_owned(), ..Default::default() };
        for candidate in ["w-1", "w-2"] {
            self.submission("exams/written", candidate, vec![written(9), written(12)]).await.unwrap();
        }
        let scheme =
            pb::GradingScheme { name: "exams/written/gradingScheme".to_owned(), ..Default::default() };
        let request = pb::UpdateGradingSchemeRequest { grading_scheme: Some(scheme), ..Default::default() };
        self.grading().update_grading_scheme(request).await.unwrap();
        let claim = pb::ClaimGradingTasksRequest {
            parent: "exams/written".to_owned(),
            grader: "li".to_owned(),
            count: 1,
            ..Default::default()
        };
        let task = self.grading().claim_grading_tasks(claim).await.unwrap().into_inner().tasks.remove(0);
        let request = pb::GradeResponseRequest {
            name: task.name,
            grader: "li".to_owned(),
            points: "0".to_owned(),
            ..Default::default()
        };
        self.grading().grade_response(request).await.unwrap();
        for i in 1..=3 {
            let request = pb::RegradeExamRequest {
                parent: "exams/choices".to_owned(),
                rules: vec![pb::RegradeRule {
                    question: format!("banks/crm/questions/s{i}"),
                    part: 0,
                    mode: pb::RegradeMode::NewKey as i32,
                }],
                reason: "x".to_owned(),
                ..Default::default()
            };
            self.regrade(request).await;
        }
    }

    /// Everything: the forms, the exams `spring`, `summer` and `choices`, three submissions at `spring`, four at
    /// `choices`, one open attempt of `open` and three accommodations at `spring`, and two more API keys.
    pub async fn populate(&self) {
        self.populate_forms().await;
        self.exam_of("spring", &["blueprints/standard/forms/a"], |e| e.max_attempts = 3).await;
        self.exam_of("summer", &["blueprints/standard/forms/a", "blueprints/standard/forms/b"], |_| {}).await;
        self.exam_of("choices", &["blueprints/choices/forms/x"], |e| e.pass_mark = "4".to_owned()).await;
        for candidate in ["e-1", "e-2", "e-3"] {
            self.submission("exams/spring", candidate, vec![pick(1, "B"), pick(2, "A")]).await.unwrap();
        }
        for (candidate, right) in [("e-1", 4), ("e-2", 3), ("e-3", 1), ("e-4", 0)] {
            let responses = (1..=4).map(|i| pick(i, if i <= right { "B" } else { "C" })).collect();
            self.submission("exams/choices", candidate, responses).await.unwrap();
        }
        let request = pb::StartAttemptRequest {
            parent: "exams/spring".to_owned(),
            candidate: "open".to_owned(),
            ..Default::default()
        };
        self.delivery().start_attempt(request).await.unwrap();
        let accommodations = ["x-1", "x-2", "x-3"].map(|candidate| pb::Accommodation {
            candidate: candidate.to_owned(),
            extra_attempts: 1,
            ..Default::default()
        });
        self.accommodate("exams/spring", accommodations.to_vec()).await;
        self.role(&[pb::Role::Author]).await;
        self.role(&[pb::Role::Analyst]).await;
        self.populate_grading().await;
    }
}
