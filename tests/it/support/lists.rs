//! Every list RPC behind one signature, so that what all lists promise is tested on all of them.

use assessd::pb;
use tonic::Status;

use super::{protocol, world::As};

/// The paging fields that lists share; those that a list lacks are not sent.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub parent: String,
    pub size: i32,
    pub token: String,
    pub filter: String,
    pub order_by: String,
}

impl Ask {
    /// Under that parent.
    pub fn under(parent: &str) -> Self {
        Self { parent: parent.to_owned(), ..Self::default() }
    }
}

/// The methods that list in pages, without their service; but the log of a sitting, which is bounded and comes whole, and
/// the history of one attempt, whose name no test knows beforehand.
pub fn methods() -> Vec<String> {
    let all = protocol::methods().into_iter().map(|m| m.name.split('/').nth(1).unwrap().to_owned());
    all.filter(|m| m.starts_with("List") && !["ListSittingEvents", "ListMarkRevisions"].contains(&m.as_str()))
        .collect()
}

/// A page: the names of its rows, and the token of the next one.
pub async fn page(a: &As, method: &str, ask: Ask) -> Result<(Vec<String>, String), Status> {
    let Ask { parent, size: page_size, token: page_token, filter, order_by } = ask;
    Ok(match method {
        "ListBanks" => {
            let show_deleted = false;
            let request = pb::ListBanksRequest { page_size, page_token, filter, order_by, show_deleted };
            let r = a.bank().list_banks(request).await?.into_inner();
            (r.banks.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListQuestions" => {
            let request = pb::ListQuestionsRequest {
                parent,
                page_size,
                page_token,
                filter,
                order_by,
                show_deleted: false,
            };
            let r = a.bank().list_questions(request).await?.into_inner();
            (r.questions.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListQuestionVersions" => {
            let request = pb::ListQuestionVersionsRequest { parent, page_size, page_token };
            let r = a.bank().list_question_versions(request).await?.into_inner();
            (r.versions.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListApiKeys" => {
            let r =
                a.admin().list_api_keys(pb::ListApiKeysRequest { page_size, page_token }).await?.into_inner();
            (r.api_keys.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListBlueprints" => {
            let request =
                pb::ListBlueprintsRequest { page_size, page_token, filter, order_by, show_deleted: false };
            let r = a.assembly().list_blueprints(request).await?.into_inner();
            (r.blueprints.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListForms" => {
            let request =
                pb::ListFormsRequest { parent, page_size, page_token, filter, order_by, show_deleted: false };
            let r = a.assembly().list_forms(request).await?.into_inner();
            (r.forms.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListExams" => {
            let request =
                pb::ListExamsRequest { page_size, page_token, filter, order_by, show_deleted: false };
            let r = a.exam().list_exams(request).await?.into_inner();
            (r.exams.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListResults" => {
            let request = pb::ListResultsRequest {
                parent,
                page_size,
                page_token,
                filter,
                order_by,
                ..Default::default()
            };
            let r = a.result().list_results(request).await?.into_inner();
            (r.results.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListAttempts" => {
            let request = pb::ListAttemptsRequest { parent, page_size, page_token, filter, order_by };
            let r = a.delivery().list_attempts(request).await?.into_inner();
            (r.attempts.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListAccommodations" => {
            let request = pb::ListAccommodationsRequest { parent, page_size, page_token };
            let r = a.exam().list_accommodations(request).await?.into_inner();
            (r.accommodations.into_iter().map(|x| x.candidate).collect(), r.next_page_token)
        }
        "ListGradingTasks" => {
            let request = pb::ListGradingTasksRequest { parent, page_size, page_token, filter };
            let r = a.grading().list_grading_tasks(request).await?.into_inner();
            (r.tasks.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListRegrades" => {
            let request = pb::ListRegradesRequest { parent, page_size, page_token };
            let r = a.grading().list_regrades(request).await?.into_inner();
            (r.regrades.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        "ListOperations" => {
            let name = parent;
            let request = pb::longrunning::ListOperationsRequest { name, page_size, page_token, filter };
            let r = a.operations().list_operations(request).await?.into_inner();
            (r.operations.into_iter().map(|x| x.name).collect(), r.next_page_token)
        }
        other => panic!("{other} is a new list: add it here"),
    })
}

/// All rows, page by page.
pub async fn all(a: &As, method: &str, ask: &Ask) -> Vec<String> {
    let mut names = Vec::new();
    let mut ask = ask.clone();
    for _ in 0..1000 {
        let (page, next) =
            page(a, method, ask.clone()).await.unwrap_or_else(|e| panic!("{method} {ask:?}: {e:?}"));
        assert!(ask.size == 0 || page.len() <= ask.size as usize, "{method}: a page larger than asked for");
        assert!(next.is_empty() || !page.is_empty(), "{method}: an empty page before the last");
        names.extend(page);
        if next.is_empty() {
            return names;
        }
        ask.token = next;
    }
    panic!("{method}: no last page");
}

/// What each list is asked under in a populated tenant, whether it filters, and its orders.
pub fn offer(method: &str) -> (&'static str, Option<&'static str>, &'static [&'static str]) {
    match method {
        "ListBanks" => ("", Some("display_name:*"), &["create_time"]),
        "ListApiKeys" => ("", None, &[]),
        "ListQuestions" => {
            ("banks/crm", Some("state = published"), &["create_time", "update_time", "difficulty"])
        }
        "ListQuestionVersions" => ("banks/crm/questions/s1", None, &[]),
        "ListBlueprints" => ("", Some("bank = \"banks/crm\""), &["create_time"]),
        "ListForms" => ("blueprints/standard", Some("bank = \"banks/crm\""), &["create_time"]),
        "ListExams" => ("", Some("display_name : 考试"), &["create_time"]),
        "ListResults" => {
            ("exams/spring", Some("attempt_number = 1"), &["submit_time", "score", "update_time"])
        }
        "ListAttempts" => ("exams/spring", Some("state != void"), &["candidate", "start_time"]),
        "ListAccommodations" => ("exams/spring", None, &[]),
        "ListGradingTasks" => ("exams/written", Some("question = \"banks/crm/questions/a1\""), &[]),
        "ListRegrades" => ("exams/choices", None, &[]),
        "ListOperations" => ("", Some("done = true AND kind = regrade"), &[]),
        other => panic!("{other} is a new list: add it here"),
    }
}
