//! Two hundred people who do not exist: what they can do, and what they answer.
//!
//! Each has an ability θ, each question a difficulty b and a discrimination a; who knows an answer is drawn with the
//! two-parameter logistic chance 1 / (1 + exp(-a (θ - b))), and who does not know guesses, picks half of the keys or
//! leaves a blank. Everything follows from one seed. Only an author may read the keys that this needs; no candidate
//! ever gets them.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::pb::{self, QuestionKind};

const SEED: u64 = 20_260_401;

/// A person who sits the exam.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// What the caller's systems call this person.
    pub(super) id: String,
    ability: f64,
    rng: ChaCha8Rng,
}

/// So many people, the same ones every time.
pub(super) fn people(count: u64) -> Vec<Person> {
    (0..count)
        .map(|n| {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED + n);
            let ability = normal(&mut rng) + 0.4;
            Person { id: format!("e-{}", 1001 + n), ability, rng }
        })
        .collect()
}

/// Standard normal, after Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What of a question decides how it is answered.
struct Task<'a> {
    kind: QuestionKind,
    stem: &'a str,
    options: &'a [pb::QuestionOption],
    key: Option<&'a pb::AnswerKey>,
}

impl Task<'_> {
    /// How well it tells people apart, and how hard it is: the same for the same words.
    fn traits(&self) -> (f64, f64) {
        let hash = Sha256::digest(self.stem.as_bytes());
        let mut rng = ChaCha8Rng::from_seed(hash.into());
        (0.8 + rng.random::<f64>(), normal(&mut rng) * 0.8)
    }
}

impl Person {
    /// This person's answers to a form. The question at position `odd` works the wrong way round: the better somebody
    /// is, the more likely the first wrong option is picked, as happens where a key is wrong.
    pub(super) fn answer(&mut self, form: &pb::Form, odd: Option<i32>) -> Vec<pb::Response> {
        let mut responses = Vec::new();
        for item in form.sections.iter().flat_map(|section| &section.items) {
            let Some(question) = &item.question else { continue };
            let whole = Task {
                kind: item.kind(),
                stem: &question.stem,
                options: &question.options,
                key: question.key.as_ref(),
            };
            if item.kind() != QuestionKind::Case {
                responses.push(self.answer_one(item.position, &whole, odd == Some(item.position)));
                continue;
            }
            for (part, position) in question.parts.iter().zip(item.position..) {
                let task = Task {
                    kind: part.kind(),
                    stem: &part.stem,
                    options: &part.options,
                    key: part.key.as_ref(),
                };
                responses.push(self.answer_one(position, &task, false));
            }
        }
        responses
    }

    fn answer_one(&mut self, position: i32, task: &Task, odd: bool) -> pb::Response {
        let (a, b) = task.traits();
        let lean = a * (self.ability - b);
        let mut response = pb::Response { position, ..pb::Response::default() };
        match task.kind {
            QuestionKind::SingleChoice => {
                let key = task.key.and_then(|key| key.choices.first());
                let wrong: Vec<&str> = task
                    .options
                    .iter()
                    .map(|o| o.label.as_str())
                    .filter(|l| Some(*l) != key.map(String::as_str))
                    .collect();
                let pick = if odd && self.chance(logistic(1.8 * self.ability)) {
                    wrong.first().copied()
                } else if !odd && self.chance(logistic(lean)) {
                    key.map(String::as_str)
                } else if self.chance(0.04) {
                    None
                } else {
                    // A guess, and the first wrong option looks best.
                    let guess = self.rng.random_range(0..task.options.len() + 1);
                    task.options.get(guess).map(|o| o.label.as_str()).or(wrong.first().copied())
                };
                response.choices = pick.map(str::to_owned).into_iter().collect();
            }
            QuestionKind::MultipleChoice | QuestionKind::IndeterminateChoice => {
                let keys = task.key.map(|key| key.choices.as_slice()).unwrap_or_default();
                let knows = self.chance(logistic(lean));
                for option in task.options {
                    let right = keys.contains(&option.label);
                    let picked = if knows {
                        right
                    } else if right {
                        self.chance(logistic(lean * 0.5 + 0.7))
                    } else {
                        self.chance(logistic(-lean * 0.5 - 1.2))
                    };
                    if picked {
                        response.choices.push(option.label.clone());
                    }
                }
            }
            QuestionKind::TrueFalse => {
                let truth = task.key.and_then(|key| key.truth);
                response.truth = if self.chance(logistic(lean)) {
                    truth
                } else if self.chance(0.03) {
                    None
                } else {
                    Some(self.chance(0.5))
                };
            }
            QuestionKind::FillBlank => {
                let blanks = task.key.map(|key| key.blanks.as_slice()).unwrap_or_default();
                response.texts = blanks
                    .iter()
                    .map(|blank| {
                        let right = blank.accepted.first().map(|a| a.text.clone()).unwrap_or_default();
                        if self.chance(logistic(lean)) {
                            right
                        } else if self.chance(0.3) {
                            String::new()
                        } else {
                            "不清楚".to_owned()
                        }
                    })
                    .collect();
                if response.texts.iter().all(String::is_empty) {
                    response.texts.clear();
                }
            }
            QuestionKind::ShortAnswer | QuestionKind::Essay => {
                response.text = "先致歉并核实情况,再给出方案和时限,最后回访确认。".to_owned();
            }
            // The papers of the demonstration have no others.
            _ => {}
        }
        response
    }

    fn chance(&mut self, p: f64) -> bool {
        self.rng.random::<f64>() < p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_the_same_every_time_and_differ() {
        let (once, twice) = (people(200), people(200));
        assert!(once.iter().zip(&twice).all(|(a, b)| a.ability == b.ability && a.id == b.id));
        let mean = once.iter().map(|p| p.ability).sum::<f64>() / 200.0;
        assert!((0.2..0.6).contains(&mean), "{mean}");
        assert!(once.iter().any(|p| p.ability > 1.5) && once.iter().any(|p| p.ability < -0.8));
    }
}
