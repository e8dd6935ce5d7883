//! What the load needs: a bank, a form, an exam.

use std::net::SocketAddr;

use assessd::pb::{
    self, assembly_service_client::AssemblyServiceClient, exam_service_client::ExamServiceClient,
    question_bank_service_client::QuestionBankServiceClient,
};
use tonic::{Request, metadata::MetadataValue, transport::Channel};

use crate::{Anything, POSITIONS};

/// A request with the key.
pub fn authorized<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(value) = MetadataValue::try_from(format!("Bearer {key}")) {
        request.metadata_mut().insert("authorization", value);
    }
    request
}

/// A connection.
pub async fn channel(addr: SocketAddr) -> Anything<Channel> {
    Ok(Channel::from_shared(format!("http://{addr}"))?.tcp_nodelay(true).connect().await?)
}

/// A bank of 50 single-choice questions, one form of all of them, one exam.
pub async fn prepare(addr: SocketAddr, key: &str) -> Anything<()> {
    let channel = channel(addr).await?;
    let mut banks = QuestionBankServiceClient::new(channel.clone());
    let bank = pb::Bank { display_name: "bench".into(), ..Default::default() };
    let create = pb::CreateBankRequest { bank_id: "bench".into(), bank: Some(bank), ..Default::default() };
    banks.create_bank(authorized(create, key)).await?;
    for i in 0..POSITIONS {
        let question = pb::Question {
            kind: pb::QuestionKind::SingleChoice as i32,
            stem: format!("第{i}题: 客户关系管理的核心是什么?"),
            options: ["A", "B", "C", "D"]
                .map(|label| pb::QuestionOption { label: label.into(), text: format!("选项{label}") })
                .to_vec(),
            key: Some(pb::AnswerKey { choices: vec!["B".into()], ..Default::default() }),
            ..Default::default()
        };
        let create = pb::CreateQuestionRequest {
            parent: "banks/bench".into(),
            question: Some(question),
            publish: true,
            ..Default::default()
        };
        banks.create_question(authorized(create, key)).await?;
    }
    let mut assembly = AssemblyServiceClient::new(channel.clone());
    let blueprint = pb::Blueprint {
        display_name: "bench".into(),
        bank: "banks/bench".into(),
        sections: vec![pb::BlueprintSection {
            title: "单项选择题".into(),
            kinds: vec![pb::QuestionKind::SingleChoice as i32],
            count: POSITIONS,
            points_each: "2".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let create = pb::CreateBlueprintRequest {
        blueprint_id: "bench".into(),
        blueprint: Some(blueprint),
        ..Default::default()
    };
    assembly.create_blueprint(authorized(create, key)).await?;
    let assemble = pb::AssembleFormsRequest {
        parent: "blueprints/bench".into(),
        form_count: 1,
        seed: Some(1),
        form_ids: vec!["a".into()],
        ..Default::default()
    };
    assembly.assemble_forms(authorized(assemble, key)).await?;
    let exam = pb::Exam {
        display_name: "bench".into(),
        forms: vec!["blueprints/bench/forms/a".into()],
        max_attempts: 100,
        ..Default::default()
    };
    let create = pb::CreateExamRequest { exam_id: "bench".into(), exam: Some(exam), ..Default::default() };
    ExamServiceClient::new(channel).create_exam(authorized(create, key)).await?;
    Ok(())
}
