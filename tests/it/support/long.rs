//! Long work, followed to its end.

use assessd::pb::{
    self, Operation,
    longrunning::{WaitOperationRequest, operation::Result as Outcome},
};
use prost::Message;
use prost_types::Any;

use super::world::As;

/// The message of our package in an envelope of that type.
#[track_caller]
pub fn open<T: Message + Default>(any: &Any, name: &str) -> T {
    assert_eq!(any.type_url, format!("type.googleapis.com/assessment.v1.{name}"));
    T::decode(any.value.as_slice()).unwrap()
}

/// How far the regrade of an operation is.
#[track_caller]
pub fn progress(operation: &Operation) -> pb::RegradeProgress {
    open(operation.metadata.as_ref().unwrap(), "RegradeProgress")
}

/// The regrade of an operation that ended well.
#[track_caller]
pub fn response(operation: &Operation) -> pb::Regrade {
    assert!(operation.done);
    match operation.result.as_ref().unwrap() {
        Outcome::Response(any) => open(any, "Regrade"),
        Outcome::Error(status) => panic!("{status:?}"),
    }
}

impl As {
    /// The operation at its end, without a deadline of its own.
    pub async fn finished(&self, name: &str) -> Operation {
        loop {
            let request = WaitOperationRequest { name: name.to_owned(), timeout: None };
            let operation = self.operations().wait_operation(request).await.unwrap().into_inner();
            if operation.done {
                return operation;
            }
        }
    }

    /// A regrade from its start to its good end.
    pub async fn regrade(&self, request: pb::RegradeExamRequest) -> pb::Regrade {
        let begun = self.grading().regrade_exam(request).await.unwrap().into_inner();
        let regrade = response(&self.finished(&begun.name).await);
        assert_eq!((regrade.state(), regrade.error.as_str()), (pb::RegradeState::Done, ""));
        regrade
    }
}
