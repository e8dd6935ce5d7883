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

/// Every RPC that is for proved callers: of our package, and of the standard interfaces that we serve beside it.
pub fn methods() -> Vec<Method> {
    let set = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let mut found = Vec::new();
    for file in &set.file {
        let served = |name: &str| SERVICES.contains(&format!("{}.{name}", file.package()).as_str());
        for service in file.service.iter().filter(|s| served(s.name())) {
            for method in &service.method {
                found.push(Method { name: format!("{}/{}", service.name(), method.name()) });
            }
        }
    }
    found.sort();
    found
}

/// The package of a method's service.
pub fn package(method: &str) -> &'static str {
    if method.starts_with("Operations/") { "google.longrunning" } else { "assessment.v1" }
}

/// Every service, with its package.
pub fn services() -> Vec<String> {
    let full = |m: &Method| format!("{}.{}", package(&m.name), m.name.split('/').next().unwrap());
    let mut names: Vec<String> = methods().iter().map(full).collect();
    names.dedup();
    names
}

/// The turn and the kind of a method that deletes, archives or the like, such as ("Delete", "Bank"): they are all alike.
pub fn turn(method: &str) -> Option<(&'static str, &'static str)> {
    let turns = ["Undelete", "Delete", "Unarchive", "Archive"];
    let (turn, kind) = turns.into_iter().find_map(|t| method.strip_prefix(t).map(|kind| (t, kind)))?;
    let kinds = ["Bank", "Question", "Blueprint", "Form", "Exam"];
    kinds.into_iter().find(|k| *k == kind).map(|kind| (turn, kind))
}

/// Whether a method changes something; panics at one that nobody has placed yet.
pub fn writes(method: &str) -> bool {
    let short = method.split('/').nth(1).unwrap();
    if turn(short).is_some() {
        return true;
    }
    match method.split('/').nth(1).unwrap() {
        "CreateBank"
        | "UpdateBank"
        | "CreateQuestion"
        | "UpdateQuestion"
        | "PublishQuestion"
        | "BatchPublishQuestions"
        | "RetireQuestion"
        | "UnretireQuestion"
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
        | "ReopenAttempt"
        | "SubmitAttempt"
        | "ScoreSubmission"
        | "BatchScoreSubmissions"
        | "UpdateGradingScheme"
        | "ClaimGradingTasks"
        | "ReleaseGradingTasks"
        | "GradeResponse"
        | "RegradeExam"
        | "CancelRegrade"
        | "ResumeRegrade"
        | "CancelOperation"
        | "DeleteOperation" => true,
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
        | "ListAttempts"
        | "GetReleasedResult"
        | "GetCandidateScore"
        | "GetResult"
        | "ExplainMarks"
        | "ListResults"
        | "BatchGetResults"
        | "GetExamSummary"
        | "GetItemAnalysis"
        | "GetGradingScheme"
        | "ListGradingTasks"
        | "GetGradingProgress"
        | "ListMarkRevisions"
        | "PreviewRegrade"
        | "GetRegrade"
        | "ListRegrades"
        | "ListOperations"
        | "GetOperation"
        | "WaitOperation" => false,
        other => {
            panic!("{other} is new: say here whether it writes, and add it to the tests of audit and tenancy")
        }
    }
}
