//! Builders for the common case. What they make is complete and right unless told otherwise.

use assessd::pb;

use super::world::As;

/// A question with nothing but its kind and stem.
pub trait Bare {
    fn bare(kind: pb::QuestionKind, stem: &str) -> Self;
}

impl Bare for pb::Question {
    fn bare(kind: pb::QuestionKind, stem: &str) -> Self {
        Self { kind: kind as i32, stem: stem.to_owned(), ..Default::default() }
    }
}

/// Options A, B, C, … with these texts.
pub fn options(texts: &[&str]) -> Vec<pb::QuestionOption> {
    (b'A'..=b'Z')
        .zip(texts)
        .map(|(label, text)| pb::QuestionOption {
            label: char::from(label).to_string(),
            text: (*text).to_owned(),
        })
        .collect()
}

/// The key of a choice question, such as "AC".
pub fn key(letters: &str) -> Option<pb::AnswerKey> {
    Some(pb::AnswerKey { choices: letters.chars().map(String::from).collect(), ..Default::default() })
}

/// A single choice of four.
pub fn single(stem: &str, right: &str) -> pb::Question {
    pb::Question {
        options: options(&["甲", "乙", "丙", "丁"]),
        key: key(right),
        ..pb::Question::bare(pb::QuestionKind::SingleChoice, stem)
    }
}

/// A multiple choice of four.
pub fn multiple(stem: &str, right: &str) -> pb::Question {
    pb::Question { kind: pb::QuestionKind::MultipleChoice as i32, ..single(stem, right) }
}

/// An indeterminate choice of four.
pub fn indeterminate(stem: &str, right: &str) -> pb::Question {
    pb::Question { kind: pb::QuestionKind::IndeterminateChoice as i32, ..single(stem, right) }
}

/// A statement.
pub fn truth(stem: &str, right: bool) -> pb::Question {
    pb::Question {
        key: Some(pb::AnswerKey { truth: Some(right), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::TrueFalse, stem)
    }
}

/// Blanks, each with one accepted answer.
pub fn blanks(stem: &str, right: &[&str]) -> pb::Question {
    let blanks = right.iter().map(|text| pb::BlankKey {
        accepted: vec![pb::AcceptedAnswer { text: (*text).to_owned(), percent: 100 }],
    });
    pb::Question {
        key: Some(pb::AnswerKey { blanks: blanks.collect(), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::FillBlank, stem)
    }
}

/// A short answer with a reference answer.
pub fn short(stem: &str, reference: &str) -> pb::Question {
    pb::Question {
        key: Some(pb::AnswerKey { reference: reference.to_owned(), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::ShortAnswer, stem)
    }
}

/// A long text with a reference answer.
pub fn essay(stem: &str, reference: &str) -> pb::Question {
    pb::Question { kind: pb::QuestionKind::Essay as i32, ..short(stem, reference) }
}

/// A number, exactly or within an absolute tolerance where one is given.
pub fn numeric(stem: &str, value: &str, absolute: &str) -> pb::Question {
    let tolerance = (!absolute.is_empty()).then(|| pb::numeric_key::Tolerance::Absolute(absolute.to_owned()));
    let number = pb::NumericKey { value: value.to_owned(), tolerance, ..Default::default() };
    pb::Question {
        key: Some(pb::AnswerKey { number: Some(number), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::Numeric, stem)
    }
}

/// Three prompts and four options; the key such as "CAD" names the option of each prompt.
pub fn matching(stem: &str, right: &str) -> pb::Question {
    let pairs = right.chars().zip(1..);
    let pairs = pairs.map(|(option, prompt)| pb::MatchedPair { prompt, option: option.to_string() });
    pb::Question {
        prompts: ["一", "二", "三"].map(str::to_owned).to_vec(),
        options: options(&["子", "丑", "寅", "卯"]),
        key: Some(pb::AnswerKey { pairs: pairs.collect(), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::Matching, stem)
    }
}

/// Four items; the key such as "CADB" is their order.
pub fn ordering(stem: &str, right: &str) -> pb::Question {
    pb::Question {
        options: options(&["春", "夏", "秋", "冬"]),
        key: Some(pb::AnswerKey { order: right.chars().map(String::from).collect(), ..Default::default() }),
        ..pb::Question::bare(pb::QuestionKind::Ordering, stem)
    }
}

/// A part of a case from a plain question.
pub fn part(question: pb::Question) -> pb::QuestionPart {
    pb::QuestionPart {
        weight: 1,
        kind: question.kind,
        stem: question.stem,
        options: question.options,
        prompts: question.prompts,
        key: question.key,
        policy: question.policy,
        explanation: question.explanation,
        knowledge_point: question.knowledge_point,
        common_mistake: question.common_mistake,
    }
}

/// A case.
pub fn case(material: &str, parts: Vec<pb::Question>) -> pb::Question {
    pb::Question {
        parts: parts.into_iter().map(part).collect(),
        ..pb::Question::bare(pb::QuestionKind::Case, material)
    }
}

/// A section of a blueprint.
pub fn section(title: &str, kind: pb::QuestionKind, count: i32, points_each: &str) -> pb::BlueprintSection {
    pb::BlueprintSection {
        title: title.to_owned(),
        kinds: vec![kind as i32],
        count,
        points_each: points_each.to_owned(),
        ..Default::default()
    }
}

impl As {
    /// Creates a bank of that id; its name.
    pub async fn new_bank(&self, id: &str) -> String {
        let request = pb::CreateBankRequest {
            bank_id: id.to_owned(),
            bank: Some(pb::Bank { display_name: format!("题库 {id}"), ..Default::default() }),
            ..Default::default()
        };
        self.bank().create_bank(request).await.unwrap().into_inner().name
    }

    /// Creates a question of that id as a draft.
    pub async fn draft(&self, bank: &str, id: &str, question: pb::Question) -> pb::Question {
        self.put(bank, id, question, false).await
    }

    /// Creates a question of that id and publishes it.
    pub async fn publish(&self, bank: &str, id: &str, question: pb::Question) -> pb::Question {
        self.put(bank, id, question, true).await
    }

    async fn put(&self, bank: &str, id: &str, question: pb::Question, publish: bool) -> pb::Question {
        let request = pb::CreateQuestionRequest {
            parent: bank.to_owned(),
            question_id: id.to_owned(),
            question: Some(question),
            publish,
            ..Default::default()
        };
        self.bank().create_question(request).await.unwrap().into_inner()
    }

    /// The question as it stands.
    pub async fn question(&self, name: &str) -> pb::Question {
        let request = pb::GetQuestionRequest { name: name.to_owned(), ..Default::default() };
        self.bank().get_question(request).await.unwrap().into_inner()
    }

    /// Creates a blueprint of that id; its name.
    pub async fn blueprint(&self, id: &str, bank: &str, sections: Vec<pb::BlueprintSection>) -> String {
        let request = pb::CreateBlueprintRequest {
            blueprint_id: id.to_owned(),
            blueprint: Some(pb::Blueprint {
                display_name: format!("蓝图 {id}"),
                bank: bank.to_owned(),
                sections,
                ..Default::default()
            }),
            ..Default::default()
        };
        self.assembly().create_blueprint(request).await.unwrap().into_inner().name
    }

    /// Draws forms with these ids.
    pub async fn forms(&self, blueprint: &str, ids: &[&str], seed: i64) -> Vec<pb::Form> {
        let request = pb::AssembleFormsRequest {
            parent: blueprint.to_owned(),
            form_count: ids.len() as i32,
            seed: Some(seed),
            allow_shared_questions: true,
            form_ids: ids.iter().map(|i| (*i).to_owned()).collect(),
            ..Default::default()
        };
        self.assembly().assemble_forms(request).await.unwrap().into_inner().forms
    }

    /// Creates an exam of that id over these forms; `change` has the last word.
    pub async fn exam_of(&self, id: &str, forms: &[&str], change: impl FnOnce(&mut pb::Exam)) -> String {
        let mut exam = pb::Exam {
            display_name: format!("考试 {id}"),
            forms: forms.iter().map(|f| (*f).to_owned()).collect(),
            ..Default::default()
        };
        change(&mut exam);
        let request =
            pb::CreateExamRequest { exam_id: id.to_owned(), exam: Some(exam), ..Default::default() };
        self.exam().create_exam(request).await.unwrap().into_inner().name
    }

    /// Sets accommodations; what became of each.
    pub async fn accommodate(
        &self,
        exam: &str,
        accommodations: Vec<pb::Accommodation>,
    ) -> Vec<pb::BatchSetAccommodationsElement> {
        let request = pb::BatchSetAccommodationsRequest {
            parent: exam.to_owned(),
            accommodations,
            ..Default::default()
        };
        self.exam().batch_set_accommodations(request).await.unwrap().into_inner().elements
    }

    /// Sends a submission of a candidate who sat elsewhere.
    pub async fn submission(
        &self,
        exam: &str,
        candidate: &str,
        responses: Vec<pb::Response>,
    ) -> Result<pb::Result, tonic::Status> {
        let request = pb::ScoreSubmissionRequest {
            parent: exam.to_owned(),
            candidate: candidate.to_owned(),
            responses,
            request_id: format!("{}-{candidate}", exam.replace('/', "-")),
            ..Default::default()
        };
        self.delivery().score_submission(request).await.map(tonic::Response::into_inner)
    }
}

/// A response that gives a number.
pub fn number(position: i32, number: &str) -> pb::Response {
    pb::Response { position, number: number.to_owned(), ..Default::default() }
}

/// A response that pairs prompts with options, such as "1C 3A".
pub fn pairs(position: i32, pairs: &str) -> pb::Response {
    let pair = |pair: &str| {
        let at = pair.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(pair.len());
        pb::MatchedPair { prompt: pair[..at].parse().unwrap_or(0), option: pair[at..].to_owned() }
    };
    pb::Response { position, pairs: pairs.split_whitespace().map(pair).collect(), ..Default::default() }
}

/// A response that brings options into this order, such as "CAB".
pub fn order(position: i32, letters: &str) -> pb::Response {
    pb::Response { position, order: letters.chars().map(String::from).collect(), ..Default::default() }
}

/// A response that picks these letters.
pub fn pick(position: i32, letters: &str) -> pb::Response {
    pb::Response { position, choices: letters.chars().map(String::from).collect(), ..Default::default() }
}
