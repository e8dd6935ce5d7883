//! The protocol as data: every method that there is, so that a new one must be looked at here.

use assessd::{pb, server::SERVICES};
use prost::Message;
use prost_types::FileDescriptorSet;

/// One RPC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Method {
    /// `Service/Method`
    pub name: String,
}

/// Every RPC of the package that is served.
pub fn methods() -> Vec<Method> {
    let set = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let mut found = Vec::new();
    for file in set.file.iter().filter(|f| f.package() == "assessment.v1") {
        let served = |name: &str| SERVICES.contains(&format!("assessment.v1.{name}").as_str());
        for service in file.service.iter().filter(|s| served(s.name())) {
            for method in &service.method {
                found.push(Method { name: format!("{}/{}", service.name(), method.name()) });
            }
        }
    }
    found.sort();
    found
}

/// Every service of the package, with the package.
pub fn services() -> Vec<String> {
    let mut names: Vec<String> =
        methods().iter().map(|m| format!("assessment.v1.{}", m.name.split('/').next().unwrap())).collect();
    names.dedup();
    names
}

/// Whether a method changes something; panics at one that nobody has placed yet.
pub fn writes(method: &str) -> bool {
    match method.split('/').nth(1).unwrap() {
        "CreateBank"
        | "CreateQuestion"
        | "UpdateQuestion"
        | "PublishQuestion"
        | "BatchPublishQuestions"
        | "RetireQuestion"
        | "ImportQuestions"
        | "CreateApiKey"
        | "RevokeApiKey"
        | "CreateBlueprint"
        | "UpdateBlueprint"
        | "AssembleForms"
        | "CreateExam"
        | "UpdateExam"
        | "StartAttempt"
        | "SaveResponses"
        | "ReleaseResults"
        | "BatchSetAccommodations"
        | "ReportSittingEvents"
        | "VoidAttempt"
        | "SubmitAttempt"
        | "ScoreSubmission"
        | "BatchScoreSubmissions"
        | "UpdateGradingScheme"
        | "ClaimGradingTasks"
        | "ReleaseGradingTasks"
        | "GradeResponse"
        | "RegradeExam"
        | "CancelRegrade"
        | "ResumeRegrade" => true,
        "GetBank"
        | "ListBanks"
        | "GetQuestion"
        | "BatchGetQuestions"
        | "ListQuestions"
        | "ListQuestionVersions"
        | "GetCaller"
        | "ListApiKeys"
        | "GetBlueprint"
        | "ListBlueprints"
        | "CheckBlueprint"
        | "GetForm"
        | "ListForms"
        | "GetExam"
        | "ListExams"
        | "ListAccommodations"
        | "GetAttempt"
        | "ListSittingEvents"
        | "GetReleasedResult"
        | "GetCandidateScore"
        | "GetResult"
        | "ExplainMarks"
        | "ListResults"
        | "GetExamSummary"
        | "GetItemAnalysis"
        | "GetGradingScheme"
        | "ListGradingTasks"
        | "GetGradingProgress"
        | "ListMarkRevisions"
        | "PreviewRegrade"
        | "GetRegrade"
        | "ListRegrades" => false,
        other => {
            panic!("{other} is new: say here whether it writes, and add it to the tests of audit and tenancy")
        }
    }
}
