//! Who calls and what it may do. A credential becomes a [`Caller`] once, at the edge; everything behind it trusts that.
//!
//! An API key reads `assessd_` + base64url(tenant, key id, secret): it names its tenant, so that looking it up needs no
//! way around row-level security. Only the SHA-256 of the secret is stored.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{error::Error, pb};

const PREFIX: &str = "assessd_";

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes questions.
    Author,
    /// Reviews and publishes questions.
    Reviewer,
    /// Writes blueprints and assembles forms.
    Assembler,
    /// Runs sittings and sends submissions.
    Deliverer,
    /// Marks responses.
    Grader,
    /// Reads results and statistics.
    Analyst,
    /// Keeps exams.
    Operator,
    /// Everything, API keys included.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Author,
        Self::Reviewer,
        Self::Assembler,
        Self::Deliverer,
        Self::Grader,
        Self::Analyst,
        Self::Operator,
        Self::Admin,
    ];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Reviewer => "reviewer",
            Self::Assembler => "assembler",
            Self::Deliverer => "deliverer",
            Self::Grader => "grader",
            Self::Analyst => "analyst",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

impl From<Role> for pb::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Author => Self::Author,
            Role::Reviewer => Self::Reviewer,
            Role::Assembler => Self::Assembler,
            Role::Deliverer => Self::Deliverer,
            Role::Grader => Self::Grader,
            Role::Analyst => Self::Analyst,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// The role of a proto value; `None` for UNSPECIFIED and unknown numbers.
pub fn role_from_pb(value: i32) -> Option<Role> {
    Role::ALL.into_iter().find(|r| pb::Role::from(*r) as i32 == value)
}

/// Who may call what: the one table. A method that is not in it is open to nobody but administrators.
pub fn allowed(method: &str) -> &'static [Role] {
    use Role::*;
    match method {
        "AdminService/GetCaller" => &Role::ALL,
        "QuestionBankService/CreateBank"
        | "QuestionBankService/UpdateBank"
        | "QuestionBankService/CreateQuestion"
        | "QuestionBankService/UpdateQuestion"
        | "QuestionBankService/ImportQuestions" => &[Author],
        "QuestionBankService/PublishQuestion"
        | "QuestionBankService/BatchPublishQuestions"
        | "QuestionBankService/RetireQuestion"
        | "QuestionBankService/UnretireQuestion"
        | "QuestionBankService/DeleteBank"
        | "QuestionBankService/UndeleteBank"
        | "QuestionBankService/ArchiveBank"
        | "QuestionBankService/UnarchiveBank"
        | "QuestionBankService/DeleteQuestion"
        | "QuestionBankService/UndeleteQuestion"
        | "QuestionBankService/ArchiveQuestion"
        | "QuestionBankService/UnarchiveQuestion" => &[Reviewer],
        "QuestionBankService/GetBank"
        | "QuestionBankService/ListBanks"
        | "QuestionBankService/GetQuestion"
        | "QuestionBankService/BatchGetQuestions"
        | "QuestionBankService/ListQuestions"
        | "QuestionBankService/ListQuestionVersions" => &[Author, Reviewer, Assembler, Grader, Analyst],
        "AssemblyService/CreateBlueprint"
        | "AssemblyService/UpdateBlueprint"
        | "AssemblyService/DeleteBlueprint"
        | "AssemblyService/UndeleteBlueprint"
        | "AssemblyService/ArchiveBlueprint"
        | "AssemblyService/UnarchiveBlueprint"
        | "AssemblyService/DeleteForm"
        | "AssemblyService/UndeleteForm"
        | "AssemblyService/ArchiveForm"
        | "AssemblyService/UnarchiveForm"
        | "AssemblyService/CheckBlueprint"
        | "AssemblyService/AssembleForms" => &[Assembler],
        "AssemblyService/GetBlueprint" | "AssemblyService/ListBlueprints" => {
            &[Author, Assembler, Operator, Analyst]
        }
        "AssemblyService/GetForm" | "AssemblyService/ListForms" => &[Assembler, Operator, Grader, Analyst],
        "ExamService/CreateExam"
        | "ExamService/UpdateExam"
        | "ExamService/DeleteExam"
        | "ExamService/UndeleteExam"
        | "ExamService/ArchiveExam"
        | "ExamService/UnarchiveExam"
        | "ExamService/ReleaseResults"
        | "ExamService/BatchSetAccommodations"
        | "DeliveryService/VoidAttempt"
        | "DeliveryService/ReopenAttempt" => &[Operator],
        "ExamService/ListAccommodations"
        | "DeliveryService/ListSittingEvents"
        | "DeliveryService/ListAttempts"
        | "DeliveryService/GetAttempt" => &[Operator, Deliverer],
        "ExamService/GetExam" | "ExamService/ListExams" => &[Operator, Deliverer, Grader, Analyst],
        "DeliveryService/StartAttempt"
        | "DeliveryService/SaveResponses"
        | "DeliveryService/SubmitAttempt"
        | "DeliveryService/ReportSittingEvents"
        | "DeliveryService/GetReleasedResult"
        | "DeliveryService/ScoreSubmission"
        | "DeliveryService/BatchScoreSubmissions" => &[Deliverer],
        "ResultService/GetResult"
        | "ResultService/ExplainMarks"
        | "ResultService/ListResults"
        | "ResultService/GetCandidateScore" => &[Analyst, Operator, Grader],
        // Not for graders: they have their tasks, and an exam may be graded anonymously.
        "ResultService/BatchGetResults"
        | "ResultService/GetExamSummary"
        | "ResultService/GetItemAnalysis" => &[Analyst, Operator],
        "GradingService/GetGradingScheme"
        | "GradingService/GetGradingProgress"
        | "GradingService/ListMarkRevisions" => &[Grader, Operator, Analyst],
        "GradingService/ListGradingTasks" => &[Grader, Operator],
        "GradingService/ClaimGradingTasks"
        | "GradingService/ReleaseGradingTasks"
        | "GradingService/GradeResponse" => &[Grader],
        "GradingService/UpdateGradingScheme"
        | "GradingService/PreviewRegrade"
        | "GradingService/RegradeExam"
        | "GradingService/CancelRegrade"
        | "GradingService/ResumeRegrade" => &[Operator],
        "GradingService/GetRegrade" | "GradingService/ListRegrades" => &[Operator, Analyst],
        // Regrades are the only kind so far: whoever may read them reads their operations, whoever may start one stops it.
        "Operations/ListOperations" | "Operations/GetOperation" | "Operations/WaitOperation" => {
            &[Operator, Analyst]
        }
        "Operations/CancelOperation" | "Operations/DeleteOperation" => &[Operator],
        _ => &[],
    }
}

/// What a call does beside its own work where a field asks for it, and the method whose roles that needs: whoever may not
/// publish by the call that is for it publishes by no other. [`Caller::check_beside`] asks this table.
pub const BESIDE: &[(&str, &str, &str)] = &[
    ("QuestionBankService/CreateQuestion", "publish", "QuestionBankService/PublishQuestion"),
    ("QuestionBankService/ImportQuestions", "header.publish", "QuestionBankService/PublishQuestion"),
    ("QuestionBankService/ImportQuestions", "header.create_bank", "QuestionBankService/CreateBank"),
    ("QuestionBankService/ImportQuestions", "header.blueprint_id", "AssemblyService/CreateBlueprint"),
    ("ExamService/CreateExam", "exam.release", "ExamService/ReleaseResults"),
    ("ExamService/UpdateExam", "exam.release", "ExamService/ReleaseResults"),
    ("Operations/CancelOperation", "name", "GradingService/CancelRegrade"),
];

/// A tenant, as far as a call needs it.
#[derive(Debug)]
pub struct Tenant {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub display_name: String,
    /// Signs the page tokens of its lists.
    pub page_secret: Vec<u8>,
    /// The bytes of its requests that this process holds just now.
    pub under_way: Arc<AtomicUsize>,
}

/// A checked API key.
#[derive(Debug)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// The tenant it belongs to.
    pub tenant: Arc<Tenant>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// When it ends by itself.
    pub expire_time: Option<DateTime<Utc>>,
}

impl Key {
    /// Whether it has not expired.
    pub fn is_alive(&self) -> bool {
        self.expire_time.is_none_or(|time| time > Utc::now())
    }
}

/// Who makes the present call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The API key.
    pub key: Uuid,
    /// What it may do.
    pub roles: Vec<Role>,
    /// `Service/Method` of the call.
    pub method: String,
    /// When its time is over.
    pub deadline: Instant,
    /// The longest that one call may take.
    pub patience: Duration,
}

impl Caller {
    /// The caller of a call with this key.
    pub fn new(key: &Key, method: &str, deadline: Instant) -> Self {
        Self {
            patience: deadline.saturating_duration_since(Instant::now()),
            tenant: Arc::clone(&key.tenant),
            key: key.id,
            roles: key.roles.clone(),
            method: method.to_owned(),
            deadline,
        }
    }

    /// The caller that the edge proved.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Error> {
        let caller = request.extensions().get::<Self>().cloned();
        caller.ok_or(Error::Unauthenticated("the call did not pass the edge"))
    }

    /// The same caller with its time renewed: for the elements of a stream, which may last longer than one call.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self { deadline: Instant::now() + self.patience, ..self.clone() }
    }

    /// Whether one of its roles allows a method.
    pub fn may(&self, method: &str) -> bool {
        let allowed = allowed(method);
        self.roles.iter().any(|r| *r == Role::Admin || allowed.contains(r))
    }

    /// Fails unless one of its roles allows the present method.
    pub fn check_role(&self) -> Result<(), Error> {
        if self.may(&self.method) {
            return Ok(());
        }
        Err(Error::Forbidden(format!("{} needs one of the roles {}", self.method, names(&self.method))))
    }

    /// Fails unless one of its roles allows what a field asks the present method to do beside its own work.
    pub fn check_beside(&self, field: &str) -> Result<(), Error> {
        let known = BESIDE.iter().find(|(method, of, _)| *method == self.method && *of == field);
        let (_, _, needs) =
            known.ok_or(Error::Internal("a field that does more is not in the table".into()))?;
        if self.may(needs) {
            return Ok(());
        }
        let message = format!(
            "{field} of {} does what {needs} is for, which needs one of the roles {}",
            self.method,
            names(needs)
        );
        Err(Error::Forbidden(message))
    }

    /// The words of the roles that allow the present method, but for one.
    pub fn roles_but(&self, role: Role) -> String {
        let others = allowed(&self.method).iter().chain([&Role::Admin]).filter(|r| **r != role);
        others.map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Whether that role is the only one of its roles that allows the present method.
    pub fn acts_only_as(&self, role: Role) -> bool {
        let allowed = allowed(&self.method);
        !self.roles.iter().any(|r| *r != role && (*r == Role::Admin || allowed.contains(r)))
    }
}

/// The words of the roles that allow a method.
fn names(method: &str) -> String {
    let names: Vec<&str> = allowed(method).iter().chain([&Role::Admin]).map(|r| r.as_str()).collect();
    names.join(", ")
}

/// The parts of a presented credential.
#[derive(Clone, Copy)]
pub struct Credential {
    /// The tenant it claims.
    pub tenant: Uuid,
    /// The key it claims.
    pub key: Uuid,
    secret: [u8; 32],
}

impl Credential {
    /// A new key of that tenant: the credential, and the text that is shown once.
    pub fn generate(tenant: Uuid) -> Result<(Self, String), Error> {
        let mut secret = [0; 32];
        rand::rngs::OsRng
            .try_fill_bytes(&mut secret)
            .map_err(|_| Error::Internal("the system gives no random bytes".into()))?;
        let credential = Self { tenant, key: Uuid::now_v7(), secret };
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(credential.tenant.as_bytes());
        bytes.extend(credential.key.as_bytes());
        bytes.extend(secret);
        Ok((credential, format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// From the metadata value `Bearer assessd_…`.
    pub fn from_header(value: &str) -> Option<Self> {
        let (scheme, token) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token.trim().strip_prefix(PREFIX)?).ok()?;
        let bytes: [u8; 64] = bytes.try_into().ok()?;
        let mut secret = [0; 32];
        secret.copy_from_slice(&bytes[32..]);
        Some(Self {
            tenant: Uuid::from_slice(&bytes[..16]).ok()?,
            key: Uuid::from_slice(&bytes[16..32]).ok()?,
            secret,
        })
    }

    /// The hash that is stored.
    pub fn secret_hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// Tells this credential from every other one, and no secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.tenant)
            .chain_update(self.key)
            .chain_update(self.secret)
            .finalize()
            .into()
    }

    /// Whether the stored hash is that of this secret, in constant time.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.secret_hash().as_slice().ct_eq(stored).into()
    }
}

/// Random bytes for a tenant's page tokens.
pub fn page_secret() -> Result<Vec<u8>, Error> {
    let mut secret = vec![0; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut secret)
        .map_err(|_| Error::Internal("the system gives no random bytes".into()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_survives_its_text() {
        let (made, text) = Credential::generate(Uuid::now_v7()).unwrap();
        let read = Credential::from_header(&format!("Bearer {text}")).unwrap();
        assert_eq!((read.tenant, read.key), (made.tenant, made.key));
        assert!(read.matches(&made.secret_hash()));
        assert!(!read.matches(&[0; 32]));
        assert!(Credential::from_header(&text).is_none());
        assert!(Credential::from_header("Bearer assessd_AAAA").is_none());
    }

    #[test]
    fn every_method_of_the_protocol_has_its_roles() {
        use prost::Message;
        let set = prost_types::FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
        let mut seen = 0;
        let all = set
            .file
            .iter()
            .flat_map(|f| f.service.iter().map(|s| (format!("{}.{}", f.package(), s.name()), s)));
        for (_, service) in all.filter(|(name, _)| crate::server::SERVICES.contains(&name.as_str())) {
            for method in &service.method {
                let name = format!("{}/{}", service.name(), method.name());
                let only_admins = name.starts_with("AdminService/") && name != "AdminService/GetCaller";
                assert_eq!(allowed(&name).is_empty(), only_admins, "{name}");
                seen += 1;
            }
        }
        assert!(seen > 25, "{seen} methods seen");
    }

    #[test]
    fn proto_and_domain_know_the_same_roles() {
        for role in Role::ALL {
            assert_eq!(role_from_pb(pb::Role::from(role) as i32), Some(role));
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(role_from_pb(0), None);
        assert!(pb::Role::try_from(Role::ALL.len() as i32 + 1).is_err());
    }
}
