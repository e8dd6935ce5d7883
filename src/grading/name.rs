//! The names of tasks. Where an exam is graded anonymously a name must not say whose response it is: it is sealed for
//! the tenant, so that it stays the same and is found again, and nobody reads the attempt in it. Both kinds are read at
//! any time, so that what was claimed before a scheme changed can be marked after it; but a name that holds the attempt
//! means nothing to graders of an anonymous exam, else they could ask for a candidate's response by it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::{
    auth::{Caller, Role, Tenant},
    error::{Error, Result},
    ids::{ExamId, IdError, TaskName},
    veil,
};

const SHAPE: &str =
    "exams/{exam}/gradingTasks/{task} or exams/{exam}/attempts/{attempt}/responses/{position}";
/// Bytes of an attempt's id, and with those of the position.
const ATTEMPT: usize = 16;
const WHOLE: usize = ATTEMPT + 4;

/// A task as a caller named it.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// What is meant.
    pub task: TaskName,
    /// The name says nothing of the attempt.
    pub veiled: bool,
    /// As it was given: what answers call it.
    pub text: String,
}

impl Named {
    /// Reads a name of either kind.
    pub fn parse(text: &str, tenant: &Tenant) -> Result<Self, IdError> {
        let wrong = || IdError::Name(SHAPE);
        let veiled = text.strip_prefix("exams/").and_then(|rest| rest.split_once("/gradingTasks/"));
        let task = match veiled {
            None => text.parse().map_err(|_| wrong())?,
            Some((exam, sealed)) => {
                let exam: ExamId = exam.parse().map_err(|_| wrong())?;
                let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| wrong())?;
                // What was never a name reads as one of a response that is not there: nobody can tell the two apart.
                let plain = veil::open(&tenant.page_secret, &purpose(tenant, &exam), &bytes);
                let known =
                    plain.as_deref().filter(|p| p.len() == WHOLE).and_then(|p| p.split_at_checked(ATTEMPT));
                let attempt = known.and_then(|(id, _)| Uuid::from_slice(id).ok()).unwrap_or_default();
                let position = known
                    .and_then(|(_, at)| Some(i32::from_be_bytes(at.try_into().ok()?)))
                    .unwrap_or_default();
                TaskName { exam, attempt, position }
            }
        };
        Ok(Self { task, veiled: veiled.is_some(), text: text.to_owned() })
    }

    /// Refuses a name that holds the attempt where the caller must not know whose response it marks. Said before the
    /// attempt is looked for, so that it tells nothing of it.
    pub fn check(&self, caller: &Caller, anonymous: bool) -> Result<()> {
        if self.veiled || !anonymous || !caller.acts_only_as(Role::Grader) {
            return Ok(());
        }
        let message = format!(
            "exams/{} is graded anonymously: name the task as ClaimGradingTasks and ListGradingTasks do",
            self.task.exam
        );
        Err(Error::refused("GRADED_ANONYMOUSLY", format!("exams/{}", self.task.exam), message))
    }
}

/// The name that answers give a task.
pub fn show(task: &TaskName, tenant: &Tenant, anonymous: bool) -> String {
    if !anonymous {
        return task.to_string();
    }
    let plain = [task.attempt.as_bytes().as_slice(), &task.position.to_be_bytes()].concat();
    let sealed = veil::seal(&tenant.page_secret, &purpose(tenant, &task.exam), &plain);
    format!("exams/{}/gradingTasks/{}", task.exam, URL_SAFE_NO_PAD.encode(sealed))
}

fn purpose<'a>(tenant: &'a Tenant, exam: &'a ExamId) -> [&'a [u8]; 3] {
    [b"grading task", tenant.id.as_bytes(), exam.as_str().as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_veiled_name_is_found_again_and_says_nothing() {
        let tenant = |secret: u8| Tenant {
            id: Uuid::nil(),
            display_name: String::new(),
            page_secret: vec![secret; 32],
            under_way: Default::default(),
        };
        let attempt = Uuid::now_v7();
        let task = TaskName { exam: "spring".parse().unwrap(), attempt, position: 9 };
        let (open, veiled) = (show(&task, &tenant(1), false), show(&task, &tenant(1), true));
        let read = |text: &str, secret| Named::parse(text, &tenant(secret)).unwrap();
        assert_eq!((read(&open, 1).task, read(&open, 1).veiled), (task.clone(), false));
        assert_eq!((read(&veiled, 1).task, read(&veiled, 1).veiled), (task.clone(), true));
        assert_eq!(show(&task, &tenant(1), true), veiled);
        assert!(!veiled.contains(&attempt.to_string()) && !veiled.contains(&attempt.simple().to_string()));
        let none = |text: &str, secret| read(text, secret).task.attempt == Uuid::nil();
        // Another tenant's, another exam's, altered.
        assert!(none(&veiled, 2) && none(&veiled.replace("spring", "autumn"), 1));
        assert!(none(&veiled.replace("gradingTasks/", "gradingTasks/AAAA"), 1));
        for wrong in
            ["exams/spring/gradingTasks/", "exams/spring/gradingTasks/%", "exams//gradingTasks/AAAA", "x"]
        {
            assert_eq!(
                Named::parse(wrong, &tenant(1)).is_err(),
                wrong != "exams/spring/gradingTasks/",
                "{wrong}"
            );
        }
    }
}
